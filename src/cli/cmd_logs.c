/* SPDX-License-Identifier: Apache-2.0 */
/* tiphys logs: what the sidecars of a workflow said. */
#include <string.h>

#include "base/alloc.h"
#include "cli/cmd_options.h"
#include "cli/follow.h"
#include "data/time.h"

struct logs_options {
    struct tph_remote_options remote;
    struct tph_log_ask ask;
    bool no_color;
};

#define OPTION(member) offsetof(struct logs_options, member)

const struct tph_option tph_logs_options_table[] = {
    {"container", 'c', TPH_OPTION_TEXT, OPTION(ask.container), "NAME", NULL,
     "of this one, as hello-executor-plugin; else of all whose plugins the workflow names"},
    {"follow", 'f', TPH_OPTION_FLAG, OPTION(ask.follow), NULL, NULL, "go on until the workflow is over"},
    {"previous", 'p', TPH_OPTION_FLAG, OPTION(ask.previous), NULL, NULL, "of the container before its last restart"},
    {"since", 0, TPH_OPTION_DURATION, OPTION(ask.since_ms), "DURATION", NULL, "not older than 5s, 2m, 3h"},
    {"since-time", 0, TPH_OPTION_TEXT, OPTION(ask.since_time), "TIME", NULL, "not older than 2026-01-02T15:04:05Z"},
    {"tail", 0, TPH_OPTION_TEXT, OPTION(ask.tail), "N", NULL, "only the last lines of each"},
    {"timestamps", 0, TPH_OPTION_FLAG, OPTION(ask.timestamps), NULL, NULL, "with the time of each line"},
    {"prefix", 0, TPH_OPTION_FLAG, OPTION(ask.prefix), NULL, NULL, "with the plugin's name, also of a single one"},
    {"no-color", 0, TPH_OPTION_FLAG, OPTION(no_color), NULL, NULL, "no colours (there are none)"},
    TPH_REMOTE_OPTIONS(struct logs_options),
    {.name = NULL},
};

static int check(const struct logs_options *o, struct tph_error *err)
{
    int64_t n = 0;
    struct tph_instant instant;
    struct tph_error unseen = TPH_ERROR_INIT;
    if (o->ask.tail && (tph_str_to_i64(tph_str(o->ask.tail), &n) < 0 || n < -1)) {
        return tph_error_set(err, TPH_ERROR_USAGE, "--tail takes a number of lines, not \"%s\"", o->ask.tail);
    }
    if (o->ask.since_time && tph_time_parse_instant(tph_str(o->ask.since_time), &instant, &unseen) < 0) {
        return tph_error_set(err, TPH_ERROR_USAGE, "--since-time takes a time such as 2026-01-02T15:04:05Z, not \"%s\"",
                             o->ask.since_time);
    }
    if (o->ask.since_time && o->ask.since_ms > 0) {
        return tph_error_set(err, TPH_ERROR_USAGE, "at most one of --since and --since-time");
    }
    return 0;
}

static int print_logs(struct tph_remote *remote, struct logs_options *o, const char *name, struct tph_error *err)
{
    TPH_CLEANUP(tph_remote_answer_release) struct tph_remote_answer workflow = {.doc = NULL};
    if (tph_remote_workflow(remote, name, &workflow, err) < 0) {
        return tph_remote_fail(remote->cli, err);
    }
    TPH_CLEANUP(tph_freep)
    char *own = tph_str_dup(tph_json_get_str(tph_json_get(workflow.object, "metadata"), "name"));
    if (o->ask.tail && strcmp(o->ask.tail, "-1") == 0) { /* all, as kubectl has it */
        o->ask.tail = NULL;
    }
    if (o->ask.follow) {
        const struct tph_follow_options options = {
            .mode = TPH_FOLLOW_QUIET, .no_end = true, .any_result = true, .log = &o->ask};
        const char *names[] = {own};
        return tph_follow(remote, names, 1, &options);
    }
    o->ask.workflow = own;
    o->ask.object = workflow.object;
    struct tph_log_follow *logs = tph_log_follow_new(remote, &o->ask);
    int failed = tph_log_follow_drain(logs, err);
    tph_log_follow_free(logs);
    return failed < 0 ? tph_remote_fail(remote->cli, err) : TPH_EXIT_OK;
}

int tph_cmd_logs(const struct tph_cli *cli, const struct tph_command *command, int argc, char **argv)
{
    TPH_CLEANUP(tph_texts_release) struct tph_texts names = {.list = NULL};
    struct logs_options o = {.no_color = false};
    struct tph_error err = TPH_ERROR_INIT;
    struct tph_remote remote;
    int code = 0;
    if (tph_cli_parse(cli, command, argc, argv, &o, &names, &code)) {
        return code == TPH_EXIT_USAGE && tph_cli_is_argo(cli) ? TPH_EXIT_FAILED : code;
    }
    if (names.n == 0 || names.n > 2) {
        return tph_remote_usage(cli, command, "accepts between 1 and 2 arg(s)",
                                "name a workflow (@latest is the newest one), and perhaps one of its pods");
    }
    if (check(&o, &err) < 0) {
        return tph_cli_is_argo(cli) ? tph_remote_fail(cli, &err) : tph_cli_error(cli, &err);
    }
    o.ask.pod = names.n > 1 ? names.list[1] : NULL;
    if (tph_remote_open(cli, &o.remote, &remote, &code)) {
        return code;
    }
    code = print_logs(&remote, &o, names.list[0], &err);
    tph_remote_close(&remote);
    return code;
}
