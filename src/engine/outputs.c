/* SPDX-License-Identifier: Apache-2.0 */
/* Outputs of steps and DAG templates that went well. Source: argo 2.8. */
#include "base/alloc.h"
#include "base/limits.h"
#include "engine/aggregate.h"
#include "engine/run_internal.h"

static int fall_back(const struct scope *scope, const struct tph_output *o, struct tph_buf *value,
                     struct tph_buf *problem)
{
    if (!o->has_default) {
        return -1;
    }
    tph_buf_clear(problem);
    tph_buf_clear(value);
    return tph_scope_eval(scope, &o->fallback, 0, value, problem) ? -1 : 0;
}

/* One output's value, or its default. Tags in the reference are the template's own and are replaced first. */
static int output_value(const struct node *node, const struct tph_output *o, struct tph_buf *value,
                        struct tph_buf *problem)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf reference = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    struct scope scope = tph_scope_of(node);
    if (!o->has_reference && !o->has_expression) {
        (void)tph_buf_puts(problem, "output parameters must have a valueFrom specified");
        return -1;
    }
    if (tph_scope_eval(&scope, &o->reference, 0, &reference, problem)) {
        return -1;
    }
    if (o->has_expression) {
        return tph_scope_express(&scope, tph_buf_str(&reference), value, problem) < 0
                   ? fall_back(&scope, o, value, problem)
                   : 0;
    }
    switch (tph_scope_resolve(&scope, tph_buf_str(&reference), value, problem)) {
    case TPH_TEXT_VALUE:
        return 0;
    case TPH_TEXT_UNKNOWN:
        break;
    case TPH_TEXT_ABSENT:
    case TPH_TEXT_NO_STRING:
        (void)tph_buf_printf(problem,
                             "output parameter \"%.*s\": \"%.*s\" is an absent optional (skipped/omitted node output "
                             "with no default)",
                             TPH_FMT(o->name), TPH_FMT(tph_buf_str(&reference)));
        break;
    }
    return fall_back(&scope, o, value, problem);
}

bool tph_loop_is_broken(const struct node *boundary, const struct tph_call *call, struct node *const *members, size_t n,
                        struct tph_buf *problem)
{
    if (!tph_run_compat(boundary->run, TPH_COMPAT_LOOPS) || call->loop.kind == TPH_LOOP_NONE || n == 0 ||
        !members[0]->item.p) {
        return false;
    }
    if (call->target.is_inline) {
        (void)tph_buf_puts(problem, "failed to get a template");
        return true;
    }
    TPH_CLEANUP(tph_freep) const struct tph_json **outputs = tph_calloc(n, sizeof(*outputs));
    TPH_CLEANUP(tph_buf_release) struct tph_buf value = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    size_t good = 0;
    for (size_t i = 0; i < n; i++) {
        if (members[i]->pub.phase == TPH_NODE_SUCCEEDED) {
            outputs[good++] = members[i]->pub.outputs;
        }
    }
    return tph_aggregate_results(outputs, good, TPH_AGGREGATE_ARGO, &value, problem) < 0;
}

int tph_outputs_deliver(struct node *node)
{
    const struct tph_template *t = node->template;
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = tph_json_doc_new();
    struct tph_json *outputs = tph_json_new_object(doc);
    struct tph_json *list = tph_json_new_array(doc);
    tph_json_set(doc, outputs, "parameters", list);
    for (size_t i = 0; i < t->n_outputs; i++) {
        const struct tph_output *o = &t->outputs[i];
        TPH_CLEANUP(tph_buf_release) struct tph_buf value = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
        TPH_CLEANUP(tph_buf_release) struct tph_buf problem = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
        if (output_value(node, o, &value, &problem) < 0) {
            tph_node_set_message(node, tph_buf_str(&problem));
            node->broken = true;
            return -1;
        }
        struct tph_json *parameter = tph_json_new_object(doc);
        tph_json_set_str(doc, parameter, "name", o->name);
        tph_json_set_str(doc, parameter, "value", tph_buf_str(&value));
        if (o->global_name.len > 0) {
            tph_json_set_str(doc, parameter, "globalName", o->global_name);
        }
        tph_json_append(doc, list, parameter);
    }
    if (t->n_outputs > 0) {
        tph_node_set_outputs(node, outputs);
        if (node->pub.type == TPH_NODE_STEPS || !tph_run_compat(node->run, TPH_COMPAT_EXPORTS)) {
            tph_globals_export_all(node->run, outputs);
        }
    }
    return 0;
}
