/* SPDX-License-Identifier: Apache-2.0 */
/* What an `image:` means on a machine without images: docs/images.md.
 *
 * A map from patterns to this machine's files with the programs people expect in such an image, or to an unpacked root
 * directory. The built-in map comes last; configuration files come before it, first match wins. A pattern is
 * NAME or NAME:TAG with * and ?; without a slash it is compared with the image's last path element, so that
 * registry and organisation do not matter, else with as many elements as it has. Digests are ignored. Nothing here
 * changes after it was read; results are borrowed from the map.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/str.h"

struct tph_images;

/* One program that an image is expected to have. */
struct tph_image_program {
    const char *name;    /* what commands call it: "python" */
    const char *file;    /* what this machine calls it: "python3", or an absolute path */
    const char *package; /* what to install for it: "python3"; NULL unknown */
};

struct tph_image {
    const char *pattern;
    const char *root;                         /* unpacked root directory; NULL: this machine's files */
    const struct tph_image_program *programs; /* what makes the image what it is; may be none */
    size_t n_programs;
    const char *const *paths; /* directories of this machine that the programs need besides the system's */
    size_t n_paths;
    const char *source; /* file the entry stands in; NULL: built in */
};

/* The built-in map and, before it, the given configuration files in order. Without any (NULL, 0) those that exist of
 * $XDG_CONFIG_HOME/tiphys/images.yaml (or ~/.config/...) and /etc/tiphys/images.yaml. Errors: NOT_FOUND, INVALID,
 * LIMIT, with the file. */
int tph_images_new(const char *const *files, size_t n_files, struct tph_images **ret_images, struct tph_error *err)
    TPH_MUST_CHECK;
void tph_images_free(struct tph_images *images);
TPH_DEFINE_CLEANUP(struct tph_images, tph_images_free);

/* Adds the entries of one text; name is for messages and for tph_image.source. */
int tph_images_add(struct tph_images *images, struct tph_str yaml, const char *name, struct tph_error *err)
    TPH_MUST_CHECK;

/* The entry for an image, or NULL. */
const struct tph_image *tph_images_find(const struct tph_images *images, struct tph_str image);

/* All entries in order of precedence. */
const struct tph_image *tph_images_at(const struct tph_images *images, size_t index);
size_t tph_images_len(const struct tph_images *images);

/* True when the image matches the pattern. */
bool tph_image_matches(const char *pattern, struct tph_str image);

/* Where in the standard directories of a root ("/" for this machine) a program is that everybody may run: a path as the
 * sandbox will see it, to be freed; or NULL. A file with a slash in it is looked up as it is. Links are followed
 * inside the root. A user's own directories and shims do not count: no sandbox sees them. */
char *tph_image_find_program(const char *root, const char *file) TPH_MUST_CHECK;

/* True when there is such a directory, links followed inside the root. */
bool tph_image_has_directory(const char *root, const char *path);

/* PATH of a sandbox: those directories. */
extern const char tph_image_path[];
