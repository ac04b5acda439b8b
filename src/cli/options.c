/* SPDX-License-Identifier: Apache-2.0 */
/* Reading a verb's options by its table, and the three ways of saying that something is wrong. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "cli/cli.h"
#include "data/duration.h"

enum { OPTIONS_MAX = 64 };

void tph_texts_release(struct tph_texts *texts)
{
    if (texts) {
        free(texts->list);
        *texts = (struct tph_texts){.list = NULL};
    }
}

void tph_texts_add(struct tph_texts *texts, const char *text)
{
    if ((texts->n & (texts->n + 1)) == 0) { /* n + 1 is a power of two: full */
        texts->list = tph_realloc(texts->list, (texts->n + 1) * 2 * sizeof(*texts->list));
    }
    texts->list[texts->n++] = text;
}

/* What is being read. */
struct reader {
    const struct tph_cli *cli;
    const struct tph_command *command;
    int argc, at;
    char **argv;
    char *into;
};

static const struct tph_option *find_long(const struct tph_command *command, struct tph_str name)
{
    for (const struct tph_option *o = command->options; o && o->name; o++) {
        if (tph_str_eqz(name, o->name)) {
            return o;
        }
    }
    return NULL;
}

static const struct tph_option *find_letter(const struct tph_command *command, char letter)
{
    for (const struct tph_option *o = command->options; o && o->name; o++) {
        if (o->letter == letter) {
            return o;
        }
    }
    return NULL;
}

static bool is_choice(const char *choices, const char *text)
{
    struct tph_str rest = tph_str(choices);
    struct tph_str part;
    while (tph_str_cut(&rest, '|', &part)) {
        if (tph_str_eqz(part, text)) {
            return true;
        }
    }
    return false;
}

/* As Go writes durations, and whole days ("7d"), which argo and kubectl's users know. */
static int read_duration(struct tph_str text, int64_t *ret_ms)
{
    const int64_t day_ms = INT64_C(86400000);
    int64_t days = 0;
    if (tph_str_has_suffix(text, TPH_STR("d")) && tph_str_to_i64(tph_str_slice(text, 0, text.len - 1), &days) == 0 &&
        days < INT64_MAX / day_ms) {
        *ret_ms = days * day_ms;
        return 0;
    }
    return tph_duration_parse_ms(text, ret_ms);
}

/* Stores a value; returns 0, or the exit code after the error was printed. value is NULL for a bare flag only. */
static int store(const struct reader *r, const struct tph_option *o, const char *value)
{
    void *member = r->into + o->offset;
    int64_t ms = 0;
    switch (o->kind) {
    case TPH_OPTION_FLAG:
        if (value && strcmp(value, "true") != 0 && strcmp(value, "false") != 0) {
            return tph_cli_usage(r->cli, r->command, "--%s takes true or false, not \"%s\"", o->name, value);
        }
        *(bool *)member = !value || strcmp(value, "true") == 0;
        return 0;
    case TPH_OPTION_TEXT:
        *(const char **)member = value;
        return 0;
    case TPH_OPTION_LIST:
        tph_texts_add(member, value);
        return 0;
    case TPH_OPTION_DURATION:
        if (read_duration(tph_str(value), &ms) < 0 || ms < 0) {
            return tph_cli_usage(r->cli, r->command, "--%s takes a duration such as 90s, 5m or 1h30m, not \"%s\"",
                                 o->name, value);
        }
        *(int64_t *)member = ms;
        return 0;
    case TPH_OPTION_CHOICE:
        if (!is_choice(o->choices, value)) {
            return tph_cli_usage(r->cli, r->command, "--%s takes one of %s, not \"%s\"", o->name, o->choices, value);
        }
        *(const char **)member = value;
        return 0;
    }
    return 0;
}

/* The value of an option that needs one: after "=", glued to its letter, or the next argument. */
static int store_with_value(struct reader *r, const struct tph_option *o, const char *glued)
{
    if (o->kind == TPH_OPTION_FLAG || glued) {
        return store(r, o, glued);
    }
    if (r->at + 1 >= r->argc) {
        return tph_cli_usage(r->cli, r->command, "--%s needs a value: %s", o->name, o->argument);
    }
    return store(r, o, r->argv[++r->at]);
}

