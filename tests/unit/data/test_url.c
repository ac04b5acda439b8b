/* SPDX-License-Identifier: Apache-2.0 */
/* URLs: what Go 1.26 makes of them (net/url, recorded). */
#include "data/url.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"

static void put(struct tph_buf *out, struct tph_str text)
{
    (void)tph_buf_put(out, text);
    (void)tph_buf_putc(out, '|');
}

/* scheme|opaque|host|hostname|path|query|fragment|user, and the URL written again. */
static void parts_are_gos(void **state)
{
    (void)state;
    static const char *const rows[][3] = {
        {"http://user:p%40w@Host:8080/a%2fb?x=1#f%20g", "http||Host:8080|Host|/a/b|x=1|f g|user:p%40w",
         "http://user:p%40w@Host:8080/a/b?x=1#f%20g"},
        {"mailto:a@b", "mailto|a@b||||||", "mailto:a@b"},
        {"/only/path", "||||/only/path|||", "/only/path"},
        {"//host/p", "||host|host|/p|||", "//host/p"},
        {"http://[fe80::1%25en0]:80/", "http||[fe80::1%en0]:80|fe80::1%en0|/|||", "http://[fe80::1%25en0]:80/"},
        {"HTTP://h", "http||h|h||||", "http://h"},
        {"postgres://a:1,b:2/x", "postgres||a:1,b:2|a:1,b|/x|||", "postgres://a:1,b:2/x"},
        {"http://u:@h", "http||h|h||||u:", "http://u:@h"},
        {"http://@h", "http||h|h||||", "http://@h"},
        {"*", "||||*|||", "*"},
        {"", "|||||||", ""},
        {"http://h?", "http||h|h||||", "http://h"},
        {"a/b:c", "||||a/b:c|||", "a/b:c"},
        {"http://h/é?é#é", "http||h|h|/é|é|é|", "http://h/%C3%A9?é#%C3%A9"},
        {"http://[1:2:3:4:5:6:7::]", "http||[1:2:3:4:5:6:7::]|1:2:3:4:5:6:7::||||", "http://[1:2:3:4:5:6:7::]"},
        {"a:b", "a|b||||||", "a:b"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        TPH_CLEANUP(tph_buf_release) struct tph_buf problem = TPH_BUF_INIT(1000);
        TPH_CLEANUP(tph_buf_release) struct tph_buf parts = TPH_BUF_INIT(1000);
        TPH_CLEANUP(tph_buf_release) struct tph_buf written = TPH_BUF_INIT(1000);
        TPH_CLEANUP(tph_freep) char *room = tph_malloc(strlen(rows[i][0]) + 1);
        struct tph_url url;
        assert_int_equal(tph_url_parse(tph_str(rows[i][0]), room, &url, &problem), 0);
        put(&parts, url.scheme);
        put(&parts, url.opaque);
        put(&parts, url.host);
        put(&parts, tph_url_hostname(&url));
        put(&parts, url.path);
        put(&parts, url.query);
        put(&parts, url.fragment);
        tph_url_write_user(&url, &parts);
        assert_string_equal(tph_buf_cstr(&parts), rows[i][1]);
        tph_url_write(&url, &written);
        assert_string_equal(tph_buf_cstr(&written), rows[i][2]);
    }
}

static void faults_are_told_in_gos_words(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"http://h\x7f", "parse \"http://h\\x7f\": net/url: invalid control character in URL"},
        {"http://h/%zz", "parse \"http://h/%zz\": invalid URL escape \"%zz\""},
        {"http://a b", "parse \"http://a b\": invalid character \" \" in host name"},
        {"http://h:x", "parse \"http://h:x\": invalid port \":x\" after host"},
        {"http://h:1:2", "parse \"http://h:1:2\": invalid port \":1:2\" after host"},
        {"http://x[::1]", "parse \"http://x[::1]\": invalid IP-literal"},
        {"http://[::1", "parse \"http://[::1\": missing ']' in host"},
        {"http://[1.2.3.4]", "parse \"http://[1.2.3.4]\": invalid IP-literal"},
        {"http://[::1]x", "parse \"http://[::1]x\": invalid port \"x\" after host"},
        {"http://[::g]", "parse \"http://[::g]\": invalid host: ParseAddr(\"::g\"): each colon-separated field must "
                         "have at least one digit (at \"g\")"},
        {"http://[1:2:3]", "parse \"http://[1:2:3]\": invalid host: ParseAddr(\"1:2:3\"): address string too short"},
        {"http://[::1%25]",
         "parse \"http://[::1%25]\": invalid host: ParseAddr(\"::1%\"): zone must be a non-empty string"},
        {"http://[1:2:3:4:5:6:7:8:9]", "parse \"http://[1:2:3:4:5:6:7:8:9]\": invalid host: "
                                       "ParseAddr(\"1:2:3:4:5:6:7:8:9\"): trailing garbage after address (at \"9\")"},
        {"http://[::ffff:1.2.3.256]", "parse \"http://[::ffff:1.2.3.256]\": invalid host: "
                                      "ParseAddr(\"::ffff:1.2.3.256\"): IPv4 field has value >255"},
        {"http://[1::2::3]",
         "parse \"http://[1::2::3]\": invalid host: ParseAddr(\"1::2::3\"): multiple :: in address (at \":3\")"},
        {"http://[12345::]", "parse \"http://[12345::]\": invalid host: ParseAddr(\"12345::\"): each group must have 4 "
                             "or less digits (at \"12345::\")"},
        {"http://[x]", "parse \"http://[x]\": invalid host: ParseAddr(\"x\"): unable to parse IP"},
        {"http://h%41", "parse \"http://h%41\": invalid URL escape \"%41\""},
        {"http://u^@h", "parse \"http://u^@h\": net/url: invalid userinfo"},
        {":x", "parse \":x\": missing protocol scheme"},
        {"1:b", "parse \"1:b\": first path segment in URL cannot contain colon"},
        {"http://h#%z", "parse \"http://h#%z\": invalid URL escape \"%z\""},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        TPH_CLEANUP(tph_buf_release) struct tph_buf problem = TPH_BUF_INIT(1000);
        TPH_CLEANUP(tph_freep) char *room = tph_malloc(strlen(rows[i][0]) + 1);
        struct tph_url url;
        assert_int_equal(tph_url_parse(tph_str(rows[i][0]), room, &url, &problem), -1);
        assert_string_equal(tph_buf_cstr(&problem), rows[i][1]);
    }
}

