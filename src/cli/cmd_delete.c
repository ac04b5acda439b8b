/* SPDX-License-Identifier: Apache-2.0 */
/* tiphys delete: workflows of a server, by name or by what they are. */
#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "cli/cmd_options.h"
#include "cli/pick.h"

struct delete_options {
    struct tph_remote_options remote;
    struct tph_pick_options pick;
    bool all, dry_run, force;
};

#define OPTION(member) offsetof(struct delete_options, member)

const struct tph_option tph_delete_options_table[] = {
    {"all", 0, TPH_OPTION_FLAG, OPTION(all), NULL, NULL, "all of the namespace, running ones too"},
    TPH_PICK_OPTIONS(struct delete_options),
    {"dry-run", 0, TPH_OPTION_FLAG, OPTION(dry_run), NULL, NULL, "only say which"},
    {"force", 0, TPH_OPTION_FLAG, OPTION(force), NULL, NULL, "take finalizers off first"},
    TPH_REMOTE_OPTIONS(struct delete_options),
    {.name = NULL},
};

/* What waits for a finalizer's owner is not waited for. */
static int drop_finalizers(struct tph_remote *remote, struct tph_str ns, struct tph_str name, struct tph_error *err)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf path = TPH_BUF_INIT(TPH_KIB(64));
    TPH_CLEANUP(tph_remote_answer_release) struct tph_remote_answer answer = {.doc = NULL};
    tph_kube_path(&path, &tph_kube_workflows, ns, name, NULL);
    tph_kube_query(&path, "fieldManager", TPH_STR("tiphys"));
    int failed = tph_remote_ask(remote,
                                &(struct tph_kube_request){.method = "PATCH",
                                                           .path = tph_buf_str(&path),
                                                           .content_type = "application/merge-patch+json",
                                                           .body = TPH_STR("{\"metadata\":{\"finalizers\":null}}")},
                                &answer, err);
    return answer.problem == TPH_KUBE_NOT_FOUND ? 0 : failed;
}

/* 0; 1: it is not there, which is said. */
static int delete_one(struct tph_remote *remote, const struct delete_options *o, struct tph_str ns, struct tph_str name,
                      struct tph_error *err)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf path = TPH_BUF_INIT(TPH_KIB(64));
    TPH_CLEANUP(tph_remote_answer_release) struct tph_remote_answer answer = {.doc = NULL};
    tph_kube_path(&path, &tph_kube_workflows, ns, name, NULL);
    if (o->force && !o->dry_run && drop_finalizers(remote, ns, name, err) < 0) {
        return -1;
    }
    struct tph_kube_request request = {.path = tph_buf_str(&path)};
    if (!o->dry_run) {
        request.method = "DELETE";
        request.body =
            TPH_STR("{\"kind\":\"DeleteOptions\",\"apiVersion\":\"v1\",\"propagationPolicy\":\"Background\"}");
    }
    if (tph_remote_ask(remote, &request, &answer, err) < 0) {
        if (answer.problem != TPH_KUBE_NOT_FOUND) {
            return -1;
        }
        (void)fflush(stdout);
        (void)fprintf(tph_cli_is_argo(remote->cli) ? stdout : stderr, "Workflow '%.*s' not found\n", TPH_FMT(name));
        return 1;
    }
    (void)printf("Workflow '%.*s' deleted%s\n", TPH_FMT(name), o->dry_run ? " (dry-run)" : "");
    return 0;
}

static int delete_named(struct tph_remote *remote, const struct delete_options *o, const struct tph_texts *names,
                        struct tph_error *err)
{
    int missing = 0;
    for (size_t i = 0; i < names->n; i++) {
        TPH_CLEANUP(tph_remote_answer_release) struct tph_remote_answer latest = {.doc = NULL};
        struct tph_str name = tph_str(names->list[i]);
        if (strcmp(names->list[i], "@latest") == 0) {
            if (tph_remote_workflow(remote, "@latest", &latest, err) < 0) {
                return -1;
            }
            name = tph_json_get_str(tph_json_get(latest.object, "metadata"), "name");
        }
        int r = delete_one(remote, o, tph_str(remote->ns), name, err);
        if (r < 0) {
            return -1;
        }
        missing += r;
    }
    return missing > 0 ? 1 : 0;
}

static int delete_picked(struct tph_remote *remote, const struct delete_options *o, struct tph_error *err)
{
    TPH_CLEANUP(tph_remote_answer_release) struct tph_remote_answer all = {.doc = NULL};
    if (tph_pick_workflows(remote, &o->pick, &all, err) < 0) {
        return -1;
    }
    struct tph_json_iter it = tph_json_iter(tph_json_get(all.object, "items"));
    while (tph_json_next(&it)) {
        const struct tph_json *meta = tph_json_get(it.value, "metadata");
        if (delete_one(remote, o, tph_json_get_str(meta, "namespace"), tph_json_get_str(meta, "name"), err) < 0) {
            return -1; /* one that is gone by now is no fault */
        }
    }
    if (tph_json_len(tph_json_get(all.object, "items")) == 0) {
        (void)fprintf(tph_cli_is_argo(remote->cli) ? stdout : stderr, "No resources found\n");
    }
    return 0;
}

static bool picks(const struct delete_options *o)
{
    const struct tph_pick_options *p = &o->pick;
    return o->all || p->completed || p->resubmitted || p->prefix || p->labels || p->fields || p->status.n > 0 ||
           p->older_ms > 0;
}

static int delete_workflows(const struct tph_cli *cli, const struct delete_options *o, const struct tph_texts *names)
{
    struct tph_error err = TPH_ERROR_INIT;
    struct tph_remote remote;
    int code = 0;
    if (tph_remote_open(cli, &o->remote, &remote, &code)) {
        return code;
    }
    int r = delete_named(&remote, o, names, &err);
    int picked = r >= 0 && picks(o) ? delete_picked(&remote, o, &err) : 0;
    if (r < 0 || picked < 0) {
        code = tph_remote_fail(cli, &err);
    } else {
        code = r > 0 && !tph_cli_is_argo(cli) ? TPH_EXIT_FAILED : TPH_EXIT_OK;
    }
    tph_remote_close(&remote);
    return code;
}

int tph_cmd_delete(const struct tph_cli *cli, const struct tph_command *command, int argc, char **argv)
{
    TPH_CLEANUP(tph_texts_release) struct tph_texts names = {.list = NULL};
    struct delete_options o = {.all = false};
    int code = 0;
    if (tph_cli_parse(cli, command, argc, argv, &o, &names, &code)) {
        code = code == TPH_EXIT_USAGE && tph_cli_is_argo(cli) ? TPH_EXIT_FAILED : code;
    } else if (names.n == 0 && !picks(&o)) {
        code = tph_remote_usage(cli, command, "must specify either workflow names or one of the selection flags",
                                "which ones? names, or --all, --completed, --older 7d, --status Failed, --prefix, -l");
    } else if (names.n > 0 && picks(&o)) {
        code = tph_remote_usage(cli, command, "names and selection flags exclude each other",
                                "names and options that choose are not for one command: it would delete both");
    } else {
        code = delete_workflows(cli, &o, &names);
    }
    tph_texts_release(&o.pick.status);
    return code;
}
