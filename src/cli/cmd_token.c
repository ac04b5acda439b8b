/* SPDX-License-Identifier: Apache-2.0 */
/* tiphys token add, list, remove: the users of a server, in its token file. A running server reads the file again by
 * itself. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "access/access.h"
#include "access/state.h"
#include "access/tokens.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/limits.h"
#include "cli/cmd_options.h"
#include "cli/state_directory.h"
#include "data/time.h"

struct token_options {
    const char *state, *file, *namespace, *output;
    struct tph_texts roles;
    int64_t expires_ms;
};

#define OPTION(member) offsetof(struct token_options, member)
#define STATE_OPTION                                                                    \
    {                                                                                   \
        "state", 0, TPH_OPTION_TEXT, OPTION(state), "DIR", NULL,                        \
            "the server's directory ($XDG_STATE_HOME/tiphys; /var/lib/tiphys for root)" \
    }
#define FILE_OPTION                                                                                   \
    {                                                                                                 \
        "token-file", 0, TPH_OPTION_TEXT, OPTION(file), "FILE", NULL, "the token file (STATE/tokens)" \
    }

const struct tph_option tph_token_add_options[] = {
    {"role", 0, TPH_OPTION_LIST, OPTION(roles), "ROLE", NULL,
     "admin, edit, view or plugins, each with @NAMESPACE or for all; may be repeated, or several with commas"},
    {"namespace", 'n', TPH_OPTION_TEXT, OPTION(namespace), "NAME", NULL, "where roles that name no namespace hold"},
    {"expires", 0, TPH_OPTION_DURATION, OPTION(expires_ms), "DURATION", NULL,
     "how long the token holds: 720h (for ever)"},
    {"output", 'o', TPH_OPTION_CHOICE, OPTION(output), "FORMAT", "token|kubeconfig", "what is printed (token)"},
    STATE_OPTION,
    FILE_OPTION,
    {.name = NULL},
};
const struct tph_option tph_token_options[] = {STATE_OPTION, FILE_OPTION, {.name = NULL}};

/* The file with a lock on its directory, so that two who change it do not lose each other's lines. */
struct token_file {
    char *directory; /* the server's; NULL when nobody says which and the file is named */
    char *path;
    struct tph_buf text;
    int lock;
};

static void token_file_release(struct token_file *f)
{
    free(f->directory);
    free(f->path);
    tph_buf_release(&f->text);
    tph_fd_close(&f->lock);
}

static int lock_directory(struct token_file *f, struct tph_error *err)
{
    const char *slash = strrchr(f->path, '/');
    TPH_CLEANUP(tph_freep)
    char *directory = slash ? tph_strndup(f->path, slash == f->path ? 1 : (size_t)(slash - f->path)) : tph_strdup(".");
    f->lock = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (f->lock < 0 && errno == ENOENT) {
        (void)tph_error_set(err, TPH_ERROR_NOT_FOUND, "%s is not there", directory);
        return tph_error_hint(err, "start the server once, or name its directory: --state DIR");
    }
    if (f->lock < 0 || flock(f->lock, LOCK_EX) < 0) {
        return tph_error_errno(err, errno, "%s", directory);
    }
    return 0;
}

static int open_file(struct token_file *f, const struct token_options *o, bool change, struct tph_error *err)
{
    struct tph_error why = TPH_ERROR_INIT;
    f->directory = tph_state_directory(o->state, &why);
    if (!o->file && !f->directory) {
        return tph_error_set(err, why.kind, "%s", why.text);
    }
    f->path = o->file ? tph_strdup(o->file) : tph_format("%s/tokens", f->directory);
    if (change && lock_directory(f, err) < 0) {
        return -1;
    }
    if (tph_fd_read_regular_file(f->path, &f->text, &why) < 0 && (why.kind != TPH_ERROR_NOT_FOUND || !change)) {
        (void)tph_error_set(err, why.kind, "%s", why.text);
        return why.kind == TPH_ERROR_NOT_FOUND ? tph_error_hint(err, "start the server once, or name its directory: "
                                                                     "--state DIR")
                                               : -1;
    }
    return 0;
}

