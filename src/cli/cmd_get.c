/* SPDX-License-Identifier: Apache-2.0 */
/* tiphys get: workflows of a server, as `argo get` shows them. */
#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "base/utf8.h"
#include "cli/cmd_options.h"
#include "cli/remote.h"
#include "cli/show.h"

struct get_options {
    struct tph_remote_options remote;
    const char *output, *status, *nodes;
    bool no_color, no_utf8;
};

#define OPTION(member) offsetof(struct get_options, member)

const struct tph_option tph_get_options_table[] = {
    {"output", 'o', TPH_OPTION_TEXT, OPTION(output), "FORMAT", NULL, "wide, short, json, yaml or name"},
    {"status", 0, TPH_OPTION_TEXT, OPTION(status), "PHASE", NULL, "only nodes of this phase: Failed, Running, ..."},
    {"node-field-selector", 0, TPH_OPTION_TEXT, OPTION(nodes), "SELECTOR", NULL,
     "only nodes that it matches: phase=Failed,displayName=a"},
    {"no-color", 0, TPH_OPTION_FLAG, OPTION(no_color), NULL, NULL, "no colours"},
    {"no-utf8", 0, TPH_OPTION_FLAG, OPTION(no_utf8), NULL, NULL, "words for icons and lines"},
    TPH_REMOTE_OPTIONS(struct get_options),
    {.name = NULL},
};

static int print_one(struct tph_remote *remote, const char *name, const struct tph_show *show, struct tph_error *err)
{
    TPH_CLEANUP(tph_remote_answer_release) struct tph_remote_answer answer = {.doc = NULL};
    if (tph_remote_workflow(remote, name, &answer, err) < 0) {
        return -1;
    }
    return tph_show_workflow(remote, answer.object, show, err);
}

int tph_cmd_get(const struct tph_cli *cli, const struct tph_command *command, int argc, char **argv)
{
    TPH_CLEANUP(tph_texts_release) struct tph_texts names = {.list = NULL};
    TPH_CLEANUP(tph_fieldsel_release) struct tph_fieldsel nodes = TPH_FIELDSEL_INIT;
    struct get_options o = {.output = ""};
    struct tph_error err = TPH_ERROR_INIT;
    struct tph_remote remote;
    int code = 0;
    if (tph_cli_parse(cli, command, argc, argv, &o, &names, &code)) {
        return code == TPH_EXIT_USAGE && tph_cli_is_argo(cli) ? TPH_EXIT_FAILED : code;
    }
    struct tph_show show = {.no_color = o.no_color, .no_utf8 = o.no_utf8, .status = o.status, .nodes = &nodes};
    if (tph_show_form(o.output, TPH_SHOW_ALL, &show.form) < 0) {
        return tph_remote_usage(cli, command, "One of: name|json|yaml|short|wide",
                                "--output takes wide, short, json, yaml or name");
    }
    if (names.n == 0) {
        return tph_remote_usage(cli, command, "requires at least 1 arg(s), only received 0",
                                "name a workflow, or @latest for the newest one; tiphys list shows them");
    }
    if (o.nodes && tph_fieldsel_parse(tph_str(o.nodes), &nodes, &err) < 0) {
        return tph_cli_is_argo(cli) ? tph_remote_fail(cli, &err) : tph_cli_error(cli, &err);
    }
    if (tph_remote_open(cli, &o.remote, &remote, &code)) {
        return code;
    }
    code = TPH_EXIT_OK;
    for (size_t i = 0; i < names.n && code == TPH_EXIT_OK; i++) {
        code = print_one(&remote, names.list[i], &show, &err) < 0 ? tph_remote_fail(cli, &err) : TPH_EXIT_OK;
    }
    tph_remote_close(&remote);
    return code;
}
