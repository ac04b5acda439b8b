/* SPDX-License-Identifier: Apache-2.0 */
/* JSON patches. Operations change a copy of the document, one after the other. */
#include <inttypes.h>

#include "base/buf.h"
#include "base/limits.h"
#include "data/anystring.h"
#include "data/patch.h"
#include "data/quote.h"

struct patching {
    struct tph_json_doc *doc;
    struct tph_json *root;
    struct tph_error *err;
    size_t n_steps;  /* members and elements that were passed */
    size_t n_copied; /* bytes that copy added */
};

/* One operation while it is carried out. */
struct operation {
    const struct tph_json *object;
    const char *kind;
    struct tph_str path;
    struct tph_str from; /* of move and copy */
};

/* Where a path leads: a member of an object or an element of a list, which need not be there. */
struct place {
    struct tph_json *container; /* NULL: the path leads nowhere */
    struct tph_buf key;         /* the last part of the path, decoded */
    size_t depth;
};

static void place_release(struct place *place)
{
    tph_buf_release(&place->key);
}

static const char MISSING[] = "missing value";

static int spend(struct patching *p, size_t steps)
{
    p->n_steps += steps;
    if (p->n_steps > TPH_LIMIT_PATCH_STEPS) {
        return tph_error_set(p->err, TPH_ERROR_LIMIT, "the JSON patch has to pass more than %d members and elements",
                             TPH_LIMIT_PATCH_STEPS);
    }
    return 0;
}

/* ~1 is a slash, ~0 a tilde. */
static void decode(struct tph_str part, struct tph_buf *out)
{
    tph_buf_clear(out);
    for (size_t i = 0; i < part.len; i++) {
        bool escape = part.p[i] == '~' && i + 1 < part.len && (part.p[i + 1] == '0' || part.p[i + 1] == '1');
        i += escape ? 1 : 0;
        (void)tph_buf_putc(out, !escape ? part.p[i] : part.p[i] == '1' ? '/' : '~');
    }
}

/* As Go's Atoi: the number of a list's element. */
static int to_index(const struct patching *p, struct tph_str text, int64_t *ret_index)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf quoted = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    bool plus = text.len > 1 && text.p[0] == '+' && text.p[1] != '-';
    bool digits = text.len > 0;
    if (tph_str_to_i64(plus ? tph_str_slice(text, 1, text.len) : text, ret_index) == 0) {
        return 0;
    }
    for (size_t i = text.len > 1 && (text.p[0] == '-' || text.p[0] == '+') ? 1 : 0; i < text.len; i++) {
        digits = digits && text.p[i] >= '0' && text.p[i] <= '9';
    }
    tph_quote_go(text, &quoted);
    return tph_error_set(p->err, TPH_ERROR_INVALID, "strconv.Atoi: parsing %s: %s", tph_buf_cstr(&quoted),
                         digits ? "value out of range" : "invalid syntax");
}

static int invalid_index(const struct patching *p, int64_t index)
{
    return tph_error_set(p->err, TPH_ERROR_INVALID,
                         "Unable to access invalid index: %" PRId64 ": invalid index referenced", index);
}

/* The element of a list of len that text names, from the end when it is negative. */
static int element_at(struct patching *p, struct tph_str text, size_t len, size_t *ret_index)
{
    int64_t index = 0;
    int64_t n = (int64_t)len;
    if (to_index(p, text, &index) < 0) {
        return -1;
    }
    if (index >= n || index < -n) {
        return invalid_index(p, index);
    }
    size_t found = (size_t)(index < 0 ? index + n : index);
    if (spend(p, found) < 0) {
        return -1;
    }
    *ret_index = found;
    return 0;
}

/* The value at a place. NULL where an object has no such member; -1 where a list has no such element. */
static int get(struct patching *p, const struct tph_json *container, struct tph_str key, struct tph_json **ret_value)
{
    size_t index = 0;
    size_t len = tph_json_len(container);
    if (!tph_json_is(container, TPH_JSON_ARRAY)) {
        *ret_value = tph_json_getn(container, key);
        return spend(p, len);
    }
    if (element_at(p, key, len, &index) < 0) {
        return -1;
    }
    *ret_value = tph_json_at(container, index);
    return 0;
}

/* What stands at key, if something can lie below it. NULL: nothing. -1: a ceiling. */
static int step_down(struct patching *p, struct tph_json *container, struct tph_str key, struct tph_json **ret_next)
{
    struct tph_error why = TPH_ERROR_INIT;
    struct tph_error *err = p->err;
    struct tph_json *next = NULL;
    p->err = &why;
    int failed = get(p, container, key, &next);
    p->err = err;
    if (failed < 0 && why.kind == TPH_ERROR_LIMIT) {
        return tph_error_set(err, why.kind, "%s", why.text);
    }
    bool inner = failed == 0 && (tph_json_is(next, TPH_JSON_OBJECT) || tph_json_is(next, TPH_JSON_ARRAY));
    *ret_next = inner ? next : NULL;
    return 0;
}