static int read_long(struct reader *r, const char *text)
{
    const char *equals = strchr(text, '=');
    struct tph_str name = {.p = text, .len = equals ? (size_t)(equals - text) : strlen(text)};
    const struct tph_option *o = find_long(r->command, name);
    if (o) {
        return store_with_value(r, o, equals ? equals + 1 : NULL);
    }
    const char *names[OPTIONS_MAX];
    size_t n = 0;
    for (o = r->command->options; o && o->name && n < OPTIONS_MAX; o++) {
        names[n++] = o->name;
    }
    const char *near = tph_str_nearest(name, names, n);
    if (near) {
        return tph_cli_usage(r->cli, r->command, "unknown option --%.*s; did you mean --%s?", TPH_FMT(name), near);
    }
    return tph_cli_usage(r->cli, r->command, "unknown option --%.*s", TPH_FMT(name));
}

/* A run of letters: flags, the last of which may take the rest as its value. */
static int read_letters(struct reader *r, const char *letters)
{
    for (const char *p = letters; *p; p++) {
        const struct tph_option *o = find_letter(r->command, *p);
        if (!o) {
            return tph_cli_usage(r->cli, r->command, "unknown option -%c", *p);
        }
        if (o->kind != TPH_OPTION_FLAG) {
            const char *glued = p[1] == '=' ? p + 2 : p + 1;
            return store_with_value(r, o, *glued ? glued : NULL);
        }
        int failed = store(r, o, NULL);
        if (failed) {
            return failed;
        }
    }
    return 0;
}

int tph_cli_parse(const struct tph_cli *cli, const struct tph_command *command, int argc, char **argv, void *into,
                  struct tph_texts *ret_arguments, int *ret_exit)
{
    struct reader r = {.cli = cli, .command = command, .argc = argc, .argv = argv, .into = into};
    for (r.at = 0; r.at < argc; r.at++) {
        const char *text = argv[r.at];
        int failed = 0;
        if (strcmp(text, "--") == 0) {
            for (r.at++; r.at < argc; r.at++) {
                tph_texts_add(ret_arguments, argv[r.at]);
            }
            break;
        }
        if (strcmp(text, "--help") == 0 || strcmp(text, "-h") == 0) {
            tph_cli_help(cli, command);
            *ret_exit = TPH_EXIT_OK;
            return 1;
        }
        if (text[0] == '-' && text[1] == '-') {
            failed = read_long(&r, text + 2);
        } else if (text[0] == '-' && text[1] != '\0') {
            failed = read_letters(&r, text + 1);
        } else {
            tph_texts_add(ret_arguments, text);
        }
        if (failed) {
            *ret_exit = failed;
            return 1;
        }
    }
    return 0;
}

static void print_tagged(const struct tph_cli *cli, const char *color, const char *tag, const char *text)
{
    if (cli->err_terminal && cli->color) {
        (void)fprintf(stderr, "\033[%sm%s:\033[0m %s\n", color, tag, text);
    } else {
        (void)fprintf(stderr, "%s: %s\n", tag, text);
    }
}

TPH_PRINTF(4, 0)
static void print_format(const struct tph_cli *cli, const char *color, const char *tag, const char *format,
                         va_list args)
{
    char *text = NULL;
    if (vasprintf(&text, format, args) < 0) {
        abort();
    }
    print_tagged(cli, color, tag, text);
    free(text);
}

int tph_cli_error(const struct tph_cli *cli, const struct tph_error *err)
{
    print_tagged(cli, "31", "error", err->text);
    switch (err->kind) {
    case TPH_ERROR_USAGE:
    case TPH_ERROR_INVALID:
    case TPH_ERROR_NOT_FOUND:
    case TPH_ERROR_LIMIT:
        return TPH_EXIT_USAGE;
    case TPH_ERROR_NONE:
    case TPH_ERROR_CONFLICT:
    case TPH_ERROR_SYSTEM:
    case TPH_ERROR_BUSY:
    case TPH_ERROR_COUNT:
        break;
    }
    return TPH_EXIT_FAILED;
}

int tph_cli_usage(const struct tph_cli *cli, const struct tph_command *command, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    print_format(cli, "31", "error", format, args);
    va_end(args);
    (void)fprintf(stderr, "  see %s %s%s--help\n", cli->program, command ? command->name : "", command ? " " : "");
    return TPH_EXIT_USAGE;
}

void tph_cli_warn(const struct tph_cli *cli, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    print_format(cli, "33", "warning", format, args);
    va_end(args);
}
