/* SPDX-License-Identifier: Apache-2.0 */
/* Help, made from the table of verbs. */
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"

/* A text of the tables, in which the program is called tiphys, with the name that it was called by. */
static void print_text(const struct tph_cli *cli, const char *text)
{
    static const char own[] = "tiphys";
    for (const char *at; (at = strstr(text, own)); text = at + strlen(own)) {
        (void)printf("%.*s%s", (int)(at - text), text, cli->program);
    }
    (void)printf("%s\n", text);
}

static size_t option_width(const struct tph_option *o)
{
    return strlen(o->name) + (o->argument ? strlen(o->argument) + 1 : 0);
}

static void print_options(const struct tph_cli *cli, const struct tph_command *command)
{
    size_t width = strlen("help");
    for (const struct tph_option *o = command->options; o && o->name; o++) {
        width = option_width(o) > width ? option_width(o) : width;
    }
    (void)printf("\nOptions:\n");
    for (const struct tph_option *o = command->options; o && o->name; o++) {
        if (o->letter) {
            (void)printf("  -%c, ", o->letter);
        } else {
            (void)printf("      ");
        }
        (void)printf("--%s%s%s%*s  ", o->name, o->argument ? " " : "", o->argument ? o->argument : "",
                     (int)(width - option_width(o)), "");
        print_text(cli, o->help);
    }
    (void)printf("  -h, --help%*s  print this text\n", (int)(width - strlen("help")), "");
}

static void print_program(const struct tph_cli *cli)
{
    (void)printf("%s runs Argo workflows and their executor plugins on this machine, without a cluster.\n"
                 "\nUsage:\n  %s COMMAND [ARGUMENTS] [OPTIONS]\n\nCommands:\n",
                 cli->program, cli->program);
    for (const struct tph_command *c = tph_commands; c->name; c++) {
        (void)printf("  %-22s  %s\n", c->name, c->summary);
    }
    (void)printf("\nFirst steps:\n"
                 "  %s run examples/hello    run a workflow with the plugin beside it\n"
                 "  %s server                serve a team: %s submit, watch, logs; kubectl works, too\n"
                 "  %s doctor                what this machine offers to sidecars, and what it lacks\n"
                 "  %s COMMAND --help        options and examples of a command\n",
                 cli->program, cli->program, cli->program, cli->program, cli->program);
}

void tph_cli_help(const struct tph_cli *cli, const struct tph_command *command)
{
    if (!command) {
        print_program(cli);
        return;
    }
    (void)printf("%s %s: %s\n\nUsage:\n  %s %s%s%s [OPTIONS]\n", cli->program, command->name, command->summary,
                 cli->program, command->name, command->arguments ? " " : "",
                 command->arguments ? command->arguments : "");
    if (command->details) {
        (void)printf("\n");
        print_text(cli, command->details);
    }
    print_options(cli, command);
    if (command->examples) {
        (void)printf("\nExamples:\n");
        print_text(cli, command->examples);
    }
}
