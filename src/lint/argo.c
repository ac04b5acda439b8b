/* SPDX-License-Identifier: Apache-2.0 */
/* The report of `argo lint`, byte for byte: the first error of each object, pretty or simple. */
#include "base/alloc.h"
#include "lint/files.h"

static void put_colored(const struct tph_lint_files *r, const char *code, const char *text)
{
    bool color = r->options->color;
    (void)tph_buf_printf(r->options->out, "%s%s%s", color ? code : "", text, color ? "\033[0m" : "");
}

static void tell(const struct tph_lint_files *r, const struct tph_lint_file *f, const char *object, const char *text,
                 bool first)
{
    if (r->options->format == TPH_LINT_SIMPLE) {
        (void)tph_buf_printf(r->options->out, "%s: in %s: %s\n", f->path, object, text);
        return;
    }
    if (first) {
        put_colored(r, "\033[4m", f->path);
        (void)tph_buf_puts(r->options->out, ":\n");
    }
    (void)tph_buf_puts(r->options->out, "   ");
    put_colored(r, "\033[31m", "✖");
    (void)tph_buf_printf(r->options->out, " in %s: %s\n", object, text);
}

static size_t lint_file(const struct tph_lint_files *r, const struct tph_lint_file *f, bool *linted)
{
    size_t n = 0;
    size_t shown = 0;
    for (size_t i = 0; i < f->n; i++) {
        const struct tph_lint_document *d = &f->documents[i];
        const struct tph_go_type *type;
        struct tph_error err = TPH_ERROR_INIT;
        if (d->hidden || !(tph_lint_kind_of(d->kind, &type) & r->options->kinds)) {
            shown += d->hidden ? 0 : 1;
            continue;
        }
        shown++;
        *linted = true;
        struct tph_str name = tph_json_get_str(tph_json_get(d->object, "metadata"), "name");
        name = name.len > 0 ? name : tph_json_get_str(tph_json_get(d->object, "metadata"), "generateName");
        TPH_CLEANUP(tph_freep) char *numbered = tph_format("object #%zu", shown);
        name = name.len > 0 ? name : tph_str(numbered);
        TPH_CLEANUP(tph_freep) char *title = tph_format("\"%.*s\" (%.*s)", TPH_FMT(name), TPH_FMT(d->kind));
        TPH_CLEANUP(tph_freep) char *strict = d->unknown ? tph_format("strict decoding error: %s", d->unknown) : NULL;
        if (strict || tph_lint_object(d->object, &r->set, TPH_LINT_FOR_REPORT, &err) < 0) {
            tell(r, f, title, strict ? strict : err.text, n == 0);
            n++;
        }
    }
    if (n > 0 && r->options->format == TPH_LINT_PRETTY) {
        (void)tph_buf_putc(r->options->out, '\n');
    }
    return n;
}

bool tph_lint_argo_report(const struct tph_lint_files *r)
{
    bool pretty = r->options->format == TPH_LINT_PRETTY;
    bool linted = false;
    size_t n = 0;
    for (size_t i = 0; i < r->n; i++) {
        n += lint_file(r, &r->list[i], &linted);
    }
    if (!linted) {
        put_colored(r, pretty ? "\033[31m" : "",
                    pretty ? "✖ found nothing to lint in the specified paths, failing..."
                           : "found nothing to lint in the specified paths, failing...");
        (void)tph_buf_putc(r->options->out, '\n');
    } else if (n == 0) {
        if (pretty) {
            put_colored(r, "\033[32m", "✔");
        }
        (void)tph_buf_printf(r->options->out, "%sno linting errors found!\n", pretty ? " " : "");
    } else if (pretty) {
        TPH_CLEANUP(tph_freep) char *sum = tph_format("✖ %zu linting errors found!", n);
        put_colored(r, "\033[31m", sum);
        (void)tph_buf_putc(r->options->out, '\n');
    }
    return linted && n == 0;
}
