/* SPDX-License-Identifier: Apache-2.0 */
#include "api/node_fields.h"

#include <stdint.h>

/* The value of inputs.parameters.NAME.value. */
static const struct tph_json *input_of(const struct tph_json *node, struct tph_str key)
{
    const struct tph_str before = TPH_STR("inputs.parameters.");
    const struct tph_str after = TPH_STR(".value");
    if (!tph_str_has_prefix(key, before) || !tph_str_has_suffix(key, after) || key.len < before.len + after.len) {
        return NULL;
    }
    struct tph_str name = tph_str_slice(key, before.len, key.len - after.len);
    struct tph_json_iter it = tph_json_iter(tph_json_path(node, "inputs", "parameters", NULL));
    while (tph_json_next(&it)) {
        if (tph_str_eq(tph_json_get_str(it.value, "name"), name)) {
            return tph_json_get(it.value, "value");
        }
    }
    return NULL;
}

static struct tph_str field_of(void *owner, struct tph_str field)
{
    static const char *const plain[] = {"id", "name", "displayName", "phase", "templateName"};
    static const char *const of_reference[] = {"name", "template"};
    const struct tph_str before = TPH_STR("templateRef.");
    const struct tph_json *node = owner;
    const struct tph_json *value = input_of(node, field);
    for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++) {
        value = tph_str_eqz(field, plain[i]) ? tph_json_get(node, plain[i]) : value;
    }
    for (size_t i = 0; tph_str_has_prefix(field, before) && i < sizeof(of_reference) / sizeof(of_reference[0]); i++) {
        bool asked = tph_str_eqz(tph_str_slice(field, before.len, field.len), of_reference[i]);
        value = asked ? tph_json_get(tph_json_get(node, "templateRef"), of_reference[i]) : value;
    }
    return tph_json_is(value, TPH_JSON_NUMBER) ? tph_json_number_text(value) : tph_json_str(value);
}

bool tph_node_matches(const struct tph_fieldsel *selector, const struct tph_json *node)
{
    return tph_fieldsel_matches(selector, field_of, (void *)(uintptr_t)node);
}
