/* SPDX-License-Identifier: Apache-2.0 */
#include "api/names.h"

#include "base/hash.h"
#include "base/limits.h"
#include "base/utf8.h"

enum { PREFIX_MAX = 242 }; /* 253 bytes of a name, less a dash and a hash of ten digits */

void tph_names_node_id(struct tph_str workflow, struct tph_str node, struct tph_buf *id)
{
    (void)tph_buf_put(id, workflow);
    if (!tph_str_eq(workflow, node)) {
        (void)tph_buf_printf(id, "-%u", tph_fnv1a32(node));
    }
}

void tph_names_pod(struct tph_str workflow, struct tph_str node, struct tph_str tmpl, struct tph_buf *name)
{
    if (tph_str_eq(workflow, node)) {
        (void)tph_buf_put(name, workflow);
        return;
    }
    TPH_CLEANUP(tph_buf_release) struct tph_buf prefix = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    (void)tph_buf_put(&prefix, workflow);
    (void)tph_buf_puts(&prefix, tmpl.len > 0 ? "-" : "");
    (void)tph_buf_put(&prefix, tmpl);
    (void)tph_utf8_repair(name, tph_str_slice(tph_buf_str(&prefix), 0, PREFIX_MAX));
    (void)tph_buf_printf(name, "-%u", tph_fnv1a32(node));
}
