/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/certificate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "tls/tls.h"

enum { DAY_S = 86400 };

static const char *const names[] = {"localhost", "127.0.0.1", "::1", "host-1.example.org"};

struct scene {
    struct tph_certificate ca, own;
    int64_t now;
};

static int setup(void **state)
{
    struct scene *s = calloc(1, sizeof(*s));
    s->now = time(NULL);
    assert_int_equal(tph_certificate_make_ca("A test's", s->now, s->now + 10 * DAY_S, &s->ca, NULL), 0);
    assert_int_equal(tph_certificate_make_server(tph_str(s->ca.certificate), tph_str(s->ca.key), names, 4, s->now,
                                                 s->now + DAY_S, &s->own, NULL),
                     0);
    *state = s;
    return 0;
}

static int teardown(void **state)
{
    struct scene *s = *state;
    tph_certificate_release(&s->ca);
    tph_certificate_release(&s->own);
    tph_certificate_release(&s->own); /* once more is fine */
    free(s);
    return 0;
}

static struct tph_certificate_facts look(const struct scene *s, const char *key, const char *const *wanted, size_t n)
{
    struct tph_certificate_facts facts;
    struct tph_str ca = tph_str(s->ca.certificate), key_text = tph_str(key);
    assert_int_equal(tph_certificate_look(tph_str(s->own.certificate), &ca, &key_text, wanted, n, &facts, NULL), 0);
    return facts;
}

static void test_facts(void **state)
{
    const struct scene *s = *state;
    struct tph_certificate_facts facts = look(s, s->own.key, names, 4);
    assert_int_equal(facts.to_s, s->now + DAY_S);
    assert_true(facts.signed_by_ca && facts.has_key && facts.has_names);
    facts = look(s, s->ca.key, (const char *[]){"127.0.0.1", "10.0.0.1"}, 2);
    assert_true(facts.signed_by_ca);
    assert_false(facts.has_key);
    assert_false(facts.has_names);
    assert_false(look(s, "no key", (const char *[]){"elsewhere"}, 1).has_names);
    struct tph_str other = tph_str(s->own.certificate); /* is no CA that signed it */
    assert_int_equal(tph_certificate_look(other, &other, NULL, NULL, 0, &facts, NULL), 0);
    assert_false(facts.signed_by_ca);
}

static void test_texts_that_are_none(void **state)
{
    const struct scene *s = *state;
    struct tph_certificate out = TPH_CERTIFICATE_INIT;
    struct tph_certificate_facts facts;
    struct tph_error err = TPH_ERROR_INIT;
    struct tph_str ca = tph_str(s->ca.certificate), key = tph_str(s->ca.key);
    assert_int_equal(tph_certificate_look(TPH_STR("nonsense"), NULL, NULL, NULL, 0, &facts, &err), -1);
    assert_non_null(strstr(err.text, "this is no certificate"));
    assert_int_equal(tph_certificate_make_server(key, ca, names, 4, 0, 1, &out, &err), -1);
    assert_non_null(strstr(err.text, "the CA's certificate cannot be read"));
    assert_int_equal(tph_certificate_make_server(ca, ca, names, 4, 0, 1, &out, &err), -1);
    assert_non_null(strstr(err.text, "the CA's key cannot be read"));
    const char *bad[] = {"a,DNS:b"};
    assert_int_equal(tph_certificate_make_server(ca, key, bad, 1, 0, 1, &out, &err), -1);
    assert_string_equal(err.text, "\"a,DNS:b\" is neither an address nor the name of a host");
    assert_int_equal(tph_certificate_make_server(ca, key, bad, 0, 0, 1, &out, &err), -1);
}

static void test_tls_from_texts(void **state)
{
    const struct scene *s = *state;
    struct tph_tls *tls = NULL;
    struct tph_error err = TPH_ERROR_INIT;
    struct tph_str own = tph_str(s->own.certificate), key = tph_str(s->own.key);
    assert_int_equal(tph_tls_new(key, key, &tls, &err), -1);
    assert_non_null(strstr(err.text, "there is no certificate in it"));
    assert_int_equal(tph_tls_new(own, own, &tls, &err), -1);
    assert_non_null(strstr(err.text, "the private key cannot be read"));
    assert_int_equal(tph_tls_new(own, tph_str(s->ca.key), &tls, &err), -1);
    assert_non_null(strstr(err.text, "the private key is not that of the certificate"));
    assert_null(tls);
    assert_int_equal(tph_tls_new(own, key, &tls, &err), 0);
    assert_int_equal(tph_tls_renew(tls, key, key, &err), -1);
    assert_int_equal(tph_tls_renew(tls, own, key, &err), 0);
    assert_int_equal(tph_tls_counts(tls).handshakes, 0);
    tph_tls_free(tls);
    tph_tls_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_facts),
        cmocka_unit_test(test_texts_that_are_none),
        cmocka_unit_test(test_tls_from_texts),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
