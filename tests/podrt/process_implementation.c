/* SPDX-License-Identifier: Apache-2.0 */
#include "harness.h"
#include "podrt/process.h"

#include "base/error.h"
#include "base/str.h"

static struct tph_podrt *make(struct tph_loop *loop)
{
    struct tph_podrt *rt = NULL;
    struct tph_error err = TPH_ERROR_INIT;
    return tph_podrt_process_new(loop, NULL, &rt, &err) < 0 ? NULL : rt;
}

/* Every deed is a shell command; the text goes by an argument, so that nothing in it is read by the shell. */
static void prepare(struct harness *h, struct tph_container *container, enum deed deed, int code, const char *text)
{
    static const char *const scripts[] = {
        [RUNS] = "exec sleep 1000",
        [EXITS] = "exit \"$1\"",
        [IGNORES_TERM] = "trap '' TERM; exec sleep 1000",
        [WRITES] = "printf %s \"$2\"; exec sleep 1000",
        [WRITES_ERROR] = "printf %s \"$2\" >&2; exec sleep 1000",
        [WRITES_EXITS] = "printf %s \"$2\"; exit \"$1\"",
    };
    struct tph_str *command = TPH_ARENA_ARRAY(h->arena, struct tph_str, 6);
    command[0] = TPH_STR("sh");
    command[1] = TPH_STR("-c");
    command[2] = tph_str(scripts[deed]);
    command[3] = TPH_STR("sh");
    command[4] = tph_str(tph_arena_format(h->arena, "%d", code));
    command[5] = tph_arena_str(h->arena, tph_str(text ? text : ""));
    container->command = command;
    container->n_command = 6;
}

const struct implementation process_implementation = {.name = "process", .make = make, .prepare = prepare};
