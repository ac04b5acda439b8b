/* SPDX-License-Identifier: Apache-2.0 */
/* Loops: items.jsonl. The rows hold whole steps and tasks, encoded by Go with its empty members: those are left out of
 * the comparison, and members are compared whatever their order. */
#include <stdio.h>

#include "base/alloc.h"
#include "base/arena.h"
#include "base/limits.h"
#include "engine/loop_items.h"
#include "engine/text.h"
#include "expr/tag.h"
#include "golden.h"

struct scope {
    const struct tph_json *map; /* the row's variables */
    bool inputs;                /* they are inputs.parameters.NAME */
    struct tph_str item;
};

static enum tph_text_value lookup(void *owner, struct tph_str name, struct tph_buf *value)
{
    const struct scope *scope = owner;
    const struct tph_str prefix = TPH_STR("inputs.parameters.");
    const struct tph_json *found = NULL;
    if (!scope->inputs) {
        found = tph_json_getn(scope->map, name);
    } else if (tph_str_has_prefix(name, prefix)) {
        found = tph_json_getn(scope->map, tph_str_slice(name, prefix.len, name.len));
    }
    if (found) {
        (void)tph_buf_put(value, tph_json_str(found));
        return TPH_TEXT_VALUE;
    }
    return tph_loop_item_lookup(scope->item, name, value);
}

/* Lets expressions see a name that simple tags know. */
static void see(struct scope *scope, struct tph_expr_flat *flat, struct tph_expr_memory *memory, struct tph_str name)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    struct tph_expr_value key = TPH_EXPR_VALUE_NIL;
    struct tph_expr_value value = TPH_EXPR_VALUE_NIL;
    if (lookup(scope, name, &text) == TPH_TEXT_VALUE && tph_expr_copy(memory, name, &key) == 0 &&
        tph_expr_keep(memory, &text, &value) == 0) {
        tph_expr_flat_set(flat, key.str, value);
    }
}

static bool must_know(void *owner, struct tph_str path)
{
    (void)owner;
    (void)path;
    return true;
}

static int expression(const struct tph_text_pass *pass, struct tph_str source, struct tph_buf *value,
                      struct tph_buf *problem)
{
    struct scope *scope = pass->owner;
    TPH_CLEANUP(tph_expr_memory_release)
    struct tph_expr_memory memory = TPH_EXPR_MEMORY_INIT(TPH_LIMIT_EXPR_MEMORY);
    TPH_CLEANUP(tph_expr_freep) struct tph_expr *expr = tph_expr_new(source);
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = NULL;
    struct tph_expr_flat *flat = tph_expr_flat_new();
    see(scope, flat, &memory, TPH_STR("item"));
    if (tph_json_parse(scope->item, &doc, NULL) == 0) {
        struct tph_json_iter it = tph_json_iter(tph_json_root(doc));
        while (tph_json_next(&it)) {
            TPH_CLEANUP(tph_freep) char *name = tph_format("item.%.*s", TPH_FMT(it.key));
            see(scope, flat, &memory, tph_str(name));
        }
    }
    struct tph_expr_env env = tph_expr_flat_env(flat);
    struct tph_expr_tag_rules rules = {.must_know = must_know};
    int result = tph_expr_tag(expr, &env, &rules, value, problem);
    tph_expr_flat_free(flat);
    return result == TPH_EXPR_TAG_MISSING ? TPH_TEXT_UNRESOLVED : result == TPH_EXPR_TAG_LEFT ? TPH_TEXT_LEFT : result;
}

static bool is_empty_object(const struct tph_json *value)
{
    return tph_json_is(value, TPH_JSON_OBJECT) && tph_json_len(value) == 0;
}

/* Without members that are {}, which Go's encoder writes where nothing was given. */
static struct tph_json *plain(struct tph_json_doc *doc, const struct tph_json *value)
{
    if (!tph_json_is(value, TPH_JSON_OBJECT)) {
        return tph_json_copy(doc, value);
    }
    struct tph_json *copy = tph_json_new_object(doc);
    struct tph_json_iter it = tph_json_iter(value);
    while (tph_json_next(&it)) {
        if (!is_empty_object(it.value) && !(tph_str_eqz(it.key, "template") && tph_json_str(it.value).len == 0)) {
            tph_json_setn(doc, copy, it.key, plain(doc, it.value));
        }
    }
    return copy;
}

