/* SPDX-License-Identifier: Apache-2.0 */
/* What a task waits for: every text is decided or refused with a reason, and the facts of a task are asked for only
 * when it is named. Tasks are those with one letter or digit. */
#include "base/limits.h"
#include "engine/depends.h"
#include "fuzz.h"

struct dag {
    struct tph_depends_task found;
    bool named[256];
};

static const struct tph_depends_task *find(void *owner, struct tph_str name, struct tph_str result)
{
    struct dag *dag = owner;
    (void)result;
    if (name.len != 1) {
        return NULL;
    }
    dag->found = (struct tph_depends_task){.index = (unsigned char)name.p[0],
                                           .continue_on_error = name.p[0] == 'e',
                                           .continue_on_failed = name.p[0] == 'f'};
    dag->named[dag->found.index] = true;
    return &dag->found;
}

static struct tph_depends_fact fact_of(void *owner, size_t task)
{
    struct dag *dag = owner;
    FUZZ_HOLDS(task < 256 && dag->named[task]);
    return (struct tph_depends_fact){.phase = (enum tph_node_phase)(task % TPH_NODE_PHASE_COUNT),
                                     .any_succeeded = task % 2 > 0,
                                     .all_failed = task % 3 == 0,
                                     .daemoned = task % 5 == 0};
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    TPH_CLEANUP(tph_arena_freep) struct tph_arena *arena = tph_arena_new();
    TPH_CLEANUP(tph_buf_release) struct tph_buf problem = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    struct dag dag = {.named = {false}};
    const struct tph_depends *depends = NULL;
    bool run = false;
    int failed = tph_depends_compile(fuzz_text(data, size), find, &dag, arena, &depends, &problem);
    if (failed == 0) {
        FUZZ_HOLDS(depends->n_tasks <= size);
        failed = tph_depends_decide(depends, fact_of, &dag, &run, &problem);
        FUZZ_HOLDS((failed != 0) == (depends->fault != NULL));
    }
    FUZZ_HOLDS((failed != 0) == (problem.len > 0));
    return 0;
}
