/* SPDX-License-Identifier: Apache-2.0 */
/* What an answer means: Kubernetes' Status objects, and what proxies say in their place. */
#include "base/limits.h"
#include "base/utf8.h"
#include "kube/client.h"

static enum tph_kube_problem not_found(const struct tph_json *status)
{
    /* The server has the kind: it tells which object it has not. */
    return tph_json_get_str(tph_json_get(status, "details"), "name").len > 0 ? TPH_KUBE_NOT_FOUND : TPH_KUBE_NO_KIND;
}

static enum tph_kube_problem problem_of(int status, const struct tph_json *object)
{
    switch (status) {
    case 400:
    case 413:
    case 422:
        return TPH_KUBE_INVALID;
    case 401:
        return TPH_KUBE_UNAUTHORIZED;
    case 403:
        return TPH_KUBE_FORBIDDEN;
    case 404:
        return not_found(object);
    case 409:
        return tph_str_eqz(tph_json_get_str(object, "reason"), "AlreadyExists") ? TPH_KUBE_EXISTS : TPH_KUBE_CONFLICT;
    case 410:
        return TPH_KUBE_EXPIRED;
    case 429:
    case 503:
    case 504:
        return TPH_KUBE_BUSY;
    default:
        return TPH_KUBE_OTHER;
    }
}

enum tph_kube_problem tph_kube_judge(int status, const struct tph_json *object, struct tph_str body,
                                     struct tph_error *ret_err)
{
    static const enum tph_error_kind KINDS[TPH_KUBE_PROBLEM_COUNT] = {
        [TPH_KUBE_NOT_FOUND] = TPH_ERROR_NOT_FOUND, [TPH_KUBE_NO_KIND] = TPH_ERROR_NOT_FOUND,
        [TPH_KUBE_EXISTS] = TPH_ERROR_CONFLICT,     [TPH_KUBE_CONFLICT] = TPH_ERROR_CONFLICT,
        [TPH_KUBE_INVALID] = TPH_ERROR_INVALID,
    };
    if (status >= 200 && status <= 299) {
        return TPH_KUBE_FINE;
    }
    enum tph_kube_problem problem = problem_of(status, object);
    enum tph_error_kind kind = KINDS[problem] != TPH_ERROR_NONE ? KINDS[problem] : TPH_ERROR_SYSTEM;
    struct tph_str message = tph_json_get_str(object, "message");
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_LIMIT_ERROR_BODY * 4);
    struct tph_str said = message.len > 0 || object ? message : tph_str_trim(body);
    (void)tph_utf8_printable(&text, tph_str_slice(said, 0, TPH_LIMIT_ERROR_BODY), TPH_UTF8_NEWLINES);
    if (text.len > 0) {
        (void)tph_error_set(ret_err, kind, "%s", tph_buf_cstr(&text));
    } else {
        (void)tph_error_set(ret_err, kind, "the server answered %d and nothing else", status);
    }
    return problem;
}
