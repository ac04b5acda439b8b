/* SPDX-License-Identifier: Apache-2.0 */
/* The words and the date of a status line. Pure. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* "Not Found"; "Unknown" for a number that has no words. */
const char *tph_http_status_words(int status);

/* Answers that never have a body: 1xx, 204, 304. */
bool tph_http_status_bare(int status);

enum { TPH_HTTP_DATE = 30 };
/* "Tue, 24 Nov 2026 08:32:18 GMT" of seconds since 1970; never follows the locale. */
void tph_http_date(int64_t seconds, char text[TPH_HTTP_DATE]);
