/* SPDX-License-Identifier: Apache-2.0 */
#include "data/yaml_value.h"

#include <string.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "base/map.h"
#include "data/number.h"
#include "data/yaml.h"

/* One name in an object that is being read. Go's map tells keys of different types apart (1 and "1"), JSON does not. */
struct member {
    struct tph_str name;
    struct tph_json *value;
    unsigned types; /* the Go types it was written with: a bit each */
    double number;  /* the float it was written with last */
};

enum { SMALL = 16, TYPE_STRING = 1, TYPE_BOOL = 2, TYPE_INT = 4, TYPE_FLOAT = 8 };

/* The names of one object: walked while they are few, then indexed. */
struct members {
    struct member few[SMALL];
    size_t n;
    struct tph_map many; /* name -> struct member in the arena */
};

struct reader {
    struct tph_json_doc *doc;
    struct tph_arena *arena;
    struct tph_yaml_failure *failure;
    struct tph_buf duplicates; /* strict: one line for each key that was there already */
    struct tph_position duplicate_at;
    struct tph_error later; /* found where Go would find it only in the next pass: no JSON for this value */
    struct tph_position later_at;
    struct tph_error last; /* and in the one after it: no JSON number */
    struct tph_position last_at;
    unsigned flags;
    size_t n_read;
    size_t n_aliased;
    size_t alias_depth;
    size_t depth;
};

static int fail_at(struct reader *r, const struct tph_yaml_node *node, enum tph_error_kind kind, const char *text)
{
    r->failure->at = node->at;
    return tph_error_set(r->failure->err, kind, "yaml: %s", text);
}

/* go-yaml's rule against a billion laughs: in a document of some size at most 99 % of what is read may come from
 * aliases, falling to 10 % for very large ones. Our own ceilings come on top. */
static int count_value(struct reader *r, const struct tph_yaml_node *node)
{
    static const size_t few = 400000;
    static const size_t many = 4000000;
    r->n_read++;
    r->n_aliased += r->alias_depth > 0 ? 1 : 0;
    double share = (double)r->n_aliased / (double)r->n_read;
    double allowed = r->n_read <= few    ? 0.99
                     : r->n_read >= many ? 0.10
                                         : 0.99 - 0.89 * ((double)(r->n_read - few) / (double)(many - few));
    if (r->n_aliased > TPH_LIMIT_YAML_ALIAS_NODES || (r->n_aliased > 100 && r->n_read > 1000 && share > allowed)) {
        return fail_at(r, node, TPH_ERROR_LIMIT, "document contains excessive aliasing");
    }
    if (r->n_read > TPH_LIMIT_YAML_NODES) {
        r->failure->at = node->at;
        return tph_error_set(r->failure->err, TPH_ERROR_LIMIT, "yaml: more values in one document than %d",
                             TPH_LIMIT_YAML_NODES);
    }
    return 0;
}

static struct member *find_member(struct members *members, struct tph_str name)
{
    if (members->n > SMALL) {
        return tph_map_get(&members->many, name);
    }
    for (size_t i = 0; i < members->n; i++) {
        if (tph_str_eq(members->few[i].name, name)) {
            return &members->few[i];
        }
    }
    return NULL;
}

static void add_member(struct reader *r, struct members *members, struct member member)
{
    if (members->n < SMALL) {
        members->few[members->n++] = member;
        return;
    }
    if (members->n == SMALL) {
        for (size_t i = 0; i < SMALL; i++) {
            struct member *moved = TPH_ARENA_NEW(r->arena, struct member);
            *moved = members->few[i];
            (void)tph_map_set(&members->many, moved->name, moved);
        }
    }
    struct member *added = TPH_ARENA_NEW(r->arena, struct member);
    *added = member;
    (void)tph_map_set(&members->many, added->name, added);
    members->n++;
}

static int read_value(struct reader *r, struct tph_yaml_node *node, struct tph_json **ret_value);

static void note_last(struct reader *r, const struct tph_yaml_node *node, const char *number)
{
    if (r->last.kind == TPH_ERROR_NONE) {
        (void)tph_error_set(&r->last, TPH_ERROR_INVALID, "json: unsupported value: %s", number);
        r->last_at = node->at;
    }
}

/* A number that is a float for every reader that tells floats from integers. */
static struct tph_json *new_float(struct reader *r, double value)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_NUMBER_TEXT);
    tph_number_write_g(value, &text);
    if (!memchr(text.bytes, '.', text.len) && !memchr(text.bytes, 'e', text.len)) {
        (void)tph_buf_puts(&text, ".0");
    }
    return tph_json_new_number(r->doc, tph_buf_str(&text));
}

