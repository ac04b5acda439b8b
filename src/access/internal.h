/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of src/access only. access.c: users and who is who. tokens.c: the file. rights.c: who may what. account.c:
 * tokens of service accounts. */
#pragma once

#include "access/access.h"
#include "access/account.h"
#include "base/map.h"
#include "data/digest.h"

enum role { ROLE_VIEW, ROLE_EDIT, ROLE_ADMIN, ROLE_PLUGINS, ROLE_COUNT };

struct grant {
    enum role role;
    char *ns; /* owned; NULL: all */
};

struct grants {
    struct grant *list; /* owned */
    size_t n;
};
void grants_release(struct grants *grants);
void grants_add(struct grants *grants, enum role role, struct tph_str ns); /* empty: all */

struct tph_access_user {
    char *name, *uid;     /* owned */
    struct grants grants; /* empty once he is removed */
    char *ns, *group;     /* owned; of a service account, else NULL */
    bool anonymous;
};

struct token {
    unsigned char digest[TPH_SHA256_BYTES];
    int64_t expires_ms; /* INT64_MAX: never */
    struct tph_access_user *user;
};

/* What a file says, before it is taken over. */
struct line {
    struct tph_str name;
    unsigned number;
    bool has_token;
    unsigned char digest[TPH_SHA256_BYTES];
    int64_t expires_ms;
    struct tph_str roles; /* the text */
    struct grants grants;
};
struct lines {
    struct line *list; /* owned */
    size_t n;
};
void lines_release(struct lines *lines);
/* The texts point into `text`. */
int lines_read(struct tph_str text, const char *name, struct lines *ret_lines, struct tph_error *err) TPH_MUST_CHECK;

struct tph_access {
    struct tph_access_config config; /* texts are copies, owned */
    struct tph_map users;            /* by name, owned */
    struct token *tokens;            /* owned */
    size_t n_tokens;
    struct tph_map by_digest; /* tokens by the beginning of their digests */
    size_t n_file;            /* users of the file */
};

/* The user of this name, made when there is none; NULL past the limit. */
struct tph_access_user *access_user(struct tph_access *access, struct tph_str name);
