/* SPDX-License-Identifier: Apache-2.0 */
/* tiphys watch: a workflow of a server until it is over. */
#include <string.h>

#include "base/alloc.h"
#include "cli/cmd_options.h"
#include "cli/follow.h"

struct watch_options {
    struct tph_remote_options remote;
    bool no_live;
};

#define OPTION(member) offsetof(struct watch_options, member)

const struct tph_option tph_watch_options_table[] = {
    {"no-live", 0, TPH_OPTION_FLAG, OPTION(no_live), NULL, NULL, "a line for each change also on a terminal"},
    TPH_REMOTE_OPTIONS(struct watch_options),
    {.name = NULL},
};

/* What "@latest" stands for stays it, whatever comes later. Owned names. */
static int find_names(struct tph_remote *remote, const struct tph_texts *given, char **names, struct tph_error *err)
{
    for (size_t i = 0; i < given->n; i++) {
        TPH_CLEANUP(tph_remote_answer_release) struct tph_remote_answer latest = {.doc = NULL};
        if (strcmp(given->list[i], "@latest") != 0) {
            names[i] = tph_strdup(given->list[i]);
        } else if (tph_remote_workflow(remote, "@latest", &latest, err) == 0) {
            names[i] = tph_str_dup(tph_json_get_str(tph_json_get(latest.object, "metadata"), "name"));
        } else {
            return -1;
        }
    }
    return 0;
}

int tph_cmd_watch(const struct tph_cli *cli, const struct tph_command *command, int argc, char **argv)
{
    TPH_CLEANUP(tph_texts_release) struct tph_texts given = {.list = NULL};
    struct watch_options o = {.no_live = false};
    struct tph_error err = TPH_ERROR_INIT;
    struct tph_remote remote;
    int code = 0;
    if (tph_cli_parse(cli, command, argc, argv, &o, &given, &code)) {
        return code == TPH_EXIT_USAGE && tph_cli_is_argo(cli) ? TPH_EXIT_FAILED : code;
    }
    if (given.n == 0) {
        return tph_remote_usage(cli, command, "requires at least 1 arg(s), only received 0",
                                "name a workflow, or @latest for the newest one; tiphys list shows them");
    }
    if (tph_remote_open(cli, &o.remote, &remote, &code)) {
        return code;
    }
    char **names = tph_calloc(given.n, sizeof *names);
    const struct tph_follow_options options = {.mode = o.no_live ? TPH_FOLLOW_LINES : tph_follow_mode_of(cli),
                                               .any_result = tph_cli_is_argo(cli)};
    if (find_names(&remote, &given, names, &err) < 0) {
        code = tph_remote_fail(cli, &err);
    } else {
        code = tph_follow(&remote, (const char *const *)names, given.n, &options);
    }
    for (size_t i = 0; i < given.n; i++) {
        free(names[i]);
    }
    free(names);
    tph_remote_close(&remote);
    return code;
}
