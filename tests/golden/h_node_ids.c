/* SPDX-License-Identifier: Apache-2.0 */
/* Node IDs: the name of the workflow, a dash, and the hash of the node's name. */
#include "base/alloc.h"
#include "base/hash.h"
#include "golden.h"

void golden_node_ids(struct golden_case *c)
{
    struct tph_str wf = golden_in(c, "wf");
    struct tph_str node = golden_in(c, "node");
    TPH_CLEANUP(tph_freep)
    char *id = tph_str_eq(wf, node) ? tph_str_dup(wf) : tph_format("%.*s-%u", TPH_FMT(wf), tph_fnv1a32(node));
    /* Pod names come with the runtimes that have pods of that name. */
    struct tph_json *expected = tph_json_new_object(c->doc);
    tph_json_set_str(c->doc, expected, "id", tph_json_get_str(c->expected, "id"));
    c->expected = expected;
    (void)golden_object(c);
    golden_set(c, "id", tph_str(id));
}
