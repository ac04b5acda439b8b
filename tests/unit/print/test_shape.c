/* SPDX-License-Identifier: Apache-2.0 */
/* Trees: branches, hidden nodes, and lists that lie. */
#include "print/shape.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/limits.h"

#define NONE TPH_SHAPE_NOWHERE

static void put(void *context, size_t node, struct tph_str prefix)
{
    struct tph_buf *out = context;
    (void)tph_buf_printf(out, "%.*s%zu\n", TPH_FMT(prefix), node);
}

static void draws(const char *expected, const struct tph_shape_node *nodes, size_t n, bool short_single)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf out = TPH_BUF_INIT(TPH_KIB(64));
    struct tph_shape_options options = {.row = put, .context = &out, .short_single = short_single};
    TPH_CLEANUP(tph_shape_freep) struct tph_shape *shape = tph_shape_new(nodes, n, &options);
    assert_int_equal(tph_shape_walk(shape, 0, NULL), 0);
    assert_string_equal(tph_buf_cstr(&out), expected);
}

#define DRAWS(nodes, expected) draws(expected, nodes, sizeof(nodes) / sizeof(nodes[0]), false)

static void members_of_groups_hang_on_branches(void **state)
{
    (void)state;
    static const size_t one[] = {2};
    static const size_t three[] = {4, 5, 6};
    const struct tph_shape_node nodes[] = {
        {.kind = TPH_SHAPE_BOUNDARY, .boundary = NONE},
        {.kind = TPH_SHAPE_GROUP, .boundary = 0, .children = one, .n_children = 1},
        {.kind = TPH_SHAPE_BOUNDARY, .boundary = 0},
        {.kind = TPH_SHAPE_GROUP, .boundary = 0, .children = three, .n_children = 3},
        {.kind = TPH_SHAPE_BOUNDARY, .boundary = 0},
        {.kind = TPH_SHAPE_LEAF, .boundary = 0},
        {.kind = TPH_SHAPE_LEAF, .boundary = 0},
        {.kind = TPH_SHAPE_LEAF, .boundary = 2}, /* inside of 2 */
        {.kind = TPH_SHAPE_LEAF, .boundary = 4}, /* inside of 4 */
        {.kind = TPH_SHAPE_LEAF, .boundary = 0}, /* a hook of 6: beside the groups */
    };
    DRAWS(nodes, " 0\n"
                 " |---2\n"
                 " |   `-7\n"
                 " |-+-4\n"
                 " | | `-8\n"
                 " | |-5\n"
                 " | `-6\n"
                 " `-9\n");
    draws(" 0\n"
          " |-2\n"
          " | `-7\n"
          " |-+-4\n"
          " | | `-8\n"
          " | |-5\n"
          " | `-6\n"
          " `-9\n",
          nodes, 10, true);
}

static void what_is_below_a_hidden_node_moves_up(void **state)
{
    (void)state;
    static const size_t attempt[] = {3};
    const struct tph_shape_node nodes[] = {
        {.kind = TPH_SHAPE_BOUNDARY, .boundary = NONE},
        {.kind = TPH_SHAPE_LEAF, .boundary = 0},
        {.kind = TPH_SHAPE_RETRY, .hidden = true, .boundary = 0, .children = attempt, .n_children = 1},
        {.kind = TPH_SHAPE_BOUNDARY, .boundary = 0},
        {.kind = TPH_SHAPE_LEAF, .boundary = 3},
        {.kind = TPH_SHAPE_LEAF, .hidden = true, .boundary = 0}, /* keeps its place: 3 is not the last */
        {.kind = TPH_SHAPE_NONE, .boundary = 0},                 /* has none */
    };
    DRAWS(nodes, " 0\n"
                 " |-1\n"
                 " |-3\n"
                 " | `-4\n");
}

