/* SPDX-License-Identifier: Apache-2.0 */
/* The command line: what every verb gets, and the one table of verbs.
 *
 * One file a verb (cmd_*.c). A verb's entry in commands.c holds name, arguments, options, help and examples;
 * parsing, help and shell completion are made from it. To add a verb: write cmd_x.c, declare its function below,
 * add one entry to commands.c, name the file in meson.build. Verbs return the exit code: 0 well, 1 failed,
 * 2 usage or invalid manifest, 128 + n ended by signal n.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/str.h"

enum tph_exit {
    TPH_EXIT_OK = 0,
    TPH_EXIT_FAILED = 1,
    TPH_EXIT_USAGE = 2,
    TPH_EXIT_INTERRUPTED = 130,
};

/* What the program found out about its surroundings, once, in main. */
struct tph_cli {
    const char *program; /* "tiphys", or "argo" when called so */
    bool out_terminal;   /* standard output is a terminal */
    bool err_terminal;
    bool dumb;  /* TERM is dumb, or says nothing: the cursor cannot be moved */
    bool color; /* colours are wanted: a terminal, no NO_COLOR, TERM not dumb */
    bool utf8;  /* the locale's codeset is UTF-8 */
};

enum tph_option_kind {
    TPH_OPTION_FLAG,     /* bool */
    TPH_OPTION_TEXT,     /* const char * */
    TPH_OPTION_LIST,     /* struct tph_texts: may be given several times */
    TPH_OPTION_DURATION, /* int64_t, milliseconds: "90s", "5m" */
    TPH_OPTION_CHOICE,   /* const char *, one of choices */
};

struct tph_texts {
    const char **list; /* owned: tph_texts_release */
    size_t n;
};
void tph_texts_release(struct tph_texts *texts);
void tph_texts_add(struct tph_texts *texts, const char *text);

struct tph_option {
    const char *name; /* long name without the dashes; NULL ends a table */
    char letter;      /* 0 = none */
    enum tph_option_kind kind;
    size_t offset;        /* of the member in the verb's struct of options */
    const char *argument; /* what its value is called in the help; NULL for a flag */
    const char *choices;  /* CHOICE: "wide|json|yaml|name" */
    const char *help;     /* one line */
};

struct tph_command {
    const char *name;                 /* "run", "executor-plugin build" */
    const char *arguments;            /* "[FILE|DIR|-]..." or NULL */
    const char *summary;              /* one line */
    const char *details;              /* paragraphs, or NULL */
    const char *examples;             /* lines "  tiphys run wf.yaml    what it does", or NULL */
    const struct tph_option *options; /* ended by a NULL name; may be NULL */
    int (*run)(const struct tph_cli *cli, const struct tph_command *command, int argc, char **argv);
};

extern const struct tph_command tph_commands[]; /* ended by a NULL name */

/* Fills the struct at `into` (zeroed or holding the defaults) from argv by the command's table. Options and
 * arguments may be mixed; "--" ends options. What is no option is collected in ret_arguments. Returns 0; or 1 when
 * the verb should return at once with *ret_exit: --help was printed, or the error was. */
int tph_cli_parse(const struct tph_cli *cli, const struct tph_command *command, int argc, char **argv, void *into,
                  struct tph_texts *ret_arguments, int *ret_exit) TPH_MUST_CHECK;

/* Prints "error: TEXT" (red on a terminal) to standard error. Returns the exit code that fits err's kind. */
int tph_cli_error(const struct tph_cli *cli, const struct tph_error *err);
/* The same for a mistake on the command line, with where to find help; returns TPH_EXIT_USAGE. command may be NULL. */
int tph_cli_usage(const struct tph_cli *cli, const struct tph_command *command, const char *format, ...)
    TPH_PRINTF(3, 4);
void tph_cli_warn(const struct tph_cli *cli, const char *format, ...) TPH_PRINTF(2, 3);

/* Prints the help of one verb, or of the program (command NULL), to standard output. */
void tph_cli_help(const struct tph_cli *cli, const struct tph_command *command);

int tph_cmd_completion(const struct tph_cli *cli, const struct tph_command *command, int argc, char **argv);
int tph_cmd_db_backup(const struct tph_cli *cli, const struct tph_command *command, int argc, char **argv);
int tph_cmd_db_check(const struct tph_cli *cli, const struct tph_command *command, int argc, char **argv);
int tph_cmd_db_compact(const struct tph_cli *cli, const struct tph_command *command, int argc, char **argv);
int tph_cmd_delete(const struct tph_cli *cli, const struct tph_command *command, int argc, char **argv);
int tph_cmd_doctor(const struct tph_cli *cli, const struct tph_command *command, int argc, char **argv);
int tph_cmd_get(const struct tph_cli *cli, const struct tph_command *command, int argc, char **argv);
int tph_cmd_lint(const struct tph_cli *cli, const struct tph_command *command, int argc, char **argv);
int tph_cmd_list(const struct tph_cli *cli, const struct tph_command *command, int argc, char **argv);
int tph_cmd_logs(const struct tph_cli *cli, const struct tph_command *command, int argc, char **argv);
int tph_cmd_plugin_add(const struct tph_cli *cli, const struct tph_command *command, int argc, char **argv);
int tph_cmd_plugin_build(const struct tph_cli *cli, const struct tph_command *command, int argc, char **argv);
int tph_cmd_plugin_list(const struct tph_cli *cli, const struct tph_command *command, int argc, char **argv);
int tph_cmd_plugin_remove(const struct tph_cli *cli, const struct tph_command *command, int argc, char **argv);
int tph_cmd_plugin_run(const struct tph_cli *cli, const struct tph_command *command, int argc, char **argv);
int tph_cmd_plugins(const struct tph_cli *cli, const struct tph_command *command, int argc, char **argv);
int tph_cmd_run(const struct tph_cli *cli, const struct tph_command *command, int argc, char **argv);
int tph_cmd_server(const struct tph_cli *cli, const struct tph_command *command, int argc, char **argv);
int tph_cmd_submit(const struct tph_cli *cli, const struct tph_command *command, int argc, char **argv);
int tph_cmd_token_add(const struct tph_cli *cli, const struct tph_command *command, int argc, char **argv);
int tph_cmd_token_list(const struct tph_cli *cli, const struct tph_command *command, int argc, char **argv);
int tph_cmd_token_remove(const struct tph_cli *cli, const struct tph_command *command, int argc, char **argv);
int tph_cmd_version(const struct tph_cli *cli, const struct tph_command *command, int argc, char **argv);
int tph_cmd_watch(const struct tph_cli *cli, const struct tph_command *command, int argc, char **argv);
