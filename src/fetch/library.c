/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/library.h"

#include <dlfcn.h>
#include <stddef.h>
#include <string.h>

/* Every pointer of the struct behind `handle`, by its name in libcurl. */
static const struct {
    const char *name;
    size_t offset;
} SYMBOLS[] = {
#define SYMBOL(member)                                          \
    {                                                           \
        "curl_" #member, offsetof(struct fetch_library, member) \
    }
    SYMBOL(global_init),
    SYMBOL(easy_init),
    SYMBOL(easy_cleanup),
    SYMBOL(easy_setopt),
    SYMBOL(easy_getinfo),
    SYMBOL(easy_strerror),
    SYMBOL(multi_init),
    SYMBOL(multi_cleanup),
    SYMBOL(multi_setopt),
    SYMBOL(multi_add_handle),
    SYMBOL(multi_remove_handle),
    SYMBOL(multi_socket_action),
    SYMBOL(multi_assign),
    SYMBOL(multi_info_read),
    SYMBOL(slist_append),
    SYMBOL(slist_free_all),
    SYMBOL(url),
    SYMBOL(url_cleanup),
    SYMBOL(url_set),
    SYMBOL(url_get),
    SYMBOL(free),
#undef SYMBOL
};

static int find_symbols(struct fetch_library *library, struct tph_error *err)
{
    for (size_t i = 0; i < sizeof SYMBOLS / sizeof SYMBOLS[0]; i++) {
        void *symbol = dlsym(library->handle, SYMBOLS[i].name);
        if (!symbol) {
            return tph_error_set(err, TPH_ERROR_NOT_FOUND, "libcurl has no %s: 7.77 or newer is needed",
                                 SYMBOLS[i].name);
        }
        memcpy((char *)library + SYMBOLS[i].offset, &symbol, sizeof symbol);
    }
    return 0;
}

int fetch_library_load(struct fetch_library *ret_library, struct tph_error *err)
{
    static const char *const NAMES[] = {"libcurl.so.4", "libcurl-gnutls.so.4"};
    struct fetch_library library = {.handle = NULL};
    for (size_t i = 0; i < sizeof NAMES / sizeof NAMES[0] && !library.handle; i++) {
        library.handle = dlopen(NAMES[i], RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    }
    if (!library.handle) {
        return tph_error_set(err, TPH_ERROR_NOT_FOUND, "libcurl is not on this machine (%s)", dlerror());
    }
    if (find_symbols(&library, err) < 0) {
        return -1;
    }
    if (library.global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        return tph_error_set(err, TPH_ERROR_SYSTEM, "libcurl does not begin: curl_global_init failed");
    }
    *ret_library = library;
    return 0;
}