static int read_scalar(struct reader *r, const struct tph_yaml_node *node, struct tph_json **ret_value)
{
    struct tph_yaml_scalar scalar;
    struct tph_str text;
    if (tph_yaml_scalar_of(node, r->arena, &scalar, &text, r->failure) < 0) {
        return -1;
    }
    switch (scalar.meaning) {
    case TPH_YAML_TRUE:
    case TPH_YAML_FALSE:
        *ret_value = tph_json_new_bool(r->doc, scalar.meaning == TPH_YAML_TRUE);
        return 0;
    case TPH_YAML_INT:
    case TPH_YAML_UINT:
        *ret_value = tph_json_new_number(r->doc, tph_str(scalar.number));
        return 0;
    case TPH_YAML_FLOAT:
        *ret_value =
            r->flags & TPH_YAML_FLOATS ? new_float(r, scalar.value) : tph_json_new_double(r->doc, scalar.value);
        return 0;
    case TPH_YAML_STRING:
    case TPH_YAML_TIMESTAMP:
        *ret_value = tph_json_new_str(r->doc, text);
        return 0;
    case TPH_YAML_INFINITE:
    case TPH_YAML_NEGATIVE_INFINITE:
        note_last(r, node, scalar.meaning == TPH_YAML_INFINITE ? "+Inf" : "-Inf");
        break;
    case TPH_YAML_NAN:
        note_last(r, node, "NaN");
        break;
    case TPH_YAML_NULL:
    case TPH_YAML_MEANING_COUNT:
        break;
    }
    *ret_value = tph_json_new_null(r->doc);
    return 0;
}

static int read_sequence(struct reader *r, struct tph_yaml_node *node, struct tph_json **ret_value)
{
    struct tph_json *array = tph_json_new_array(r->doc);
    for (struct tph_yaml_node *child = node->first; child; child = child->next) {
        struct tph_json *value = NULL;
        if (read_value(r, child, &value) < 0) {
            return -1;
        }
        tph_json_append(r->doc, array, value);
    }
    *ret_value = array;
    return 0;
}

/* What Go says of a key that has no text in JSON. Go finds it only after the whole document was read. */
static void note_key(struct reader *r, const struct tph_yaml_node *key, const struct tph_yaml_node *value)
{
    if (r->later.kind != TPH_ERROR_NONE) {
        return;
    }
    TPH_CLEANUP(tph_buf_release) struct tph_buf printed = TPH_BUF_INIT(TPH_KIB(1));
    TPH_CLEANUP(tph_buf_release) struct tph_buf name = TPH_BUF_INIT(TPH_KIB(1));
    tph_yaml_print_go(value, &printed);
    tph_yaml_print_go(key, &name);
    static const char nil[] = "interface {}(nil)"; /* Go prints it so inside of other values only */
    bool null = tph_str_eqz(tph_buf_str(&name), nil);
    if (tph_str_eqz(tph_buf_str(&printed), nil)) {
        tph_buf_clear(&printed);
        (void)tph_buf_puts(&printed, "<nil>");
    }
    (void)tph_error_set(&r->later, TPH_ERROR_INVALID, "unsupported map key of type: %s, key: %s, value: %s",
                        null ? "%!s(<nil>)" : "uint64", null ? "<nil>" : tph_buf_cstr(&name), tph_buf_cstr(&printed));
    r->later_at = key->at;
}

/* The name and Go type of a scalar key: on becomes "true", 0x10 becomes "16". types is 0 for one that has none. */
static int scalar_key(struct reader *r, const struct tph_yaml_node *node, struct member *ret_member)
{
    struct tph_yaml_scalar scalar;
    struct tph_str text;
    if (tph_yaml_scalar_of(node, r->arena, &scalar, &text, r->failure) < 0) {
        return -1;
    }
    TPH_CLEANUP(tph_buf_release) struct tph_buf number = TPH_BUF_INIT(TPH_NUMBER_TEXT);
    struct member member = {.name = text};
    switch (scalar.meaning) {
    case TPH_YAML_TRUE:
    case TPH_YAML_FALSE:
        member.types = TYPE_BOOL;
        member.name = scalar.meaning == TPH_YAML_TRUE ? TPH_STR("true") : TPH_STR("false");
        break;
    case TPH_YAML_INT:
        member.types = TYPE_INT;
        member.name = tph_arena_str(r->arena, tph_str(scalar.number));
        break;
    case TPH_YAML_FLOAT:
        member.types = TYPE_FLOAT;
        member.number = scalar.value;
        tph_number_write_g32((float)scalar.value, &number); /* sigs.k8s.io/yaml has a float32 here */
        member.name = tph_arena_str(r->arena, tph_buf_str(&number));
        break;
    case TPH_YAML_INFINITE:
    case TPH_YAML_NEGATIVE_INFINITE:
    case TPH_YAML_NAN:
        member.types = TYPE_FLOAT;
        member.name = scalar.meaning == TPH_YAML_INFINITE            ? TPH_STR(".inf")
                      : scalar.meaning == TPH_YAML_NEGATIVE_INFINITE ? TPH_STR("-.inf")
                                                                     : TPH_STR(".nan");
        break;
    case TPH_YAML_STRING:
    case TPH_YAML_TIMESTAMP:
        member.types = TYPE_STRING;
        break;
    case TPH_YAML_NULL:
    case TPH_YAML_UINT:
    case TPH_YAML_MEANING_COUNT:
        break;
    }
    *ret_member = member;
    return 0;
}

