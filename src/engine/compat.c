/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/compat.h"

static const char *const names[] = {"timeouts", "exports", "progress", "parallelism", "replies",  "texts",
                                    "loops",    "hooks",   "shutdown", "retries",     "messages", "seconds"};
enum { N_NAMES = sizeof names / sizeof names[0] };

#define ALL                                                                                                          \
    "argo, timeouts, exports, progress, parallelism, replies, texts, loops, hooks, shutdown, retries, messages and " \
    "seconds"

static int parse_one(struct tph_str name, unsigned *compat, struct tph_error *err)
{
    if (tph_str_eqz(name, "argo")) {
        *compat = TPH_COMPAT_ARGO;
        return 0;
    }
    for (unsigned i = 0; i < N_NAMES; i++) {
        if (tph_str_eqz(name, names[i])) {
            *compat |= 1U << i;
            return 0;
        }
    }
    const char *near = tph_str_nearest(name, names, N_NAMES);
    return tph_error_set(err, TPH_ERROR_INVALID, "\"%.*s\" is no compatibility%s%s%s\n  there are " ALL, TPH_FMT(name),
                         near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
}

int tph_compat_parse(struct tph_str text, unsigned *ret_compat, struct tph_error *err)
{
    struct tph_str rest = text;
    struct tph_str name;
    unsigned compat = 0;
    while (rest.len > 0 && tph_str_cut(&rest, ',', &name)) {
        if (parse_one(name, &compat, err) < 0) {
            return -1;
        }
    }
    *ret_compat = compat;
    return 0;
}
