/* SPDX-License-Identifier: Apache-2.0 */
/* JSONPath, as the function `jsonpath` of Argo's expressions has it: $.a['b'][0], [*], ['a','b'], [0,2], [1:5:2], ..,
 * .length, filters [?(@.price < 10)] and scripts [(@.length-1)].
 *
 * A path to one place gives that value; one that can lead to several gives a list. In a list of several, places that
 * are missing or null are left out; alone they are an error, in the words of the library that Argo uses (evilmonkeyinc/
 * jsonpath). Numbers are doubles. Ceilings: TPH_LIMIT_JSONPATH (bytes of the path), _STEPS (values looked at), _VALUES
 * (values in the result). Pure. Source: reference data expr.jsonl.
 */
#pragma once

#include <stdbool.h>

#include "base/error.h"
#include "base/str.h"
#include "data/json.h"

struct tph_jsonpath_result {
    struct tph_json *value; /* in doc */
    bool is_count;          /* .length made it: an int64 for Go, where other numbers are float64 */
};

int tph_jsonpath_query(const struct tph_json *root, struct tph_str path, struct tph_json_doc *doc,
                       struct tph_jsonpath_result *ret, struct tph_error *err) TPH_MUST_CHECK;
