/* SPDX-License-Identifier: Apache-2.0 */
/* Names of nodes and pods, and nodes as field selectors see them. */
#include "api/names.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "api/node_fields.h"
#include "base/limits.h"

/* The pairs that Argo's documentation of node IDs was checked with (reference 1.7). */
static void ids_have_the_hash_of_the_name(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"many-items-z26lj", "many-items-z26lj"},
        {"many-items-z26lj[0]", "many-items-z26lj-1414877240"},
        {"many-items-z26lj[0].sleep(9:nine)", "many-items-z26lj-2619926859"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        TPH_CLEANUP(tph_buf_release) struct tph_buf out = TPH_BUF_INIT(TPH_KIB(4));
        tph_names_node_id(tph_str(rows[0][0]), tph_str(rows[i][0]), &out);
        assert_string_equal(tph_buf_cstr(&out), rows[i][1]);
    }
}

static void nodes_are_selected_by_their_fields(void **state)
{
    (void)state;
    static const char node[] =
        "{\"id\":\"w-1\",\"name\":\"w[0].ap\",\"displayName\":\"ap\",\"type\":\"Suspend\",\"phase\":\"Running\","
        "\"templateName\":\"approve\",\"templateRef\":{\"name\":\"lib\",\"template\":\"t\"},"
        "\"inputs\":{\"parameters\":[{\"name\":\"n\"},{\"name\":\"who\",\"value\":\"me\"},{\"name\":\"x\",\"value\":7}]"
        "}}";
    static const struct {
        const char *selector;
        bool matches;
    } rows[] = {
        {"", true},
        {"id=w-1,name=w[0].ap,displayName=ap", true},
        {"phase=Running,templateName=approve", true},
        {"phase!=Running", false},
        {"templateRef.name=lib,templateRef.template=t", true},
        {"templateRef.template=lib", false},
        {"inputs.parameters.who.value=me", true},
        {"inputs.parameters.who.value=you", false},
        {"inputs.parameters.zz.value=me", false},
        {"inputs.parameters.n.value=", true},
        {"inputs.parameters.x.value=7", true},
        {"inputs.parameters.value=me", false},
        {"bogus=1", false},
        {"type=Suspend", false}, /* not one of Argo's fields */
    };
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = NULL;
    assert_int_equal(tph_json_parse(tph_str(node), &doc, NULL), 0);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        TPH_CLEANUP(tph_fieldsel_release) struct tph_fieldsel selector = TPH_FIELDSEL_INIT;
        assert_int_equal(tph_fieldsel_parse(tph_str(rows[i].selector), &selector, NULL), 0);
        assert_int_equal(tph_node_matches(&selector, tph_json_root(doc)), rows[i].matches);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ids_have_the_hash_of_the_name),
        cmocka_unit_test(nodes_are_selected_by_their_fields),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
