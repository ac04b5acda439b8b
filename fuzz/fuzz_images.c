/* SPDX-License-Identifier: Apache-2.0 */
/* images.yaml, and images looked up in it: the first line of the input is the image, the rest the file. */
#include "fuzz.h"
#include "podrt/image.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tph_str rest = fuzz_text(data, size), image = TPH_STR_NONE;
    struct tph_images *images = NULL;
    struct tph_error err = TPH_ERROR_INIT;
    (void)tph_str_cut(&rest, '\n', &image);
    FUZZ_HOLDS(tph_images_new((const char *const[]){"/dev/null"}, 1, &images, &err) == 0);
    size_t before = tph_images_len(images);
    if (tph_images_add(images, rest, "images.yaml", &err) < 0) {
        FUZZ_HOLDS(err.text[0] != '\0');
    }
    FUZZ_HOLDS(tph_images_len(images) >= before);
    const struct tph_image *found = tph_images_find(images, image);
    FUZZ_HOLDS(!found || tph_image_matches(found->pattern, image));
    tph_images_free(images);
    return 0;
}
