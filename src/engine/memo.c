/* SPDX-License-Identifier: Apache-2.0 */
/* Memoized templates: outputs that are known already, kept in ConfigMaps. Source: argo 2.15.
 *
 * What this run has put into a cache it finds again at once; what is in the ConfigMap else is asked for. */
#include <string.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "data/duration.h"
#include "data/time.h"
#include "engine/run_internal.h"

#define TYPE_LABEL "workflows.argoproj.io/configmap-type"

/* ^[a-zA-Z0-9][-a-zA-Z0-9]*$ */
static bool is_key(struct tph_str key)
{
    for (size_t i = 0; i < key.len; i++) {
        char c = key.p[i];
        bool word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!word && (c != '-' || i == 0)) {
            return false;
        }
    }
    return key.len > 0;
}

static struct tph_str cache_id(const struct tph_run *run, struct tph_str name, struct tph_str key)
{
    return tph_str(tph_arena_format(run->scratch, "%.*s/%.*s", TPH_FMT(name), TPH_FMT(key)));
}

/* The entry of a cache, or NULL. -1: the ConfigMap is none of caches. */
static int find_entry(struct tph_run *run, struct tph_str name, struct tph_str key, const struct tph_json **ret_entry,
                      struct tph_buf *problem)
{
    const struct tph_run_objects *objects = run->options.objects;
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = NULL;
    *ret_entry = tph_map_get(&run->caches, cache_id(run, name, key));
    const struct tph_json *map =
        !*ret_entry && objects ? objects->find(objects->owner, TPH_OBJECT_CONFIG_MAP, name) : NULL;
    if (!map) {
        return 0;
    }
    if (!tph_str_eqz(tph_json_get_str(tph_json_path(map, "metadata", "labels", NULL), TYPE_LABEL), "Cache")) {
        (void)tph_buf_printf(problem,
                             "ConfigMap '%.*s' needs to have the label %s: Cache to be used as a cache, and has not",
                             TPH_FMT(name), TYPE_LABEL);
        return -1;
    }
    struct tph_str text = tph_json_str(tph_json_getn(tph_json_get(map, "data"), key));
    if (text.len > 0 && tph_json_parse(text, &doc, NULL) == 0) {
        *ret_entry = tph_json_copy(run->doc, tph_json_root(doc)); /* one that cannot be read is none */
    }
    return 0;
}

static bool is_fresh(const struct node *node, const struct tph_json *entry, int64_t max_age_ms)
{
    int64_t made_ms = 0;
    bool known = tph_time_parse(tph_json_get_str(entry, "creationTimestamp"), &made_ms, NULL) == 0;
    return max_age_ms < 0 || (known && node->run->now_ms <= made_ms + max_age_ms);
}

static int eval(const struct node *node, const struct tph_text *text, struct tph_buf *value, struct tph_buf *problem)
{
    struct scope scope = tph_scope_of(node);
    return tph_scope_eval(&scope, text, 0, value, problem) ? -1 : 0;
}

/* maxAge in milliseconds; -1 = none. */
static int max_age_of(const struct node *node, int64_t *ret_ms, struct tph_buf *problem)
{
    const struct tph_text *text = &node->template->memo->max_age;
    TPH_CLEANUP(tph_buf_release) struct tph_buf value = TPH_BUF_INIT(TPH_KIB(4));
    struct tph_error err = TPH_ERROR_INIT;
    int64_t ns = 0;
    *ret_ms = -1;
    if (text->source.len == 0) {
        return 0;
    }
    if (eval(node, text, &value, problem) < 0) {
        return -1;
    }
    if (tph_duration_parse_go(tph_buf_str(&value), &ns, &err) < 0) {
        (void)tph_buf_printf(problem, "invalid maxAge: %s", err.text);
        return -1;
    }
    *ret_ms = ns / 1000000;
    return 0;
}

static void note(struct node *node, struct tph_str name, struct tph_str key, bool hit)
{
    struct tph_arena *arena = node->run->arena;
    struct memo *memo = TPH_ARENA_NEW(arena, struct memo);
    *memo = (struct memo){.cache = tph_arena_str(arena, name), .key = tph_arena_str(arena, key), .hit = hit};
    node->memo = memo;
}

