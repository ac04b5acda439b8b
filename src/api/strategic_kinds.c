/* SPDX-License-Identifier: Apache-2.0 */
/* Kinds that take strategic merge patches. */
#include "api/gotype_tables.h"
#include "api/strategic.h"

const struct tph_go_type *tph_strategic_type_of(struct tph_str kind)
{
    static const struct {
        const char *kind;
        const struct tph_go_type *type;
    } kinds[] = {
        {"ConfigMap", &tph_gt_core_ConfigMap},
        {"Event", &tph_gt_core_Event},
        {"Namespace", &tph_gt_core_Namespace},
        {"Pod", &tph_gt_core_Pod},
        {"PodSpec", &tph_gt_core_PodSpec},
        {"Secret", &tph_gt_core_Secret},
        {"ServiceAccount", &tph_gt_core_ServiceAccount},
    };
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (tph_str_eqz(kind, kinds[i].kind)) {
            return kinds[i].type;
        }
    }
    return NULL;
}
