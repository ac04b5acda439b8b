/* SPDX-License-Identifier: Apache-2.0 */
#include "apiserver/gc.h"

#include "base/alloc.h"

struct tph_gc {
    struct tph_api *api;
};

int tph_gc_new(struct tph_api *api, struct tph_gc **ret_gc, struct tph_error *err)
{
    struct tph_gc *gc = TPH_NEW(struct tph_gc);
    (void)err;
    gc->api = api;
    *ret_gc = gc;
    return 0;
}

void tph_gc_free(struct tph_gc *gc)
{
    free(gc);
}
