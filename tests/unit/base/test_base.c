/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/alloc.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/fd.h"
#include "base/hash.h"
#include "base/health.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/map.h"
#include "base/random.h"
#include "base/utf8.h"

static void append_keeps_what_fits_and_refuses_the_rest(void **state)
{
    (void)state;
    TPH_CLEANUP(tph_buf_release) struct tph_buf buf = TPH_BUF_INIT(5);
    assert_int_equal(tph_buf_append(&buf, "argo", 4), 0);
    assert_int_equal(tph_buf_append(&buf, "naut", 4), -1);
    assert_int_equal(tph_buf_append(&buf, "s", 1), -1); /* would fit, but the text would lie */
    assert_true(tph_buf_failed(&buf));
    assert_string_equal(buf.bytes, "argo");
}

static void take_of_an_empty_buffer_is_an_empty_string(void **state)
{
    (void)state;
    struct tph_buf buf = TPH_BUF_INIT(16);
    size_t len = 99;
    TPH_CLEANUP(tph_freep) char *text = tph_buf_take(&buf, &len);
    assert_string_equal(text, "");
    assert_int_equal(len, 0);
}

static void a_long_format_is_written_whole(void **state)
{
    (void)state;
    TPH_CLEANUP(tph_buf_release) struct tph_buf buf = TPH_BUF_INIT(4096);
    char long_text[1000];
    memset(long_text, 'x', sizeof(long_text) - 1);
    long_text[sizeof(long_text) - 1] = '\0';
    assert_int_equal(tph_buf_printf(&buf, "[%s]", long_text), 0);
    assert_int_equal(buf.len, 1001);
    assert_int_equal(buf.bytes[1000], ']');
}

static void numbers_are_appended_in_decimal(void **state)
{
    (void)state;
    TPH_CLEANUP(tph_buf_release) struct tph_buf buf = TPH_BUF_INIT(30);
    assert_int_equal(tph_buf_putu(&buf, 0), 0);
    assert_int_equal(tph_buf_putu(&buf, 10), 0);
    assert_int_equal(tph_buf_putu(&buf, UINT64_MAX), 0);
    assert_string_equal(tph_buf_cstr(&buf), "01018446744073709551615");
    assert_int_equal(tph_buf_putu(&buf, 12345678), -1); /* one digit more than there is room for */
}

static void consume_takes_from_the_front(void **state)
{
    (void)state;
    TPH_CLEANUP(tph_buf_release) struct tph_buf buf = TPH_BUF_INIT(64);
    (void)tph_buf_puts(&buf, "abcdef");
    tph_buf_consume(&buf, 2);
    assert_string_equal(tph_buf_cstr(&buf), "cdef");
    tph_buf_consume(&buf, 99);
    assert_string_equal(tph_buf_cstr(&buf), "");
}

static void cut_gives_every_part_and_the_empty_one_at_the_end(void **state)
{
    (void)state;
    struct tph_str rest = TPH_STR("a,,b,");
    struct tph_str part;
    char joined[32] = "";
    while (tph_str_cut(&rest, ',', &part)) {
        size_t len = strlen(joined);
        (void)snprintf(joined + len, sizeof(joined) - len, "<%.*s>", TPH_FMT(part));
    }
    assert_string_equal(joined, "<a><><b><>");
}

static void integers_are_read_whole_or_not_at_all(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int result;
        int64_t value;
    } cases[] = {
        {"0", 0, 0},
        {"-1", 0, -1},
        {"9223372036854775807", 0, INT64_MAX},
        {"-9223372036854775808", 0, INT64_MIN},
        {"", -1, 0},
        {"-", -1, 0},
        {"9223372036854775808", -1, 0},
        {"-9223372036854775809", -1, 0},
        {"1 ", -1, 0},
        {"0x1", -1, 0},
        {"+1", -1, 0},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int64_t value = 77;
        assert_int_equal(tph_str_to_i64(tph_str(cases[i].text), &value), cases[i].result);
        assert_int_equal(value, cases[i].result == 0 ? cases[i].value : 77);
    }
}

