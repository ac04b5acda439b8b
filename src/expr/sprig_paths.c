/* SPDX-License-Identifier: Apache-2.0 */
/* sprig: slash-separated paths and URLs. Nothing here looks at the file system; on Linux those with `os` are the same.
 */
#include "data/url.h"
#include "expr/eval.h"
#include "expr/sprig.h"
#include "expr/sprig_values.h"

static ptrdiff_t find_last_slash(struct tph_str path)
{
    for (size_t i = path.len; i > 0; i--) {
        if (path.p[i - 1] == '/') {
            return (ptrdiff_t)i - 1;
        }
    }
    return -1;
}

/* Takes the last element off what was written, which is never shorter than `floor`. */
static void drop_last(struct tph_buf *out, size_t floor)
{
    while (out->len > floor && out->bytes[out->len - 1] != '/') {
        out->len--;
    }
    if (out->len > floor && out->bytes[out->len - 1] == '/') {
        out->len--;
    }
}

/* The shortest path that means the same: without //, . and what .. takes back. */
static int clean(struct tph_expr_call *call, struct tph_str path, struct tph_expr_value *ret)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf out = EXPR_SPRIG_BUF(call);
    bool rooted = path.len > 0 && path.p[0] == '/';
    (void)tph_buf_puts(&out, rooted ? "/" : "");
    size_t floor = out.len; /* what .. cannot take back */
    struct tph_str element;
    while (path.len > 0 && tph_str_cut(&path, '/', &element)) {
        if (element.len == 0 || tph_str_eqz(element, ".")) {
            continue;
        }
        bool up = tph_str_eqz(element, "..");
        if (up && out.len > floor) {
            drop_last(&out, floor);
            continue;
        }
        if (up && rooted) {
            continue;
        }
        if (out.len > (rooted ? 1 : 0)) {
            (void)tph_buf_putc(&out, '/');
        }
        (void)tph_buf_put(&out, element);
        floor = up ? out.len : floor;
    }
    if (out.len == 0) {
        (void)tph_buf_putc(&out, '.');
    }
    return tph_expr_keep(call->memory, &out, ret);
}

static int fn_clean(struct tph_expr_call *call, struct tph_expr_value *ret)
{
    return clean(call, call->args[0].str, ret);
}

static int fn_dir(struct tph_expr_call *call, struct tph_expr_value *ret)
{
    struct tph_str path = call->args[0].str;
    return clean(call, tph_str_slice(path, 0, (size_t)(find_last_slash(path) + 1)), ret);
}

static int fn_base(struct tph_expr_call *call, struct tph_expr_value *ret)
{
    struct tph_str path = call->args[0].str;
    if (path.len == 0) {
        *ret = tph_expr_cstr(".");
        return 0;
    }
    while (path.len > 0 && path.p[path.len - 1] == '/') {
        path.len--;
    }
    *ret = tph_expr_str(tph_str_slice(path, (size_t)(find_last_slash(path) + 1), path.len));
    if (path.len == 0) {
        *ret = tph_expr_cstr("/");
    }
    return 0;
}

static int fn_ext(struct tph_expr_call *call, struct tph_expr_value *ret)
{
    struct tph_str path = call->args[0].str;
    struct tph_str name = tph_str_slice(path, (size_t)(find_last_slash(path) + 1), path.len);
    size_t point = name.len;
    for (size_t i = name.len; i > 0 && point == name.len; i--) {
        point = name.p[i - 1] == '.' ? i - 1 : point;
    }
    *ret = tph_expr_str(tph_str_slice(name, point, name.len));
    return 0;
}

static int fn_is_abs(struct tph_expr_call *call, struct tph_expr_value *ret)
{
    *ret = tph_expr_bool(tph_str_has_prefix(call->args[0].str, TPH_STR("/")));
    return 0;
}

static int set(struct tph_expr_call *call, struct tph_expr_map *map, const char *key, struct tph_str value)
{
    return tph_expr_map_set(call->memory, map, tph_str(key), tph_expr_str(value));
}

