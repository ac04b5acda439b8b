/* SPDX-License-Identifier: Apache-2.0 */
/* tiphys list: the workflows of a server, as `argo list` shows them. */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "base/utf8.h"
#include "cli/cmd_options.h"
#include "cli/pick.h"
#include "cli/show.h"
#include "print/list.h"

struct list_options {
    struct tph_remote_options remote;
    struct tph_pick_options pick;
    const char *output, *chunk_size;
    bool no_headers;
};

#define OPTION(member) offsetof(struct list_options, member)

const struct tph_option tph_list_options_table[] = {
    {"output", 'o', TPH_OPTION_TEXT, OPTION(output), "FORMAT", NULL, "wide, json, yaml or name"},
    TPH_PICK_OPTIONS(struct list_options),
    {"running", 0, TPH_OPTION_FLAG, OPTION(pick.running), NULL, NULL, "that are not over"},
    {"since", 0, TPH_OPTION_DURATION, OPTION(pick.since_ms), "DURATION", NULL, "made within this time: 1h, 2d"},
    {"no-headers", 0, TPH_OPTION_FLAG, OPTION(no_headers), NULL, NULL, "without the line of titles"},
    {"chunk-size", 0, TPH_OPTION_TEXT, OPTION(chunk_size), "N", NULL, "taken and not needed: lists come in pages"},
    TPH_REMOTE_OPTIONS(struct list_options),
    {.name = NULL},
};

static int print_list(const struct tph_remote *remote, const struct list_options *o, enum tph_show_form form,
                      const struct tph_json *items, struct tph_error *err)
{
    static const enum tph_list_form FORMS[TPH_SHOW_FORM_COUNT] = {[TPH_SHOW_DEFAULT] = TPH_LIST_FORM_DEFAULT,
                                                                  [TPH_SHOW_WIDE] = TPH_LIST_FORM_WIDE,
                                                                  [TPH_SHOW_NAME] = TPH_LIST_FORM_NAME,
                                                                  [TPH_SHOW_JSON] = TPH_LIST_FORM_JSON,
                                                                  [TPH_SHOW_YAML] = TPH_LIST_FORM_YAML};
    TPH_CLEANUP(tph_buf_release) struct tph_buf out = TPH_BUF_INIT(TPH_LIMIT_API_LIST);
    TPH_CLEANUP(tph_buf_release) struct tph_buf safe = TPH_BUF_INIT(TPH_LIMIT_API_LIST);
    TPH_CLEANUP(tph_freep)
    const struct tph_json **list = tph_calloc(tph_json_len(items) + 1, sizeof *list);
    size_t n = 0;
    struct tph_json_iter it = tph_json_iter(items);
    while (tph_json_next(&it)) {
        list[n++] = it.value;
    }
    bool text = form == TPH_SHOW_DEFAULT || form == TPH_SHOW_WIDE || form == TPH_SHOW_NAME;
    if (n == 0 && text && !tph_cli_is_argo(remote->cli)) {
        (void)fprintf(stderr, "no such workflow%s%s%s\n", o->pick.all_namespaces ? "" : " in namespace ",
                      o->pick.all_namespaces ? "" : remote->ns,
                      o->pick.all_namespaces ? "" : "; -A lists all, -n another");
        return 0;
    }
    const struct tph_list_options options = {.form = FORMS[form],
                                             .clock = tph_remote_clock(remote),
                                             .no_headers = o->no_headers,
                                             .namespaces = o->pick.all_namespaces};
    if (tph_list_write(list, n, &options, &out, err) < 0) {
        return -1;
    }
    if (text && remote->cli->out_terminal) {
        (void)tph_utf8_printable(&safe, tph_buf_str(&out), TPH_UTF8_NEWLINES);
        (void)fputs(tph_buf_cstr(&safe), stdout);
    } else {
        (void)fputs(tph_buf_cstr(&out), stdout);
    }
    return 0;
}

int tph_cmd_list(const struct tph_cli *cli, const struct tph_command *command, int argc, char **argv)
{
    TPH_CLEANUP(tph_texts_release) struct tph_texts arguments = {.list = NULL};
    struct list_options o = {.output = ""};
    struct tph_error err = TPH_ERROR_INIT;
    enum tph_show_form form = TPH_SHOW_DEFAULT;
    struct tph_remote remote;
    int code = 0;
    if (tph_cli_parse(cli, command, argc, argv, &o, &arguments, &code)) {
        code = code == TPH_EXIT_USAGE && tph_cli_is_argo(cli) ? TPH_EXIT_FAILED : code;
    } else if (tph_show_form(o.output, TPH_SHOW_NO_SHORT, &form) < 0) {
        code = tph_remote_usage(cli, command, "One of: name|json|yaml|wide", "--output takes wide, json, yaml or name");
    } else if (arguments.n > 0) {
        code = tph_remote_usage(cli, command, "accepts no arguments",
                                "list takes no names: tiphys get NAME, or --prefix, -l");
    } else if (!tph_remote_open(cli, &o.remote, &remote, &code)) {
        TPH_CLEANUP(tph_remote_answer_release) struct tph_remote_answer answer = {.doc = NULL};
        int failed = tph_pick_workflows(&remote, &o.pick, &answer, &err);
        failed = failed < 0 ? failed : print_list(&remote, &o, form, tph_json_get(answer.object, "items"), &err);
        code = failed < 0 ? tph_remote_fail(cli, &err) : TPH_EXIT_OK;
        tph_remote_close(&remote);
    }
    tph_texts_release(&o.pick.status);
    return code;
}
