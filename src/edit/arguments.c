/* SPDX-License-Identifier: Apache-2.0 */
#include "edit/internal.h"

int tph_edit_check_parameters(const struct tph_edit_parameters *parameters, struct tph_error *err)
{
    for (size_t i = 0; i < parameters->n; i++) {
        if (tph_str_find_byte(parameters->list[i], '=') < 0) {
            return tph_error_set(err, TPH_ERROR_INVALID, "expected parameter of the form: NAME=VALUE. Received: %.*s",
                                 TPH_FMT(parameters->list[i]));
        }
    }
    return 0;
}

void tph_edit_put_parameters(struct tph_json_doc *doc, struct tph_json *spec,
                             const struct tph_edit_parameters *parameters)
{
    if (parameters->n == 0) {
        return;
    }
    struct tph_json *arguments = tph_edit_object(doc, spec, "arguments");
    struct tph_json *list = tph_json_new_array(doc);
    struct tph_map given = TPH_MAP_INIT;
    for (size_t i = 0; i < parameters->n; i++) {
        struct tph_str value = parameters->list[i];
        struct tph_str name = TPH_STR_NONE;
        (void)tph_str_cut(&value, '=', &name);
        struct tph_json *parameter = tph_json_new_object(doc);
        tph_json_set_str(doc, parameter, "name", name);
        tph_json_set_str(doc, parameter, "value", value);
        tph_json_append(doc, list, parameter);
        (void)tph_map_set(&given, name, parameter);
    }
    struct tph_json_iter it = tph_json_iter(tph_json_get(arguments, "parameters"));
    while (tph_json_next(&it)) {
        if (!tph_map_get(&given, tph_json_get_str(it.value, "name"))) {
            tph_json_append(doc, list, tph_json_copy(doc, it.value));
        }
    }
    tph_map_release(&given);
    tph_json_set(doc, arguments, "parameters", list);
}
