/* SPDX-License-Identifier: Apache-2.0 */
/* Any JSON is printed as a workflow, and as two in a list: twice the same, in whole lines. */
#include "base/buf.h"
#include "base/limits.h"
#include "fuzz.h"
#include "print/get.h"
#include "print/list.h"

static void get(const struct tph_json *workflow, const struct tph_get_options *options)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf out = TPH_BUF_INIT(TPH_MIB(4));
    TPH_CLEANUP(tph_buf_release) struct tph_buf again = TPH_BUF_INIT(TPH_MIB(4));
    struct tph_error err = TPH_ERROR_INIT;
    if (tph_get_write(workflow, options, &out, &err) < 0) {
        FUZZ_HOLDS(err.text[0]);
        return;
    }
    FUZZ_HOLDS(tph_get_write(workflow, options, &again, &err) == 0);
    FUZZ_HOLDS(tph_str_eq(tph_buf_str(&out), tph_buf_str(&again)));
    FUZZ_HOLDS(out.len > 0 && out.bytes[out.len - 1] == '\n');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = NULL;
    if (tph_json_parse(fuzz_text(data, size), &doc, NULL) < 0) {
        return 0;
    }
    TPH_CLEANUP(tph_fieldsel_release) struct tph_fieldsel selector = TPH_FIELDSEL_INIT;
    FUZZ_HOLDS(tph_fieldsel_parse(TPH_STR("inputs.parameters.a.value!=b,phase!=Failed"), &selector, NULL) == 0);
    const struct tph_json *workflows[] = {tph_json_root(doc), tph_json_root(doc)};
    struct tph_get_options options = {.style = {.color = true, .utf8 = true}};
    for (int form = 0; form < TPH_GET_FORM_COUNT; form++) {
        options.form = (enum tph_get_form)form;
        get(workflows[0], &options);
    }
    options = (struct tph_get_options){.status = TPH_STR("Running"), .nodes = &selector};
    get(workflows[0], &options);
    TPH_CLEANUP(tph_buf_release) struct tph_buf out = TPH_BUF_INIT(TPH_MIB(16));
    struct tph_list_options list = {.form = TPH_LIST_FORM_WIDE, .namespaces = true, .uids = true};
    struct tph_error err = TPH_ERROR_INIT;
    FUZZ_HOLDS(tph_list_write(workflows, 2, &list, &out, &err) == 0 || err.text[0]);
    return 0;
}
