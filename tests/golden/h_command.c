/* SPDX-License-Identifier: Apache-2.0 */
/* Whole command lines: lint_args.jsonl, lint_color.jsonl, lint_examples.jsonl, plugin_build/args.jsonl. The program is
 * run under the name argo, in a folder of its own; exit code and both outputs are compared. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/limits.h"
#include "golden.h"

extern char **environ;

enum { ARGUMENTS_MAX = 1000 };

struct command {
    char *arguments[ARGUMENTS_MAX + 2]; /* owned, the program first */
    size_t n;
    struct tph_str stdin_text;
    char home[32]; /* holds the program's link and what it printed */
    char *folder;  /* owned: where it runs */
};

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

static void release(struct command *c)
{
    for (size_t i = 0; i < c->n; i++) {
        free(c->arguments[i]);
    }
    free(c->folder);
    if (c->home[0] != '\0') {
        (void)nftw(c->home, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    }
}

static void add(struct command *c, struct tph_str argument)
{
    if (c->n == ARGUMENTS_MAX) {
        abort();
    }
    c->arguments[c->n++] = tph_str_dup(argument);
}

static bool read_back(const struct command *c, const char *name, struct tph_buf *text)
{
    TPH_CLEANUP(tph_freep) char *path = tph_format("%s/%s", c->home, name);
    return tph_fd_read_file(path, text, NULL) == 0;
}

static int run(const struct command *c)
{
    posix_spawn_file_actions_t actions;
    TPH_CLEANUP(tph_freep) char *in = tph_format("%s/.in", c->home);
    TPH_CLEANUP(tph_freep) char *out = tph_format("%s/.out", c->home);
    TPH_CLEANUP(tph_freep) char *err = tph_format("%s/.err", c->home);
    pid_t pid = -1;
    int status = 0;
    if (tph_fd_write_file(in, c->stdin_text, 0600, NULL) < 0 || posix_spawn_file_actions_init(&actions) != 0) {
        return -1;
    }
    int failed = posix_spawn_file_actions_addopen(&actions, 0, in, O_RDONLY, 0) |
                 posix_spawn_file_actions_addopen(&actions, 1, out, O_WRONLY | O_CREAT, 0600) |
                 posix_spawn_file_actions_addopen(&actions, 2, err, O_WRONLY | O_CREAT, 0600) |
                 posix_spawn_file_actions_addchdir_np(&actions, c->folder);
    failed = failed != 0 ? failed : posix_spawn(&pid, c->arguments[0], &actions, NULL, c->arguments, environ);
    (void)posix_spawn_file_actions_destroy(&actions);
    if (failed != 0 || waitpid(pid, &status, 0) < 0 || !WIFEXITED(status)) {
        return -1;
    }
    return WEXITSTATUS(status);
}

static void play(struct golden_case *c, const struct command *command)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf out = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    TPH_CLEANUP(tph_buf_release) struct tph_buf err = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    static const char *const KEYS[] = {"rc", "stdout", "stderr"};
    struct tph_json *expected = tph_json_new_object(c->doc);
    int code = run(command);
    if (!read_back(command, ".out", &out) || !read_back(command, ".err", &err)) {
        return;
    }
    tph_json_set(c->doc, golden_object(c), "rc", tph_json_new_i64(c->doc, code));
    golden_set_buf(c, "stdout", &out);
    golden_set_buf(c, "stderr", &err);
    for (size_t i = 0; i < 3; i++) {
        tph_json_set(c->doc, expected, KEYS[i], tph_json_copy(c->doc, tph_json_get(c->row, KEYS[i])));
    }
    c->expected = expected;
}

/* The program's link, and a folder to run in; folder NULL: an empty one. */
static bool prepare(struct command *command, const char *folder)
{
    (void)snprintf(command->home, sizeof command->home, "/tmp/tiphys-golden-XXXXXX");
    if (!mkdtemp(command->home)) {
        command->home[0] = '\0';
        return false;
    }
    TPH_CLEANUP(tph_freep) char *link = tph_format("%s/argo", command->home);
    command->folder = folder ? tph_strdup(folder) : tph_format("%s/folder", command->home);
    add(command, tph_str(link));
    return symlink(GOLDEN_PROGRAM, link) == 0 && (folder || mkdir(command->folder, 0700) == 0);
}

