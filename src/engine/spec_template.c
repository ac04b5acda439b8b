/* SPDX-License-Identifier: Apache-2.0 */
/* Templates, compiled: inputs, outputs, retries, times, then what their type needs. */
#include <stdio.h>
#include <string.h>

#include "api/gotype_tables.h"
#include "api/merge.h"
#include "base/limits.h"
#include "data/anystring.h"
#include "data/position.h"
#include "engine/run.h"
#include "engine/spec_internal.h"

#define DISPLAY_NAME "workflows.argoproj.io/display-name"

/* The members of a template in Argo's order; what is not here is nothing that Argo knows, and is dropped. The tags of a
 * value with unpaired braces reach as far as the text's order lets them. */
static const char *const template_members[] = {
    "name",
    "inputs",
    "outputs",
    "nodeSelector",
    "affinity",
    "metadata",
    "daemon",
    "steps",
    "container",
    "containerSet",
    "script",
    "resource",
    "dag",
    "suspend",
    "data",
    "http",
    "plugin",
    "volumes",
    "initContainers",
    "sidecars",
    "archiveLocation",
    "activeDeadlineSeconds",
    "retryStrategy",
    "parallelism",
    "failFast",
    "tolerations",
    "schedulerName",
    "priorityClassName",
    "serviceAccountName",
    "automountServiceAccountToken",
    "executor",
    "hostAliases",
    "securityContext",
    "podSpecPatch",
    "metrics",
    "synchronization",
    "memoize",
    "timeout",
    "pendingTimeout",
    "annotations",
};
enum { N_TEMPLATE_MEMBERS = sizeof(template_members) / sizeof(template_members[0]) };

static int compile_group(struct compiler *c, const struct tph_json *json, struct tph_template *t,
                         struct tph_step_group *groups, size_t index)
{
    if (!tph_json_is(json, TPH_JSON_ARRAY)) {
        return tph_compile_fail(c, "steps are a list of lists: write \"- - name: ...\"");
    }
    struct tph_call *steps = TPH_ARENA_ARRAY(c->spec->arena, struct tph_call, tph_json_len(json));
    struct tph_json_iter it = tph_json_iter(json);
    while (tph_json_next(&it)) {
        size_t mark = tph_compile_enter_index(c, it.index);
        if (tph_compile_call(c, it.value, &steps[it.index]) < 0 ||
            tph_compile_place(c, t, steps[it.index].name, (struct tph_place){.group = index, .member = it.index}) < 0) {
            return -1;
        }
        tph_compile_leave(c, mark);
    }
    groups[index] = (struct tph_step_group){.steps = steps, .n_steps = tph_json_len(json)};
    return 0;
}

int tph_compile_place(struct compiler *c, struct tph_template *t, struct tph_str name, struct tph_place place)
{
    struct tph_place *kept = TPH_ARENA_NEW(c->spec->arena, struct tph_place);
    *kept = place;
    if (tph_map_set(&t->places, name, kept)) {
        (void)tph_compile_enter(c, "name");
        return tph_compile_fail(c, "there is a step called '%.*s' already", TPH_FMT(name));
    }
    return 0;
}

/* Outputs of steps and DAGs: where their values come from. */
static int compile_output(struct compiler *c, const struct tph_json *json, struct tph_output *o)
{
    const struct tph_json *parameter = NULL;
    if (tph_compile_parameter(c, json, &parameter) < 0) {
        return -1;
    }
    const struct tph_json *from = tph_json_get(parameter, "valueFrom");
    const struct tph_json *fallback = tph_json_get(from, "default");
    struct tph_str reference = tph_json_get_str(from, "parameter");
    struct tph_str expression = tph_json_get_str(from, "expression");
    o->name = tph_json_get_str(parameter, "name");
    o->global_name = tph_json_get_str(parameter, "globalName");
    o->has_reference = reference.len > 0;
    o->has_expression = !o->has_reference && expression.len > 0;
    o->has_default = fallback != NULL;
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    (void)tph_anystring(fallback, &text);
    return tph_compile_text(c, o->has_expression ? expression : reference, &o->reference) < 0 ||
                   tph_compile_text(c, tph_buf_str(&text), &o->fallback) < 0
               ? -1
               : 0;
}

