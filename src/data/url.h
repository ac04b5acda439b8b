/* SPDX-License-Identifier: Apache-2.0 */
/* URLs as Go's net/url reads and writes them (Go 1.26): what is refused, in which words, what is escaped. Pure.
 * Sources: RFC 3986, RFC 6874 (zones), net/url's documentation; tried against Go. */
#pragma once

#include <stdbool.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/str.h"

/* Parts without their separators, with escapes undone but for query and opaque. */
struct tph_url {
    struct tph_str scheme; /* in lower case */
    struct tph_str opaque; /* of mailto:someone: what is behind the scheme */
    struct tph_str host;   /* with its port; of an address with its brackets */
    struct tph_str path;
    struct tph_str query;
    struct tph_str fragment;
    bool has_user;
    bool has_password;
    struct tph_str user;
    struct tph_str password;
};

/* The parts point into text and into room, which has text.len bytes and must live as long. -1 with Go's words appended
 * to problem: `parse "http://a b": invalid character " " in host name`. */
int tph_url_parse(struct tph_str text, char *room, struct tph_url *ret, struct tph_buf *problem) TPH_MUST_CHECK;

/* The host without port and brackets. */
struct tph_str tph_url_hostname(const struct tph_url *url);

/* user:password, escaped; nothing when there is none. */
void tph_url_write_user(const struct tph_url *url, struct tph_buf *out);

/* The URL, its parts escaped where they must be. */
void tph_url_write(const struct tph_url *url, struct tph_buf *out);

/* Private to data/url*.c: an IPv6 address, perhaps with a zone; -1 with the words of Go's netip. An IPv4 address is a
 * good one too: then *ret_is_v4. */
int tph_url_check_address(struct tph_str address, bool *ret_is_v4, struct tph_buf *problem) TPH_MUST_CHECK;
