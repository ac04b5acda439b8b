/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/library.h"

#include <dlfcn.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct {
    const char *name;
    size_t offset;
} SYMBOLS[] = {
#define SYMBOL(name) {#name, offsetof(struct tls_library, name)},
    TLS_FUNCTIONS(SYMBOL)
#undef SYMBOL
};

int tls_library_load(struct tls_library *ret_library, struct tph_error *err)
{
    struct tls_library library = {.handle = dlopen("libssl.so.3", RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE)};
    if (!library.handle) {
        (void)tph_error_set(err, TPH_ERROR_NOT_FOUND, "OpenSSL 3 is not on this machine (%s)", dlerror());
        return tph_error_hint(err, "install libssl3, or openssl-libs: TLS needs it");
    }
    for (size_t i = 0; i < sizeof SYMBOLS / sizeof SYMBOLS[0]; i++) {
        void *symbol = dlsym(library.handle, SYMBOLS[i].name); /* those of libcrypto, too: libssl needs it */
        if (!symbol) {
            return tph_error_set(err, TPH_ERROR_NOT_FOUND, "OpenSSL has no %s: 3.0 or newer is needed",
                                 SYMBOLS[i].name);
        }
        memcpy((char *)&library + SYMBOLS[i].offset, &symbol, sizeof symbol);
    }
    /* Its exit handler would free what other threads still use. */
    if (library.OPENSSL_init_ssl(OPENSSL_INIT_NO_ATEXIT, NULL) != 1) {
        return tls_library_fail(&library, err, "OpenSSL does not begin");
    }
    *ret_library = library;
    return 0;
}

int tls_library_fail(const struct tls_library *library, struct tph_error *err, const char *format, ...)
{
    char text[256];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    const char *reason = library->ERR_reason_error_string(library->ERR_peek_last_error());
    library->ERR_clear_error();
    return tph_error_set(err, TPH_ERROR_INVALID, "%s: %s", text, reason ? reason : "no reason is known");
}