static int compile_outputs(struct compiler *c, const struct tph_json *outputs, struct tph_template *t)
{
    size_t mark = tph_compile_enter(c, "outputs");
    const struct tph_json *list = tph_json_get(outputs, "parameters");
    struct tph_output *compiled = TPH_ARENA_ARRAY(c->spec->arena, struct tph_output, tph_json_len(list));
    (void)tph_compile_enter(c, "parameters");
    struct tph_json_iter it = tph_json_iter(list);
    while (tph_json_next(&it)) {
        size_t at = tph_compile_enter_index(c, it.index);
        if (compile_output(c, it.value, &compiled[it.index]) < 0) {
            return -1;
        }
        tph_compile_leave(c, at);
    }
    t->outputs = compiled;
    t->n_outputs = tph_json_len(list);
    tph_compile_leave(c, mark);
    return 0;
}

static int compile_steps(struct compiler *c, const struct tph_json *json, struct tph_template *t)
{
    const struct tph_json *list = tph_json_get(json, "steps");
    size_t mark = tph_compile_enter(c, "steps");
    if (!tph_json_is(list, TPH_JSON_ARRAY)) {
        return tph_compile_fail(c, "steps are a list of lists: write \"- - name: ...\"");
    }
    struct tph_step_group *groups = TPH_ARENA_ARRAY(c->spec->arena, struct tph_step_group, tph_json_len(list));
    struct tph_json_iter it = tph_json_iter(list);
    while (tph_json_next(&it)) {
        size_t at = tph_compile_enter_index(c, it.index);
        if (compile_group(c, it.value, t, groups, it.index) < 0) {
            return -1;
        }
        tph_compile_leave(c, at);
    }
    t->groups = groups;
    t->n_groups = tph_json_len(list);
    tph_compile_leave(c, mark);
    return 0;
}

/* Numbers as the API server of a cluster keeps them: whole ones of 64 bits, others as doubles. */
static void put_argo_numbers(struct tph_str json, struct tph_buf *out)
{
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = tph_json_doc_new();
    bool inside = false; /* a string */
    for (size_t i = 0; i < json.len; i++) {
        size_t end = i;
        while (!inside && end < json.len && tph_str_find_byte(TPH_STR("+-.0123456789eE"), json.p[end]) >= 0) {
            end++;
        }
        struct tph_str token = tph_str_slice(json, i, end);
        int64_t whole = 0;
        double value = 0;
        /* "e" begins no number: it is of true, false. */
        bool number = token.len > 0 && token.p[0] != 'e' && tph_str_to_i64(token, &whole) < 0 &&
                      tph_json_to_double(tph_json_new_number(doc, token), &value) == 0;
        if (number) {
            tph_json_write(tph_json_new_double(doc, value), 0, out);
            i = end - 1;
            continue;
        }
        if (token.len > 0) {
            (void)tph_buf_put(out, token);
            i = end - 1;
            continue;
        }
        (void)tph_buf_putc(out, json.p[i]);
        if (inside && json.p[i] == '\\') {
            (void)tph_buf_putc(out, json.p[++i]);
        } else if (json.p[i] == '"') {
            inside = !inside;
        }
    }
}

static void put_member(struct compiler *c, const char *key, const struct tph_json *value, struct tph_buf *out)
{
    (void)tph_buf_printf(out, "%s\"%s\":", out->len > 0 ? "," : "", key);
    if (c->flags & TPH_SPEC_ARGO) {
        TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
        tph_json_write(value, TPH_JSON_SORTED | TPH_JSON_HTML, &text);
        put_argo_numbers(tph_buf_str(&text), out);
    } else {
        tph_json_write(value, TPH_JSON_SORTED | TPH_JSON_HTML, out);
    }
}

