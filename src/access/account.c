/* SPDX-License-Identifier: Apache-2.0 */
#include "access/account.h"

#include <string.h>

#include "base/limits.h"
#include "data/base64.h"
#include "data/digest.h"
#include "data/json.h"

enum { BLOCK = 64 };

/* HMAC-SHA256 (RFC 2104). key: at most a block. */
static void hmac(struct tph_str key, struct tph_str text, unsigned char ret[TPH_SHA256_BYTES])
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf inner = TPH_BUF_INIT(TPH_LIMIT_HTTP_HEADER + BLOCK);
    char outer[BLOCK + TPH_SHA256_BYTES];
    for (size_t i = 0; i < BLOCK; i++) {
        unsigned char k = i < key.len ? (unsigned char)key.p[i] : 0;
        (void)tph_buf_putc(&inner, (char)(k ^ 0x36));
        outer[i] = (char)(k ^ 0x5c);
    }
    (void)tph_buf_put(&inner, text);
    tph_sha256(tph_buf_str(&inner), ret);
    memcpy(outer + BLOCK, ret, TPH_SHA256_BYTES);
    tph_sha256((struct tph_str){outer, sizeof(outer)}, ret);
    explicit_bzero(outer, sizeof(outer));
    explicit_bzero(inner.bytes, BLOCK);
}

static void put_url64(struct tph_str bytes, struct tph_buf *out)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_LIMIT_HTTP_HEADER);
    tph_base64_encode(bytes, &text);
    for (size_t i = 0; i < text.len && text.bytes[i] != '='; i++) {
        char c = text.bytes[i];
        (void)tph_buf_putc(out, (char)(c == '+' ? '-' : c == '/' ? '_' : c));
    }
}

static int get_url64(struct tph_str text, struct tph_buf *out)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf plain = TPH_BUF_INIT(TPH_LIMIT_HTTP_HEADER);
    for (size_t i = 0; i < text.len; i++) {
        char c = text.p[i];
        if (c == '+' || c == '/' || c == '=' || c == '\r' || c == '\n') {
            return -1;
        }
        (void)tph_buf_putc(&plain, (char)(c == '-' ? '+' : c == '_' ? '/' : c));
    }
    while (plain.len % 4 != 0) {
        (void)tph_buf_putc(&plain, '=');
    }
    return tph_base64_decode(tph_buf_str(&plain), out);
}

static void put_claims(const struct tph_account_claims *claims, const struct tph_str *audiences, size_t n_audiences,
                       struct tph_buf *out)
{
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = tph_json_doc_new();
    TPH_CLEANUP(tph_buf_release) struct tph_buf subject = TPH_BUF_INIT(TPH_LIMIT_HTTP_HEADER);
    struct tph_json *root = tph_json_new_object(doc), *list = tph_json_new_array(doc);
    struct tph_json *kubernetes = tph_json_new_object(doc), *account = tph_json_new_object(doc);
    for (size_t i = 0; i < n_audiences; i++) {
        tph_json_append(doc, list, tph_json_new_str(doc, audiences[i]));
    }
    if (n_audiences == 0) {
        tph_json_append(doc, list, tph_json_new_cstr(doc, TPH_ACCOUNT_AUDIENCE));
    }
    (void)tph_buf_printf(&subject, "system:serviceaccount:%.*s:%.*s", TPH_FMT(claims->ns), TPH_FMT(claims->name));
    tph_json_set(doc, root, "aud", list);
    tph_json_set(doc, root, "exp", tph_json_new_i64(doc, claims->expires_s));
    tph_json_set(doc, root, "iat", tph_json_new_i64(doc, claims->issued_s));
    tph_json_set_cstr(doc, root, "iss", "tiphys");
    tph_json_set_str(doc, kubernetes, "namespace", claims->ns);
    tph_json_set_str(doc, account, "name", claims->name);
    tph_json_set_str(doc, account, "uid", claims->uid);
    if (claims->pod.len > 0) {
        struct tph_json *pod = tph_json_new_object(doc);
        tph_json_set_str(doc, pod, "name", claims->pod);
        tph_json_set_str(doc, pod, "uid", claims->pod_uid);
        tph_json_set(doc, kubernetes, "pod", pod);
    }
    tph_json_set(doc, kubernetes, "serviceaccount", account);
    tph_json_set(doc, root, "kubernetes.io", kubernetes);
    tph_json_set(doc, root, "nbf", tph_json_new_i64(doc, claims->issued_s));
    tph_json_set_str(doc, root, "sub", tph_buf_str(&subject));
    tph_json_write(root, 0, out);
}

