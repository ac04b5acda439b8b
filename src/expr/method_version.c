/* SPDX-License-Identifier: Apache-2.0 */
/* Methods of semantic versions. */
#include "expr/native.h"

static const struct tph_expr_version *receiver(const struct tph_expr_call *call)
{
    return call->args[0].version;
}

static int fn_string(struct tph_expr_call *call, struct tph_expr_value *ret)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf out = TPH_BUF_INIT(tph_expr_room(call->memory));
    tph_semver_write(&receiver(call)->version, &out);
    return tph_expr_keep(call->memory, &out, ret);
}

enum { MAJOR, MINOR, PATCH, PRERELEASE, METADATA, ORIGINAL };

static int fn_number(struct tph_expr_call *call, struct tph_expr_value *ret)
{
    const struct tph_semver *version = &receiver(call)->version;
    const uint64_t parts[] = {version->major, version->minor, version->patch};
    *ret = (struct tph_expr_value){.type = TPH_EXPR_UINT64, .u = parts[call->function->tag]};
    return 0;
}

static int fn_text(struct tph_expr_call *call, struct tph_expr_value *ret)
{
    const struct tph_expr_version *version = receiver(call);
    switch (call->function->tag) {
    case PRERELEASE:
        *ret = tph_expr_str(version->version.prerelease);
        return 0;
    case METADATA:
        *ret = tph_expr_str(version->version.metadata);
        return 0;
    default:
        *ret = tph_expr_str(version->original);
        return 0;
    }
}

/* A new version, spelt with a v when the receiver is. */
static int give(struct tph_expr_call *call, const struct tph_semver *next, struct tph_expr_value *ret)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf out = TPH_BUF_INIT(tph_expr_room(call->memory));
    struct tph_expr_value original = TPH_EXPR_VALUE_NIL;
    struct tph_expr_version *version = tph_expr_alloc(call->memory, sizeof(*version));
    (void)tph_buf_puts(&out, tph_str_has_prefix(receiver(call)->original, TPH_STR("v")) ? "v" : "");
    tph_semver_write(next, &out);
    if (!version || tph_expr_keep(call->memory, &out, &original) < 0) {
        return -1;
    }
    *version = (struct tph_expr_version){.version = *next, .original = original.str};
    *ret = (struct tph_expr_value){.type = TPH_EXPR_VERSION_STRUCT, .version = version};
    return 0;
}

/* The next version: of a pre-release the next patch is its release. */
static int fn_next(struct tph_expr_call *call, struct tph_expr_value *ret)
{
    static const char *const names[] = {"major", "minor", "patch"};
    int tag = call->function->tag;
    const struct tph_semver *version = &receiver(call)->version;
    struct tph_semver next = {.major = version->major};
    next.minor = tag == MAJOR ? 0 : version->minor;
    next.patch = tag == PATCH ? version->patch : 0;
    uint64_t *part = tag == MAJOR ? &next.major : tag == MINOR ? &next.minor : &next.patch;
    if (tag == PATCH && version->prerelease.len > 0) {
        return give(call, &next, ret);
    }
    if (__builtin_add_overflow(*part, 1, part)) {
        return tph_expr_fail(call, "%s version increment would overflow uint64", names[tag]);
    }
    return give(call, &next, ret);
}

static bool is_identifier(struct tph_str part)
{
    for (size_t i = 0; i < part.len; i++) {
        char c = part.p[i];
        char lower = (char)(c | 0x20);
        if (!(c >= '0' && c <= '9') && !(lower >= 'a' && lower <= 'z') && c != '-') {
            return false;
        }
    }
    return part.len > 0;
}

static bool is_number(struct tph_str part)
{
    size_t n = 0;
    while (n < part.len && part.p[n] >= '0' && part.p[n] <= '9') {
        n++;
    }
    return part.len > 0 && n == part.len;
}

