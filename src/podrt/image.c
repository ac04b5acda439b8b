/* SPDX-License-Identifier: Apache-2.0 */
#include "podrt/image.h"

#include <stdio.h>
#include <unistd.h>

#define PYTHON "/usr/bin/python3|/usr/local/bin/python3"
#define NODE "/usr/bin/node|/usr/bin/nodejs|/usr/local/bin/node"

static const struct tph_image table[] = {
    {"python", {{"python", PYTHON}, {"python3", PYTHON}}, "python3"},
    {"pypy", {{"pypy3", "/usr/bin/pypy3"}, {"pypy", "/usr/bin/pypy3"}}, "pypy3"},
    {"node", {{"node", NODE}, {"nodejs", NODE}}, "nodejs"},
    {"ruby", {{"ruby", "/usr/bin/ruby"}}, "ruby"},
    {"perl", {{"perl", "/usr/bin/perl"}}, "perl"},
    {"php", {{"php", "/usr/bin/php"}}, "php-cli"},
    {"bash", {{"bash", "/bin/bash|/usr/bin/bash"}}, "bash"},
    {"golang", {{"go", "/usr/local/go/bin/go|/usr/bin/go"}}, "golang-go"},
    {"openjdk", {{"java", "/usr/bin/java"}}, "default-jre-headless"},
    {"eclipse-temurin", {{"java", "/usr/bin/java"}}, "default-jre-headless"},
    {"alpine", {{NULL, NULL}}, NULL},
    {"busybox", {{NULL, NULL}}, NULL},
    {"debian", {{NULL, NULL}}, NULL},
    {"ubuntu", {{NULL, NULL}}, NULL},
    {"fedora", {{NULL, NULL}}, NULL},
    {"scratch", {{NULL, NULL}}, NULL},
    {"distroless", {{NULL, NULL}}, NULL},
};

const struct tph_image *tph_image_at(size_t index)
{
    return index < sizeof(table) / sizeof(table[0]) ? &table[index] : NULL;
}

/* "registry:5000/library/python:3.12@sha256:..." -> "python". */
static struct tph_str last_name(struct tph_str image)
{
    for (ptrdiff_t slash; (slash = tph_str_find_byte(image, '/')) >= 0;) {
        image = tph_str_slice(image, (size_t)slash + 1, image.len);
    }
    ptrdiff_t at = tph_str_find_byte(image, '@');
    image = at < 0 ? image : tph_str_slice(image, 0, (size_t)at);
    ptrdiff_t colon = tph_str_find_byte(image, ':');
    return colon < 0 ? image : tph_str_slice(image, 0, (size_t)colon);
}

const struct tph_image *tph_image_find(struct tph_str image)
{
    struct tph_str name = last_name(image);
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        if (tph_str_eqz(name, table[i].pattern)) {
            return &table[i];
        }
    }
    return NULL;
}

const char *tph_image_program(const char *programs, char *found, size_t size)
{
    struct tph_str rest = tph_str(programs);
    struct tph_str part;
    while (tph_str_cut(&rest, '|', &part)) {
        (void)snprintf(found, size, "%.*s", TPH_FMT(part));
        if (access(found, X_OK) == 0) {
            return found;
        }
    }
    return NULL;
}
