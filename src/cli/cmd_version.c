/* SPDX-License-Identifier: Apache-2.0 */
/* tiphys version */
#include <stdio.h>

#include "cli/cli.h"

int tph_cmd_version(const struct tph_cli *cli, const struct tph_command *command, int argc, char **argv)
{
    TPH_CLEANUP(tph_texts_release) struct tph_texts arguments = {.list = NULL};
    int code = 0;
    if (tph_cli_parse(cli, command, argc, argv, NULL, &arguments, &code)) {
        return code;
    }
    if (arguments.n > 0) {
        return tph_cli_usage(cli, command, "version takes no arguments");
    }
    (void)printf("%s: v%s\n", cli->program, TPH_VERSION);
    return TPH_EXIT_OK;
}
