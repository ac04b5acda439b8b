/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/pick.h"

#include "api/packed.h"
#include "base/clock.h"
#include "base/limits.h"
#include "data/time.h"

#define LABEL "workflows.argoproj.io/"

static void add_part(struct tph_buf *selector)
{
    (void)tph_buf_puts(selector, selector->len > 0 ? "," : "");
}

/* What the server can choose by: labels that the controller sets. */
static void put_selector(const struct tph_pick_options *o, struct tph_buf *selector)
{
    (void)tph_buf_puts(selector, o->labels ? o->labels : "");
    if (o->status.n > 0) {
        add_part(selector);
        (void)tph_buf_puts(selector, LABEL "phase in (");
        for (size_t i = 0; i < o->status.n; i++) {
            (void)tph_buf_printf(selector, "%s%s", i > 0 ? "," : "", o->status.list[i]);
        }
        (void)tph_buf_putc(selector, ')');
    }
    if (o->completed || o->older_ms > 0) {
        add_part(selector);
        (void)tph_buf_puts(selector, LABEL "completed=true");
    }
    if (o->running) {
        add_part(selector);
        (void)tph_buf_puts(selector, LABEL "completed!=true");
    }
    if (o->resubmitted) {
        add_part(selector);
        (void)tph_buf_puts(selector, LABEL "resubmitted-from-workflow");
    }
}

static bool time_of(const struct tph_json *object, const char *member, int64_t *ret_ms)
{
    struct tph_error unseen = TPH_ERROR_INIT;
    struct tph_str text = tph_json_get_str(object, member);
    return text.len > 0 && tph_time_parse(text, ret_ms, &unseen) == 0;
}

static bool fits(const struct tph_json *workflow, const struct tph_pick_options *o, int64_t now_ms)
{
    const struct tph_json *meta = tph_json_get(workflow, "metadata");
    int64_t ms = 0;
    if (o->prefix && !tph_str_has_prefix(tph_json_get_str(meta, "name"), tph_str(o->prefix))) {
        return false;
    }
    if (o->since_ms > 0 && !(time_of(meta, "creationTimestamp", &ms) && ms > now_ms - o->since_ms)) {
        return false;
    }
    return o->older_ms == 0 ||
           (time_of(tph_json_get(workflow, "status"), "finishedAt", &ms) && ms < now_ms - o->older_ms);
}

int tph_pick_workflows(struct tph_remote *remote, const struct tph_pick_options *options,
                       struct tph_remote_answer *ret_answer, struct tph_error *err)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf selector = TPH_BUF_INIT(TPH_LIMIT_LABEL_SELECTOR);
    TPH_CLEANUP(tph_remote_answer_release) struct tph_remote_answer answer = {.doc = NULL};
    put_selector(options, &selector);
    const struct tph_remote_selection selection = {.ns = options->all_namespaces ? TPH_STR_NONE : tph_str(remote->ns),
                                                   .labels = tph_buf_cstr(&selector),
                                                   .fields = options->fields};
    if (tph_remote_list(remote, &tph_kube_workflows, &selection, &answer, err) < 0) {
        ret_answer->problem = answer.problem;
        return -1;
    }
    int64_t now_ms = tph_clock_wall_ms();
    struct tph_json *kept = tph_json_new_array(answer.doc);
    struct tph_json_iter it = tph_json_iter(tph_json_get(answer.object, "items"));
    while (tph_json_next(&it)) {
        struct tph_json *workflow = fits(it.value, options, now_ms) ? tph_json_copy(answer.doc, it.value) : NULL;
        if (workflow && tph_packed_unpack(answer.doc, workflow, err) < 0) {
            return tph_error_wrap(err, "workflow %.*s",
                                  TPH_FMT(tph_json_get_str(tph_json_get(workflow, "metadata"), "name")));
        }
        if (workflow) {
            tph_json_append(answer.doc, kept, workflow);
        }
    }
    tph_json_set(answer.doc, answer.object, "items", kept);
    *ret_answer = answer;
    answer = (struct tph_remote_answer){.doc = NULL};
    return 0;
}
