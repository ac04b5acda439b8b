/* SPDX-License-Identifier: Apache-2.0 */
/* From a container's image to this machine's programs: a small table (docs/images.md).
 *
 * There is no image: `python:3.12-slim` means that this machine's python3 runs the script, under the names `python` and
 * `python3`. Registry, path, tag and digest do not matter, only the image's last name. */
#pragma once

#include <stddef.h>

#include "base/error.h"
#include "base/str.h"

enum { TPH_IMAGE_LINKS = 4 };

struct tph_image {
    const char *pattern; /* "python" */
    struct {
        const char *name;     /* the command in the image */
        const char *programs; /* on this machine, the first that exists: "/usr/bin/python3|/usr/local/bin/python3" */
    } links[TPH_IMAGE_LINKS]; /* ended by a NULL name */
    const char *package; /* what to install when no program exists; NULL: nothing is needed */
};

/* The row for an image, or NULL: an image nobody knows gets this machine's programs as they are. */
const struct tph_image *tph_image_find(struct tph_str image);

/* Row by row, for doctor; NULL past the end. */
const struct tph_image *tph_image_at(size_t index);

/* The first program of a "a|b|c" list that exists, in a static text of the table; NULL when none does. */
const char *tph_image_program(const char *programs, char *found, size_t size);
