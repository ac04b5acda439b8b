/* SPDX-License-Identifier: Apache-2.0 */
#include "api/node_fields.h"
#include "data/time.h"
#include "edit/internal.h"

int tph_edit_node_matches(const struct tph_json *node, struct tph_str selector, bool *ret_matches,
                          struct tph_error *err)
{
    TPH_CLEANUP(tph_fieldsel_release) struct tph_fieldsel parsed = TPH_FIELDSEL_INIT;
    if (tph_fieldsel_parse(selector, &parsed, err) < 0) {
        return -1;
    }
    *ret_matches = tph_node_matches(&parsed, node);
    return 0;
}

static bool is_one_of(struct tph_str word, const char *const *words)
{
    for (; *words; words++) {
        if (tph_str_eqz(word, *words)) {
            return true;
        }
    }
    return false;
}

bool tph_edit_is_completed(struct tph_str workflow_phase)
{
    static const char *const PHASES[] = {"Succeeded", "Failed", "Error", NULL};
    return is_one_of(workflow_phase, PHASES);
}

bool tph_edit_is_fulfilled(struct tph_str node_phase)
{
    static const char *const PHASES[] = {"Succeeded", "Failed", "Error", "Skipped", "Omitted", NULL};
    return is_one_of(node_phase, PHASES);
}

struct tph_json *tph_edit_time(struct tph_json_doc *doc, int64_t now_ms)
{
    char text[TPH_TIME_TEXT];
    tph_time_format(now_ms, text);
    return tph_json_new_cstr(doc, text);
}

struct tph_json *tph_edit_copy_without(struct tph_json_doc *doc, const struct tph_json *object,
                                       const char *const *members)
{
    struct tph_json *copy = tph_json_new_object(doc);
    struct tph_json_iter it = tph_json_iter(tph_json_is(object, TPH_JSON_OBJECT) ? object : NULL);
    while (tph_json_next(&it)) {
        if (!is_one_of(it.key, members)) {
            tph_json_append_member(doc, copy, it.key, tph_json_copy(doc, it.value));
        }
    }
    return copy;
}

struct tph_json *tph_edit_object(struct tph_json_doc *doc, struct tph_json *object, const char *key)
{
    struct tph_json *member = tph_json_get(object, key);
    if (!tph_json_is(member, TPH_JSON_OBJECT)) {
        member = tph_json_new_object(doc);
        tph_json_set(doc, object, key, member);
    }
    return member;
}

/* Replaced where it stands, or added. */
void tph_edit_reopen(struct tph_json_doc *doc, struct tph_json *status)
{
    struct tph_json *condition = tph_json_new_object(doc);
    tph_json_set_cstr(doc, condition, "type", "Completed");
    tph_json_set_cstr(doc, condition, "status", "False");
    struct tph_json *conditions = tph_json_get(status, "conditions");
    struct tph_json_iter it = tph_json_iter(conditions);
    while (tph_json_next(&it)) {
        if (tph_str_eqz(tph_json_get_str(it.value, "type"), "Completed")) {
            tph_json_assign(it.value, condition);
            return;
        }
    }
    if (!tph_json_is(conditions, TPH_JSON_ARRAY)) {
        conditions = tph_json_new_array(doc);
        tph_json_set(doc, status, "conditions", conditions);
    }
    tph_json_append(doc, conditions, condition);
}