/* Parts that did not come from a text. */
static void what_is_put_together_can_be_read_again(void **state)
{
    (void)state;
    const struct {
        struct tph_url url;
        const char *text;
    } rows[] = {
        {{.host = TPH_STR("h"), .path = TPH_STR("p")}, "//h/p"},
        {{.path = TPH_STR("a:b")}, "./a:b"},
        {{.path = TPH_STR("a b?c#d")}, "a%20b%3Fc%23d"},
        {{.scheme = TPH_STR("x"), .path = TPH_STR("/p")}, "x:///p"},
        {{.scheme = TPH_STR("x"), .opaque = TPH_STR("o p"), .host = TPH_STR("h")}, "x:o p"},
        {{.has_user = true, .user = TPH_STR("u:/"), .host = TPH_STR("h")}, "//u%3A%2F@h"},
        {{.query = TPH_STR("a=b")}, "?a=b"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        TPH_CLEANUP(tph_buf_release) struct tph_buf written = TPH_BUF_INIT(1000);
        tph_url_write(&rows[i].url, &written);
        assert_string_equal(tph_buf_cstr(&written), rows[i].text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_are_gos),
        cmocka_unit_test(faults_are_told_in_gos_words),
        cmocka_unit_test(what_is_put_together_can_be_read_again),
    };
    return cmocka_run_group_tests_name("data/url", tests, NULL, NULL);
}
