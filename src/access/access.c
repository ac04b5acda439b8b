/* SPDX-License-Identifier: Apache-2.0 */
#include "access/access.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "access/internal.h"
#include "base/alloc.h"
#include "base/fd.h"
#include "base/limits.h"
#include "base/random.h"

enum { SELECTOR = 8 }; /* bytes of a digest that choose which token it is compared with */

void tph_access_digest(struct tph_str token, char ret[TPH_ACCESS_DIGEST])
{
    unsigned char bytes[TPH_SHA256_BYTES];
    tph_sha256(token, bytes);
    for (size_t i = 0; i < sizeof(bytes); i++) {
        (void)snprintf(ret + 2 * i, 3, "%02x", bytes[i]);
    }
}

void tph_access_new_token(char ret[TPH_ACCESS_TOKEN])
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    unsigned char bytes[33] = {0}; /* 32, and one that makes it threes */
    tph_random_bytes(bytes, 32);
    (void)snprintf(ret, TPH_ACCESS_TOKEN, "tiphys_");
    char *at = ret + 7;
    for (size_t i = 0; i < 43; i++) { /* 6 bits a digit */
        size_t bit = i * 6;
        unsigned two = (unsigned)bytes[bit / 8] << 8 | bytes[bit / 8 + 1];
        *at++ = digits[two >> (10 - bit % 8) & 63];
    }
    *at = '\0';
    explicit_bzero(bytes, sizeof(bytes));
}

static struct tph_str copy(struct tph_str text)
{
    return text.len > 0 ? (struct tph_str){tph_strndup(text.p, text.len), text.len} : TPH_STR_NONE;
}

static void wipe(struct tph_str *text)
{
    if (text->p) {
        explicit_bzero((char *)(uintptr_t)text->p, text->len);
        free((char *)(uintptr_t)text->p);
        *text = TPH_STR_NONE;
    }
}

struct tph_access_user *access_user(struct tph_access *access, struct tph_str name)
{
    struct tph_access_user *user = tph_map_get(&access->users, name);
    if (user || tph_map_len(&access->users) >= 2 * TPH_LIMIT_ACCESS_USERS) {
        return user;
    }
    user = TPH_NEW(struct tph_access_user);
    user->name = tph_str_dup(name);
    user->uid = tph_strdup(""); /* who is only impersonated has none */
    struct tph_str part, rest = name;
    if (tph_str_has_prefix(name, TPH_STR("system:serviceaccount:"))) {
        for (int i = 0; i < 3; i++) {
            (void)tph_str_cut(&rest, ':', &part);
        }
        user->ns = tph_str_dup(part);
        user->group = tph_format("system:serviceaccounts:%s", user->ns);
        grants_add(&user->grants, ROLE_EDIT, part);
    }
    (void)tph_map_set(&access->users, tph_str(user->name), user);
    return user;
}

static void user_free(struct tph_access_user *user)
{
    grants_release(&user->grants);
    free(user->name);
    free(user->uid);
    free(user->ns);
    free(user->group);
    free(user);
}

struct tph_access *tph_access_new(const struct tph_access_config *config)
{
    struct tph_access *access = TPH_NEW(struct tph_access);
    access->config = *config;
    access->config.admin_token = copy(config->admin_token);
    access->config.signing_key = copy(config->signing_key);
    access->users = TPH_MAP_INIT;
    access_user(access, TPH_STR("system:anonymous"))->anonymous = true;
    if (tph_access_load(access, TPH_STR(""), "", NULL) < 0) {
        abort(); /* an empty text has no fault */
    }
    return access;
}

void tph_access_free(struct tph_access *access)
{
    void *user;
    struct tph_str name;
    if (!access) {
        return;
    }
    for (size_t at = 0; tph_map_next(&access->users, &at, &name, &user);) {
        user_free(user);
    }
    tph_map_release(&access->users);
    tph_map_release(&access->by_digest);
    wipe(&access->config.admin_token);
    wipe(&access->config.signing_key);
    free(access->tokens);
    free(access);
}