static void the_nearest_name_is_offered_only_when_it_is_near(void **state)
{
    (void)state;
    static const char *const names[] = {"name", "namespace", "run", "version"};
    assert_string_equal(tph_str_nearest(TPH_STR("nmae"), names, 4), "name");
    assert_string_equal(tph_str_nearest(TPH_STR("rum"), names, 4), "run");
    assert_string_equal(tph_str_nearest(TPH_STR("versoin"), names, 4), "version");
    assert_null(tph_str_nearest(TPH_STR("completely-else"), names, 4));
    static const char *const short_names[] = {"b", ""};
    assert_null(tph_str_nearest(TPH_STR("n"), short_names, 2));
    assert_string_equal(tph_str_nearest(TPH_STR("bb"), short_names, 2), "b");
}

static void a_map_finds_all_and_keeps_their_order(void **state)
{
    (void)state;
    enum { N = 5000 };
    struct tph_map map = TPH_MAP_INIT;
    TPH_CLEANUP(tph_arena_freep) struct tph_arena *arena = tph_arena_new();
    for (uintptr_t i = 1; i <= N; i++) {
        struct tph_str key = tph_str(tph_arena_format(arena, "key-%d", (int)i));
        assert_null(tph_map_set(&map, key, (void *)i));
    }
    for (uintptr_t i = 2; i <= N; i += 2) {
        assert_ptr_equal(tph_map_remove(&map, tph_str(tph_arena_format(arena, "key-%d", (int)i))), (void *)i);
    }
    assert_int_equal(tph_map_len(&map), N / 2);
    assert_null(tph_map_get(&map, TPH_STR("key-2")));
    assert_null(tph_map_set(&map, TPH_STR("key-2"), (void *)(uintptr_t)2));
    size_t at = 0;
    uintptr_t expected = 1;
    struct tph_str key;
    void *value = NULL;
    while (tph_map_next(&map, &at, &key, &value) && expected < N) {
        assert_ptr_equal(value, (void *)expected);
        expected += 2;
    }
    assert_ptr_equal(tph_map_get(&map, TPH_STR("key-2")), (void *)(uintptr_t)2);
    tph_map_release(&map);
}

static void arena_memory_is_zeroed_and_aligned(void **state)
{
    (void)state;
    TPH_CLEANUP(tph_arena_freep) struct tph_arena *arena = tph_arena_new();
    for (size_t size = 1; size < 100000; size = size * 3 + 1) {
        unsigned char *memory = tph_arena_alloc(arena, size);
        assert_int_equal((uintptr_t)memory % _Alignof(max_align_t), 0);
        for (size_t i = 0; i < size; i++) {
            assert_int_equal(memory[i], 0);
        }
        memset(memory, 0xff, size);
    }
}

static void error_text_is_cut_at_a_character(void **state)
{
    (void)state;
    struct tph_error err = TPH_ERROR_INIT;
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(8192);
    for (int i = 0; i < 2000; i++) {
        (void)tph_buf_puts(&text, "\xc3\xa9");
    }
    assert_int_equal(tph_error_set(&err, TPH_ERROR_INVALID, "x%s", tph_buf_cstr(&text)), -1);
    assert_true(strlen(err.text) >= sizeof(err.text) - 3);
    assert_true(tph_utf8_valid(tph_str(err.text)));
}

static void context_and_hint_stand_around_the_text(void **state)
{
    (void)state;
    struct tph_error err = TPH_ERROR_INIT;
    (void)tph_error_set(&err, TPH_ERROR_INVALID, "no %s", "ports");
    (void)tph_error_wrap(&err, "plugin.yaml");
    (void)tph_error_hint(&err, "add some");
    assert_string_equal(err.text, "plugin.yaml: no ports\n  add some");
    assert_int_equal(err.kind, TPH_ERROR_INVALID);
}

static void bad_utf8_becomes_replacement_characters_one_a_byte(void **state)
{
    (void)state;
    TPH_CLEANUP(tph_buf_release) struct tph_buf out = TPH_BUF_INIT(256);
    assert_int_equal(tph_utf8_repair(&out, TPH_STR("a\xff\xc0\x80\xed\xa0\x80z")), 0);
    assert_string_equal(out.bytes, "a\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbdz");
}

