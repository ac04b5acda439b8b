/* SPDX-License-Identifier: Apache-2.0 */
/* Messages about bodies that are not what a route takes, as kube-apiserver words them (recorded: golden/http G-01,
 * G-02, G-05). Pure. Each sets err, kind INVALID, and returns -1.
 */
#pragma once

#include "base/error.h"
#include "base/str.h"

/* `the object provided is unrecognized (must be of type ConfigMap): WHY (BODY)`, with the body's beginning: as text
 * when it looks like JSON, else in hexadecimal digits. */
int tph_refuse_unrecognized(struct tph_str kind, struct tph_str body, const char *why, struct tph_error *err);

/* `Secret in version "v1" cannot be handled as a ConfigMap: WHY`. api_version: of the body; its version is told. */
int tph_refuse_object(struct tph_str body_api_version, struct tph_str body_kind, struct tph_str kind, const char *why,
                      struct tph_error *err);

/* The same with why: the body has another kind, or one in a version that is not known. */
int tph_refuse_kind(struct tph_str body_api_version, struct tph_str body_kind, struct tph_str api_version,
                    struct tph_str kind, struct tph_error *err);
