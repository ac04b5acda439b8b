/* SPDX-License-Identifier: Apache-2.0 */
/* What may be a label's key and value, and other names that Kubernetes has rules for.
 *
 * Each check appends what is wrong to `faults`, in Kubernetes' words (k8s.io/apimachinery util/validation), several
 * faults joined by "; ". Nothing is appended when all is well. Pure.
 */
#pragma once

#include "base/buf.h"
#include "base/str.h"

/* "name" or "prefix/name": 63 bytes of name, a DNS subdomain as prefix. */
void tph_label_check_key(struct tph_str key, struct tph_buf *faults);

/* Empty, or at most 63 bytes of [-A-Za-z0-9_.] that begin and end with a letter or digit. */
void tph_label_check_value(struct tph_str value, struct tph_buf *faults);

/* A DNS subdomain (RFC 1123): lower-case labels with dots between, at most 253 bytes. Each fault begins with
 * `before`, which may be empty. */
void tph_label_check_subdomain(struct tph_str name, const char *before, struct tph_buf *faults);