static const struct tph_yaml_node *behind_aliases(const struct tph_yaml_node *node)
{
    while (node->kind == TPH_YAML_ALIAS) {
        node = node->target;
    }
    return node;
}

static int read_key(struct reader *r, struct tph_yaml_node *node, struct member *ret_member)
{
    const struct tph_yaml_node *key = behind_aliases(node);
    if (key->kind == TPH_YAML_SCALAR) {
        r->alias_depth += node->kind == TPH_YAML_ALIAS ? 1 : 0;
        int failed = count_value(r, node) < 0 || scalar_key(r, key, ret_member) < 0 ? -1 : 0;
        r->alias_depth -= node->kind == TPH_YAML_ALIAS ? 1 : 0;
        return failed;
    }
    /* Refused, but what is wrong inside is said first, and a cycle must not be printed. */
    struct tph_json *ignored = NULL;
    if (read_value(r, node, &ignored) < 0) {
        return -1;
    }
    TPH_CLEANUP(tph_buf_release) struct tph_buf printed = TPH_BUF_INIT(TPH_KIB(1));
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_KIB(2));
    tph_yaml_print_go(key, &printed);
    (void)tph_buf_printf(&text, "invalid map key: %s", tph_buf_cstr(&printed));
    return fail_at(r, node, TPH_ERROR_INVALID, tph_buf_cstr(&text));
}

static bool is_duplicate(const struct member *old, const struct member *member)
{
    return (old->types & member->types) && (member->types != TYPE_FLOAT || old->number == member->number);
}

static void note_duplicate(struct reader *r, const struct tph_yaml_node *key, const struct tph_yaml_node *value)
{
    if (r->duplicates.len == 0) {
        r->duplicate_at = key->at;
    }
    (void)tph_buf_printf(&r->duplicates, "\n  line %zu: key ", value->at.line);
    tph_yaml_print_go(key, &r->duplicates);
    (void)tph_buf_puts(&r->duplicates, " already set in map");
}

static int read_member(struct reader *r, struct tph_yaml_node *key, struct tph_json *object, struct members *members)
{
    struct member member = {.types = 0};
    struct tph_json *value = NULL;
    if (read_key(r, key, &member) < 0 || read_value(r, key->next, &value) < 0) {
        return -1;
    }
    key->key = member.name;
    if (member.types == 0) {
        note_key(r, behind_aliases(key), key->next);
        return 0;
    }
    struct member *old = find_member(members, member.name);
    if (!old) {
        member.value = value;
        tph_json_append_member(r->doc, object, member.name, value);
        add_member(r, members, member);
    } else if ((r->flags & TPH_YAML_STRICT) && is_duplicate(old, &member)) {
        note_duplicate(r, key, key->next);
    } else {
        tph_json_assign(old->value, value);
        old->types |= member.types;
        old->number = member.number;
    }
    return 0;
}

static int read_mapping(struct reader *r, struct tph_yaml_node *node, struct tph_json *object, struct members *members);

/* "<<": the members of a map, or of several, the first of which wins, are written over what is there. */
static int merge_one(struct reader *r, struct tph_yaml_node *node, struct tph_json *object, struct members *members)
{
    if (behind_aliases(node)->kind != TPH_YAML_MAPPING) {
        return fail_at(r, node, TPH_ERROR_INVALID, "map merge requires map or sequence of maps as the value");
    }
    return read_mapping(r, node, object, members);
}

static int merge(struct reader *r, struct tph_yaml_node *node, struct tph_json *object, struct members *members)
{
    if (node->kind != TPH_YAML_SEQUENCE) {
        return merge_one(r, node, object, members);
    }
    /* From the last to the first. */
    TPH_CLEANUP(tph_freep) struct tph_yaml_node **list = tph_calloc(node->n, sizeof(struct tph_yaml_node *));
    size_t n = 0;
    for (struct tph_yaml_node *child = node->first; child; child = child->next) {
        list[n++] = child;
    }
    while (n > 0) {
        if (merge_one(r, list[--n], object, members) < 0) {
            return -1;
        }
    }
    return 0;
}

