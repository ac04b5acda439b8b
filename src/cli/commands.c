/* SPDX-License-Identifier: Apache-2.0 */
/* The table of verbs. */
#include "cli/cli.h"
#include "cli/cmd_options.h"

/* Of the verbs that ask a server. */
#define REMOTE                                                                                      \
    "\nWhich server: --kubeconfig, else KUBECONFIG, else that of `tiphys server` on this machine\n" \
    "(STATE/kubeconfig), else ~/.kube/config. Ends with 1 when it failed, with 2 for wrong usage."

const struct tph_command tph_commands[] = {
    {
        .name = "run",
        .arguments = "[FILE|DIR|-]...",
        .summary = "run workflows here, with their plugins as sandboxed processes",
        .details =
            "Takes Workflows, ExecutorPlugins (a directory with plugin.yaml and server.*), plugin ConfigMaps, Secrets\n"
            "and ConfigMaps, in any order and number. A directory gives its *.yaml, *.yml and *.json. Ends with 0 "
            "when\n"
            "every workflow Succeeded, 1 when one Failed, 2 for wrong usage or manifests, 130 after Ctrl-C.",
        .examples = "  tiphys run examples/hello\n"
                    "  tiphys run workflow.yaml --plugin ./my-plugin -p message=hi\n"
                    "  tiphys run workflow.yaml my-executor-plugin-configmap.yaml secret.yaml -o json\n"
                    "  cat workflow.yaml | tiphys run - --plugin ./my-plugin --log",
        .options = tph_run_options_table,
        .run = tph_cmd_run,
    },
    {
        .name = "server",
        .summary = "serve the Kubernetes API for kubectl and other clients, on a durable store",
        .details =
            "Objects are kept in DIR/store.db: what was answered is there after kill -9. Prints its address and the\n"
            "administrator's kubeconfig once it serves; the first start makes a CA, a certificate and a token. Other\n"
            "users come with `tiphys token add`. SIGTERM, SIGINT or SIGHUP ends it when what is under way is done.",
        .examples =
            "  tiphys server\n"
            "  kubectl --kubeconfig ~/.local/state/tiphys/kubeconfig get workflows\n"
            "  tiphys server --listen 0.0.0.0:8443 --tls-cert cert.pem --tls-key key.pem --url https://wf.example.org\n"
            "  tiphys server --plain-http --listen 127.0.0.1:8080   without TLS and users",
        .options = tph_server_options,
        .run = tph_cmd_server,
    },
    {
        .name = "submit",
        .arguments = "[FILE|DIR|-]...",
        .summary = "send workflows to a server",
        .details =
            "They are linted first, with the templates that the server has. With --wait, --watch or --log it stays\n"
            "until they are over and ends with 0 when every one Succeeded, else with 1; Ctrl-C leaves them "
            "alone." REMOTE,
        .examples = "  tiphys submit workflow.yaml --watch\n"
                    "  tiphys submit workflow.yaml -p message=hi --wait -o name\n"
                    "  tiphys submit --from wftmpl/nightly --labels team=a\n"
                    "  cat workflow.yaml | tiphys submit - --log",
        .options = tph_submit_options_table,
        .run = tph_cmd_submit,
    },
    {
        .name = "watch",
        .arguments = "NAME|@latest...",
        .summary = "show what a workflow of a server does until it is over",
        .details = "On a terminal the tree of its nodes, else a line for each change. Ends with 0 when it Succeeded, "
                   "else with\n"
                   "1; Ctrl-C leaves the workflow alone. A server that starts anew meanwhile is waited for." REMOTE,
        .examples = "  tiphys watch @latest\n"
                    "  tiphys watch @latest | tee events.txt",
        .options = tph_watch_options_table,
        .run = tph_cmd_watch,
    },
    {
        .name = "logs",
        .arguments = "NAME|@latest [POD]",
        .summary = "print what the sidecars of a workflow said",
        .details = "Sidecars are shared: what they said for other workflows of the namespace is there, too." REMOTE,
        .examples = "  tiphys logs @latest\n"
                    "  tiphys logs @latest -f\n"
                    "  tiphys logs @latest -c my-executor-plugin --tail 20",
        .options = tph_logs_options_table,
        .run = tph_cmd_logs,
    },
    {
        .name = "get",
        .arguments = "NAME|@latest...",
        .summary = "show a workflow of a server, with the tree of its nodes",
        .details = "@latest is the newest workflow of the namespace." REMOTE,
        .examples = "  tiphys get @latest\n"
                    "  tiphys get @latest -o yaml\n"
                    "  tiphys get @latest --node-field-selector phase=Failed",
        .options = tph_get_options_table,
        .run = tph_cmd_get,
    },
    {
        .name = "list",
        .summary = "list the workflows of a server",
        .details = "Those that are not over come first, then the others, the last one first." REMOTE,
        .examples = "  tiphys list\n"
                    "  tiphys list -A --running\n"
                    "  tiphys list --status Failed,Error --since 1d -o wide\n"
                    "  tiphys list -l team=a -o name",
        .options = tph_list_options_table,
        .run = tph_cmd_list,
    },
    {
        .name = "delete",
        .arguments = "[NAME|@latest]...",
        .summary = "delete workflows of a server; running ones are stopped",
        .details = "By name, or all that have what the options say." REMOTE,
        .examples = "  tiphys delete @latest\n"
                    "  tiphys delete --completed --older 7d\n"
                    "  tiphys delete --status Failed --prefix nightly- --dry-run",
        .options = tph_delete_options_table,
        .run = tph_cmd_delete,
    },
    {
        .name = "plugin add",
        .arguments = "DIR|FILE...",
        .summary = "put executor plugins on a server, or new versions of them",
        .details =
            "A directory is built as executor-plugin build does it, and nothing is written there; a file holds\n"
            "ConfigMaps that were built. In the install namespace (argo) they serve all namespaces, else their own.\n"
            "Plugins run code on the server: the right `plugins` is needed." REMOTE,
        .examples = "  tiphys plugin add examples/hello\n"
                    "  tiphys plugin add -n argo my-executor-plugin-configmap.yaml",
        .options = tph_plugin_add_options,
        .run = tph_cmd_plugin_add,
    },
    {
        .name = "plugin list",
        .summary = "show the executor plugins of a server, and what is wrong with them",
        .details = "States: idle (no task has needed it yet, or for long), starting, ready, failing (its sidecar ends "
                   "or does\n"
                   "not start), invalid (the ConfigMap is wrong; what was valid before goes on)." REMOTE,
        .examples = "  tiphys plugin list\n"
                    "  tiphys plugin list -A -o json",
        .options = tph_plugins_options,
        .run = tph_cmd_plugins,
    },
    {
        .name = "plugin remove",
        .arguments = "NAME...",
        .summary = "take executor plugins away from a server",
        .details = "Workflows that have begun keep what they had." REMOTE,
        .examples = "  tiphys plugin remove my",
        .options = tph_plugin_add_options,
        .run = tph_cmd_plugin_remove,
    },
    {
        .name = "token add",
        .arguments = "NAME",
        .summary = "let somebody else use a server",
        .details =
            "Prints a new token, which is shown this once: the token file (STATE/tokens) keeps its digest. A running\n"
            "server knows it at once. Roles are Kubernetes' admin, edit and view, each for one namespace or for all;\n"
            "plugins is the right to define executor plugins, which run as code on the server. A name of a service\n"
            "account (system:serviceaccount:NS:NAME) gets roles and no token.",
        .examples = "  tiphys token add ci --role edit -n argo\n"
                    "  tiphys token add ann --role view,edit@argo,plugins@argo -o kubeconfig > ann.kubeconfig\n"
                    "  tiphys token add prometheus --role view --expires 8760h",
        .options = tph_token_add_options,
        .run = tph_cmd_token_add,
    },
    {
        .name = "token list",
        .summary = "show who may use a server",
        .examples = "  tiphys token list",
        .options = tph_token_options,
        .run = tph_cmd_token_list,
    },
    {
        .name = "token remove",
        .arguments = "NAME [TOKEN]",
        .summary = "take a user's tokens away, or one of them",
        .details = "TOKEN is the beginning of a digest, as token list shows it. A running server refuses it at once.",
        .examples = "  tiphys token remove ci",
        .options = tph_token_options,
        .run = tph_cmd_token_remove,
    },
    {
        .name = "lint",
        .arguments = "FILE|DIR|-...",
        .summary = "check workflows, templates and cron workflows as Argo does",
        .details = "Names, arguments, references, tags, dependencies and types are checked; templateRefs are looked up "
                   "in the\n"
                   "given files. Every error is told with line, column, path and what to do; warnings tell what Argo "
                   "lets\n"
                   "pass and people stumble over. Keys of plugin templates are looked up when plugins are among the "
                   "files.\n"
                   "Ends with 1 when there is an error, with 2 for wrong usage.",
        .examples = "  tiphys lint workflow.yaml\n"
                    "  tiphys lint manifests/ examples/hello/plugin.yaml\n"
                    "  tiphys lint -o simple manifests/",
        .options = tph_lint_options_table,
        .run = tph_cmd_lint,
    },
    {
        .name = "executor-plugin build",
        .arguments = "DIR",
        .summary = "make a ConfigMap manifest and a README.md from plugin.yaml and server.*",
        .examples = "  tiphys executor-plugin build examples/hello\n"
                    "  kubectl -n argo apply -f examples/hello/hello-executor-plugin-configmap.yaml",
        .options = tph_plugin_build_options,
        .run = tph_cmd_plugin_build,
    },
    {
        .name = "executor-plugin list",
        .arguments = "FILE|DIR...",
        .summary = "show the plugins in files and directories",
        .examples = "  tiphys executor-plugin list examples/hello\n"
                    "  tiphys executor-plugin list plugins.yaml -o json",
        .options = tph_plugin_list_options,
        .run = tph_cmd_plugin_list,
    },
    {
        .name = "executor-plugin run",
        .arguments = "DIR|FILE...",
        .summary = "start one plugin alone, to write and debug it",
        .details =
            "The plugin runs in its sandbox as in a workflow. Standard output gets its address, its token and a\n"
            "curl line to try; standard error what it prints. When one of its files changes it starts anew, with\n"
            "the same token. Further files give the Secrets and ConfigMaps that it needs. Ctrl-C ends it.",
        .examples = "  tiphys executor-plugin run examples/hello\n"
                    "  tiphys executor-plugin run ./my-plugin secret.yaml",
        .options = tph_plugin_run_options,
        .run = tph_cmd_plugin_run,
    },
    {
        .name = "doctor",
        .summary = "say what this machine offers to sidecars, and what it lacks",
        .details = "Each line tells what is there or what is missing, with its consequence and its cure. Images are "
                   "what\n"
                   "`image:` in a plugin means here: this machine's programs, or a root directory from images.yaml.\n"
                   "Ends with 1 when sidecars cannot be isolated here.",
        .examples = "  tiphys doctor\n"
                    "  tiphys doctor --images\n"
                    "  tiphys doctor -o json",
        .options = tph_doctor_options,
        .run = tph_cmd_doctor,
    },
    {
        .name = "db check",
        .arguments = "FILE",
        .summary = "read all of a store's file, as run --state writes it, and say what is wrong",
        .details = "Nobody else may have the file meanwhile. Each problem is a line on standard output. Ends with 0 "
                   "when there is\n"
                   "none, with 1 when there are some or the file cannot be read.",
        .examples = "  tiphys db check state.db",
        .run = tph_cmd_db_check,
    },
    {
        .name = "db backup",
        .arguments = "FILE NEW",
        .summary = "write a copy of a store, also while it is used",
        .details = "The copy is of one moment, and a store of its own. NEW must not exist; it is there whole or not at "
                   "all.",
        .examples = "  tiphys db backup state.db state-copy.db",
        .run = tph_cmd_db_backup,
    },
    {
        .name = "db compact",
        .arguments = "FILE",
        .summary = "make a store's file as small as it can be",
        .details = "Nobody else may have the file meanwhile; as much room again is needed until it is done.",
        .examples = "  tiphys db compact state.db",
        .run = tph_cmd_db_compact,
    },
    {
        .name = "version",
        .summary = "print the program's version",
        .examples = "  tiphys version",
        .run = tph_cmd_version,
    },
    {
        .name = "completion",
        .arguments = "bash|zsh|fish",
        .summary = "print a completion script for a shell",
        .examples = "  tiphys completion bash > ~/.local/share/bash-completion/completions/tiphys\n"
                    "  tiphys completion fish > ~/.config/fish/completions/tiphys.fish",
        .run = tph_cmd_completion,
    },
    {.name = NULL},
};