static int check_identifiers(struct tph_expr_call *call, struct tph_str text)
{
    bool prerelease = call->function->tag == PRERELEASE;
    for (size_t start = 0; text.len > 0 && start <= text.len;) {
        ptrdiff_t dot = tph_str_find_byte(tph_str_slice(text, start, text.len), '.');
        size_t end = dot < 0 ? text.len : start + (size_t)dot;
        struct tph_str part = tph_str_slice(text, start, end);
        if (!is_identifier(part)) {
            return tph_expr_fail(call, "invalid %s string", prerelease ? "prerelease" : "metadata");
        }
        if (prerelease && is_number(part) && part.len > 1 && part.p[0] == '0') {
            return tph_expr_fail(call, "version segment starts with 0");
        }
        start = end + 1;
    }
    return 0;
}

static int fn_set(struct tph_expr_call *call, struct tph_expr_value *ret)
{
    struct tph_semver next = receiver(call)->version;
    if (check_identifiers(call, call->args[1].str) < 0) {
        return -1;
    }
    *(call->function->tag == PRERELEASE ? &next.prerelease : &next.metadata) = call->args[1].str;
    return give(call, &next, ret);
}

enum { COMPARE, BEFORE, NOT_AFTER, AFTER, NOT_BEFORE, EQUAL };

static int fn_compare(struct tph_expr_call *call, struct tph_expr_value *ret)
{
    bool is_nil = call->args[1].type != TPH_EXPR_VERSION || !call->args[1].version;
    if (is_nil && call->function->tag == EQUAL) {
        *ret = tph_expr_bool(false);
        return 0;
    }
    if (is_nil) {
        return tph_expr_fail(call, "runtime error: invalid memory address or nil pointer dereference");
    }
    int order = tph_semver_compare(&receiver(call)->version, &call->args[1].version->version);
    const bool answers[] = {[BEFORE] = order<0, [NOT_AFTER] = order <= 0, [AFTER] = order> 0,
                            [NOT_BEFORE] = order >= 0,
                            [EQUAL] = order == 0};
    *ret = call->function->tag == COMPARE ? tph_expr_int(order < 0 ? -1 : order > 0)
                                          : tph_expr_bool(answers[call->function->tag]);
    return 0;
}

const struct expr_method expr_version_methods[] = {
    EXPR_METHOD('V', "Major", fn_number, MAJOR, "", "u"),
    EXPR_METHOD('V', "Minor", fn_number, MINOR, "", "u"),
    EXPR_METHOD('V', "Patch", fn_number, PATCH, "", "u"),
    EXPR_METHOD('V', "Prerelease", fn_text, PRERELEASE, "", "s"),
    EXPR_METHOD('V', "Metadata", fn_text, METADATA, "", "s"),
    EXPR_METHOD('V', "String", fn_string, 0, "", "s"),
    EXPR_METHOD('V', "IncMajor", fn_next, MAJOR, "", "v"),
    EXPR_METHOD('V', "IncMinor", fn_next, MINOR, "", "v"),
    EXPR_METHOD('V', "IncPatch", fn_next, PATCH, "", "v"),
    EXPR_METHOD('V', "SetPrerelease", fn_set, PRERELEASE, "s", "ve"),
    EXPR_METHOD('V', "SetMetadata", fn_set, METADATA, "s", "ve"),
    EXPR_NO_METHOD,
};

const struct expr_method expr_version_pointer_methods[] = {
    EXPR_METHOD('V', "Original", fn_text, ORIGINAL, "", "s"),
    EXPR_METHOD('V', "Compare", fn_compare, COMPARE, "V", "i"),
    EXPR_METHOD('V', "LessThan", fn_compare, BEFORE, "V", "b"),
    EXPR_METHOD('V', "LessThanEqual", fn_compare, NOT_AFTER, "V", "b"),
    EXPR_METHOD('V', "GreaterThan", fn_compare, AFTER, "V", "b"),
    EXPR_METHOD('V', "GreaterThanEqual", fn_compare, NOT_BEFORE, "V", "b"),
    EXPR_METHOD('V', "Equal", fn_compare, EQUAL, "V", "b"),
    EXPR_NO_METHOD,
};
