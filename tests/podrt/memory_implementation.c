/* SPDX-License-Identifier: Apache-2.0 */
#include "harness.h"
#include "podrt/memory.h"
#include "podrt/trace.h"

#include "base/str.h"

static struct tph_podrt *make(struct tph_loop *loop)
{
    return tph_podrt_memory_new(loop);
}

/* The tracing wrapper over it must keep the contract, too. The scripts go to the one inside. */
static struct tph_podrt *inside_trace;

static void drop_line(void *owner, const char *line)
{
    (void)owner;
    (void)line;
}

static struct tph_podrt *make_traced(struct tph_loop *loop)
{
    inside_trace = tph_podrt_memory_new(loop);
    return tph_podrt_trace_new(inside_trace, drop_line, NULL);
}

/* One LOG act a line. */
static size_t log_acts(struct harness *h, const char *text, enum tph_memory_act_kind kind, struct tph_memory_act *acts,
                       size_t max)
{
    size_t n = 0;
    struct tph_str rest = tph_str(text), line;
    while (n < max && tph_str_cut(&rest, '\n', &line)) {
        if (line.len > 0 || rest.p) {
            acts[n++] = (struct tph_memory_act){.kind = kind, .text = tph_arena_strdup(h->arena, line)};
        }
    }
    return n;
}

static void prepare(struct harness *h, struct tph_container *container, enum deed deed, int code, const char *text)
{
    struct tph_memory_act acts[128];
    size_t n = 0;
    switch (deed) {
    case RUNS:
        return;
    case EXITS:
        break;
    case IGNORES_TERM:
        acts[n++] = (struct tph_memory_act){.kind = TPH_MEMORY_IGNORE_TERM};
        break;
    case WRITES:
    case WRITES_EXITS:
        n = log_acts(h, text, TPH_MEMORY_LOG, acts, 120);
        break;
    case WRITES_ERROR:
        n = log_acts(h, text, TPH_MEMORY_LOG_STDERR, acts, 120);
        break;
    }
    if (deed == EXITS || deed == WRITES_EXITS) {
        acts[n++] = (struct tph_memory_act){.kind = TPH_MEMORY_EXIT, .code = code};
    } else {
        acts[n++] = (struct tph_memory_act){.kind = TPH_MEMORY_READY};
    }
    tph_memory_add_life(h->implementation == &trace_implementation ? inside_trace : h->rt,
                        tph_arena_strdup(h->arena, container->name), acts, n);
}

const struct implementation memory_implementation = {.name = "memory", .make = make, .prepare = prepare};
const struct implementation trace_implementation = {.name = "trace", .make = make_traced, .prepare = prepare};
