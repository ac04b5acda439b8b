/* SPDX-License-Identifier: Apache-2.0 */
/* What a loop's members gave, as lists: outputs.result, outputs.parameters and outputs.parameters.NAME of the loop.
 *
 * outputs has one entry a member that counts (Succeeded, no hook, no attempt of a retry), in the order of the items;
 * an entry may be NULL. Texts are appended to out, whose ceiling bounds them. Pure; linear, but for the members' names.
 * Source: argo 2.7; reference data aggregate.jsonl.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/str.h"
#include "data/json.h"

enum {
    /* As Argo: a result that is no JSON is an error, not a text; numbers inside lists and maps pass through a double.
     */
    TPH_AGGREGATE_ARGO = 1,
};

/* [1,"two",{"a":3}]: each result as the JSON it is. -1: one is none, with the reader's words appended to problem. */
int tph_aggregate_results(const struct tph_json *const *outputs, size_t n, unsigned flags, struct tph_buf *out,
                          struct tph_buf *problem) TPH_MUST_CHECK;

/* [{"a":"1","b":"x"},{"a":"2"}]: the members that have parameters. */
void tph_aggregate_parameters(const struct tph_json *const *outputs, size_t n, struct tph_buf *out);

/* ["1","2"]: one parameter of all who gave it; lists and maps as such if all of them are. False: nobody gave it. */
bool tph_aggregate_parameter(const struct tph_json *const *outputs, size_t n, struct tph_str name, unsigned flags,
                             struct tph_buf *out);
