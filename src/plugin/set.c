/* SPDX-License-Identifier: Apache-2.0 */
/* The plugins that are known, and which of them a workflow sees. */
#include "base/alloc.h"
#include "base/limits.h"
#include "plugin/plugin.h"

struct tph_plugin_set {
    struct tph_plugin **list; /* owned references, sorted by name, then namespace */
    size_t n, capacity;
};

struct tph_plugin_set *tph_plugin_set_new(void)
{
    return TPH_NEW(struct tph_plugin_set);
}

void tph_plugin_set_free(struct tph_plugin_set *set)
{
    if (!set) {
        return;
    }
    for (size_t i = 0; i < set->n; i++) {
        tph_plugin_unref(set->list[i]);
    }
    free(set->list);
    free(set);
}

static int order(const struct tph_plugin *a, const struct tph_plugin *b)
{
    int by_name = tph_str_cmp(a->name, b->name);
    return by_name ? by_name : tph_str_cmp(a->ns, b->ns);
}

int tph_plugin_set_add(struct tph_plugin_set *set, struct tph_plugin *plugin, struct tph_plugin **ret_other)
{
    size_t low = 0;
    size_t high = set->n;
    while (low < high) {
        size_t middle = (low + high) / 2;
        int side = order(set->list[middle], plugin);
        if (side == 0) {
            *ret_other = set->list[middle];
            return 1;
        }
        if (side < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    if (set->n == set->capacity) {
        set->capacity = set->capacity ? set->capacity * 2 : 8;
        set->list = tph_realloc(set->list, set->capacity * sizeof(struct tph_plugin *));
    }
    for (size_t i = set->n; i > low; i--) {
        set->list[i] = set->list[i - 1];
    }
    set->list[low] = tph_plugin_ref(plugin);
    set->n++;
    return 0;
}

static bool is_own(const struct tph_plugin *plugin, struct tph_str ns)
{
    return plugin->ns.len == 0 || tph_str_eq(plugin->ns, ns);
}

static bool is_among(struct tph_plugin *const *list, size_t n, struct tph_str name)
{
    for (size_t i = 0; i < n; i++) {
        if (tph_str_eq(list[i]->name, name)) {
            return true;
        }
    }
    return false;
}

size_t tph_plugin_set_visible(const struct tph_plugin_set *set, struct tph_str ns, struct tph_str install_ns,
                              struct tph_plugin **out, size_t max)
{
    size_t n = 0;
    for (size_t i = 0; i < set->n && n < max; i++) {
        /* One with the namespace spelled out comes after one without, and wins over it. */
        if (is_own(set->list[i], ns)) {
            bool again = n > 0 && tph_str_eq(out[n - 1]->name, set->list[i]->name);
            out[again ? n - 1 : n++] = set->list[i];
        }
    }
    size_t own = n;
    for (size_t i = 0; i < set->n && n < max; i++) {
        struct tph_plugin *p = set->list[i];
        if (!is_own(p, ns) && tph_str_eq(p->ns, install_ns) && !is_among(out, own, p->name)) {
            out[n++] = p;
        }
    }
    return n;
}

size_t tph_plugin_set_all(const struct tph_plugin_set *set, struct tph_plugin **out, size_t max)
{
    size_t n = set->n < max ? set->n : max;
    for (size_t i = 0; i < n; i++) {
        out[i] = set->list[i];
    }
    return n;
}
