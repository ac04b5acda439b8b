/* SPDX-License-Identifier: Apache-2.0 */
/* The schemas of one document: of a type, and of what it refers to, each once under a name. */
#pragma once

#include "api/gotype.h"
#include "apiserver/schema.h"
#include "base/buf.h"

/* "io.k8s.api.core.v1.Pod", "io.argoproj.v1alpha1.Workflow". */
void tph_openapi_name(const struct tph_go_type *type, struct tph_buf *out);
/* The same of a kind; of its list with `list`. */
void tph_openapi_kind_name(const struct tph_kind *kind, bool list, struct tph_buf *out);

/* All schemas of the kinds of a group version, as the members of components.schemas. */
void tph_openapi_schemas(struct tph_str group, struct tph_str version, struct tph_buf *out);
