/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by image.c (matching) and image_config.c (reading). */
#pragma once

#include "base/arena.h"
#include "podrt/image.h"

struct tph_images {
    struct tph_image *list; /* owned: entries of configuration files */
    size_t n, capacity;
    struct tph_arena *arena;
};