/* The template's text as a plugin gets it: what stands before and after the value of inputs. */
static int compile_plugin_text(struct compiler *c, const struct tph_json *json, struct tph_template *t)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf head = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    TPH_CLEANUP(tph_buf_release) struct tph_buf tail = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    const struct tph_go_options options = {.flags = TPH_GO_KEEP_EMPTY};
    struct tph_json *written = NULL;
    if (tph_go_convert(c->spec->doc, json, &tph_gt_argo_Template, &options, &written, NULL) == 0) {
        json = written; /* with the members that Go's structs always have */
    }
    (void)tph_buf_puts(&head, "{");
    if (t->name.len > 0) { /* an inline template has none */
        (void)tph_buf_puts(&head, "\"name\":");
        tph_json_write_str(t->name, TPH_JSON_HTML, &head);
        (void)tph_buf_putc(&head, ',');
    }
    (void)tph_buf_puts(&head, "\"inputs\":");
    (void)tph_buf_putc(&tail, ' '); /* so that put_member begins with a comma; dropped below */
    for (size_t i = 2; i < N_TEMPLATE_MEMBERS; i++) {
        const char *key = template_members[i];
        const struct tph_json *value = tph_json_get(json, key);
        bool always = strcmp(key, "outputs") == 0 || strcmp(key, "metadata") == 0;
        if (always && !tph_json_is(value, TPH_JSON_OBJECT)) {
            (void)tph_buf_printf(&tail, ",\"%s\":{}", key);
        } else if (!tph_json_is_null(value)) {
            put_member(c, key, value, &tail);
        }
    }
    (void)tph_buf_putc(&tail, '}');
    if (tph_buf_failed(&tail)) {
        return tph_compile_fail(c, "the template is longer than %zu bytes", tail.max);
    }
    struct tph_str rest = tph_str_slice(tph_buf_str(&tail), 1, tail.len);
    return tph_compile_text(c, tph_buf_str(&head), &t->head) < 0 || tph_compile_text(c, rest, &t->tail) < 0 ? -1 : 0;
}

static int compile_plugin(struct compiler *c, const struct tph_json *json, struct tph_template *t)
{
    const struct tph_json *plugin = tph_json_get(json, "plugin");
    size_t mark = tph_compile_enter(c, "plugin");
    if (!tph_json_is(plugin, TPH_JSON_OBJECT)) {
        return tph_compile_fail(c, "an object with the plugin's name as its one key was expected, here is %s",
                                tph_json_type_name(tph_json_type(plugin)));
    }
    if (tph_json_len(plugin) != 1) {
        return tph_compile_fail(c, "expected exactly one key, got %zu", tph_json_len(plugin));
    }
    struct tph_json_iter it = tph_json_iter(plugin);
    if (tph_json_next(&it)) {
        t->key = it.key;
    }
    tph_compile_leave(c, mark);
    return compile_plugin_text(c, json, t);
}

static int compile_suspend(struct compiler *c, const struct tph_json *json, struct tph_template *t)
{
    size_t mark = tph_compile_enter(c, "suspend");
    if (tph_compile_member(c, tph_json_get(json, "suspend"), "duration", &t->duration, &t->has_duration) < 0) {
        return -1;
    }
    t->has_duration = t->duration.source.len > 0;
    tph_compile_leave(c, mark);
    return 0;
}

static int compile_http(struct compiler *c, const struct tph_json *json, struct tph_template *t)
{
    const struct tph_json *http = tph_json_get(json, "http");
    t->key = TPH_STR("http");
    if (!tph_json_is(http, TPH_JSON_OBJECT)) {
        (void)tph_compile_enter(c, "http");
        return tph_compile_fail(c, "an object with a url was expected, here is %s",
                                tph_json_type_name(tph_json_type(http)));
    }
    return compile_plugin_text(c, json, t);
}

