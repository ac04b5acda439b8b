/* SPDX-License-Identifier: Apache-2.0 */
/* tiphys completion: scripts for bash, zsh and fish, made from the table of verbs. */
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"

/* A verb's name as a shell word list member: "executor-plugin build" is asked for by its first word, then its second.
 */
static void print_verb_options(const struct tph_command *c)
{
    for (const struct tph_option *o = c->options; o && o->name; o++) {
        (void)printf(" --%s", o->name);
    }
    (void)printf(" --help");
}

static void print_bash(const char *program)
{
    (void)printf("_%s() {\n    local cur=${COMP_WORDS[COMP_CWORD]} words=\"\" files=1\n"
                 "    case \"${COMP_WORDS[*]:1:COMP_CWORD-1} \" in\n",
                 program);
    for (const struct tph_command *c = tph_commands; c->name; c++) {
        (void)printf("    \"%s \"*) words=\"", c->name);
        print_verb_options(c);
        (void)printf("\" ;;\n");
    }
    (void)printf("    \"executor-plugin \") words=\"");
    for (const struct tph_command *c = tph_commands; c->name; c++) {
        const char *space = strchr(c->name, ' ');
        if (space) {
            (void)printf(" %s", space + 1);
        }
    }
    (void)printf("\" files=0 ;;\n    \" \") words=\"");
    for (const struct tph_command *c = tph_commands; c->name; c++) {
        if (!strchr(c->name, ' ')) {
            (void)printf(" %s", c->name);
        }
    }
    (void)printf(" executor-plugin\" files=0 ;;\n    esac\n"
                 "    COMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n"
                 "    if [ $files = 1 ] && [[ $cur != -* ]]; then COMPREPLY+=($(compgen -f -- \"$cur\")); fi\n"
                 "}\ncomplete -o filenames -F _%s %s\n",
                 program, program);
}

static void print_fish(const char *program)
{
    for (const struct tph_command *c = tph_commands; c->name; c++) {
        int first = (int)strcspn(c->name, " ");
        (void)printf("complete -c %s -n __fish_use_subcommand -a %.*s -d '%s'\n", program, first, c->name,
                     c->name[first] ? "build and try plugins" : c->summary);
        if (c->name[first]) {
            (void)printf("complete -c %s -n '__fish_seen_subcommand_from %.*s' -a %s -d '%s'\n", program, first,
                         c->name, c->name + first + 1, c->summary);
        }
        for (const struct tph_option *o = c->options; o && o->name; o++) {
            (void)printf("complete -c %s -n '__fish_seen_subcommand_from %s' -l %s%s%c%s -d '%s'\n", program,
                         c->name[first] ? c->name + first + 1 : c->name, o->name, o->letter ? " -s " : "",
                         o->letter ? o->letter : ' ', o->argument ? " -r" : "", o->help);
        }
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
