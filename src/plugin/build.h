/* SPDX-License-Identifier: Apache-2.0 */
/* `executor-plugin build DIR`: plugin.yaml and at most one server.* become a ConfigMap manifest and a README.md, byte
 * for byte as Argo's CLI writes them. Recorded: tests/data/golden/plugin_build. */
#pragma once

#include <stdbool.h>

#include "base/buf.h"
#include "base/error.h"
#include "data/json.h"

enum {
    TPH_BUILD_OVERWRITE_README = 1, /* also one that was not generated: what Argo does */
};

struct tph_build_report {
    struct tph_buf lines;    /* what Argo prints: "README.md created" */
    struct tph_buf warnings; /* "warning: ..." lines: where what Argo accepts does harm */
};

#define TPH_BUILD_REPORT_INIT ((struct tph_build_report){.lines = TPH_BUF_INIT(65536), .warnings = TPH_BUF_INIT(65536)})
void tph_build_report_release(struct tph_build_report *report);

/* The ConfigMap alone, as the root of a document of the caller's; nothing is written. Errors as below. */
int tph_plugin_manifest(const char *directory, struct tph_build_report *report, struct tph_json_doc **ret_doc,
                        struct tph_error *err) TPH_MUST_CHECK;

/* Writes both files into directory. The error's text is Argo's. */
int tph_plugin_build(const char *directory, unsigned flags, struct tph_build_report *report, struct tph_error *err)
    TPH_MUST_CHECK;