static struct tph_json *plain_text(struct golden_case *c, struct tph_str text)
{
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = NULL;
    return tph_json_parse(text, &doc, NULL) < 0 ? NULL : plain(c->doc, tph_json_root(doc));
}

/* The recorded items with their texts of JSON as values. */
static void open_expected(struct golden_case *c)
{
    struct tph_json *open = tph_json_new_object(c->doc);
    struct tph_json_iter it = tph_json_iter(c->expected);
    while (tph_json_next(&it)) {
        if (!tph_str_eqz(it.key, "items")) {
            tph_json_setn(c->doc, open, it.key, tph_json_copy(c->doc, it.value));
            continue;
        }
        struct tph_json *items = tph_json_new_array(c->doc);
        struct tph_json_iter item = tph_json_iter(it.value);
        while (tph_json_next(&item)) {
            struct tph_json *one = tph_json_new_object(c->doc);
            tph_json_set_str(c->doc, one, "name", tph_json_get_str(item.value, "name"));
            tph_json_set(c->doc, one, "step", plain_text(c, tph_json_get_str(item.value, "json")));
            tph_json_append(c->doc, items, one);
        }
        tph_json_set(c->doc, open, "items", items);
    }
    c->expected = open;
}

static struct tph_str text_of(struct golden_case *c, const struct tph_json *value)
{
    if (!value) {
        return TPH_STR_NONE;
    }
    struct tph_str text = tph_json_is(value, TPH_JSON_NUMBER) ? tph_json_number_text(value) : tph_json_str(value);
    return tph_json_str(tph_json_new_str(c->doc, text)); /* also of an empty text p is set */
}

static int read_items(struct golden_case *c, const struct tph_json *object, struct tph_arena *arena,
                      struct tph_loop_items *ret_items, struct tph_buf *problem)
{
    const struct tph_json *list = tph_json_get(object, "withItems");
    const struct tph_json *sequence = tph_json_get(object, "withSequence");
    if (tph_json_len(list) > 0) {
        return tph_loop_items_list(list, arena, ret_items, problem);
    }
    if (sequence) {
        struct tph_loop_sequence given = {
            .start = text_of(c, tph_json_get(sequence, "start")),
            .end = text_of(c, tph_json_get(sequence, "end")),
            .count = text_of(c, tph_json_get(sequence, "count")),
            .format = text_of(c, tph_json_get(sequence, "format")),
        };
        return tph_loop_items_sequence(&given, arena, ret_items, problem);
    }
    return tph_loop_items_param(tph_json_get_str(object, "withParam"), arena, ret_items, problem);
}

static void fail(struct golden_case *c, const struct tph_buf *problem, bool missing)
{
    (void)golden_object(c);
    golden_set_buf(c, "error", problem);
    if (tph_json_get(c->expected, "missing")) {
        tph_json_set(c->doc, c->got, "missing", tph_json_new_bool(c->doc, missing));
    }
}

static void sequence(struct golden_case *c)
{
    TPH_CLEANUP(tph_arena_freep) struct tph_arena *arena = tph_arena_new();
    TPH_CLEANUP(tph_buf_release) struct tph_buf problem = TPH_BUF_INIT(TPH_KIB(64));
    struct tph_loop_items items = {0};
    struct tph_json *object = tph_json_new_object(c->doc);
    tph_json_set(c->doc, object, "withSequence", tph_json_copy(c->doc, tph_json_get(c->in, "sequence")));
    if (read_items(c, object, arena, &items, &problem) < 0) {
        fail(c, &problem, false);
        return;
    }
    struct tph_json *list = tph_json_new_array(c->doc);
    for (size_t i = 0; i < items.n; i++) {
        tph_json_append(c->doc, list, tph_json_new_str(c->doc, items.raw[i]));
    }
    tph_json_set(c->doc, golden_object(c), "items", list);
}

