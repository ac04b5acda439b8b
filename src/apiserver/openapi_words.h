/* SPDX-License-Identifier: Apache-2.0 */
/* What kubectl explain tells of types and their members, in our own words: those that people write and read most. */
#pragma once

/* Of a type ("v1alpha1.Workflow"), or of a member of it; NULL: nothing is said. member NULL: the type itself. */
const char *tph_openapi_words(const char *type, const char *member);
