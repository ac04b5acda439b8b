/* SPDX-License-Identifier: Apache-2.0 */
/* tiphys: finds out about its surroundings, finds the verb, runs it. */
#include <fcntl.h>
#include <langinfo.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "cli/cli.h"
#include "cli/remote.h"
#include "podrt/broker.h"
#include "podrt/sandbox.h"

enum { VERBS_MAX = 64 };

static bool is_help(const char *word)
{
    return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0;
}

/* How many words of argv the verb's name takes; 0 when they do not begin with it. */
static int matches(const struct tph_command *command, int argc, char **argv)
{
    struct tph_str rest = tph_str(command->name);
    struct tph_str word;
    int n = 0;
    while (tph_str_cut(&rest, ' ', &word)) {
        if (n >= argc || !tph_str_eqz(word, argv[n])) {
            return 0;
        }
        n++;
    }
    return n;
}

static bool in_group(const struct tph_command *command, const char *group)
{
    size_t len = strlen(group);
    return strncmp(command->name, group, len) == 0 && command->name[len] == ' ';
}

static int complain(const struct tph_cli *cli, const char *said)
{
    const char *names[VERBS_MAX];
    size_t n = 0;
    for (const struct tph_command *c = tph_commands; c->name && n < VERBS_MAX; c++) {
        names[n++] = c->name;
    }
    const char *near = tph_str_nearest(tph_str(said), names, n);
    if (near) {
        return tph_cli_usage(cli, NULL, "unknown command \"%s\"; did you mean \"%s\"?", said, near);
    }
    return tph_cli_usage(cli, NULL, "unknown command \"%s\"", said);
}

/* "executor-plugin" alone, or with a word that is no verb of it: lists its verbs. */
static int print_group(const struct tph_cli *cli, int argc, char **argv)
{
    bool wrong = argc > 1 && !is_help(argv[1]);
    if (wrong) {
        TPH_CLEANUP(tph_freep) char *said = tph_format("%s %s", argv[0], argv[1]);
        (void)complain(cli, said);
    }
    FILE *out = wrong ? stderr : stdout;
    (void)fprintf(out, "Commands of %s %s:\n", cli->program, argv[0]);
    for (const struct tph_command *c = tph_commands; c->name; c++) {
        if (in_group(c, argv[0])) {
            (void)fprintf(out, "  %-22s  %s\n", c->name, c->summary);
        }
    }
    return wrong ? TPH_EXIT_USAGE : TPH_EXIT_OK;
}

static int unknown_verb(const struct tph_cli *cli, int argc, char **argv)
{
    for (const struct tph_command *c = tph_commands; c->name; c++) {
        if (in_group(c, argv[0])) {
            return print_group(cli, argc, argv);
        }
    }
    return complain(cli, argv[0]);
}

/* The options that kubectl and argo take in front of the verb, too: `tiphys -n team list`. */
struct leading {
    struct tph_remote_options remote;
};
static const struct tph_option leading_options[] = {TPH_REMOTE_OPTIONS(struct leading), {.name = NULL}};

/* How many words an option of those takes; 0: it is none. */
static int option_words(const char *word)
{
    for (const struct tph_option *o = leading_options; o->name; o++) {
        size_t len = strlen(o->name);
        if (strncmp(word, "--", 2) == 0 && strncmp(word + 2, o->name, len) == 0 &&
            (word[2 + len] == '\0' || word[2 + len] == '=')) {
            return word[2 + len] == '=' ? 1 : 2;
        }
        if (o->letter && word[0] == '-' && word[1] == o->letter) {
            return word[2] ? 1 : 2;
        }
    }
    return 0;
}

/* Puts options in front of the verb behind it, in place: there each verb reads those that it knows. */
static void move_leading_options(int argc, char **argv)
{
    int n = 0;
    int words = 0;
    while (n < argc && (words = option_words(argv[n])) > 0) {
        n += words;
    }
    if (n == 0 || n >= argc) {
        return;
    }
    int end = n; /* of what stands before "--": behind that there are no options */
    while (end < argc && strcmp(argv[end], "--") != 0) {
        end++;
    }
    char **moved = tph_calloc((size_t)end, sizeof *moved);
    memcpy(moved, argv + n, (size_t)(end - n) * sizeof *moved);
    memcpy(moved + (end - n), argv, (size_t)n * sizeof *moved);
    memcpy(argv, moved, (size_t)end * sizeof *moved);
    free(moved);
}

static int run_verb(const struct tph_cli *cli, int argc, char **argv)
{
    move_leading_options(argc, argv);
    bool help = argc > 0 && strcmp(argv[0], "help") == 0;
    if (help) {
        argc--;
        argv++;
    }
    if (argc == 0 || is_help(argv[0])) {
        tph_cli_help(cli, NULL);
        return argc == 0 && !help ? TPH_EXIT_USAGE : TPH_EXIT_OK;
    }
    if (strcmp(argv[0], "--version") == 0) {
        argv[0] += 2;
    }
    const struct tph_command *found = NULL;
    int words = 0;
    for (const struct tph_command *c = tph_commands; c->name; c++) {
        int n = matches(c, argc, argv);
        if (n > words) {
            found = c;
            words = n;
        }
    }
    if (!found) {
        return unknown_verb(cli, argc, argv);
    }
    if (help) {
        tph_cli_help(cli, found);
        return TPH_EXIT_OK;
    }
    return found->run(cli, found, argc - words, argv + words);
}

/* Whoever started us may have closed one of them: what is opened next must not come to stand there. Reading and writing
 * fail as they would on a closed one, for each is open for the other. */
static void fill_standard_descriptors(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
        if (fcntl(fd, F_GETFD) < 0) {
            (void)!open("/dev/null", (fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) | O_NOCTTY);
        }
    }
}

int main(int argc, char **argv)
{
    /* The program runs itself again as a sandbox's shim or broker: those know their names. */
    tph_sandbox_shim_main(argc, argv);
    tph_broker_main(argc, argv);
    fill_standard_descriptors();
    /* Only what characters look like follows the user's locale; numbers never do. */
    (void)setlocale(LC_CTYPE, "");
    if (argc == 0) {
        return TPH_EXIT_USAGE;
    }
    const char *slash = strrchr(argv[0], '/');
    const char *term = getenv("TERM");
    const char *no_color = getenv("NO_COLOR");
    struct tph_cli cli = {
        .program = strcmp(slash ? slash + 1 : argv[0], "argo") == 0 ? "argo" : "tiphys",
        .out_terminal = isatty(STDOUT_FILENO) == 1,
        .err_terminal = isatty(STDERR_FILENO) == 1,
        .dumb = !term || !*term || strcmp(term, "dumb") == 0,
        .utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0,
    };
    cli.color = (cli.out_terminal || cli.err_terminal) && !(no_color && *no_color) && !cli.dumb;
    if (!cli.utf8) {
        /* What plugins say is UTF-8 whatever the locale; this is how wide it is. */
        (void)!setlocale(LC_CTYPE, "C.UTF-8");
    }
    /* A reader that went away is an error of write, not the end of the program. */
    (void)signal(SIGPIPE, SIG_IGN);

    int code = run_verb(&cli, argc - 1, argv + 1);
    if (fflush(stdout) != 0 && code == TPH_EXIT_OK) {
        code = TPH_EXIT_FAILED;
    }
    return code;
}