static void control_characters_are_escaped_for_terminals(void **state)
{
    (void)state;
    TPH_CLEANUP(tph_buf_release) struct tph_buf out = TPH_BUF_INIT(256);
    assert_int_equal(tph_utf8_printable(&out, TPH_STR("a\033[31mb\nc\t"), 0), 0);
    assert_string_equal(out.bytes, "a\\x1b[31mb\\nc\\t");
}

static void node_ids_are_fnv1a(void **state)
{
    (void)state;
    assert_int_equal(tph_fnv1a32(TPH_STR("many-items-z26lj[0].sleep(9:nine)")), 2619926859U);
    assert_int_equal(tph_fnv1a32(TPH_STR("agent")), 1340600742U);
}

static void tokens_have_the_alphabet_and_length(void **state)
{
    (void)state;
    char a[TPH_LIMIT_TOKEN_LEN + 1];
    char b[TPH_LIMIT_TOKEN_LEN + 1];
    tph_random_text(a, TPH_LIMIT_TOKEN_LEN);
    tph_random_text(b, TPH_LIMIT_TOKEN_LEN);
    assert_int_equal(strspn(a, "bcdfghjklmnpqrstvwxz2456789"), TPH_LIMIT_TOKEN_LEN);
    assert_string_not_equal(a, b);
}

static void the_same_state_gives_the_same_numbers(void **state)
{
    (void)state;
    uint64_t a = 1;
    uint64_t b = 1;
    uint64_t first = tph_random_next(&a);
    assert_true(first == tph_random_next(&b) && a == b);
    assert_true(tph_random_next(&a) != first);
    a = 0;
    assert_true(tph_random_next(&a) == 0xe220a8397b1dcdafU); /* splitmix64's first from 0 */
}

static void a_file_larger_than_its_ceiling_is_refused_by_name(void **state)
{
    (void)state;
    char path[] = "/tmp/tiphys-test-XXXXXX";
    TPH_CLEANUP(tph_fd_close) int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(tph_fd_write_all(fd, TPH_STR("12345678")), 0);
    struct tph_error err = TPH_ERROR_INIT;
    TPH_CLEANUP(tph_buf_release) struct tph_buf exact = TPH_BUF_INIT(8);
    TPH_CLEANUP(tph_buf_release) struct tph_buf small = TPH_BUF_INIT(7);
    assert_int_equal(tph_fd_read_file(path, &exact, &err), 0);
    assert_int_equal(tph_fd_read_file(path, &small, &err), -1);
    assert_int_equal(err.kind, TPH_ERROR_LIMIT);
    assert_non_null(strstr(err.text, path));
    (void)unlink(path);
}

static char logged[1024];

static void keep_line(void *owner, const char *line, size_t len)
{
    (void)owner;
    (void)snprintf(logged, sizeof(logged), "%.*s", (int)len, line);
}

static void log_lines_are_logfmt_or_json_with_everything_escaped(void **state)
{
    (void)state;
    tph_log_set_sink(keep_line, NULL);
    tph_log(TPH_LOG_INFO, "Executor plugin added", "name", "hello-executor-plugin", "odd", "a \"b\"\n", "none", NULL,
            NULL);
    assert_string_equal(logged,
                        "level=info msg=\"Executor plugin added\" name=hello-executor-plugin odd=\"a \\\"b\\\"\\n\"\n");
    tph_log_init(&(struct tph_log_config){.level = TPH_LOG_WARN, .format = TPH_LOG_JSON, .fd = 2});
    logged[0] = '\0';
    tph_log(TPH_LOG_INFO, "unheard", NULL);
    assert_string_equal(logged, "");
    tph_log(TPH_LOG_ERROR, "bad", "k", "\001", NULL);
    assert_string_equal(logged, "{\"level\":\"error\",\"msg\":\"bad\",\"k\":\"\\u0001\"}\n");
    tph_log_set_sink(NULL, NULL);
}

