/* SPDX-License-Identifier: Apache-2.0 */
/* tiphys db check, backup, compact: looking after the file of a store, as `run --state` and the server write it. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "cli/cli.h"
#include "store/sqlite_care.h"

/* Reads the names that a verb takes; 0, or 1 with the exit code. */
static int read_names(const struct tph_cli *cli, const struct tph_command *command, int argc, char **argv, size_t n,
                      struct tph_texts *arguments, int *ret_exit)
{
    if (tph_cli_parse(cli, command, argc, argv, NULL, arguments, ret_exit)) {
        return 1;
    }
    if (arguments->n != n) {
        *ret_exit =
            tph_cli_usage(cli, command, "%s takes %s, here are %zu", command->name, command->arguments, arguments->n);
        return 1;
    }
    return 0;
}

/* Opening a store would make it: a name that is mistyped is an error, and leaves nothing behind. */
static int must_be_there(const char *path, struct tph_error *err)
{
    struct stat status;
    if (stat(path, &status) < 0) {
        return errno == ENOENT ? tph_error_set(err, TPH_ERROR_NOT_FOUND,
                                               "%s: there is no such file\n  name the file that run --state writes, "
                                               "or that of a server's state directory",
                                               path)
                               : tph_error_errno(err, errno, "%s", path);
    }
    if (!S_ISREG(status.st_mode)) {
        return tph_error_set(err, TPH_ERROR_INVALID, "%s: this is no file\n  name the file itself, not its directory",
                             path);
    }
    return 0;
}

static int64_t size_of(const char *path)
{
    struct stat status;
    return stat(path, &status) < 0 ? 0 : (int64_t)status.st_size;
}

static void tell_problem(void *owner, const char *problem)
{
    const char *path = owner;
    (void)printf("%s: %s\n", path, problem);
}

int tph_cmd_db_check(const struct tph_cli *cli, const struct tph_command *command, int argc, char **argv)
{
    TPH_CLEANUP(tph_texts_release) struct tph_texts arguments = {.list = NULL};
    struct tph_error err = TPH_ERROR_INIT;
    int code = 0;
    unsigned problems = 0;
    if (read_names(cli, command, argc, argv, 1, &arguments, &code)) {
        return code;
    }
    const char *path = arguments.list[0];
    if (must_be_there(path, &err) < 0 ||
        tph_store_sqlite_check(path, tell_problem, (void *)(uintptr_t)path, &problems, &err) < 0) {
        (void)tph_cli_error(cli, &err);
        return TPH_EXIT_FAILED;
    }
    if (problems > 0) {
        (void)fflush(stdout);
        (void)tph_error_set(&err, TPH_ERROR_INVALID,
                            "%s: %u problem%s\n  take a backup of before, or what can still be read: tiphys db backup "
                            "%s NEW",
                            path, problems, problems == 1 ? "" : "s", path);
        (void)tph_cli_error(cli, &err);
        return TPH_EXIT_FAILED;
    }
    (void)printf("%s: ok\n", path);
    return TPH_EXIT_OK;
}

int tph_cmd_db_backup(const struct tph_cli *cli, const struct tph_command *command, int argc, char **argv)
{
    TPH_CLEANUP(tph_texts_release) struct tph_texts arguments = {.list = NULL};
    struct tph_error err = TPH_ERROR_INIT;
    int code = 0;
    if (read_names(cli, command, argc, argv, 2, &arguments, &code)) {
        return code;
    }
    if (must_be_there(arguments.list[0], &err) < 0 ||
        tph_store_sqlite_backup(arguments.list[0], arguments.list[1], &err) < 0) {
        (void)tph_cli_error(cli, &err);
        return TPH_EXIT_FAILED;
    }
    (void)printf("%s: %" PRId64 " bytes\n", arguments.list[1], size_of(arguments.list[1]));
    return TPH_EXIT_OK;
}

int tph_cmd_db_compact(const struct tph_cli *cli, const struct tph_command *command, int argc, char **argv)
{
    TPH_CLEANUP(tph_texts_release) struct tph_texts arguments = {.list = NULL};
    struct tph_error err = TPH_ERROR_INIT;
    int code = 0;
    if (read_names(cli, command, argc, argv, 1, &arguments, &code)) {
        return code;
    }
    const char *path = arguments.list[0];
    int64_t before = size_of(path);
    if (must_be_there(path, &err) < 0 || tph_store_sqlite_compact(path, &err) < 0) {
        (void)tph_cli_error(cli, &err);
        return TPH_EXIT_FAILED;
    }
    (void)printf("%s: %" PRId64 " bytes, before %" PRId64 "\n", path, size_of(path), before);
    return TPH_EXIT_OK;
}
