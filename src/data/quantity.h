/* SPDX-License-Identifier: Apache-2.0 */
/* Kubernetes quantities: "500m", "64Mi", "1.5", "1e3". Exact, in decimal digits; what resource.Quantity reads,
 * rounds, caps and prints. Plain values, nothing to free.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/str.h"

enum tph_quantity_format {
    TPH_QUANTITY_DECIMAL_SI,       /* n u m k M G T P E */
    TPH_QUANTITY_BINARY_SI,        /* Ki Mi Gi Ti Pi Ei */
    TPH_QUANTITY_DECIMAL_EXPONENT, /* e3 */
    TPH_QUANTITY_FORMAT_COUNT,
};

/* value = digits x 10^exponent */
struct tph_quantity {
    enum tph_quantity_format format;
    bool negative;
    bool large;    /* Go keeps it as a big decimal: overflows wrap there, where the others become 0 */
    bool verbatim; /* the text was canonical enough for Go: it is printed as it was */
    int exponent;
    int n_digits;                         /* 0: the value is zero */
    char digits[TPH_LIMIT_QUANTITY + 20]; /* '0' to '9', the first is not '0'; a binary suffix adds up to 19 */
    char text[TPH_LIMIT_QUANTITY + 1];
};

/* Reads a text of at most TPH_LIMIT_QUANTITY bytes. Error texts are Kubernetes' own. */
int tph_quantity_read(struct tph_str text, struct tph_quantity *ret_quantity, struct tph_error *err) TPH_MUST_CHECK;

int tph_quantity_sign(const struct tph_quantity *quantity); /* -1, 0, 1 */

/* The value in units of 10^scale (0: whole, -3: thousandths), rounded away from zero, capped to int64_t. */
int64_t tph_quantity_scaled(const struct tph_quantity *quantity, int scale);

/* The same with Go's overflow, which makes it 0 or wraps: what Argo and Kubernetes would have computed. */
int64_t tph_quantity_scaled_compat(const struct tph_quantity *quantity, int scale);

/* The canonical text, as Go prints and encodes it. */
void tph_quantity_write(const struct tph_quantity *quantity, struct tph_buf *buf);

const char *tph_quantity_format_name(enum tph_quantity_format format); /* "DecimalSI", ... */

/* Short form: value in whole units and in thousandths, rounded and capped as above. Both may be NULL. */
int tph_quantity_parse(struct tph_str text, int64_t *ret_value, int64_t *ret_milli, struct tph_error *err)
    TPH_MUST_CHECK;
