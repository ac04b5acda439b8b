/* SPDX-License-Identifier: Apache-2.0 */
#include "http/field.h"

#include <string.h>
#include <strings.h>

static bool token_byte(unsigned char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

bool tph_http_token(struct tph_str text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (!token_byte((unsigned char)text.p[i])) {
            return false;
        }
    }
    return text.len > 0;
}

bool tph_http_target(struct tph_str text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.p[i];
        if (c <= ' ' || c == 0x7f) {
            return false;
        }
    }
    return text.len > 0;
}

static bool value_fit(const char *value)
{
    for (const char *p = value; *p; p++) {
        unsigned char c = (unsigned char)*p;
        if ((c < ' ' && c != '\t') || c == 0x7f) {
            return false;
        }
    }
    return true;
}

size_t tph_http_headers_unfit(const struct tph_http_header *headers, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (!tph_http_token(tph_str(headers[i].name)) || !value_fit(headers[i].value)) {
            return i;
        }
    }
    return n;
}

void tph_http_headers_write(const struct tph_http_header *headers, size_t n, struct tph_buf *out)
{
    for (size_t i = 0; i < n; i++) {
        (void)tph_buf_puts(out, headers[i].name);
        (void)tph_buf_append(out, ": ", 2);
        (void)tph_buf_puts(out, headers[i].value);
        (void)tph_buf_append(out, "\r\n", 2);
    }
}

const char *tph_http_headers_get(const struct tph_http_header *headers, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++) {
        if (strcasecmp(headers[i].name, name) == 0) {
            return headers[i].value;
        }
    }
    return NULL;
}
