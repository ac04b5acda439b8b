/* SPDX-License-Identifier: Apache-2.0 */
/* Node ids and names of pods. */
#include "api/names.h"
#include "base/limits.h"
#include "golden.h"

void golden_node_ids(struct golden_case *c)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf id = TPH_BUF_INIT(TPH_KIB(4));
    TPH_CLEANUP(tph_buf_release) struct tph_buf pod = TPH_BUF_INIT(TPH_KIB(4));
    tph_names_node_id(golden_in(c, "wf"), golden_in(c, "node"), &id);
    tph_names_pod(golden_in(c, "wf"), golden_in(c, "node"), golden_in(c, "template"), &pod);
    (void)golden_object(c);
    golden_set_buf(c, "id", &id);
    golden_set_buf(c, "podv1", &id);
    golden_set_buf(c, "podv2", &pod);
}