/* Follows a path. What stands in front of its first slash does not count; one without a slash leads nowhere. */
static int find(struct patching *p, struct tph_str path, struct place *place)
{
    struct tph_json *container = p->root;
    struct tph_str rest = path;
    struct tph_str part;
    *place = (struct place){.key = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT)};
    (void)tph_str_cut(&rest, '/', &part);
    while (container && rest.p && tph_str_cut(&rest, '/', &part)) {
        decode(part, &place->key);
        place->depth++;
        if (!rest.p) {
            place->container = container;
        } else if (step_down(p, container, tph_buf_str(&place->key), &container) < 0) {
            return -1;
        }
    }
    return 0;
}

/* Operations must not make a document that is deeper than one that may be read. */
static int check_depth(struct patching *p, const struct tph_json *value, size_t depth)
{
    if (depth > TPH_LIMIT_JSON_DEPTH) {
        return tph_error_set(p->err, TPH_ERROR_LIMIT, "the JSON patch makes a document of more than %d levels",
                             TPH_LIMIT_JSON_DEPTH);
    }
    struct tph_json_iter it = tph_json_iter(value);
    while (tph_json_next(&it)) {
        if (spend(p, 1) < 0 || check_depth(p, it.value, depth + 1) < 0) {
            return -1;
        }
    }
    return 0;
}

static int add(struct patching *p, const struct place *place, struct tph_json *value)
{
    struct tph_str key = tph_buf_str(&place->key);
    size_t len = tph_json_len(place->container);
    size_t index = 0;
    int64_t number = 0;
    if (check_depth(p, value, place->depth + 1) < 0) {
        return -1;
    }
    if (!tph_json_is(place->container, TPH_JSON_ARRAY)) {
        tph_json_setn(p->doc, place->container, key, value);
        return spend(p, len);
    }
    if (tph_str_eqz(key, "-")) {
        tph_json_append(p->doc, place->container, value);
        return 0;
    }
    if (to_index(p, key, &number) < 0) {
        return tph_error_wrap(p->err, "value was not a proper array index: '%.*s'", TPH_FMT(key));
    }
    if (element_at(p, key, len + 1, &index) < 0) {
        return -1;
    }
    tph_json_insert(place->container, value, index);
    return 0;
}

static int take_out(struct patching *p, const struct place *place, struct tph_json **ret_value)
{
    struct tph_str key = tph_buf_str(&place->key);
    size_t len = tph_json_len(place->container);
    size_t index = 0;
    if (tph_json_is(place->container, TPH_JSON_ARRAY)) {
        if (element_at(p, key, len, &index) < 0) {
            return -1;
        }
        *ret_value = tph_json_remove_at(place->container, index);
        return 0;
    }
    struct tph_json *value = tph_json_removen(place->container, key);
    if (!value) {
        return tph_error_set(p->err, TPH_ERROR_INVALID, "Unable to remove nonexistent key: %.*s: %s", TPH_FMT(key),
                             MISSING);
    }
    *ret_value = value;
    return spend(p, len);
}

/* "WHAT: missing value" */
static int missing(const struct patching *p, const char *before, struct tph_str path, const char *after)
{
    return tph_error_set(p->err, TPH_ERROR_INVALID, "%s%.*s%s: %s", before, TPH_FMT(path), after, MISSING);
}

/* "error in WHAT for path: 'PATH': why" */
static int error_in(const struct patching *p, const char *what, struct tph_str path)
{
    return tph_error_wrap(p->err, "error in %s: '%.*s'", what, TPH_FMT(path));
}

static struct tph_json *value_of(struct patching *p, const struct operation *o)
{
    const struct tph_json *value = tph_json_get(o->object, "value");
    return value ? tph_json_copy(p->doc, value) : tph_json_new_null(p->doc);
}

static int do_add(struct patching *p, const struct operation *o)
{
    TPH_CLEANUP(place_release) struct place place = {.container = NULL};
    if (find(p, o->path, &place) < 0) {
        return -1;
    }
    if (!place.container) {
        return missing(p, "add operation does not apply: doc is missing path: \"", o->path, "\"");
    }
    return add(p, &place, value_of(p, o)) < 0 ? error_in(p, "add for path", o->path) : 0;
}