static int fn_url_parse(struct tph_expr_call *call, struct tph_expr_value *ret)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf problem = TPH_BUF_INIT(TPH_KIB(64));
    TPH_CLEANUP(tph_buf_release) struct tph_buf user = EXPR_SPRIG_BUF(call);
    struct tph_str text = call->args[0].str;
    struct tph_url url;
    struct tph_expr_value map;
    struct tph_expr_value userinfo;
    char *room = tph_expr_alloc(call->memory, text.len);
    if (!room) {
        return -1;
    }
    if (tph_url_parse(text, room, &url, &problem) < 0) {
        return tph_expr_fail(call, "unable to parse url: %s", tph_buf_cstr(&problem));
    }
    tph_url_write_user(&url, &user);
    if (tph_expr_keep(call->memory, &user, &userinfo) < 0 || tph_expr_map_new(call->memory, TPH_EXPR_MAP, &map) < 0 ||
        set(call, map.map, "scheme", url.scheme) < 0 || set(call, map.map, "host", url.host) < 0 ||
        set(call, map.map, "hostname", tph_url_hostname(&url)) < 0 || set(call, map.map, "path", url.path) < 0 ||
        set(call, map.map, "query", url.query) < 0 || set(call, map.map, "opaque", url.opaque) < 0 ||
        set(call, map.map, "fragment", url.fragment) < 0 || set(call, map.map, "userinfo", userinfo.str) < 0) {
        return -1;
    }
    *ret = map;
    return 0;
}

/* A text of the map, or empty where it is not there. */
static int get(struct tph_expr_call *call, const char *key, struct tph_str *ret)
{
    const struct tph_expr_value *found = tph_expr_map_get(call->args[0].map, tph_str(key));
    if (found && found->type == TPH_EXPR_NIL) {
        return tph_expr_fail(call, EXPR_NIL_POINTER);
    }
    if (found && found->type != TPH_EXPR_STRING) {
        return tph_expr_fail(call, "unable to parse %s key, must be of type string, but %s found", key,
                             tph_expr_kind_name(found->type));
    }
    *ret = found ? found->str : TPH_STR_NONE;
    return 0;
}

/* user:password is read as a part of some URL. */
static int read_user(struct tph_expr_call *call, struct tph_str userinfo, struct tph_url *url)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf problem = TPH_BUF_INIT(TPH_KIB(64));
    struct tph_expr_value text;
    struct tph_url read;
    if (userinfo.len == 0) {
        return 0;
    }
    TPH_CLEANUP(tph_buf_release) struct tph_buf around = EXPR_SPRIG_BUF(call);
    (void)tph_buf_puts(&around, "proto://");
    (void)tph_buf_put(&around, userinfo);
    (void)tph_buf_puts(&around, "@host");
    if (tph_expr_keep(call->memory, &around, &text) < 0) {
        return -1;
    }
    char *room = tph_expr_alloc(call->memory, text.str.len);
    if (!room) {
        return -1;
    }
    if (tph_url_parse(text.str, room, &read, &problem) < 0) {
        return tph_expr_fail(call, "unable to parse userinfo in dict: %s", tph_buf_cstr(&problem));
    }
    url->has_user = read.has_user;
    url->has_password = read.has_password;
    url->user = read.user;
    url->password = read.password;
    return 0;
}

static int fn_url_join(struct tph_expr_call *call, struct tph_expr_value *ret)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf out = EXPR_SPRIG_BUF(call);
    struct tph_url url = {.has_user = false};
    struct tph_str userinfo;
    if (get(call, "scheme", &url.scheme) < 0 || get(call, "host", &url.host) < 0 || get(call, "path", &url.path) < 0 ||
        get(call, "query", &url.query) < 0 || get(call, "opaque", &url.opaque) < 0 ||
        get(call, "fragment", &url.fragment) < 0 || get(call, "userinfo", &userinfo) < 0 ||
        read_user(call, userinfo, &url) < 0) {
        return -1;
    }
    tph_url_write(&url, &out);
    return tph_expr_keep(call->memory, &out, ret);
}

#define TEXT(text, function)                                                           \
    {                                                                                  \
        .name = (text), .native = (function), .params = "s", .result = TPH_EXPR_STRING \
    }
#define TRUTH(text, function)                                                        \
    {                                                                                \
        .name = (text), .native = (function), .params = "s", .result = TPH_EXPR_BOOL \
    }

const struct tph_expr_function expr_sprig_paths[] = {
    TEXT("base", fn_base),
    TEXT("osBase", fn_base),
    TEXT("dir", fn_dir),
    TEXT("osDir", fn_dir),
    TEXT("clean", fn_clean),
    TEXT("osClean", fn_clean),
    TEXT("ext", fn_ext),
    TEXT("osExt", fn_ext),
    TRUTH("isAbs", fn_is_abs),
    TRUTH("osIsAbs", fn_is_abs),
    {.name = "urlParse", .native = fn_url_parse, .params = "s", .result = TPH_EXPR_MAP},
    {.name = "urlJoin", .native = fn_url_join, .params = "m", .result = TPH_EXPR_STRING},
    {.name = NULL},
};