/* "edit,plugins" with -n argo: "edit@argo,plugins@argo". */
static char *join_roles(const struct token_options *o)
{
    struct tph_buf out = TPH_BUF_INIT(TPH_LIMIT_ACCESS_FILE);
    for (size_t i = 0; i < o->roles.n; i++) {
        struct tph_str role, rest = tph_str(o->roles.list[i]);
        while (tph_str_cut(&rest, ',', &role)) {
            bool everywhere = !o->namespace || tph_str_find_byte(role, '@') >= 0;
            (void)tph_buf_printf(&out, "%s%.*s%s%s", out.len > 0 ? "," : "", TPH_FMT(role), everywhere ? "" : "@",
                                 everywhere ? "" : o->namespace);
        }
    }
    return tph_buf_take(&out, NULL);
}

static int put_kubeconfig(const struct token_file *f, const struct token_options *o, const char *user,
                          const char *token, struct tph_buf *out, struct tph_error *err)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_LIMIT_ACCESS_FILE);
    TPH_CLEANUP(tph_freep) char *path = tph_format("%s/kubeconfig", f->directory ? f->directory : ".");
    TPH_CLEANUP(tph_freep) char *url = NULL;
    TPH_CLEANUP(tph_freep) char *ca = NULL;
    if (tph_fd_read_regular_file(path, &text, err) < 0) {
        return tph_error_hint(err, "the server writes it when it starts; -o kubeconfig takes its address from there");
    }
    if (tph_access_kubeconfig_server(tph_buf_str(&text), &url, &ca) < 0) {
        return tph_error_set(err, TPH_ERROR_INVALID, "%s names no server", path);
    }
    tph_access_kubeconfig(url, ca, user, token, o->namespace ? o->namespace : "argo", out);
    return 0;
}

static int add(struct token_file *f, const struct token_options *o, const char *name, struct tph_error *err)
{
    TPH_CLEANUP(tph_freep) char *roles = join_roles(o);
    TPH_CLEANUP(tph_buf_release) struct tph_buf out = TPH_BUF_INIT(TPH_LIMIT_ACCESS_FILE);
    char token[TPH_ACCESS_TOKEN] = "", digest[TPH_ACCESS_DIGEST], time[TPH_TIME_TEXT];
    bool account = strncmp(name, "system:serviceaccount:", 22) == 0;
    if (open_file(f, o, true, err) < 0) {
        return -1;
    }
    tph_access_new_token(token);
    tph_access_digest(tph_str(token), digest);
    tph_time_format(tph_clock_wall_ms() + o->expires_ms, time);
    if (tph_tokens_add(&f->text, name, account ? NULL : digest, roles, o->expires_ms > 0 ? time : NULL, err) < 0) {
        return -1;
    }
    if (account) {
        (void)tph_buf_printf(&out, "%s has %s: its tokens are made with kubectl create token\n", name, roles);
    } else if (o->output && strcmp(o->output, "kubeconfig") == 0) {
        if (put_kubeconfig(f, o, name, token, &out, err) < 0) {
            return -1;
        }
    } else {
        (void)tph_buf_printf(&out, "%s\n", token);
    }
    if (tph_access_write_file(f->path, tph_buf_str(&f->text), err) < 0) {
        return -1;
    }
    (void)fputs(tph_buf_cstr(&out), stdout);
    explicit_bzero(token, sizeof(token));
    return 0;
}