static int do_remove(struct patching *p, const struct operation *o)
{
    TPH_CLEANUP(place_release) struct place place = {.container = NULL};
    if (find(p, o->path, &place) < 0) {
        return -1;
    }
    if (!place.container) {
        return missing(p, "remove operation does not apply: doc is missing path: \"", o->path, "\"");
    }
    struct tph_json *gone = NULL;
    return take_out(p, &place, &gone) < 0 ? error_in(p, "remove for path", o->path) : 0;
}

static int replace_root(struct patching *p, const struct operation *o)
{
    struct tph_json *value = value_of(p, o);
    if (!tph_json_is(value, TPH_JSON_OBJECT) && !tph_json_is(value, TPH_JSON_ARRAY)) {
        return tph_error_set(p->err, TPH_ERROR_INVALID,
                             "replace operation value must be object or array: %%!w(<nil>)"); /* its own slip */
    }
    p->root = value;
    return 0;
}

static int do_replace(struct patching *p, const struct operation *o)
{
    TPH_CLEANUP(place_release) struct place place = {.container = NULL};
    struct tph_json *old = NULL;
    if (o->path.len == 0) {
        return replace_root(p, o);
    }
    if (find(p, o->path, &place) < 0) {
        return -1;
    }
    if (!place.container) {
        return missing(p, "replace operation does not apply: doc is missing path: ", o->path, "");
    }
    if (get(p, place.container, tph_buf_str(&place.key), &old) < 0) {
        return p->err && p->err->kind == TPH_ERROR_LIMIT
                   ? -1
                   : missing(p, "replace operation does not apply: doc is missing key: ", o->path, "");
    }
    struct tph_json *value = value_of(p, o);
    if (!old) {
        return add(p, &place, value); /* what an object does not have is added */
    }
    if (check_depth(p, value, place.depth + 1) < 0) {
        return -1;
    }
    tph_json_assign(old, value);
    return 0;
}

static int do_move(struct patching *p, const struct operation *o)
{
    TPH_CLEANUP(place_release) struct place from = {.container = NULL};
    TPH_CLEANUP(place_release) struct place to = {.container = NULL};
    struct tph_json *value = NULL;
    if (find(p, o->from, &from) < 0) {
        return -1;
    }
    if (!from.container) {
        return missing(p, "move operation does not apply: doc is missing from path: ", o->from, "");
    }
    if (take_out(p, &from, &value) < 0) {
        return error_in(p, "move for path", tph_buf_str(&from.key));
    }
    if (find(p, o->path, &to) < 0) {
        return -1;
    }
    if (!to.container) {
        return missing(p, "move operation does not apply: doc is missing destination path: ", o->path, "");
    }
    return add(p, &to, value) < 0 ? error_in(p, "move for path", o->path) : 0;
}

/* Copies may double the document again and again. */
static int count_copy(struct patching *p, const struct tph_json *value)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    tph_json_write(value, 0, &text);
    p->n_copied += value ? text.len : 0;
    if (p->n_copied > TPH_LIMIT_PATCH_COPIES || tph_buf_failed(&text)) {
        return tph_error_set(
            p->err, TPH_ERROR_LIMIT,
            "Unable to complete the copy, the accumulated size increase of copy is %zu, exceeding the limit %zu",
            p->n_copied, TPH_LIMIT_PATCH_COPIES);
    }
    return 0;
}

static int do_copy(struct patching *p, const struct operation *o)
{
    TPH_CLEANUP(place_release) struct place from = {.container = NULL};
    TPH_CLEANUP(place_release) struct place to = {.container = NULL};
    struct tph_json *value = NULL;
    if (find(p, o->from, &from) < 0) {
        return -1;
    }
    if (!from.container) {
        return missing(p, "copy operation does not apply: doc is missing from path: ", o->from, "");
    }
    if (get(p, from.container, tph_buf_str(&from.key), &value) < 0) {
        return error_in(p, "copy for from", o->from);
    }
    if (find(p, o->path, &to) < 0) {
        return -1;
    }
    if (!to.container) {
        return missing(p, "copy operation does not apply: doc is missing destination path: ", o->path, "");
    }
    if (count_copy(p, value) < 0) {
        return -1;
    }
    value = value ? tph_json_copy(p->doc, value) : tph_json_new_null(p->doc);
    return add(p, &to, value) < 0 ? tph_error_wrap(p->err, "error while adding value during copy") : 0;
}