static void note_health(void *owner, const char *name, const char *why)
{
    struct tph_buf *told = owner;
    (void)tph_buf_printf(told, "%s: %s\n", name, why ? why : "well");
}

static void health_tells_what_is_not_well_and_what_changed(void **state)
{
    (void)state;
    TPH_CLEANUP(tph_health_freep) struct tph_health *health = tph_health_new();
    TPH_CLEANUP(tph_buf_release) struct tph_buf told = TPH_BUF_INIT(TPH_KIB(4));
    const char *name = NULL, *why = NULL;
    size_t at = 0;
    tph_health_on_change(health, note_health, &told);
    tph_health_set(health, "a", NULL);
    tph_health_set(health, "b", NULL);
    assert_null(tph_health_problem(health));
    tph_health_set(health, "b", "broken\n  mend it");
    tph_health_set(health, "a", "gone");
    tph_health_set(health, "a", "gone");
    assert_string_equal(tph_health_problem(health), "broken"); /* which was first */
    assert_true(tph_health_next(health, &at, &name, &why));
    assert_string_equal(name, "a");
    assert_string_equal(why, "gone");
    assert_true(tph_health_next(health, &at, &name, &why));
    assert_false(tph_health_next(health, &at, &name, &why));
    tph_health_set(health, "b", NULL);
    assert_string_equal(tph_health_problem(health), "gone");
    tph_health_set(health, "a", NULL);
    assert_null(tph_health_problem(health));
    assert_string_equal(tph_buf_cstr(&told), "b: broken\na: gone\nb: well\na: well\n");
    tph_health_set(NULL, "a", "gone");
    assert_null(tph_health_problem(NULL));
}

static void health_has_a_ceiling(void **state)
{
    (void)state;
    static const char names[] = "abcdefghijklmnopqrstuvwxyz";
    TPH_CLEANUP(tph_health_freep) struct tph_health *health = tph_health_new();
    const char *name, *why;
    size_t n = 0;
    assert_true(TPH_LIMIT_HEALTH_CHECKS < sizeof(names) - 1);
    for (size_t i = sizeof(names) - 1; i-- > 0;) {
        tph_health_set(health, names + i, NULL);
    }
    for (size_t at = 0; tph_health_next(health, &at, &name, &why);) {
        n++;
    }
    assert_int_equal(n, TPH_LIMIT_HEALTH_CHECKS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(append_keeps_what_fits_and_refuses_the_rest),
        cmocka_unit_test(take_of_an_empty_buffer_is_an_empty_string),
        cmocka_unit_test(a_long_format_is_written_whole),
        cmocka_unit_test(numbers_are_appended_in_decimal),
        cmocka_unit_test(consume_takes_from_the_front),
        cmocka_unit_test(cut_gives_every_part_and_the_empty_one_at_the_end),
        cmocka_unit_test(integers_are_read_whole_or_not_at_all),
        cmocka_unit_test(the_nearest_name_is_offered_only_when_it_is_near),
        cmocka_unit_test(a_map_finds_all_and_keeps_their_order),
        cmocka_unit_test(arena_memory_is_zeroed_and_aligned),
        cmocka_unit_test(error_text_is_cut_at_a_character),
        cmocka_unit_test(context_and_hint_stand_around_the_text),
        cmocka_unit_test(bad_utf8_becomes_replacement_characters_one_a_byte),
        cmocka_unit_test(control_characters_are_escaped_for_terminals),
        cmocka_unit_test(node_ids_are_fnv1a),
        cmocka_unit_test(tokens_have_the_alphabet_and_length),
        cmocka_unit_test(the_same_state_gives_the_same_numbers),
        cmocka_unit_test(a_file_larger_than_its_ceiling_is_refused_by_name),
        cmocka_unit_test(health_tells_what_is_not_well_and_what_changed),
        cmocka_unit_test(health_has_a_ceiling),
        cmocka_unit_test(log_lines_are_logfmt_or_json_with_everything_escaped),
    };
    return cmocka_run_group_tests_name("base", tests, NULL, NULL);
}
