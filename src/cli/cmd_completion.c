/* SPDX-License-Identifier: Apache-2.0 */
/* tiphys completion: scripts for bash, zsh and fish, made from the table of verbs.
 *
 * Offered are verbs, options, the values of an option that has a fixed few, files where files are taken, and nothing
 * where only the person knows (a name, a time).
 */
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"

/* Of "executor-plugin build" the first word; of "run" all of it. */
static struct tph_str first_word(const struct tph_command *c)
{
    return (struct tph_str){.p = c->name, .len = strcspn(c->name, " ")};
}

/* "build" of "executor-plugin build"; NULL of "run". */
static const char *second_word(const struct tph_command *c)
{
    const char *space = strchr(c->name, ' ');
    return space ? space + 1 : NULL;
}

/* Verbs of one first word stand together in the table: true for the first of them. */
static bool opens(const struct tph_command *c)
{
    return c == tph_commands || !tph_str_eq(first_word(c), first_word(c - 1));
}

/* The fixed few words that a verb's arguments are ("bash|zsh|fish"), or NULL: names in capitals stand for anything. */
static const char *fixed_arguments(const struct tph_command *c)
{
    return c->arguments && !strpbrk(c->arguments, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") ? c->arguments : NULL;
}

static bool names_files(const char *argument)
{
    return strstr(argument, "FILE") || strstr(argument, "DIR");
}

static bool takes_files(const struct tph_option *o)
{
    return names_files(o->argument);
}

/* What the verbs of a first word are about. */
static const char *about(const struct tph_command *c)
{
    static const struct {
        const char *word, *text;
    } GROUPS[] = {{"executor-plugin", "build and try plugins"},
                  {"plugin", "the plugins of a server"},
                  {"token", "the users of a server"},
                  {"db", "look after a store"}};
    for (size_t i = 0; i < sizeof GROUPS / sizeof GROUPS[0]; i++) {
        if (tph_str_eqz(first_word(c), GROUPS[i].word)) {
            return GROUPS[i].text;
        }
    }
    return c->summary;
}

/* "wide|json" as "wide json". */
static void print_choices(const char *choices)
{
    for (const char *p = choices; *p; p++) {
        (void)putchar(*p == '|' ? ' ' : *p);
    }
}

static void print_first_words(void)
{
    for (const struct tph_command *c = tph_commands; c->name; c++) {
        if (opens(c)) {
            (void)printf(" %.*s", TPH_FMT(first_word(c)));
        }
    }
}

static void print_second_words(struct tph_str first)
{
    for (const struct tph_command *c = tph_commands; c->name; c++) {
        if (second_word(c) && tph_str_eq(first_word(c), first)) {
            (void)printf(" %s", second_word(c));
        }
    }
}

static void print_bash_verb(const struct tph_command *c)
{
    const char *fixed = fixed_arguments(c);
    (void)printf("    \"%s \"*)\n        words=\"", c->name);
    print_choices(fixed ? fixed : "");
    for (const struct tph_option *o = c->options; o && o->name; o++) {
        (void)printf(" --%s", o->name);
    }
    (void)printf(" --help\" files=%d\n        case $prev in\n", c->arguments && names_files(c->arguments));
    for (const struct tph_option *o = c->options; o && o->name; o++) {
        if (!o->argument) {
            continue;
        }
        (void)printf("        --%s", o->name);
        if (o->letter) {
            (void)printf("|-%c", o->letter);
        }
        (void)printf(") words=\"");
        print_choices(o->choices ? o->choices : "");
        (void)printf("\" files=%d ;;\n", takes_files(o));
    }
    (void)printf("        esac ;;\n");
}

/* Bash makes three words of --output=json; the value's option is then two before it. */
static void print_bash(const char *program)
{
    (void)printf(
        "_%s() {\n"
        "    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} words=\"\" files=0\n"
        "    if [ \"$cur\" = = ]; then cur=\"\"; elif [ \"$prev\" = = ]; then prev=${COMP_WORDS[COMP_CWORD-2]}; "
        "fi\n"
        "    case \"${COMP_WORDS[*]:1:COMP_CWORD-1} \" in\n",
        program);
    for (const struct tph_command *c = tph_commands; c->name; c++) {
        print_bash_verb(c);
    }
    for (const struct tph_command *c = tph_commands; c->name; c++) {
        if (opens(c) && second_word(c)) {
            (void)printf("    \"%.*s \"|\"help %.*s \") words=\"", TPH_FMT(first_word(c)), TPH_FMT(first_word(c)));
            print_second_words(first_word(c));
            (void)printf("\" ;;\n");
        }
    }
    (void)printf("    \"help \") words=\"");
    print_first_words();
    (void)printf("\" ;;\n    \" \") words=\"");
    print_first_words();
    (void)printf(" help --help --version\" ;;\n    esac\n"
                 "    COMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n"
                 "    local IFS=$'\\n'\n"
                 "    if [ $files = 1 ] && [[ $cur != -* ]]; then COMPREPLY+=($(compgen -f -- \"$cur\")); fi\n"
                 "}\ncomplete -o filenames -F _%s %s\n",
                 program, program);
}

/* A text in single quotes, as fish reads them. */
static void print_quoted(const char *text)
{
    (void)putchar('\'');
    for (const char *p = text; *p; p++) {
        if (*p == '\'' || *p == '\\') {
            (void)putchar('\\');
        }
        (void)putchar(*p);
    }
    (void)putchar('\'');
}

/* -n 'this verb has been typed': `run` alone is not the run of `executor-plugin run`. */
static void print_fish_condition(const struct tph_command *c)
{
    (void)printf(" -n '__fish_seen_subcommand_from %.*s", TPH_FMT(first_word(c)));
    if (second_word(c)) {
        (void)printf("; and __fish_seen_subcommand_from %s'", second_word(c));
        return;
    }
    for (const struct tph_command *d = tph_commands; d->name; d++) {
        if (opens(d) && second_word(d)) {
            (void)printf("; and not __fish_seen_subcommand_from %.*s", TPH_FMT(first_word(d)));
        }
    }
    (void)putchar('\'');
}

static void print_fish_options(const char *program, const struct tph_command *c)
{
    for (const struct tph_option *o = c->options; o && o->name; o++) {
        (void)printf("complete -c %s", program);
        print_fish_condition(c);
        (void)printf(" -l %s", o->name);
        if (o->letter) {
            (void)printf(" -s %c", o->letter);
        }
        if (o->argument) {
            (void)printf(takes_files(o) ? " -r -F" : " -x");
        }
        if (o->choices) {
            (void)printf(" -a '");
            print_choices(o->choices);
            (void)putchar('\'');
        }
        (void)printf(" -d ");
        print_quoted(o->help);
        (void)putchar('\n');
    }
}

static void print_fish_verb(const char *program, const struct tph_command *c)
{
    if (opens(c)) {
        (void)printf("complete -c %s -f -n __fish_use_subcommand -a %.*s -d ", program, TPH_FMT(first_word(c)));
        print_quoted(second_word(c) ? about(c) : c->summary);
        (void)putchar('\n');
    }
    if (second_word(c)) {
        (void)printf("complete -c %s -f -n '__fish_seen_subcommand_from %.*s; and not __fish_seen_subcommand_from",
                     program, TPH_FMT(first_word(c)));
        print_second_words(first_word(c));
        (void)printf("' -a %s -d ", second_word(c));
        print_quoted(c->summary);
        (void)putchar('\n');
    }
    if (fixed_arguments(c)) {
        (void)printf("complete -c %s -f", program);
        print_fish_condition(c);
        (void)printf(" -a '");
        print_choices(c->arguments);
        (void)printf("'\n");
    }
}

static void print_fish(const char *program)
{
    for (const struct tph_command *c = tph_commands; c->name; c++) {
        print_fish_verb(program, c);
        print_fish_options(program, c);
    }
}

int tph_cmd_completion(const struct tph_cli *cli, const struct tph_command *command, int argc, char **argv)
{
    TPH_CLEANUP(tph_texts_release) struct tph_texts arguments = {.list = NULL};
    int code = 0;
    if (tph_cli_parse(cli, command, argc, argv, NULL, &arguments, &code)) {
        return code;
    }
    if (arguments.n != 1) {
        return tph_cli_usage(cli, command, "completion takes one shell: bash, zsh or fish");
    }
    if (strcmp(arguments.list[0], "bash") == 0) {
        print_bash(cli->program);
    } else if (strcmp(arguments.list[0], "zsh") == 0) {
        (void)printf("autoload -U +X bashcompinit && bashcompinit\n");
        print_bash(cli->program);
    } else if (strcmp(arguments.list[0], "fish") == 0) {
        print_fish(cli->program);
    } else {
        return tph_cli_usage(cli, command, "no completion for \"%s\": bash, zsh or fish", arguments.list[0]);
    }
    return TPH_EXIT_OK;
}