static int do_test(struct patching *p, const struct operation *o)
{
    TPH_CLEANUP(place_release) struct place place = {.container = NULL};
    const struct tph_json *wanted = tph_json_get(o->object, "value");
    struct tph_json *value = p->root;
    if (o->path.len > 0) {
        if (find(p, o->path, &place) < 0) {
            return -1;
        }
        if (!place.container) {
            return missing(p, "test operation does not apply: is missing path: ", o->path, "");
        }
        if (get(p, place.container, tph_buf_str(&place.key), &value) < 0) {
            return error_in(p, "test for path", o->path);
        }
    }
    bool nothing = tph_json_is_null(value) && tph_json_is_null(wanted);
    if (check_depth(p, wanted, 1) < 0) { /* which counts what is compared */
        return -1;
    }
    if (!nothing && (tph_json_is_null(value) || tph_json_is_null(wanted) || !tph_json_equal(value, wanted))) {
        return tph_error_set(p->err, TPH_ERROR_INVALID, "testing value %.*s failed: test failed", TPH_FMT(o->path));
    }
    return 0;
}

static const struct {
    const char *kind;
    int (*run)(struct patching *p, const struct operation *o);
    bool has_from;
    bool plain; /* of a path that cannot be read only that it is missing is told */
} operations[] = {
    {"add", do_add, false, true},   {"remove", do_remove, false, true}, {"replace", do_replace, false, false},
    {"move", do_move, true, false}, {"test", do_test, false, false},    {"copy", do_copy, true, true},
};

/* A text of the operation; "" is one. */
static int read_text(struct patching *p, const struct operation *o, const char *key, const char *absent,
                     struct tph_str *ret_text)
{
    const struct tph_json *value = tph_json_get(o->object, key);
    if (tph_json_is_null(value)) {
        return tph_error_set(p->err, TPH_ERROR_INVALID, "%s: %s", absent, MISSING);
    }
    if (!tph_json_is(value, TPH_JSON_STRING)) {
        return tph_json_type_error(value, "value of type string", p->err);
    }
    *ret_text = tph_json_str(value);
    return 0;
}

static int run(struct patching *p, const struct tph_json *object)
{
    struct operation o = {.object = object};
    const struct tph_json *word = tph_json_get(object, "op");
    struct tph_str kind = tph_json_is(word, TPH_JSON_STRING) ? tph_json_str(word) : TPH_STR("unknown");
    for (size_t i = 0; i < sizeof(operations) / sizeof(operations[0]); i++) {
        if (!tph_str_eqz(kind, operations[i].kind)) {
            continue;
        }
        o.kind = operations[i].kind;
        if (operations[i].has_from && read_text(p, &o, "from", "operation, missing from field", &o.from) < 0) {
            return tph_error_wrap(p->err, "%s operation failed to decode from", o.kind);
        }
        if (read_text(p, &o, "path", "operation missing path field", &o.path) < 0) {
            if (operations[i].plain) {
                return missing(p, o.kind, TPH_STR(" operation failed to decode path"), "");
            }
            return tph_error_wrap(p->err, "%s operation failed to decode path", o.kind);
        }
        return operations[i].run(p, &o);
    }
    return tph_error_set(p->err, TPH_ERROR_INVALID, "Unexpected kind: %.*s", TPH_FMT(kind));
}

int tph_patch_check_json(const struct tph_json *patch, struct tph_error *err)
{
    struct tph_json_iter it = tph_json_iter(patch);
    size_t n = tph_json_len(patch);
    if (!tph_json_is_null(patch) && !tph_json_is(patch, TPH_JSON_ARRAY)) {
        return tph_json_type_error(patch, "value of type jsonpatch.Patch", err);
    }
    if (n > TPH_LIMIT_PATCH_OPERATIONS) {
        return tph_error_set(err, TPH_ERROR_LIMIT, "The allowed maximum operations in a JSON patch is %d, got %zu",
                             TPH_LIMIT_PATCH_OPERATIONS, n);
    }
    while (tph_json_next(&it)) {
        if (!tph_json_is(it.value, TPH_JSON_OBJECT) && !tph_json_is_null(it.value)) {
            return tph_json_type_error(it.value, "value of type jsonpatch.Operation", err);
        }
    }
    return 0;
}

int tph_patch_json(struct tph_json_doc *doc, const struct tph_json *original, const struct tph_json *patch,
                   struct tph_json **ret_patched, struct tph_error *err)
{
    struct tph_error why = TPH_ERROR_INIT;
    struct patching p = {.doc = doc, .err = err ? err : &why};
    struct tph_json_iter it = tph_json_iter(patch);
    if (tph_patch_check_json(patch, err) < 0) {
        return -1;
    }
    if (!tph_json_is(original, TPH_JSON_OBJECT) && !tph_json_is(original, TPH_JSON_ARRAY)) {
        return tph_json_type_error(original, "value of type jsonpatch.partialDoc", err);
    }
    p.root = tph_json_copy(doc, original);
    while (tph_json_next(&it)) {
        if (run(&p, it.value) < 0) {
            return -1;
        }
    }
    *ret_patched = p.root;
    return 0;
}