static void tell(struct tph_run *run, const struct node *node)
{
    tph_run_act(run, &(struct tph_action){
                         .kind = TPH_ACTION_SAVE_CACHE,
                         .node = &node->pub,
                         .cache = node->memo->cache,
                         .key = node->memo->key,
                         .entry = tph_map_get(&run->caches, cache_id(run, node->memo->cache, node->memo->key))});
}

static void keep(struct node *node, struct tph_json *entry)
{
    struct tph_run *run = node->run;
    struct tph_str id = tph_arena_str(run->arena, cache_id(run, node->memo->cache, node->memo->key));
    (void)tph_map_set(&run->caches, id, entry);
    tell(run, node);
}

static void set_now(struct tph_run *run, struct tph_json *entry, const char *key)
{
    char text[TPH_TIME_TEXT];
    tph_time_format(run->now_ms, text);
    tph_json_set_cstr(run->doc, entry, key, text);
}

/* The node is done before it began. */
static void take_hit(struct node *node, const struct tph_json *entry)
{
    struct tph_run *run = node->run;
    const struct tph_json *outputs = tph_json_get(entry, "outputs");
    struct tph_json *kept = tph_json_copy(run->doc, entry);
    set_now(run, kept, "lastHitTimestamp");
    keep(node, kept);
    tph_node_set_outputs(node, tph_json_len(outputs) > 0 ? outputs : NULL);
    if (tph_node_is_leaf(node)) {
        tph_node_set_progress(node, 1, 1);
    }
    tph_node_set_phase(node, TPH_NODE_SUCCEEDED, NULL);
}

int tph_memo_look(struct node *node, struct tph_buf *problem)
{
    const struct tph_memo *memo = node->template->memo;
    TPH_CLEANUP(tph_buf_release) struct tph_buf key = TPH_BUF_INIT(TPH_KIB(64));
    TPH_CLEANUP(tph_buf_release) struct tph_buf name = TPH_BUF_INIT(TPH_KIB(4));
    const struct tph_json *entry = NULL;
    int64_t max_age_ms = -1;
    if (!memo) {
        return 0;
    }
    if (eval(node, &memo->key, &key, problem) < 0 || eval(node, &memo->cache, &name, problem) < 0) {
        return -1;
    }
    if (!is_key(tph_buf_str(&key))) {
        (void)tph_buf_printf(problem, "invalid cache key: %s", tph_buf_cstr(&key));
        return -1;
    }
    if (max_age_of(node, &max_age_ms, problem) < 0 ||
        find_entry(node->run, tph_buf_str(&name), tph_buf_str(&key), &entry, problem) < 0) {
        return -1;
    }
    bool hit = entry && is_fresh(node, entry, max_age_ms);
    note(node, tph_buf_str(&name), tph_buf_str(&key), hit);
    if (hit) {
        take_hit(node, entry);
    }
    return 0;
}

void tph_memo_save(struct node *node)
{
    struct tph_run *run = node->run;
    bool hit = node->memo && node->memo->hit;
    bool good = node->pub.phase == TPH_NODE_SUCCEEDED && node->pub.type != TPH_NODE_RETRY;
    if (!node->memo || hit || !good) {
        return;
    }
    TPH_CLEANUP(tph_buf_release) struct tph_buf problem = TPH_BUF_INIT(TPH_KIB(4));
    const struct tph_json *known = tph_map_get(&run->caches, cache_id(run, node->memo->cache, node->memo->key));
    int64_t max_age_ms = -1;
    if (known && max_age_of(node, &max_age_ms, &problem) == 0 && is_fresh(node, known, max_age_ms)) {
        return; /* somebody was faster */
    }
    struct tph_json *entry = tph_json_new_object(run->doc);
    tph_json_set_str(run->doc, entry, "nodeID", node->pub.id);
    tph_json_set(run->doc, entry, "outputs",
                 node->pub.outputs ? tph_json_copy(run->doc, node->pub.outputs) : tph_json_new_null(run->doc));
    set_now(run, entry, "creationTimestamp");
    set_now(run, entry, "lastHitTimestamp");
    keep(node, entry);
}
