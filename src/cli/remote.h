/* SPDX-License-Identifier: Apache-2.0 */
/* What the verbs share that ask a server: which one, with which credentials, one request after the other, and errors
 * that say what to do.
 *
 * The server is the one of --kubeconfig, else of $KUBECONFIG, else of a `tiphys server` of this user or this machine
 * (its STATE/kubeconfig), else of ~/.kube/config; the namespace -n, else $ARGO_NAMESPACE, else the context's, else
 * "default". Under the name argo errors are told as Argo tells them and end with 1.
 */
#pragma once

#include "cli/cli.h"
#include "data/zone.h"
#include "kube/client.h"
#include "print/clock.h"

struct tph_remote_options {
    const char *kubeconfig, *context, *ns, *server, *token, *as;
    int64_t request_timeout_ms;
};

/* Rows of a verb's table of options, for a member `remote` of its struct of options. */
#define TPH_REMOTE_OPTIONS(type)                                                                                  \
    {"namespace",                                                                                                 \
     'n',                                                                                                         \
     TPH_OPTION_TEXT,                                                                                             \
     offsetof(type, remote.ns),                                                                                   \
     "NAMESPACE",                                                                                                 \
     NULL,                                                                                                        \
     "the workflow's; else ARGO_NAMESPACE, else the context's"},                                                  \
        {"kubeconfig",                                                                                            \
         0,                                                                                                       \
         TPH_OPTION_TEXT,                                                                                         \
         offsetof(type, remote.kubeconfig),                                                                       \
         "FILE",                                                                                                  \
         NULL,                                                                                                    \
         "the server; else KUBECONFIG, else tiphys server's own file, else ~/.kube/config"},                      \
        {"context",                                                                                               \
         0,                                                                                                       \
         TPH_OPTION_TEXT,                                                                                         \
         offsetof(type, remote.context),                                                                          \
         "NAME",                                                                                                  \
         NULL,                                                                                                    \
         "another context of it than the current one"},                                                           \
        {"server",                                                                                                \
         0,                                                                                                       \
         TPH_OPTION_TEXT,                                                                                         \
         offsetof(type, remote.server),                                                                           \
         "URL",                                                                                                   \
         NULL,                                                                                                    \
         "another address than the kubeconfig's"},                                                                \
        {"token",                                                                                                 \
         0,                                                                                                       \
         TPH_OPTION_TEXT,                                                                                         \
         offsetof(type, remote.token),                                                                            \
         "TOKEN",                                                                                                 \
         NULL,                                                                                                    \
         "other credentials than the kubeconfig's"},                                                              \
        {"as", 0, TPH_OPTION_TEXT, offsetof(type, remote.as), "USER", NULL, "do it in the name of another user"}, \
    {                                                                                                             \
        "request-timeout", 0, TPH_OPTION_DURATION, offsetof(type, remote.request_timeout_ms), "DURATION", NULL,   \
            "how long one request may take (default 1m)"                                                          \
    }

struct tph_remote {
    const struct tph_cli *cli;
    struct tph_loop *loop;
    struct tph_kube_config config;
    struct tph_kube *kube;
    char *ns; /* owned: the namespace that is asked for; never empty */
    int64_t timeout_ms;
    bool is_own;                /* the kubeconfig is that of a server of ours */
    bool has_server, has_token; /* the command line says so */
    struct tph_buf zone_bytes;  /* of zone */
    struct tph_zone zone;
    bool has_zone;
};

/* 0; or 1: the verb ends with *ret_exit, the error was told. */
int tph_remote_open(const struct tph_cli *cli, const struct tph_remote_options *options, struct tph_remote *ret_remote,
                    int *ret_exit) TPH_MUST_CHECK;
void tph_remote_close(struct tph_remote *remote);

/* An answer that stays. */
struct tph_remote_answer {
    enum tph_kube_problem problem;
    int status;               /* of HTTP; 0: there was no answer */
    struct tph_json_doc *doc; /* owned; NULL: no JSON */
    struct tph_json *object;  /* its root; may be changed */
};
void tph_remote_answer_release(struct tph_remote_answer *answer);

/* Sends a request and waits. Warnings of the server go to standard error. -1: err says what, and what to do;
 * ret_answer->problem is set all the same. */
int tph_remote_ask(struct tph_remote *remote, const struct tph_kube_request *request,
                   struct tph_remote_answer *ret_answer, struct tph_error *err) TPH_MUST_CHECK;

/* The same for an object, or (name empty) a whole collection, page after page. */
int tph_remote_get(struct tph_remote *remote, const struct tph_kube_kind *kind, struct tph_str ns, struct tph_str name,
                   struct tph_remote_answer *ret_answer, struct tph_error *err) TPH_MUST_CHECK;
struct tph_remote_selection {
    struct tph_str ns; /* empty: all */
    const char *labels, *fields;
    const char *accept; /* NULL: whole objects */
};
int tph_remote_list(struct tph_remote *remote, const struct tph_kube_kind *kind,
                    const struct tph_remote_selection *selection, struct tph_remote_answer *ret_answer,
                    struct tph_error *err) TPH_MUST_CHECK;

/* A workflow by its name, or the newest one for "@latest", its nodes unpacked. */
int tph_remote_workflow(struct tph_remote *remote, const char *name, struct tph_remote_answer *ret_answer,
                        struct tph_error *err) TPH_MUST_CHECK;

/* Adds what to do about it to what a server said, or to why it said nothing. */
void tph_remote_advise(const struct tph_remote *remote, enum tph_kube_problem problem, struct tph_error *err);

/* Prints the error: "error: TEXT", as argo "Error: TEXT". Returns the exit code 1. */
int tph_remote_fail(const struct tph_cli *cli, const struct tph_error *err);
/* The same for a mistake on the command line: 2, as argo 1, with its text. */
int tph_remote_usage(const struct tph_cli *cli, const struct tph_command *command, const char *argo, const char *ours);

bool tph_cli_is_argo(const struct tph_cli *cli);

/* What times on the screen are measured and shown by. */
struct tph_print_clock tph_remote_clock(const struct tph_remote *remote);