void tph_account_sign(struct tph_str key, const struct tph_account_claims *claims, const struct tph_str *audiences,
                      size_t n_audiences, struct tph_buf *out)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf token = TPH_BUF_INIT(TPH_LIMIT_HTTP_HEADER);
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_LIMIT_HTTP_HEADER);
    unsigned char mac[TPH_SHA256_BYTES];
    put_url64(TPH_STR("{\"alg\":\"HS256\",\"typ\":\"JWT\"}"), &token);
    (void)tph_buf_putc(&token, '.');
    put_claims(claims, audiences, n_audiences, &text);
    put_url64(tph_buf_str(&text), &token);
    hmac(key, tph_buf_str(&token), mac);
    (void)tph_buf_putc(&token, '.');
    put_url64((struct tph_str){(const char *)mac, sizeof(mac)}, &token);
    (void)tph_buf_put(out, tph_buf_str(&token));
}

/* Takes as long for every signature. */
static bool signed_well(struct tph_str key, struct tph_str text, struct tph_str signature)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf given = TPH_BUF_INIT(TPH_SHA256_BYTES);
    unsigned char mac[TPH_SHA256_BYTES];
    unsigned difference = 0;
    if (get_url64(signature, &given) < 0 || tph_buf_failed(&given) || given.len != sizeof(mac)) {
        return false;
    }
    hmac(key, text, mac);
    for (size_t i = 0; i < sizeof(mac); i++) {
        difference |= (unsigned)(mac[i] ^ (unsigned char)given.bytes[i]);
    }
    return difference == 0;
}

static bool for_us(const struct tph_json *audiences)
{
    struct tph_json_iter it = tph_json_iter(audiences);
    bool ours = false;
    while (tph_json_next(&it)) {
        ours = ours || tph_str_eqz(tph_json_str(it.value), TPH_ACCOUNT_AUDIENCE);
    }
    return ours;
}

bool tph_account_check(struct tph_str key, struct tph_str token, struct tph_buf *buf,
                       struct tph_account_claims *ret_claims)
{
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = NULL;
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_LIMIT_HTTP_HEADER);
    struct tph_str rest = token, header, payload;
    if (token.len > TPH_LIMIT_HTTP_HEADER || !tph_str_cut(&rest, '.', &header) || !tph_str_cut(&rest, '.', &payload) ||
        !rest.p || !signed_well(key, tph_str_slice(token, 0, header.len + 1 + payload.len), rest)) {
        return false;
    }
    /* What is read from here on was written by ourselves. */
    if (get_url64(payload, &text) < 0 || tph_json_parse(tph_buf_str(&text), &doc, NULL) < 0) {
        return false;
    }
    const struct tph_json *root = tph_json_root(doc), *kubernetes = tph_json_get(root, "kubernetes.io");
    const struct tph_json *account = tph_json_get(kubernetes, "serviceaccount");
    struct tph_str ns = tph_json_get_str(kubernetes, "namespace"), name = tph_json_get_str(account, "name");
    struct tph_str uid = tph_json_get_str(account, "uid");
    struct tph_account_claims claims = {.ours = for_us(tph_json_get(root, "aud"))};
    if (tph_json_to_i64(tph_json_get(root, "exp"), &claims.expires_s) < 0 ||
        tph_json_to_i64(tph_json_get(root, "iat"), &claims.issued_s) < 0) {
        return false;
    }
    const struct tph_json *pod = tph_json_get(kubernetes, "pod");
    const struct tph_str texts[] = {ns, name, uid, tph_json_get_str(pod, "name"), tph_json_get_str(pod, "uid")};
    struct tph_str *const places[] = {&claims.ns, &claims.name, &claims.uid, &claims.pod, &claims.pod_uid};
    tph_buf_clear(buf);
    for (size_t i = 0; i < 5; i++) {
        (void)tph_buf_put(buf, texts[i]);
    }
    if (tph_buf_failed(buf)) {
        return false;
    }
    for (size_t i = 0, at = 0; i < 5; at += texts[i].len, i++) {
        *places[i] = tph_str_slice(tph_buf_str(buf), at, at + texts[i].len);
    }
    *ret_claims = claims;
    return true;
}
