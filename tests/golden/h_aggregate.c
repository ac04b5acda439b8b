/* SPDX-License-Identifier: Apache-2.0 */
/* What loops give: aggregate.jsonl. Which members count, and their order, is the engine's; here as the rows need it. */
#include <stdio.h>
#include <stdlib.h>

#include "base/limits.h"
#include "engine/aggregate.h"
#include "golden.h"

enum { MEMBERS_MAX = 32 };

struct member {
    const struct tph_json *outputs;
    int64_t index;
    size_t place;
};

static int by_index(const void *left, const void *right)
{
    const struct member *a = left;
    const struct member *b = right;
    if (a->index != b->index) {
        return a->index < b->index ? -1 : 1;
    }
    return a->place < b->place ? -1 : 1;
}

/* The digits between the last ( and the colon after it. */
static int64_t index_of(struct tph_str name)
{
    int64_t index = -1;
    for (size_t i = name.len; i > 0; i--) {
        if (name.p[i - 1] == '(') {
            struct tph_str rest = tph_str_slice(name, i, name.len);
            struct tph_str digits = TPH_STR("");
            return tph_str_cut(&rest, ':', &digits) && tph_str_to_i64(digits, &index) == 0 ? index : -1;
        }
    }
    return -1;
}

static void set(struct golden_case *c, struct tph_json *scope, const char *what, const struct tph_buf *value)
{
    char name[256];
    (void)snprintf(name, sizeof(name), "%.*s.%.*s.%s", TPH_FMT(golden_in(c, "kind")), TPH_FMT(golden_in(c, "name")),
                   what);
    tph_json_set_str(c->doc, scope, name, tph_buf_str(value));
}

static void parameters(struct golden_case *c, struct tph_json *scope, const struct tph_json *const *outputs, size_t n)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf all = TPH_BUF_INIT(TPH_LIMIT_REPLY);
    tph_aggregate_parameters(outputs, n, &all);
    set(c, scope, "outputs.parameters", &all);
    for (size_t i = 0; i < n; i++) {
        struct tph_json_iter it = tph_json_iter(tph_json_get(outputs[i], "parameters"));
        while (tph_json_next(&it)) {
            char what[128];
            TPH_CLEANUP(tph_buf_release) struct tph_buf one = TPH_BUF_INIT(TPH_LIMIT_REPLY);
            struct tph_str name = tph_json_get_str(it.value, "name");
            (void)snprintf(what, sizeof(what), "outputs.parameters.%.*s", TPH_FMT(name));
            if (tph_aggregate_parameter(outputs, n, name, TPH_AGGREGATE_ARGO, &one)) {
                set(c, scope, what, &one);
            }
        }
    }
}

void golden_aggregate(struct golden_case *c)
{
    struct member members[MEMBERS_MAX];
    const struct tph_json *outputs[MEMBERS_MAX];
    size_t n = 0;
    size_t all = 0;
    if (tph_json_get(c->expected, "panic")) {
        c->skip = "the genuine program panics: names of loop members are ours, so there is no such input";
        return;
    }
    struct tph_json_iter it = tph_json_iter(tph_json_get(c->in, "nodes"));
    while (tph_json_next(&it) && n < MEMBERS_MAX) {
        all++;
        if (tph_str_eqz(tph_json_get_str(it.value, "phase"), "Succeeded") &&
            !tph_json_bool(tph_json_path(it.value, "nodeFlag", "hooked", NULL))) {
            members[n] = (struct member){.outputs = tph_json_get(it.value, "outputs"),
                                         .index = index_of(tph_json_get_str(it.value, "name")),
                                         .place = n};
            n++;
        }
    }
    if (n > 1) {
        qsort(members, n, sizeof(members[0]), by_index);
    }
    for (size_t i = 0; i < n; i++) {
        outputs[i] = members[i].outputs;
    }
    TPH_CLEANUP(tph_buf_release) struct tph_buf results = TPH_BUF_INIT(TPH_LIMIT_REPLY);
    TPH_CLEANUP(tph_buf_release) struct tph_buf problem = TPH_BUF_INIT(TPH_LIMIT_REPLY);
    struct tph_json *scope = tph_json_new_object(c->doc);
    tph_json_set(c->doc, golden_object(c), "scope", scope);
    if (all == 0) {
        return;
    }
    if (tph_aggregate_results(outputs, n, TPH_AGGREGATE_ARGO, &results, &problem) < 0) {
        golden_set_buf(c, "error", &problem);
        return;
    }
    set(c, scope, "outputs.result", &results);
    parameters(c, scope, outputs, n);
}
