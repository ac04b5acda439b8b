/* SPDX-License-Identifier: Apache-2.0 */
#include "apiserver/refuse.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/utf8.h"

enum { SHOWN = 30 }; /* bytes of a body */

int tph_refuse_unrecognized(struct tph_str kind, struct tph_str body, const char *why, struct tph_error *err)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf shown = TPH_BUF_INIT(1024);
    struct tph_str begin = tph_str_slice(body, 0, SHOWN);
    if (body.len == 0) {
        (void)tph_buf_puts(&shown, "<empty>");
    } else if (body.p[0] == '{') {
        (void)tph_utf8_repair(&shown, begin);
    } else {
        for (size_t i = 0; i < begin.len; i++) {
            (void)tph_buf_printf(&shown, "%02x", (unsigned char)begin.p[i]);
        }
    }
    (void)tph_buf_puts(&shown, body.len > SHOWN ? " ..." : "");
    return tph_error_set(err, TPH_ERROR_INVALID, "the object provided is unrecognized (must be of type %.*s): %s (%s)",
                         TPH_FMT(kind), why, tph_buf_cstr(&shown));
}

static struct tph_str version_of(struct tph_str api_version)
{
    ptrdiff_t slash = tph_str_find_byte(api_version, '/');
    return slash < 0 ? api_version : tph_str_slice(api_version, (size_t)slash + 1, api_version.len);
}

int tph_refuse_object(struct tph_str body_api_version, struct tph_str body_kind, struct tph_str kind, const char *why,
                      struct tph_error *err)
{
    return tph_error_set(err, TPH_ERROR_INVALID, "%.*s in version \"%.*s\" cannot be handled as a %.*s: %s",
                         TPH_FMT(body_kind), TPH_FMT(version_of(body_api_version)), TPH_FMT(kind), why);
}

int tph_refuse_kind(struct tph_str body_api_version, struct tph_str body_kind, struct tph_str api_version,
                    struct tph_str kind, struct tph_error *err)
{
    TPH_CLEANUP(tph_freep) char *why = NULL;
    if (tph_str_eq(body_api_version, api_version)) {
        struct tph_str version = version_of(api_version);
        why = tph_format("converting (%.*s.%.*s) to (core.%.*s): unknown conversion", TPH_FMT(version),
                         TPH_FMT(body_kind), TPH_FMT(kind));
    } else {
        why = tph_format("no kind \"%.*s\" is registered for version \"%.*s\" in scheme \"pkg/runtime/scheme.go:111\"",
                         TPH_FMT(body_kind), TPH_FMT(body_api_version));
    }
    return tph_refuse_object(body_api_version, body_kind, kind, why, err);
}