/* valueFrom.configMapKeyRef. */
static int compile_key_ref(struct compiler *c, struct tph_input *input)
{
    const struct tph_json *from = tph_json_get(input->declared, "valueFrom");
    const struct tph_json *ref = tph_json_get(from, "configMapKeyRef");
    bool has = false;
    input->fallback = tph_json_get(from, "default");
    input->has_config_map = tph_json_is(ref, TPH_JSON_OBJECT);
    size_t mark = tph_compile_enter(c, "valueFrom");
    (void)tph_compile_enter(c, "configMapKeyRef");
    if (tph_compile_member(c, ref, "name", &input->config_map, &has) < 0 ||
        tph_compile_member(c, ref, "key", &input->key, &has) < 0) {
        return -1;
    }
    tph_compile_leave(c, mark);
    return 0;
}

static int compile_inputs(struct compiler *c, const struct tph_json *inputs, struct tph_template *t)
{
    const struct tph_json *list = tph_json_get(inputs, "parameters");
    struct tph_input *compiled = TPH_ARENA_ARRAY(c->spec->arena, struct tph_input, tph_json_len(list));
    size_t mark = tph_compile_enter(c, "inputs");
    (void)tph_compile_enter(c, "parameters");
    struct tph_json_iter it = tph_json_iter(list);
    while (tph_json_next(&it)) {
        struct tph_input *input = &compiled[it.index];
        size_t at = tph_compile_enter_index(c, it.index);
        struct tph_json *declared = tph_json_copy(c->spec->doc, it.value);
        bool has_value = !tph_json_is_null(tph_json_get(declared, "value"));
        if (!has_value && tph_json_is(declared, TPH_JSON_OBJECT)) {
            tph_json_set_cstr(c->spec->doc, declared, "value", ""); /* keeps its place for each node's own */
        }
        if (tph_compile_parameter(c, declared, &input->declared) < 0) {
            return -1;
        }
        const struct tph_json *value = tph_json_get(input->declared, has_value ? "value" : "default");
        input->name = tph_json_get_str(input->declared, "name");
        input->has_value = value != NULL;
        if (tph_compile_text(c, tph_json_str(value), &input->text) < 0 || compile_key_ref(c, input) < 0) {
            return -1;
        }
        tph_compile_leave(c, at);
    }
    t->inputs = compiled;
    t->n_inputs = tph_json_len(list);
    t->other_inputs = tph_json_len(inputs) > (list ? 1U : 0U) ? inputs : NULL;
    tph_compile_leave(c, mark);
    return 0;
}

/* As Argo reads it: no policy is Always where there is an expression, else OnFailure. */
static int compile_policy(struct compiler *c, const struct tph_json *json, struct tph_retry *retry)
{
    static const char *const names[] = {"OnFailure", "OnError", "Always", "OnTransientError"};
    struct tph_str name = tph_json_get_str(json, "retryPolicy");
    retry->policy = retry->has_expression ? TPH_RETRY_ALWAYS : TPH_RETRY_ON_FAILURE;
    for (size_t i = 0; i < 4; i++) {
        if (tph_str_eqz(name, names[i])) {
            retry->policy = (enum tph_retry_policy)i;
            return 0;
        }
    }
    if (name.len > 0) {
        (void)tph_compile_enter(c, "retryPolicy");
        return tph_compile_fail(c, "\"%.*s\" is none of OnFailure, OnError, Always, OnTransientError", TPH_FMT(name));
    }
    return 0;
}