/* The step of one item, or why there is none: as tph_text_eval. */
static int expand(struct golden_case *c, const struct tph_text *json, struct scope *scope, struct tph_json **ret_step,
                  struct tph_buf *problem)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf out = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    struct tph_text_pass pass = {.lookup = lookup,
                                 .expression = expression,
                                 .owner = scope,
                                 .flags = TPH_TEXT_JSON | TPH_TEXT_GO_QUOTES | TPH_TEXT_GO_READS,
                                 .strictness = TPH_TEXT_STRICT};
    struct tph_json_fault fault;
    int failed = tph_text_eval(json, &pass, &out, problem);
    if (failed) {
        return failed;
    }
    if (tph_json_check(tph_buf_str(&out), &fault) != TPH_JSON_FAULT_NONE) {
        (void)tph_buf_puts(problem, fault.text);
        return -1;
    }
    *ret_step = plain_text(c, tph_buf_str(&out));
    return 0;
}

static void loop(struct golden_case *c, const struct tph_json *object, const struct tph_loop_items *items, bool step)
{
    TPH_CLEANUP(tph_arena_freep) struct tph_arena *arena = tph_arena_new();
    TPH_CLEANUP(tph_buf_release) struct tph_buf json = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    TPH_CLEANUP(tph_buf_release) struct tph_buf problem = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    struct tph_json *copy = tph_json_copy(c->doc, object);
    struct tph_str name = tph_json_get_str(object, "name");
    (void)tph_json_remove(copy, "bogus"); /* Go's decoder drops what it does not know */
    if (step) {
        (void)tph_json_remove(copy, "withItems");
        (void)tph_json_remove(copy, "withParam");
        (void)tph_json_remove(copy, "withSequence");
    }
    tph_json_write(copy, 0, &json);
    struct tph_text text = tph_text_compile(tph_buf_str(&json), arena);
    struct scope scope = {.map = tph_json_get(c->in, step ? "inputs" : "scope"), .inputs = step};
    struct tph_json *list = tph_json_new_array(c->doc);
    for (size_t i = 0; i < items->n; i++) {
        TPH_CLEANUP(tph_buf_release) struct tph_buf full = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
        struct tph_json *made = NULL;
        scope.item = items->raw[i];
        int failed = expand(c, &text, &scope, &made, &problem);
        if (failed) {
            fail(c, &problem, failed == TPH_TEXT_UNRESOLVED);
            return;
        }
        tph_loop_item_name(name, i, items->raw[i], &full);
        tph_json_set_str(c->doc, made, "name", tph_buf_str(&full));
        if (tph_json_get_str(object, "template").len > 0) {
            tph_json_set_str(c->doc, made, "template", tph_json_get_str(object, "template"));
        }
        struct tph_json *one = tph_json_new_object(c->doc);
        tph_json_set_str(c->doc, one, "name", tph_buf_str(&full));
        tph_json_set(c->doc, one, "step", made);
        tph_json_append(c->doc, list, one);
    }
    tph_json_set(c->doc, golden_object(c), "items", list);
}

void golden_items(struct golden_case *c)
{
    TPH_CLEANUP(tph_arena_freep) struct tph_arena *arena = tph_arena_new();
    TPH_CLEANUP(tph_buf_release) struct tph_buf problem = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    struct tph_loop_items items = {0};
    const struct tph_json *object = tph_json_get(c->in, "object");
    if (tph_str_eqz(golden_in(c, "kind"), "sequence")) {
        sequence(c);
        return;
    }
    if (tph_json_get(c->expected, "decode_error")) {
        c->skip = "decodes a whole workflow type: comes with lint";
        return;
    }
    bool loops = tph_json_len(tph_json_get(object, "withItems")) > 0 || tph_json_get(object, "withSequence") ||
                 tph_json_get_str(object, "withParam").len > 0;
    if (tph_str_eqz(tph_json_get_str(object, "when"), "false") ||
        tph_str_eqz(tph_json_get_str(object, "when"), "x == y")) {
        c->skip = "needs `when`, which is judged before the loop";
        return;
    }
    if (!loops) {
        c->skip = "no loop at all: whoever asks looks first";
        return;
    }
    open_expected(c);
    if (read_items(c, object, arena, &items, &problem) < 0) {
        fail(c, &problem, false);
        return;
    }
    loop(c, object, &items, tph_str_eqz(golden_in(c, "kind"), "step"));
}