static void add_token(struct tph_access *access, const unsigned char *digest, int64_t expires_ms,
                      struct tph_access_user *user)
{
    struct token *token = &access->tokens[access->n_tokens++];
    memcpy(token->digest, digest, sizeof(token->digest));
    token->expires_ms = expires_ms;
    token->user = user;
    (void)tph_map_set(&access->by_digest, (struct tph_str){(const char *)token->digest, SELECTOR}, token);
}

/* Everybody loses his rights; accounts get theirs anew. */
static void clear_rights(struct tph_access *access)
{
    void *value;
    struct tph_str name;
    for (size_t at = 0; tph_map_next(&access->users, &at, &name, &value);) {
        struct tph_access_user *user = value;
        grants_release(&user->grants);
        if (user->ns) {
            grants_add(&user->grants, ROLE_EDIT, tph_str(user->ns));
        }
    }
}

static void set_uid(struct tph_access_user *user, struct tph_str uid)
{
    if (!tph_str_eqz(uid, user->uid)) {
        free(user->uid);
        user->uid = tph_str_dup(uid);
    }
}

static void take_line(struct tph_access *access, struct line *line, struct tph_map *seen)
{
    struct tph_access_user *user = access_user(access, line->name);
    if (!user) {
        return; /* more names than anybody has: no rights */
    }
    if (!tph_map_get(seen, line->name)) {
        (void)tph_map_set(seen, line->name, line);
        grants_release(&user->grants);
        user->grants = line->grants;
        line->grants = (struct grants){.list = NULL};
    }
    if (line->has_token) {
        set_uid(user, line->name);
        add_token(access, line->digest, line->expires_ms, user);
    }
}

int tph_access_load(struct tph_access *access, struct tph_str text, const char *name, struct tph_error *err)
{
    TPH_CLEANUP(lines_release) struct lines lines = {.list = NULL};
    TPH_CLEANUP(tph_map_release) struct tph_map seen = TPH_MAP_INIT;
    if (lines_read(text, name, &lines, err) < 0) {
        return -1;
    }
    clear_rights(access);
    free(access->tokens);
    tph_map_release(&access->by_digest);
    access->by_digest = TPH_MAP_INIT;
    access->tokens = tph_calloc(lines.n + 1, sizeof(*access->tokens));
    access->n_tokens = 0;
    for (size_t i = 0; i < lines.n; i++) {
        take_line(access, &lines.list[i], &seen);
    }
    access->n_file = tph_map_len(&seen);
    if (access->config.admin_token.len > 0) {
        unsigned char digest[TPH_SHA256_BYTES];
        struct tph_access_user *admin = access_user(access, TPH_STR("admin"));
        set_uid(admin, tph_str(admin->name));
        tph_sha256(access->config.admin_token, digest);
        grants_release(&admin->grants);
        grants_add(&admin->grants, ROLE_ADMIN, TPH_STR_NONE);
        add_token(access, digest, INT64_MAX, admin);
    }
    return 0;
}

int tph_access_read(struct tph_access *access, const char *path, struct tph_error *err)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_LIMIT_ACCESS_FILE);
    struct tph_error why = TPH_ERROR_INIT;
    struct stat status;
    if (tph_fd_read_regular_file(path, &text, &why) < 0) {
        if (why.kind == TPH_ERROR_NOT_FOUND) {
            return tph_access_load(access, TPH_STR(""), path, err);
        }
        return tph_error_set(err, why.kind, "%s", why.text);
    }
    if (stat(path, &status) == 0 && (status.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
        (void)tph_error_set(err, TPH_ERROR_INVALID, "%s can be written by others than its owner", path);
        return tph_error_hint(err, "who writes it is administrator of this server: chmod go-w %s", path);
    }
    return tph_access_load(access, tph_buf_str(&text), path, err);
}

size_t tph_access_users(const struct tph_access *access)
{
    return access->n_file;
}

