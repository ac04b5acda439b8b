/* SPDX-License-Identifier: Apache-2.0 */
/* Which workflows of a server: the options that list and delete share. */
#pragma once

#include "cli/remote.h"

struct tph_pick_options {
    bool all_namespaces, completed, running, resubmitted;
    const char *prefix, *labels, *fields;
    struct tph_texts status;    /* phases; each may be several with commas */
    int64_t older_ms, since_ms; /* 0: not asked for */
};

/* Rows of a table of options, for a member `pick`. */
#define TPH_PICK_OPTIONS(type)                                                                                       \
    {"all-namespaces", 'A', TPH_OPTION_FLAG, offsetof(type, pick.all_namespaces), NULL, NULL, "of all namespaces"},  \
        {"prefix", 0, TPH_OPTION_TEXT, offsetof(type, pick.prefix), "PREFIX", NULL, "whose names begin so"},         \
        {"selector", 'l', TPH_OPTION_TEXT, offsetof(type, pick.labels), "SELECTOR", NULL, "by labels: team=a,!old"}, \
        {"field-selector",                                                                                           \
         0,                                                                                                          \
         TPH_OPTION_TEXT,                                                                                            \
         offsetof(type, pick.fields),                                                                                \
         "SELECTOR",                                                                                                 \
         NULL,                                                                                                       \
         "by fields: metadata.name=a"},                                                                              \
        {"status",                                                                                                   \
         0,                                                                                                          \
         TPH_OPTION_LIST,                                                                                            \
         offsetof(type, pick.status),                                                                                \
         "PHASE",                                                                                                    \
         NULL,                                                                                                       \
         "of these phases: Failed,Error; Pending, Running, Succeeded"},                                              \
        {"completed", 0, TPH_OPTION_FLAG, offsetof(type, pick.completed), NULL, NULL, "that are over"},              \
        {"resubmitted",                                                                                              \
         0,                                                                                                          \
         TPH_OPTION_FLAG,                                                                                            \
         offsetof(type, pick.resubmitted),                                                                           \
         NULL,                                                                                                       \
         NULL,                                                                                                       \
         "that were made of others by resubmit"},                                                                    \
    {                                                                                                                \
        "older", 0, TPH_OPTION_DURATION, offsetof(type, pick.older_ms), "DURATION", NULL,                            \
            "that were over this long ago: 30m, 12h, 7d"                                                             \
    }

/* All that are asked for, with their nodes unpacked, as a List in answer->object. */
int tph_pick_workflows(struct tph_remote *remote, const struct tph_pick_options *options,
                       struct tph_remote_answer *ret_answer, struct tph_error *err) TPH_MUST_CHECK;
