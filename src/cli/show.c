/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/show.h"

#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "base/utf8.h"
#include "data/yaml.h"
#include "print/get.h"

int tph_show_form(const char *text, int n_forms, enum tph_show_form *ret_form)
{
    static const char *const NAMES[TPH_SHOW_FORM_COUNT] = {"", "name", "json", "yaml", "wide", "short"};
    for (int i = 0; i < n_forms; i++) {
        if (strcmp(text ? text : "", NAMES[i]) == 0) {
            *ret_form = (enum tph_show_form)i;
            return 0;
        }
    }
    return -1;
}

static int put_out(const struct tph_buf *text, struct tph_error *err)
{
    if (tph_buf_failed(text)) {
        return tph_error_set(err, TPH_ERROR_LIMIT, "there is more to print than %zu bytes", text->max);
    }
    (void)fwrite(tph_buf_cstr(text), 1, text->len, stdout);
    return 0;
}

int tph_show_object(const struct tph_json *object, enum tph_show_form form, struct tph_error *err)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf out = TPH_BUF_INIT(TPH_LIMIT_API_LIST);
    if (form == TPH_SHOW_YAML) {
        return tph_yaml_write(object, &out, err) < 0 ? -1 : put_out(&out, err);
    }
    tph_json_write(object, TPH_JSON_PRETTY, &out);
    (void)tph_buf_putc(&out, '\n');
    return put_out(&out, err);
}

/* Texts of plugins do not get at the terminal: all but our own colours is escaped. */
static void put_safe(struct tph_str text, struct tph_buf *out)
{
    while (text.len > 0) {
        ptrdiff_t escape = tph_str_find_byte(text, '\033');
        size_t plain = escape < 0 ? text.len : (size_t)escape;
        (void)tph_utf8_printable(out, tph_str_slice(text, 0, plain), TPH_UTF8_NEWLINES);
        text = tph_str_slice(text, plain, text.len);
        size_t n = text.len > 1 && text.p[1] == '[' ? 2 : 0;
        while (n > 0 && n < text.len && text.p[n] >= '0' && text.p[n] <= '9') {
            n++;
        }
        if (n > 0 && n < text.len && text.p[n] == 'm') {
            (void)tph_buf_append(out, text.p, n + 1);
            text = tph_str_slice(text, n + 1, text.len);
        } else if (text.len > 0) {
            (void)tph_buf_puts(out, "\\x1b");
            text = tph_str_slice(text, 1, text.len);
        }
    }
}

int tph_show_workflow(const struct tph_remote *remote, const struct tph_json *workflow, const struct tph_show *show,
                      struct tph_error *err)
{
    static const enum tph_get_form FORMS[TPH_SHOW_FORM_COUNT] = {
        [TPH_SHOW_WIDE] = TPH_GET_FORM_WIDE, [TPH_SHOW_SHORT] = TPH_GET_FORM_SHORT};
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_LIMIT_API_LIST);
    TPH_CLEANUP(tph_buf_release) struct tph_buf safe = TPH_BUF_INIT(TPH_LIMIT_API_LIST);
    const struct tph_cli *cli = remote->cli;
    bool argo = tph_cli_is_argo(cli);
    if (show->form == TPH_SHOW_NAME) {
        (void)tph_buf_put(&text, tph_json_get_str(tph_json_get(workflow, "metadata"), "name"));
        (void)tph_buf_putc(&text, '\n');
        return put_out(&text, err);
    }
    if (show->form == TPH_SHOW_JSON || show->form == TPH_SHOW_YAML) {
        return tph_show_object(workflow, show->form, err);
    }
    const struct tph_get_options options = {
        .form = FORMS[show->form],
        .style = {.color = !show->no_color && (argo ? !cli->dumb : cli->color && cli->out_terminal),
                  .utf8 = !show->no_utf8 && (argo || cli->utf8)},
        .clock = tph_remote_clock(remote),
        .status = tph_str(show->status),
        .nodes = show->nodes && show->nodes->n_terms > 0 ? show->nodes : NULL,
    };
    if (tph_get_write(workflow, &options, &text, err) < 0) {
        return -1;
    }
    if (argo || !cli->out_terminal) {
        return put_out(&text, err);
    }
    put_safe(tph_buf_str(&text), &safe);
    return put_out(&safe, err);
}