static int compile_retry(struct compiler *c, const struct tph_json *json, struct tph_template *t)
{
    const struct tph_json *backoff = tph_json_get(json, "backoff");
    bool has = false;
    if (!tph_json_is(json, TPH_JSON_OBJECT)) {
        return 0;
    }
    struct tph_retry *retry = TPH_ARENA_NEW(c->spec->arena, struct tph_retry);
    size_t mark = tph_compile_enter(c, "retryStrategy");
    if (tph_compile_member(c, json, "limit", &retry->limit, &retry->has_limit) < 0 ||
        tph_compile_member(c, json, "expression", &retry->expression, &retry->has_expression) < 0) {
        return -1;
    }
    retry->has_expression = retry->expression.source.len > 0;
    if (compile_policy(c, json, retry) < 0) {
        return -1;
    }
    retry->has_backoff = tph_json_is(backoff, TPH_JSON_OBJECT);
    (void)tph_compile_enter(c, "backoff");
    if (tph_compile_member(c, backoff, "duration", &retry->duration, &has) < 0 ||
        tph_compile_member(c, backoff, "factor", &retry->factor, &retry->has_factor) < 0 ||
        tph_compile_member(c, backoff, "maxDuration", &retry->max_duration, &has) < 0 ||
        tph_compile_member(c, backoff, "cap", &retry->cap, &has) < 0) {
        return -1;
    }
    tph_compile_leave(c, mark);
    t->retry = retry;
    return 0;
}

static int compile_lock(struct compiler *c, const struct tph_json *json, struct tph_sync_lock *lock)
{
    bool has = false;
    const struct tph_json *from = lock->is_semaphore ? tph_json_get(json, "configMapKeyRef") : json;
    const struct tph_json *database = tph_json_get(json, "database");
    if (tph_json_is(database, TPH_JSON_OBJECT) || tph_json_bool(database)) {
        (void)tph_compile_enter(c, "database");
        return tph_compile_fail(c, "there is no database here that could keep locks; use a mutex, or a ConfigMap");
    }
    return tph_compile_member(c, json, "namespace", &lock->ns, &has) < 0 ||
                   tph_compile_member(c, from, "name", &lock->name, &has) < 0 ||
                   tph_compile_member(c, from, "key", &lock->key, &has) < 0
               ? -1
               : 0;
}

int tph_compile_sync(struct compiler *c, const struct tph_json *json, const struct tph_sync **ret_sync)
{
    static const char *const kinds[] = {"mutexes", "semaphores"};
    size_t n = tph_json_len(tph_json_get(json, kinds[0])) + tph_json_len(tph_json_get(json, kinds[1]));
    if (n == 0) {
        return 0;
    }
    struct tph_sync *sync = TPH_ARENA_NEW(c->spec->arena, struct tph_sync);
    struct tph_sync_lock *locks = TPH_ARENA_ARRAY(c->spec->arena, struct tph_sync_lock, n);
    size_t mark = tph_compile_enter(c, "synchronization");
    for (size_t k = 0; k < 2; k++) {
        size_t at = tph_compile_enter(c, kinds[k]);
        struct tph_json_iter it = tph_json_iter(tph_json_get(json, kinds[k]));
        while (tph_json_next(&it)) {
            size_t element = tph_compile_enter_index(c, it.index);
            locks[sync->n].is_semaphore = k == 1;
            if (compile_lock(c, it.value, &locks[sync->n++]) < 0) {
                return -1;
            }
            tph_compile_leave(c, element);
        }
        tph_compile_leave(c, at);
    }
    tph_compile_leave(c, mark);
    sync->locks = locks;
    *ret_sync = sync;
    return 0;
}

static int compile_memo(struct compiler *c, const struct tph_json *json, struct tph_template *t)
{
    bool has = false;
    if (!tph_json_is(json, TPH_JSON_OBJECT)) {
        return 0;
    }
    struct tph_memo *memo = TPH_ARENA_NEW(c->spec->arena, struct tph_memo);
    size_t mark = tph_compile_enter(c, "memoize");
    const struct tph_json *map = tph_json_path(json, "cache", "configMap", NULL);
    if (tph_compile_member(c, json, "key", &memo->key, &has) < 0 ||
        tph_compile_member(c, json, "maxAge", &memo->max_age, &has) < 0 ||
        tph_compile_member(c, map, "name", &memo->cache, &has) < 0) {
        return -1;
    }
    tph_compile_leave(c, mark);
    t->memo = memo;
    return 0;
}

