/* SPDX-License-Identifier: Apache-2.0 */
/* The heap of deadlines: the soonest first, each node knows its place, so that one can be taken out of the middle. */
#include "base/alloc.h"
#include "engine/run_internal.h"

/* Of two at the same time in one group the one whose place comes first, else by the groups' ids: a restored run must
 * agree. */
static bool is_before(const struct node *a, const struct node *b)
{
    if (a->deadline_ms != b->deadline_ms) {
        return a->deadline_ms < b->deadline_ms;
    }
    int parents = tph_str_cmp(a->parent ? a->parent->pub.id : TPH_STR(""), b->parent ? b->parent->pub.id : TPH_STR(""));
    return parents != 0 ? parents < 0 : a->index < b->index;
}

static void heap_put(struct tph_run *run, size_t at, struct node *node)
{
    run->heap[at] = node;
    node->heap_at = at;
}

static void heap_fix(struct tph_run *run, size_t at)
{
    struct node *node = run->heap[at];
    while (at > 1 && is_before(node, run->heap[at / 2])) {
        heap_put(run, at, run->heap[at / 2]);
        at /= 2;
    }
    for (size_t child = at * 2; child <= run->heap_len; child = at * 2) {
        if (child < run->heap_len && is_before(run->heap[child + 1], run->heap[child])) {
            child++;
        }
        if (!is_before(run->heap[child], node)) {
            break;
        }
        heap_put(run, at, run->heap[child]);
        at = child;
    }
    heap_put(run, at, node);
}

void tph_node_set_deadline(struct node *node, int64_t deadline_ms)
{
    struct tph_run *run = node->run;
    node->deadline_ms = deadline_ms;
    if (deadline_ms == 0 && node->heap_at > 0) {
        size_t at = node->heap_at;
        struct node *last = run->heap[run->heap_len--];
        node->heap_at = 0;
        if (last != node) {
            heap_put(run, at, last);
            heap_fix(run, at);
        }
    } else if (deadline_ms != 0 && node->heap_at == 0) {
        if (run->heap_len + 2 > run->heap_capacity) {
            run->heap_capacity = run->heap_capacity ? run->heap_capacity * 2 : 16;
            run->heap = tph_realloc(run->heap, run->heap_capacity * sizeof(struct node *));
        }
        run->heap_len++;
        heap_put(run, run->heap_len, node);
        heap_fix(run, run->heap_len);
    }
}

struct node *tph_node_next_deadline(const struct tph_run *run)
{
    return run->heap_len > 0 ? run->heap[1] : NULL;
}