/* Takes as long for every digest. */
static bool same_digest(const unsigned char *a, const unsigned char *b)
{
    unsigned difference = 0;
    for (size_t i = 0; i < TPH_SHA256_BYTES; i++) {
        difference |= (unsigned)(a[i] ^ b[i]);
    }
    return difference == 0;
}

static struct tph_access_user *user_of_account(struct tph_access *access, struct tph_str token, int64_t now_ms)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf buf = TPH_BUF_INIT(TPH_LIMIT_HTTP_HEADER);
    TPH_CLEANUP(tph_freep) char *name = NULL;
    struct tph_account_claims claims;
    struct tph_str uid;
    if (access->config.signing_key.len == 0 || !tph_account_check(access->config.signing_key, token, &buf, &claims) ||
        !claims.ours || claims.expires_s <= now_ms / 1000) {
        return NULL;
    }
    if (access->config.account &&
        (!access->config.account(access->config.account_owner, claims.ns, claims.name, &uid) ||
         !tph_str_eq(uid, claims.uid))) {
        return NULL;
    }
    if (claims.pod.len > 0 && (!access->config.pod || !access->config.pod(access->config.account_owner, claims.ns,
                                                                          claims.pod, claims.pod_uid))) {
        return NULL;
    }
    name = tph_format("system:serviceaccount:%.*s:%.*s", TPH_FMT(claims.ns), TPH_FMT(claims.name));
    struct tph_access_user *user = access_user(access, tph_str(name));
    if (user) {
        set_uid(user, claims.uid);
    }
    return user;
}

const struct tph_access_user *tph_access_identify(struct tph_access *access, const char *authorization, int64_t now_ms)
{
    struct tph_str rest = tph_str_trim(tph_str(authorization)), scheme = TPH_STR_NONE, token = TPH_STR_NONE;
    unsigned char digest[TPH_SHA256_BYTES];
    (void)tph_str_cut(&rest, ' ', &scheme);
    (void)tph_str_cut(&rest, ' ', &token);
    if (scheme.len != 6 || strncasecmp(scheme.p, "bearer", 6) != 0 || token.len == 0) {
        return access_user(access, TPH_STR("system:anonymous")); /* as Kubernetes: other schemes are none */
    }
    tph_sha256(token, digest);
    const struct token *known = tph_map_get(&access->by_digest, (struct tph_str){(const char *)digest, SELECTOR});
    if (known) {
        return same_digest(known->digest, digest) && now_ms < known->expires_ms ? known->user : NULL;
    }
    return user_of_account(access, token, now_ms);
}

bool tph_access_is_admin(const struct tph_access_user *user)
{
    bool found = false;
    for (size_t i = 0; i < user->grants.n; i++) {
        found = found || (user->grants.list[i].role == ROLE_ADMIN && !user->grants.list[i].ns);
    }
    return found;
}

const struct tph_access_user *tph_access_impersonate(struct tph_access *access, const struct tph_access_user *user,
                                                     struct tph_str name)
{
    return tph_access_is_admin(user) && name.len > 0 && name.len <= TPH_LIMIT_ACCESS_NAME ? access_user(access, name)
                                                                                          : NULL;
}

struct tph_str tph_access_name(const struct tph_access_user *user)
{
    return tph_str(user->name);
}

struct tph_str tph_access_uid(const struct tph_access_user *user)
{
    return tph_str(user->uid);
}

bool tph_access_anonymous(const struct tph_access_user *user)
{
    return user->anonymous;
}

struct tph_str tph_access_group(const struct tph_access_user *user, size_t n)
{
    if (user->anonymous) {
        return n == 0 ? TPH_STR("system:unauthenticated") : TPH_STR_NONE;
    }
    if (user->ns) {
        if (n == 0) {
            return TPH_STR("system:serviceaccounts");
        }
        if (n == 1) { /* system:serviceaccounts:NS */
            return tph_str(user->group);
        }
        n -= 2;
    } else if (tph_access_is_admin(user)) {
        if (n == 0) {
            return TPH_STR("system:masters");
        }
        n--;
    }
    return n == 0 ? TPH_STR("system:authenticated") : TPH_STR_NONE;
}