/* What every type has: inputs, outputs, display name, times, retries. */
static int compile_common(struct compiler *c, const struct tph_json *json, struct tph_template *t)
{
    const struct tph_json *annotations = tph_json_get(json, "annotations");
    if (tph_compile_sync(c, tph_json_get(json, "synchronization"), &t->sync) < 0 ||
        compile_inputs(c, tph_json_get(json, "inputs"), t) < 0 ||
        compile_outputs(c, tph_json_get(json, "outputs"), t) < 0) {
        return -1;
    }
    size_t mark = tph_compile_enter(c, "annotations");
    if (tph_compile_member(c, annotations, DISPLAY_NAME, &t->display_name, &t->has_display_name) < 0) {
        return -1;
    }
    tph_compile_leave(c, mark);
    if (tph_compile_member(c, json, "timeout", &t->timeout, &t->has_timeout) < 0 ||
        tph_compile_member(c, json, "pendingTimeout", &t->pending_timeout, &t->has_pending_timeout) < 0 ||
        tph_compile_member(c, json, "activeDeadlineSeconds", &t->deadline, &t->has_deadline) < 0) {
        return -1;
    }
    const struct tph_json *retry = tph_json_get(json, "retryStrategy");
    t->has_display_name = t->display_name.source.len > 0;
    t->has_timeout = t->timeout.source.len > 0;
    t->has_pending_timeout = t->pending_timeout.source.len > 0;
    t->fail_fast = tph_json_bool(tph_json_get(json, "failFast"));
    if (tph_json_to_i64(tph_json_get(json, "parallelism"), &t->parallelism) < 0) {
        t->parallelism = 0;
    }
    t->declared_outputs = tph_json_get(json, "outputs");
    return compile_memo(c, tph_json_get(json, "memoize"), t) < 0
               ? -1
               : compile_retry(c, tph_json_is_null(retry) ? c->retry : retry, t);
}

struct type_compiler {
    const char *key;
    enum tph_template_type type;
    int (*compile)(struct compiler *c, const struct tph_json *json, struct tph_template *t);
};

static const struct type_compiler types[] = {
    {"steps", TPH_TEMPLATE_STEPS, compile_steps},       {"dag", TPH_TEMPLATE_DAG, tph_compile_dag},
    {"suspend", TPH_TEMPLATE_SUSPEND, compile_suspend}, {"http", TPH_TEMPLATE_HTTP, compile_http},
    {"plugin", TPH_TEMPLATE_PLUGIN, compile_plugin},
};

static int unsupported_type(struct compiler *c, const struct tph_json *json, struct tph_str name)
{
    static const char *const pods[] = {"container", "containerSet", "script", "resource", "data", NULL};
    for (size_t i = 0; pods[i]; i++) {
        if (!tph_json_is_null(tph_json_get(json, pods[i]))) {
            (void)tph_compile_enter(c, pods[i]);
            return tph_compile_fail(c,
                                    "template '%.*s' is of type %s, which is not supported yet; plugin and steps are",
                                    TPH_FMT(name), pods[i]);
        }
    }
    return tph_compile_fail(c, "template '%.*s' type is unknown\n  give it one of: plugin, steps", TPH_FMT(name));
}

static int compile_type(struct compiler *c, const struct tph_json *json, struct tph_template *t)
{
    const struct type_compiler *found = NULL;
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        if (!tph_json_is_null(tph_json_get(json, types[i].key))) {
            if (found && tph_json_is_null(tph_json_get(c->spec->exec, "templateDefaults"))) {
                return tph_compile_fail(c, "a template has one type, this one has two: %s and %s", found->key,
                                        types[i].key);
            }
            found = found ? found : &types[i]; /* defaults may bring a second one, as in Argo; the first counts */
        }
    }
    if (!found) {
        return unsupported_type(c, json, t->name);
    }
    t->type = found->type;
    return found->compile(c, json, t);
}