static void add_all(struct command *command, const struct tph_json *arguments)
{
    struct tph_json_iter it = tph_json_iter(arguments);
    while (tph_json_next(&it)) {
        add(command, tph_json_str(it.value));
    }
}

void golden_command_lint(struct golden_case *c)
{
    TPH_CLEANUP(release) struct command command = {.n = 0};
    const struct tph_json *files = tph_json_get(c->first, "files");
    if (c->row == c->first) {
        c->skip = "the files that the other rows are about";
        return;
    }
    if (!prepare(&command, NULL) || golden_unpack(files, TPH_STR(""), command.folder) < 0) {
        return;
    }
    command.stdin_text = tph_json_get_str(c->row, "stdin");
    add_all(&command, tph_json_get(c->row, "args"));
    play(c, &command);
}

void golden_command_colors(struct golden_case *c)
{
    TPH_CLEANUP(release) struct command command = {.n = 0};
    struct tph_str file = tph_json_get_str(c->row, "file");
    const struct tph_json *row = golden_row(c->dir, "lint.jsonl", tph_json_get_str(c->row, "name"), c->doc);
    if (!row) {
        c->skip = "lint.jsonl does not have its text";
        return;
    }
    if (!prepare(&command, NULL)) {
        return;
    }
    TPH_CLEANUP(tph_freep) char *path = tph_format("%s/%.*s", command.folder, TPH_FMT(file));
    if (tph_fd_write_file(path, tph_json_get_str(row, "text"), 0600, NULL) < 0) {
        return;
    }
    add(&command, TPH_STR("lint"));
    add(&command, TPH_STR("--offline"));
    add(&command, file);
    play(c, &command);
}

static int by_bytes(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static int no_dots(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

/* As deep as the published examples are. */
static void add_files(struct command *command, const char *name) /* NOLINT(misc-no-recursion) */
{
    TPH_CLEANUP(tph_freep) char *path = tph_format("%s/%s", command->folder, name);
    struct dirent **entries = NULL;
    int n = scandir(path, &entries, no_dots, by_bytes);
    if (n < 0) {
        add(command, tph_str(name));
    }
    for (int i = 0; i < n; i++) {
        TPH_CLEANUP(tph_freep) char *inner = tph_format("%s/%s", name, entries[i]->d_name);
        add_files(command, inner);
        free(entries[i]);
    }
    free(entries);
}

void golden_command_examples(struct golden_case *c)
{
    TPH_CLEANUP(release) struct command command = {.n = 0};
    TPH_CLEANUP(tph_freep) char *folder = tph_format("%s/../argo", c->dir);
    struct tph_str file = tph_json_get_str(c->row, "file");
    if (access(folder, R_OK) < 0) {
        c->skip = "Argo's examples are not on this machine";
        return;
    }
    if (!prepare(&command, folder)) {
        return;
    }
    static const char *const WORDS[] = {"lint", "--offline", "--no-color", "-o", "simple"};
    for (size_t i = 0; i < sizeof WORDS / sizeof WORDS[0]; i++) {
        add(&command, tph_str(WORDS[i]));
    }
    if (tph_str_has_prefix(file, TPH_STR("("))) { /* "(all files as arguments, sorted)" */
        add_files(&command, "examples");
    } else {
        add(&command, file);
    }
    play(c, &command);
}

void golden_command_build(struct golden_case *c)
{
    TPH_CLEANUP(release) struct command command = {.n = 0};
    const struct tph_json *files = golden_folder(c->dir, "plugin_build", "minimal", c->doc);
    if (!prepare(&command, NULL)) {
        return;
    }
    TPH_CLEANUP(tph_freep) char *minimal = tph_format("%s/minimal", command.folder);
    if (files && (mkdir(minimal, 0700) < 0 || golden_unpack(files, TPH_STR("in/"), minimal) < 0)) {
        return;
    }
    add_all(&command, tph_json_get(c->row, "args"));
    if (!files && command.n > 1 && strstr(command.arguments[command.n - 1], "minimal")) {
        c->skip = "the folder minimal is not here";
        return;
    }
    play(c, &command);
}