int tph_cmd_token_add(const struct tph_cli *cli, const struct tph_command *command, int argc, char **argv)
{
    struct token_options o = {.state = NULL};
    TPH_CLEANUP(tph_texts_release) struct tph_texts arguments = {.list = NULL};
    TPH_CLEANUP(token_file_release) struct token_file f = {.text = TPH_BUF_INIT(TPH_LIMIT_ACCESS_FILE), .lock = -1};
    struct tph_error err = TPH_ERROR_INIT;
    int code = 0;
    if (tph_cli_parse(cli, command, argc, argv, &o, &arguments, &code)) {
        tph_texts_release(&o.roles);
        return code;
    }
    if (arguments.n != 1) {
        code = tph_cli_usage(cli, command, "one NAME is wanted: tiphys token add ci --role edit -n argo");
    } else if (o.roles.n == 0) {
        code = tph_cli_usage(cli, command, "--role is wanted: admin, edit, view or plugins");
    } else if (add(&f, &o, arguments.list[0], &err) < 0) {
        code = tph_cli_error(cli, &err);
    }
    tph_texts_release(&o.roles);
    return code;
}

int tph_cmd_token_list(const struct tph_cli *cli, const struct tph_command *command, int argc, char **argv)
{
    struct token_options o = {.state = NULL};
    TPH_CLEANUP(tph_texts_release) struct tph_texts arguments = {.list = NULL};
    TPH_CLEANUP(token_file_release) struct token_file f = {.text = TPH_BUF_INIT(TPH_LIMIT_ACCESS_FILE), .lock = -1};
    TPH_CLEANUP(tph_buf_release) struct tph_buf out = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    struct tph_error err = TPH_ERROR_INIT;
    int code = 0;
    if (tph_cli_parse(cli, command, argc, argv, &o, &arguments, &code)) {
        return code;
    }
    if (arguments.n > 0) {
        return tph_cli_usage(cli, command, "list takes no arguments");
    }
    if (open_file(&f, &o, false, &err) < 0 || tph_tokens_list(tph_buf_str(&f.text), f.path, &out, &err) < 0) {
        return tph_cli_error(cli, &err);
    }
    (void)fputs(tph_buf_cstr(&out), stdout);
    return TPH_EXIT_OK;
}

static int take_out(struct token_file *f, const struct token_options *o, const struct tph_texts *arguments,
                    size_t *ret_n, struct tph_error *err)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf out = TPH_BUF_INIT(TPH_LIMIT_ACCESS_FILE);
    const char *name = arguments->list[0], *digest = arguments->n > 1 ? arguments->list[1] : NULL;
    if (open_file(f, o, true, err) < 0) {
        return -1;
    }
    size_t n = tph_tokens_remove(tph_buf_str(&f->text), name, digest, &out);
    if (n == 0) {
        (void)tph_error_set(err, TPH_ERROR_NOT_FOUND, "%s%s%s is not in %s", name, digest ? " " : "",
                            digest ? digest : "", f->path);
        return tph_error_hint(err, "tiphys token list shows who is");
    }
    *ret_n = n;
    return tph_access_write_file(f->path, tph_buf_str(&out), err);
}

int tph_cmd_token_remove(const struct tph_cli *cli, const struct tph_command *command, int argc, char **argv)
{
    struct token_options o = {.state = NULL};
    TPH_CLEANUP(tph_texts_release) struct tph_texts arguments = {.list = NULL};
    TPH_CLEANUP(token_file_release) struct token_file f = {.text = TPH_BUF_INIT(TPH_LIMIT_ACCESS_FILE), .lock = -1};
    struct tph_error err = TPH_ERROR_INIT;
    size_t n = 0;
    int code = 0;
    if (tph_cli_parse(cli, command, argc, argv, &o, &arguments, &code)) {
        return code;
    }
    if (arguments.n < 1 || arguments.n > 2) {
        return tph_cli_usage(cli, command, "a NAME is wanted, and perhaps which of its tokens: tiphys token remove ci");
    }
    if (arguments.n > 1 && strlen(arguments.list[1]) < 6) {
        return tph_cli_usage(cli, command, "%s is too short: at least 6 digits, as tiphys token list shows them",
                             arguments.list[1]);
    }
    if (take_out(&f, &o, &arguments, &n, &err) < 0) {
        return tph_cli_error(cli, &err);
    }
    (void)printf("%zu %s of %s removed\n", n, n == 1 ? "token" : "tokens", arguments.list[0]);
    return TPH_EXIT_OK;
}
