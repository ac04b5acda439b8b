/* SPDX-License-Identifier: Apache-2.0 */
/* tiphys lint. Exit codes are Argo's; so are report and texts with -o pretty and simple, and under the name argo. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/limits.h"
#include "cli/argo_usage.h"
#include "cli/cmd_options.h"
#include "data/time.h"
#include "lint/lint.h"

struct lint_options {
    const char *output;
    const char *kinds;
    bool strict;
    bool no_color;
    bool offline;
};

const struct tph_option tph_lint_options_table[] = {
    {"output", 'o', TPH_OPTION_TEXT, offsetof(struct lint_options, output), "FORMAT", NULL,
     "pretty or simple: as argo lint prints, the first error of each object"},
    {"kinds", 0, TPH_OPTION_TEXT, offsetof(struct lint_options, kinds), "LIST", NULL,
     "workflows, workflowtemplates, cronworkflows, clusterworkflowtemplates; all by default"},
    {"strict", 0, TPH_OPTION_FLAG, offsetof(struct lint_options, strict), NULL, NULL,
     "unknown fields are errors (default); --strict=false lets them pass"},
    {"offline", 0, TPH_OPTION_FLAG, offsetof(struct lint_options, offline), NULL, NULL,
     "references are looked up in the given files (always so, for now)"},
    {"no-color", 0, TPH_OPTION_FLAG, offsetof(struct lint_options, no_color), NULL, NULL, "no colours"},
    {.name = NULL},
};

static int read_kinds(struct tph_str text, unsigned *ret_kinds, struct tph_error *err)
{
    static const struct {
        const char *plural;
        const char *brief;
        unsigned bits;
    } KINDS[] = {
        {"all", "all", TPH_LINT_ALL},
        {"workflows", "wf", TPH_LINT_WORKFLOW},
        {"workflowtemplates", "wftmpl", TPH_LINT_TEMPLATE},
        {"cronworkflows", "cronwf", TPH_LINT_CRON},
        {"clusterworkflowtemplates", "cwftmpl", TPH_LINT_CLUSTER},
    };
    struct tph_str word;
    unsigned kinds = 0;
    while (tph_str_cut(&text, ',', &word)) {
        unsigned bits = 0;
        for (size_t i = 0; i < sizeof KINDS / sizeof KINDS[0]; i++) {
            bits |= tph_str_eqz(word, KINDS[i].plural) || tph_str_eqz(word, KINDS[i].brief) ? KINDS[i].bits : 0;
        }
        if (bits == 0) {
            return tph_error_set(err, TPH_ERROR_USAGE, "unknown kind: %.*s", TPH_FMT(word));
        }
        kinds |= bits;
    }
    *ret_kinds = kinds;
    return 0;
}

static bool is_argo(const struct tph_cli *cli)
{
    return strcmp(cli->program, "argo") == 0;
}

static int fail(const struct tph_cli *cli, bool as_argo, const struct tph_error *err)
{
    if (as_argo) {
        (void)fprintf(stderr, "Error: %s\n", err->text);
        return TPH_EXIT_FAILED;
    }
    return tph_cli_error(cli, err);
}

static int misused(const struct tph_cli *cli, const struct tph_command *command, const char *argo, const char *ours)
{
    if (is_argo(cli)) {
        (void)fprintf(stderr, "Error: %s\n%s%s", argo, tph_argo_usage_lint, tph_argo_usage_global);
        return TPH_EXIT_FAILED;
    }
    return tph_cli_usage(cli, command, "%s", ours);
}

int tph_cmd_lint(const struct tph_cli *cli, const struct tph_command *command, int argc, char **argv)
{
    TPH_CLEANUP(tph_texts_release) struct tph_texts paths = {.list = NULL};
    TPH_CLEANUP(tph_buf_release) struct tph_buf out = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    TPH_CLEANUP(tph_buf_release) struct tph_buf log = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    struct lint_options given = {.kinds = "all", .strict = true};
    struct tph_error err = TPH_ERROR_INIT;
    bool clean = false;
    int code = 0;
    if (tph_cli_parse(cli, command, argc, argv, &given, &paths, &code)) {
        return code == TPH_EXIT_USAGE && is_argo(cli) ? TPH_EXIT_FAILED : code;
    }
    given.output = given.output ? given.output : is_argo(cli) ? "pretty" : "";
    bool simple = strcmp(given.output, "simple") == 0;
    bool pretty = strcmp(given.output, "pretty") == 0;
    if (!simple && !pretty && given.output[0] != '\0') {
        TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_KIB(4));
        (void)tph_buf_printf(&text, "invalid argument \"%s\" for \"-o, --output\" flag: One of: pretty|simple",
                             given.output);
        return misused(cli, command, tph_buf_cstr(&text), "--output takes pretty or simple; ours is without it");
    }
    if (paths.n == 0) {
        return misused(cli, command, "requires at least 1 arg(s), only received 0",
                       "nothing is given: name files or directories, or - for standard input");
    }
    char now[TPH_TIME_TEXT];
    tph_time_format(tph_clock_wall_ms(), now);
    struct tph_lint_options options = {
        .format = simple   ? TPH_LINT_SIMPLE
                  : pretty ? TPH_LINT_PRETTY
                           : TPH_LINT_OWN,
        .strict = given.strict,
        .color = !given.no_color && ((cli->color && cli->out_terminal) || is_argo(cli)),
        .no_stdin = given.offline && is_argo(cli),
        .time = now,
        .out = &out,
        .log = &log,
    };
    if (read_kinds(tph_str(given.kinds), &options.kinds, &err) < 0) {
        return fail(cli, simple || pretty, &err);
    }
    int failed = tph_lint_run(paths.list, paths.n, &options, &clean, &err);
    (void)fputs(tph_buf_cstr(&log), stderr);
    (void)fputs(tph_buf_cstr(&out), stdout);
    if (failed < 0) {
        return fail(cli, simple || pretty, &err);
    }
    return clean ? TPH_EXIT_OK : TPH_EXIT_FAILED;
}