static void lists_that_go_in_circles_end(void **state)
{
    (void)state;
    static const size_t self[] = {0, 1, 1, NONE, 99};
    static const size_t root[] = {0};
    const struct tph_shape_node nodes[] = {
        {.kind = TPH_SHAPE_RETRY, .boundary = 0, .children = self, .n_children = 5},
        {.kind = TPH_SHAPE_GROUP, .boundary = 1, .children = root, .n_children = 1},
    };
    DRAWS(nodes, " 0\n");
    const struct tph_shape_node twice[] = {
        {.kind = TPH_SHAPE_BOUNDARY, .boundary = 1},
        {.kind = TPH_SHAPE_BOUNDARY, .boundary = 0},
    };
    DRAWS(twice, " 0\n `-1\n");
}

static void a_root_that_is_none_draws_nothing(void **state)
{
    (void)state;
    const struct tph_shape_node nodes[] = {{.kind = TPH_SHAPE_NONE, .boundary = NONE}};
    DRAWS(nodes, "");
    draws("", NULL, 0, false);
}

static void a_tree_has_a_largest_depth(void **state)
{
    (void)state;
    size_t n = TPH_LIMIT_TREE_DEPTH + 1;
    TPH_CLEANUP(tph_freep) struct tph_shape_node *nodes = tph_calloc(n, sizeof(*nodes));
    TPH_CLEANUP(tph_buf_release) struct tph_buf out = TPH_BUF_INIT(TPH_MIB(64));
    struct tph_shape_options options = {.utf8 = true, .row = put, .context = &out};
    struct tph_error err = TPH_ERROR_INIT;
    for (size_t i = 0; i < n; i++) {
        nodes[i] = (struct tph_shape_node){.kind = TPH_SHAPE_BOUNDARY, .boundary = i > 0 ? i - 1 : NONE};
    }
    TPH_CLEANUP(tph_shape_freep) struct tph_shape *fits = tph_shape_new(nodes, n - 1, &options);
    assert_int_equal(tph_shape_walk(fits, 0, &err), 0);
    TPH_CLEANUP(tph_shape_freep) struct tph_shape *deep = tph_shape_new(nodes, n, &options);
    assert_int_equal(tph_shape_walk(deep, 0, &err), -1);
    assert_int_equal(err.kind, TPH_ERROR_LIMIT);
    assert_string_equal(err.text, "the tree of nodes is more than 1000 levels deep");
}

static int backwards(const void *context, size_t a, size_t b)
{
    (void)context;
    return a / 2 == b / 2 ? 0 : a > b ? -1 : 1;
}

static void siblings_are_sorted_and_equal_ones_stay(void **state)
{
    (void)state;
    TPH_CLEANUP(tph_buf_release) struct tph_buf out = TPH_BUF_INIT(TPH_KIB(4));
    const struct tph_shape_node nodes[] = {
        {.kind = TPH_SHAPE_BOUNDARY, .boundary = NONE}, {.kind = TPH_SHAPE_LEAF, .boundary = 0},
        {.kind = TPH_SHAPE_LEAF, .boundary = 0},        {.kind = TPH_SHAPE_LEAF, .boundary = 0},
        {.kind = TPH_SHAPE_LEAF, .boundary = 0},
    };
    struct tph_shape_options options = {.row = put, .context = &out, .compare = backwards};
    TPH_CLEANUP(tph_shape_freep) struct tph_shape *shape = tph_shape_new(nodes, 5, &options);
    assert_int_equal(tph_shape_walk(shape, 0, NULL), 0);
    assert_string_equal(tph_buf_cstr(&out), " 0\n |-4\n |-2\n |-3\n `-1\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(members_of_groups_hang_on_branches), cmocka_unit_test(what_is_below_a_hidden_node_moves_up),
        cmocka_unit_test(lists_that_go_in_circles_end),       cmocka_unit_test(a_root_that_is_none_draws_nothing),
        cmocka_unit_test(a_tree_has_a_largest_depth),         cmocka_unit_test(siblings_are_sorted_and_equal_ones_stay),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
