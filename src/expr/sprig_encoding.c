/* SPDX-License-Identifier: Apache-2.0 */
/* sprig: base64, base32, checksums, JSON. What cannot be decoded gives the error's text as the result; JSON functions
 * without `must` give nothing then. */
#include "data/base32.h"
#include "data/base64.h"
#include "data/digest.h"
#include "expr/convert.h"
#include "expr/native.h"
#include "expr/sprig.h"
#include "expr/sprig_values.h"

static int fn_b64enc(struct tph_expr_call *call, struct tph_expr_value *ret)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf out = EXPR_SPRIG_BUF(call);
    tph_base64_encode(call->args[0].str, &out);
    return tph_expr_keep(call->memory, &out, ret);
}

static int fn_b32enc(struct tph_expr_call *call, struct tph_expr_value *ret)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf out = EXPR_SPRIG_BUF(call);
    tph_base32_encode(call->args[0].str, &out);
    return tph_expr_keep(call->memory, &out, ret);
}

enum { BASE64, BASE32 };

static int fn_decode(struct tph_expr_call *call, struct tph_expr_value *ret)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf out = EXPR_SPRIG_BUF(call);
    bool is_64 = call->function->tag == BASE64;
    size_t at = 0;
    int result =
        is_64 ? tph_base64_decode_at(call->args[0].str, &out, &at) : tph_base32_decode(call->args[0].str, &out, &at);
    if (result < 0 && !tph_buf_failed(&out)) {
        return tph_expr_format(call->memory, ret, "illegal base%d data at input byte %zu", is_64 ? 64 : 32, at);
    }
    return tph_expr_keep(call->memory, &out, ret);
}

enum { SHA1, SHA256, SHA512 };

static int fn_digest(struct tph_expr_call *call, struct tph_expr_value *ret)
{
    unsigned char digest[TPH_SHA512_BYTES];
    size_t len = TPH_SHA512_BYTES;
    struct tph_str text = call->args[0].str;
    if (tph_expr_work(call, text.len / 16) < 0) {
        return -1;
    }
    switch (call->function->tag) {
    case SHA1:
        tph_sha1(text, digest);
        len = TPH_SHA1_BYTES;
        break;
    case SHA256:
        tph_sha256(text, digest);
        len = TPH_SHA256_BYTES;
        break;
    default:
        tph_sha512(text, digest);
        break;
    }
    TPH_CLEANUP(tph_buf_release) struct tph_buf out = EXPR_SPRIG_BUF(call);
    for (size_t i = 0; i < len; i++) {
        (void)tph_buf_printf(&out, "%02x", digest[i]);
    }
    return tph_expr_keep(call->memory, &out, ret);
}

static int fn_adler32(struct tph_expr_call *call, struct tph_expr_value *ret)
{
    if (tph_expr_work(call, call->args[0].str.len / 16) < 0) {
        return -1;
    }
    return tph_expr_format(call->memory, ret, "%u", tph_adler32(call->args[0].str));
}

enum { MUST = 1, PRETTY = 2, RAW = 4 }; /* tag */

static int fn_to_json(struct tph_expr_call *call, struct tph_expr_value *ret)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf out = EXPR_SPRIG_BUF(call);
    TPH_CLEANUP(tph_buf_release) struct tph_buf problem = TPH_BUF_INIT(TPH_KIB(4));
    int how = call->function->tag;
    if (tph_expr_write_json(call->args[0], how & RAW ? 0 : TPH_JSON_HTML, how & PRETTY ? "  " : NULL, &out, &problem) <
        0) {
        if (how & (MUST | RAW)) {
            return tph_expr_fail(call, "%s", tph_buf_cstr(&problem));
        }
        *ret = tph_expr_cstr("");
        return 0;
    }
    return tph_expr_work(call, out.len / 64) < 0 ? -1 : tph_expr_keep(call->memory, &out, ret);
}

static int fn_from_json(struct tph_expr_call *call, struct tph_expr_value *ret)
{
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = NULL;
    struct tph_json_fault fault;
    bool must = call->function->tag & MUST;
    if (!must && tph_json_check(call->args[0].str, &fault) == TPH_JSON_FAULT_SYNTAX) {
        *ret = TPH_EXPR_VALUE_NIL;
        return 0;
    }
    if (expr_parse_json(call, call->args[0].str, &doc) < 0) {
        return -1;
    }
    if (must) {
        return expr_adopt_json(call, tph_json_root(doc), ret);
    }
    return tph_expr_read_json(call->memory, tph_json_root(doc), TPH_EXPR_JSON_COPY | TPH_EXPR_JSON_LENIENT, ret, NULL);
}

#define TEXT(text, function, letters, number)                                                                 \
    {                                                                                                         \
        .name = (text), .native = (function), .params = (letters), .result = TPH_EXPR_STRING, .tag = (number) \
    }

const struct tph_expr_function expr_sprig_encoding[] = {
    TEXT("b64enc", fn_b64enc, "s", 0),
    TEXT("b64dec", fn_decode, "s", BASE64),
    TEXT("b32enc", fn_b32enc, "s", 0),
    TEXT("b32dec", fn_decode, "s", BASE32),
    TEXT("sha1sum", fn_digest, "s", SHA1),
    TEXT("sha256sum", fn_digest, "s", SHA256),
    TEXT("sha512sum", fn_digest, "s", SHA512),
    TEXT("adler32sum", fn_adler32, "s", 0),
    TEXT("toJson", fn_to_json, "a", 0),
    TEXT("mustToJson", fn_to_json, "a", MUST),
    TEXT("toPrettyJson", fn_to_json, "a", PRETTY),
    TEXT("mustToPrettyJson", fn_to_json, "a", PRETTY | MUST),
    TEXT("toRawJson", fn_to_json, "a", RAW),
    TEXT("mustToRawJson", fn_to_json, "a", RAW | MUST),
    {.name = "fromJson", .native = fn_from_json, .params = "s", .result = TPH_EXPR_ANY},
    {.name = "mustFromJson", .native = fn_from_json, .params = "s", .result = TPH_EXPR_ANY, .tag = MUST},
    {.name = NULL},
};
