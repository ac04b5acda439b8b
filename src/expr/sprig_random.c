/* SPDX-License-Identifier: Apache-2.0 */
/* sprig: random texts and numbers, out of the evaluation's own sequence; and what is not offered. */
#include <string.h>

#include "base/utf8.h"
#include "data/base64.h"
#include "expr/sprig.h"
#include "expr/sprig_values.h"

/* 0 to n - 1, each equally likely. */
static uint64_t below(struct tph_expr_call *call, uint64_t n)
{
    uint64_t unfair = (0 - n) % n; /* so many of the lowest numbers would make some results likelier */
    uint64_t drawn = tph_expr_random(call);
    while (drawn < unfair) {
        drawn = tph_expr_random(call);
    }
    return drawn % n;
}

static char *room_for(struct tph_expr_call *call, int64_t n)
{
    if (tph_expr_work(call, (uint64_t)n) < 0) {
        return NULL;
    }
    return tph_expr_alloc(call->memory, (size_t)n);
}

enum { LETTERS_AND_DIGITS, LETTERS, DIGITS, ASCII };

/* A negative length is none. */
static int fn_text(struct tph_expr_call *call, struct tph_expr_value *ret)
{
    static const char set[] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    static const struct {
        size_t from;
        size_t n;
    } parts[] = {[LETTERS_AND_DIGITS] = {0, 62}, [LETTERS] = {10, 52}, [DIGITS] = {0, 10}};
    int which = call->function->tag;
    int64_t n = call->args[0].i < 0 ? 0 : call->args[0].i;
    char *text = room_for(call, n);
    if (!text) {
        return -1;
    }
    for (int64_t i = 0; i < n; i++) {
        text[i] = which == ASCII ? (char)(' ' + below(call, 127 - ' '))
                                 : set[parts[which].from + below(call, parts[which].n)];
    }
    *ret = tph_expr_str((struct tph_str){.p = text, .len = (size_t)n});
    return 0;
}

/* From the first up to before the second. */
static int fn_int(struct tph_expr_call *call, struct tph_expr_value *ret)
{
    uint64_t from = (uint64_t)call->args[0].i;
    uint64_t distance = (uint64_t)call->args[1].i - from;
    if (distance == 0 || distance > INT64_MAX) {
        return tph_expr_fail(call, "invalid argument to Intn");
    }
    *ret = tph_expr_int((int64_t)(from + below(call, distance)));
    return 0;
}

static int fn_bytes(struct tph_expr_call *call, struct tph_expr_value *ret)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf out = EXPR_SPRIG_BUF(call);
    int64_t n = call->args[0].i;
    if (n < 0) {
        return tph_expr_fail(call, "runtime error: makeslice: len out of range");
    }
    char *bytes = room_for(call, n);
    if (!bytes) {
        return -1;
    }
    for (int64_t i = 0; i < n; i++) {
        bytes[i] = (char)below(call, 256);
    }
    tph_base64_encode((struct tph_str){.p = bytes, .len = (size_t)n}, &out);
    return tph_expr_keep(call->memory, &out, ret);
}

static int fn_uuid(struct tph_expr_call *call, struct tph_expr_value *ret)
{
    uint64_t high = tph_expr_random(call);
    uint64_t low = tph_expr_random(call);
    high = (high & ~UINT64_C(0xf000)) | 0x4000;             /* version 4 */
    low = (low & ~(UINT64_C(3) << 62)) | UINT64_C(2) << 62; /* of RFC 9562 */
    return tph_expr_format(call->memory, ret, "%08llx-%04llx-%04llx-%04llx-%012llx", (unsigned long long)(high >> 32),
                           (unsigned long long)(high >> 16 & 0xffff), (unsigned long long)(high & 0xffff),
                           (unsigned long long)(low >> 48), (unsigned long long)(low & UINT64_C(0xffffffffffff)));
}

static int fn_shuffle(struct tph_expr_call *call, struct tph_expr_value *ret)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf out = EXPR_SPRIG_BUF(call);
    struct tph_str text = call->args[0].str;
    size_t n = 0;
    uint32_t *runes = tph_expr_alloc_array(call->memory, sizeof(*runes), text.len);
    if (!runes || tph_expr_work(call, text.len) < 0) {
        return -1;
    }
    for (size_t at = 0; at < text.len; n++) {
        at += tph_utf8_decode(tph_str_slice(text, at, text.len), &runes[n]);
    }
    for (size_t i = n; i > 1; i--) {
        size_t other = (size_t)below(call, i);
        uint32_t rune = runes[i - 1];
        runes[i - 1] = runes[other];
        runes[other] = rune;
    }
    for (size_t i = 0; i < n; i++) {
        (void)tph_utf8_encode(&out, runes[i]);
    }
    return tph_expr_keep(call->memory, &out, ret);
}

enum { KEYS, NETWORK };

static int fn_refuse(struct tph_expr_call *call, struct tph_expr_value *ret)
{
    static const char *const reasons[] = {
        [KEYS] = "keys, certificates and passwords are not made in expressions: let a step make them, or take them "
                 "from a Secret",
        [NETWORK] = "expressions do not use the network: let a step ask for the address",
    };
    (void)ret;
    return tph_expr_fail(call, "sprig.%s is not offered: %s", call->function->name, reasons[call->function->tag]);
}

#define TEXT(text, function, letters, number)                                                                 \
    {                                                                                                         \
        .name = (text), .native = (function), .params = (letters), .result = TPH_EXPR_STRING, .tag = (number) \
    }
#define REFUSED(text, number)                                                           \
    {                                                                                   \
        .name = (text), .native = fn_refuse, .result = TPH_EXPR_STRING, .tag = (number) \
    }

const struct tph_expr_function expr_sprig_random[] = {
    TEXT("randAlphaNum", fn_text, "i", LETTERS_AND_DIGITS),
    TEXT("randAlpha", fn_text, "i", LETTERS),
    TEXT("randNumeric", fn_text, "i", DIGITS),
    TEXT("randAscii", fn_text, "i", ASCII),
    TEXT("randBytes", fn_bytes, "i", 0),
    TEXT("uuidv4", fn_uuid, "", 0),
    TEXT("shuffle", fn_shuffle, "s", 0),
    {.name = "randInt", .native = fn_int, .params = "ii", .result = TPH_EXPR_INT},
    REFUSED("bcrypt", KEYS),
    REFUSED("htpasswd", KEYS),
    REFUSED("derivePassword", KEYS),
    REFUSED("genPrivateKey", KEYS),
    REFUSED("buildCustomCert", KEYS),
    REFUSED("genCA", KEYS),
    REFUSED("genCAWithKey", KEYS),
    REFUSED("genSelfSignedCert", KEYS),
    REFUSED("genSelfSignedCertWithKey", KEYS),
    REFUSED("genSignedCert", KEYS),
    REFUSED("genSignedCertWithKey", KEYS),
    REFUSED("encryptAES", KEYS),
    REFUSED("decryptAES", KEYS),
    REFUSED("getHostByName", NETWORK),
    {.name = NULL},
};