static bool is_merge(const struct tph_yaml_node *key)
{
    return key->kind == TPH_YAML_SCALAR && tph_str_eqz(key->text, "<<") &&
           (key->implicit || (key->tag && strcmp(key->tag, "merge") == 0));
}

static int read_members(struct reader *r, struct tph_yaml_node *node, struct tph_json *object, struct members *members)
{
    for (struct tph_yaml_node *key = node->first; key; key = key->next->next) {
        int failed = is_merge(key) ? merge(r, key->next, object, members) : read_member(r, key, object, members);
        if (failed < 0) {
            return -1;
        }
    }
    return 0;
}

/* Goes into a collection or through an alias; pairs with leave. */
static int enter(struct reader *r, struct tph_yaml_node *node)
{
    if (r->depth == TPH_LIMIT_YAML_DEPTH) {
        r->failure->at = node->at;
        return tph_error_set(r->failure->err, TPH_ERROR_LIMIT, "yaml: exceeded max depth of %d", TPH_LIMIT_YAML_DEPTH);
    }
    if (node->kind == TPH_YAML_ALIAS) {
        if (node->visiting) {
            r->failure->at = node->at;
            return tph_error_set(r->failure->err, TPH_ERROR_INVALID, "yaml: anchor '%.*s' value contains itself",
                                 TPH_FMT(node->text));
        }
        node->visiting = true;
        r->alias_depth++;
    }
    r->depth++;
    return 0;
}

static void leave(struct reader *r, struct tph_yaml_node *node)
{
    r->depth--;
    if (node->kind == TPH_YAML_ALIAS) {
        node->visiting = false;
        r->alias_depth--;
    }
}

/* The members of a mapping, or of one behind an alias, into an object that is there already. */
static int read_mapping(struct reader *r, struct tph_yaml_node *node, struct tph_json *object, struct members *members)
{
    if (count_value(r, node) < 0 || enter(r, node) < 0) {
        return -1;
    }
    int failed = node->kind == TPH_YAML_ALIAS ? read_mapping(r, node->target, object, members)
                                              : read_members(r, node, object, members);
    leave(r, node);
    return failed;
}

static int read_object(struct reader *r, struct tph_yaml_node *node, struct tph_json **ret_value)
{
    struct members members;
    members.n = 0;
    members.many = TPH_MAP_INIT;
    struct tph_json *object = tph_json_new_object(r->doc);
    int failed = read_members(r, node, object, &members);
    tph_map_release(&members.many);
    *ret_value = object;
    return failed;
}

static int read_value(struct reader *r, struct tph_yaml_node *node, struct tph_json **ret_value)
{
    if (count_value(r, node) < 0) {
        return -1;
    }
    if (node->kind == TPH_YAML_SCALAR) {
        return read_scalar(r, node, ret_value);
    }
    if (enter(r, node) < 0) {
        return -1;
    }
    int failed = -1;
    switch (node->kind) {
    case TPH_YAML_SEQUENCE:
        failed = read_sequence(r, node, ret_value);
        break;
    case TPH_YAML_MAPPING:
        failed = read_object(r, node, ret_value);
        break;
    case TPH_YAML_ALIAS:
        failed = read_value(r, node->target, ret_value);
        break;
    case TPH_YAML_SCALAR:
        break;
    }
    leave(r, node);
    return failed;
}

/* The errors that were only noted, in the order in which Go comes to them. */
static int noted(struct reader *r)
{
    if (r->duplicates.len > 0) {
        r->failure->at = r->duplicate_at;
        return tph_error_set(r->failure->err, TPH_ERROR_INVALID, "yaml: unmarshal errors:%s",
                             tph_buf_cstr(&r->duplicates));
    }
    const struct tph_error *error = r->later.kind != TPH_ERROR_NONE ? &r->later : &r->last;
    if (error->kind == TPH_ERROR_NONE) {
        return 0;
    }
    r->failure->at = error == &r->later ? r->later_at : r->last_at;
    return tph_error_set(r->failure->err, error->kind, "%s", error->text);
}

int tph_yaml_value(struct tph_yaml_node *root, struct tph_arena *arena, unsigned flags, struct tph_json_doc *doc,
                   struct tph_yaml_failure *failure)
{
    TPH_CLEANUP(tph_freep) struct reader *r = TPH_NEW(struct reader);
    r->doc = doc;
    r->arena = arena;
    r->failure = failure;
    r->flags = flags;
    r->duplicates = TPH_BUF_INIT(TPH_KIB(2));
    struct tph_json *value = NULL;
    int failed = 0;
    if (root) {
        failed = read_value(r, root, &value);
    } else {
        value = tph_json_new_null(doc);
    }
    failed = failed < 0 ? -1 : noted(r);
    tph_buf_release(&r->duplicates);
    if (failed == 0) {
        tph_json_set_root(doc, value);
    }
    return failed;
}