/* The template with spec.templateDefaults below it. One that they do not go with is known, but cannot be called. */
static const struct tph_json *merge_defaults(struct compiler *c, const struct tph_json *json, struct tph_template *t)
{
    const struct tph_json *defaults = tph_json_get(c->spec->exec, "templateDefaults");
    struct tph_error err = TPH_ERROR_INIT;
    struct tph_json *merged = NULL;
    if (!tph_json_is(defaults, TPH_JSON_OBJECT)) {
        return json;
    }
    if (tph_merge_template(c->spec->doc, json, defaults, c->flags & TPH_SPEC_ARGO ? TPH_MERGE_COMPAT : 0, &merged,
                           &err) < 0) {
        t->problem = tph_arena_strdup(c->spec->arena, tph_str(err.text));
        return json;
    }
    return merged;
}

/* As who made the run wants templates to be. */
static const struct tph_json *adapt(struct compiler *c, const struct tph_json *json)
{
    const struct tph_run_options *options = c->spec->options;
    if (!options->adapt) {
        return json;
    }
    struct tph_json *copy = tph_json_copy(c->spec->doc, json);
    options->adapt(options->adapt_owner, c->spec->doc, copy);
    return copy;
}

int tph_compile_template(struct compiler *c, const struct tph_json *json, struct tph_template **ret_template)
{
    struct tph_template *t = TPH_ARENA_NEW(c->spec->arena, struct tph_template);
    if (!tph_json_is(json, TPH_JSON_OBJECT)) {
        return tph_compile_fail(c, "a template was expected, here is %s", tph_json_type_name(tph_json_type(json)));
    }
    t->name = tph_json_get_str(json, "name");
    t->object = json;
    json = adapt(c, merge_defaults(c, json, t));
    t->resource = c->resource;
    t->next_compiled = c->spec->compiled;
    c->spec->compiled = t; /* also when what follows fails: it has things to free */
    if (compile_common(c, json, t) < 0 || compile_type(c, json, t) < 0) {
        return -1;
    }
    *ret_template = t;
    return 0;
}

/* The templates of the same workflow that steps, tasks and hooks name. */
static int resolve_target(struct compiler *c, const struct tph_target *target)
{
    if (target->template || target->has_resource) {
        return 0;
    }
    /* Made by this compiler, which alone may still change it. */
    struct tph_target *mine = (struct tph_target *)(uintptr_t)target;
    mine->template = tph_map_get(&c->spec->local->templates, target->name.source);
    if (!mine->template) {
        (void)tph_compile_enter(c, "template");
        return tph_compile_fail(c, "there is no template called '%.*s'", TPH_FMT(target->name.source));
    }
    return 0;
}

int tph_compile_resolve_hooks(struct compiler *c, const struct tph_hook *hooks, size_t n)
{
    for (size_t h = 0; h < n; h++) {
        size_t mark = c->path.len;
        tph_path_key(&c->path, hooks[h].call->name);
        if (resolve_target(c, &hooks[h].call->target) < 0) {
            return -1;
        }
        tph_compile_leave(c, mark);
    }
    return 0;
}

/* Inline templates are in each other as deep as JSON goes. */
int tph_compile_resolve(struct compiler *c, const struct tph_template *t) /* NOLINT(misc-no-recursion) */
{
    for (size_t g = 0; g < t->n_groups; g++) {
        for (size_t s = 0; s < t->groups[g].n_steps; s++) {
            const struct tph_call *call = &t->groups[g].steps[s];
            size_t mark = tph_compile_enter(c, t->type == TPH_TEMPLATE_DAG ? "dag" : "steps");
            if (t->type == TPH_TEMPLATE_DAG) {
                (void)tph_compile_enter(c, "tasks");
            } else {
                (void)tph_compile_enter_index(c, g);
            }
            (void)tph_compile_enter_index(c, s);
            if (resolve_target(c, &call->target) < 0 ||
                (call->target.is_inline && tph_compile_resolve(c, call->target.template) < 0) ||
                tph_compile_resolve_hooks(c, call->hooks, call->n_hooks) < 0) {
                return -1;
            }
            tph_compile_leave(c, mark);
        }
    }
    return 0;
}
