/* SPDX-License-Identifier: Apache-2.0 */
/* What `argo` prints after an error on its command line, line by line as v4.1.2 does: the usage of a verb, then the
 * flags that all verbs have. Printed only under that name; the flags that mean nothing here are not taken all the same.
 */
#pragma once

extern const char tph_argo_usage_lint[];
extern const char tph_argo_usage_global[];
