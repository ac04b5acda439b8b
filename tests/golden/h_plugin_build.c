/* SPDX-License-Identifier: Apache-2.0 */
/* executor-plugin build: each folder's in/ is built; output lines, error, exit code and files are compared. */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/limits.h"
#include "golden.h"
#include "plugin/build.h"

static void remove_tree(const char *directory)
{
    DIR *dir = opendir(directory);
    for (struct dirent *entry = dir ? readdir(dir) : NULL; entry; entry = readdir(dir)) {
        if (entry->d_name[0] != '.') {
            (void)unlinkat(dirfd(dir), entry->d_name, 0);
        }
    }
    if (dir) {
        (void)closedir(dir);
    }
    (void)rmdir(directory);
}

/* What was recorded: result.json's numbers and texts, and out/. */
static void expect(struct golden_case *c)
{
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *result = NULL;
    struct tph_json *expected = tph_json_new_object(c->doc);
    if (tph_json_parse(tph_json_get_str(c->row, "result.json"), &result, NULL) == 0) {
        tph_json_set(c->doc, expected, "rc", tph_json_copy(c->doc, tph_json_get(tph_json_root(result), "rc")));
        tph_json_set(c->doc, expected, "stdout", tph_json_copy(c->doc, tph_json_get(tph_json_root(result), "stdout")));
        tph_json_set(c->doc, expected, "stderr", tph_json_copy(c->doc, tph_json_get(tph_json_root(result), "stderr")));
    }
    struct tph_json_iter it = tph_json_iter(c->row);
    while (tph_json_next(&it)) {
        if (tph_str_has_prefix(it.key, TPH_STR("out/"))) {
            tph_json_setn(c->doc, expected, it.key, tph_json_copy(c->doc, it.value));
        }
    }
    c->expected = expected;
}

static void collect_files(struct golden_case *c)
{
    struct tph_json_iter it = tph_json_iter(c->expected);
    while (tph_json_next(&it)) {
        if (tph_str_has_prefix(it.key, TPH_STR("out/"))) {
            TPH_CLEANUP(tph_freep) char *name = tph_str_dup(tph_str_slice(it.key, 4, it.key.len));
            TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_LIMIT_MANIFEST);
            if (tph_fd_read_file(name, &text, NULL) == 0) {
                tph_json_setn(c->doc, c->got, it.key, tph_json_new_str(c->doc, tph_buf_str(&text)));
            }
        }
    }
}

static void build_here(struct golden_case *c)
{
    TPH_CLEANUP(tph_build_report_release) struct tph_build_report report = TPH_BUILD_REPORT_INIT;
    struct tph_error err = TPH_ERROR_INIT;
    int failed = tph_plugin_build(".", TPH_BUILD_OVERWRITE_README, &report, &err);
    TPH_CLEANUP(tph_freep) char *message = failed < 0 ? tph_format("Error: %s\n", err.text) : tph_strdup("");
    tph_json_set(c->doc, golden_object(c), "rc", tph_json_new_i64(c->doc, failed < 0 ? 1 : 0));
    golden_set_buf(c, "stdout", &report.lines);
    golden_set(c, "stderr", tph_str(message));
    collect_files(c);
}

void golden_plugin_build(struct golden_case *c)
{
    char directory[] = "/tmp/tiphys-golden-XXXXXX";
    TPH_CLEANUP(tph_fd_close) int home = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (!tph_json_get(c->row, "result.json")) {
        c->skip = "calls with other arguments: tests/e2e plays them";
        return;
    }
    expect(c);
    if (home < 0 || !mkdtemp(directory) || golden_unpack(c->row, TPH_STR("in/"), directory) < 0 ||
        chdir(directory) < 0) {
        return;
    }
    build_here(c);
    if (fchdir(home) < 0) {
        abort();
    }
    remove_tree(directory);
}
