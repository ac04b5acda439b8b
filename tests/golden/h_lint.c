/* SPDX-License-Identifier: Apache-2.0 */
/* lint.jsonl and lint_color.jsonl: a file and what lint says of it, with the other files beside it. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/limits.h"
#include "golden.h"
#include "lint/lint.h"

static struct tph_json *lint(struct golden_case *c, const char *const *paths, size_t n,
                             struct tph_lint_options *options)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf out = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    TPH_CLEANUP(tph_buf_release) struct tph_buf log = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    struct tph_error err = TPH_ERROR_INIT;
    bool clean = false;
    options->out = &out;
    options->log = &log;
    options->time = "TIME";
    if (tph_lint_run(paths, n, options, &clean, &err) < 0) {
        (void)tph_buf_printf(&log, "Error: %s\n", err.text);
    }
    struct tph_json *got = tph_json_new_object(c->doc);
    tph_json_set(c->doc, got, "rc", tph_json_new_i64(c->doc, clean ? 0 : 1));
    tph_json_set_str(c->doc, got, "stdout", tph_buf_str(&out));
    tph_json_set_str(c->doc, got, "stderr", tph_buf_str(&log));
    return got;
}

void golden_lint(struct golden_case *c)
{
    char directory[] = "/tmp/tiphys-golden-XXXXXX";
    TPH_CLEANUP(tph_fd_close) int home = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    const struct tph_json *files = tph_json_get(c->row, "files");
    const char **paths = tph_calloc(tph_json_len(files) + 1, sizeof(char *));
    TPH_CLEANUP(tph_freep) char *name = tph_str_dup(tph_json_get_str(c->row, "file"));
    struct tph_lint_options options = {.kinds = TPH_LINT_ALL, .strict = true};
    struct tph_json_iter it = tph_json_iter(tph_json_get(c->row, "args"));
    while (tph_json_next(&it)) {
        options.strict = options.strict && !tph_str_eqz(tph_json_str(it.value), "--strict=false");
    }
    c->expected = tph_json_new_object(c->doc);
    if (home < 0 || !mkdtemp(directory) || chdir(directory) < 0) {
        abort();
    }
    struct tph_error err = TPH_ERROR_INIT;
    size_t n = 0;
    paths[n++] = name;
    int failed = tph_fd_write_file(name, tph_json_get_str(c->row, "text"), 0600, &err);
    it = tph_json_iter(files);
    while (tph_json_next(&it)) {
        char *path = tph_str_dup(it.key);
        failed |= tph_fd_write_file(path, tph_json_str(it.value), 0600, &err);
        paths[n++] = path;
    }
    if (failed == 0) {
        struct tph_json *expected = (struct tph_json *)(uintptr_t)c->expected;
        struct tph_json *got = golden_object(c);
        tph_json_set(c->doc, got, "pretty", lint(c, paths, n, &options));
        options.format = TPH_LINT_SIMPLE;
        tph_json_set(c->doc, got, "simple", lint(c, paths, n, &options));
        options.format = TPH_LINT_OWN; /* of another form, but with the same verdict */
        struct tph_json *own = lint(c, paths, n, &options);
        tph_json_set(c->doc, got, "own rc", tph_json_copy(c->doc, tph_json_get(own, "rc")));
        tph_json_set(c->doc, expected, "own rc", tph_json_copy(c->doc, tph_json_path(c->row, "simple", "rc", NULL)));
        tph_json_set(c->doc, expected, "pretty", tph_json_copy(c->doc, tph_json_get(c->row, "pretty")));
        tph_json_set(c->doc, expected, "simple", tph_json_copy(c->doc, tph_json_get(c->row, "simple")));
    }
    for (size_t i = 0; i < n; i++) {
        (void)unlink(paths[i]);
        if (i > 0) {
            free((void *)(uintptr_t)paths[i]);
        }
    }
    free((void *)paths);
    if (fchdir(home) < 0) {
        abort();
    }
    (void)rmdir(directory);
}
