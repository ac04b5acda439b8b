/* SPDX-License-Identifier: Apache-2.0 */
/* Digests by the examples of FIPS 180-4 and RFC 1950, and around the edges of blocks by Python's hashlib; base32 by the
 * examples of RFC 4648, and where Go says that a text goes wrong. */
#include "data/digest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "data/base32.h"

static void starts_with(const unsigned char *digest, size_t len, const char *hex)
{
    char text[2 * TPH_SHA512_BYTES + 1];
    for (size_t i = 0; i < len; i++) {
        (void)snprintf(text + 2 * i, 3, "%02x", digest[i]);
    }
    if (strncmp(text, hex, strlen(hex)) != 0) {
        fail_msg("%s is not %s", text, hex);
    }
}

static void expect(struct tph_str text, const char *sha1, const char *sha256, const char *sha512)
{
    unsigned char digest[TPH_SHA512_BYTES];
    tph_sha1(text, digest);
    starts_with(digest, TPH_SHA1_BYTES, sha1);
    tph_sha256(text, digest);
    starts_with(digest, TPH_SHA256_BYTES, sha256);
    tph_sha512(text, digest);
    starts_with(digest, TPH_SHA512_BYTES, sha512);
}

static void digests_are_those_of_the_standard(void **state)
{
    (void)state;
    expect(TPH_STR("abc"), "a9993e364706816aba3e25717850c26c9cd0d89d",
           "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
           "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
           "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f");
    expect(TPH_STR_NONE, "da39a3ee5e6b4b0d3255bfef95601890afd80709",
           "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
           "cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce"
           "47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327af927da3e");
    expect(TPH_STR("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
           "84983e441c3bd26ebaae4aa1f95129e5e54670f1",
           "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1", "204a8fc6dda82f0a");
    TPH_CLEANUP(tph_freep) char *million = tph_malloc(1000000);
    memset(million, 'a', 1000000);
    expect((struct tph_str){.p = million, .len = 1000000}, "34aa973cd4c4daa4f61eeb2bdbad27316534016f",
           "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0", "e718483d0ce76964");
}

static void the_last_block_may_have_any_length(void **state)
{
    (void)state;
    static const struct {
        size_t n;
        const char *sha1, *sha256, *sha512;
    } rows[] = {
        {55, "c1c8bbdc2279", "9f4390f8d30c", "b0220c772cbf"},  {56, "c2db330f6083", "b35439a4ac6f", "962b64aae357"},
        {63, "03f09f5b158a", "7d3e74a05d7d", "c1b0f5c6d3b0"},  {64, "0098ba824b5c", "ffe054fe7ae0", "01d35c10c6c3"},
        {111, "ac877859d427", "6374f7320885", "fa9121c7b32b"}, {112, "689993727ba3", "f54353008a25", "c01d080efd49"},
        {119, "ee971065aaa0", "31eba51c313a", "130396a75cb4"}, {120, "f34c14883853", "2f3d335432c7", "f241de612b01"},
        {127, "89d95fa32ed4", "c57e9278af78", "828613968b50"}, {128, "ad5b3fdbcb52", "6836cf13bac4", "b73d1929aa61"},
        {200, "e61cfffe0d91", "c2a908d98f5d", "4b11459c33f5"},
    };
    char text[200];
    memset(text, 'a', sizeof(text));
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        expect((struct tph_str){.p = text, .len = rows[i].n}, rows[i].sha1, rows[i].sha256, rows[i].sha512);
    }
}

static void adler32_sums_bytes(void **state)
{
    (void)state;
    assert_int_equal(tph_adler32(TPH_STR_NONE), 1);
    assert_int_equal(tph_adler32(TPH_STR("Wikipedia")), 0x11e60398);
    TPH_CLEANUP(tph_freep) char *text = tph_malloc(100000);
    memset(text, 'a', 100000);
    assert_int_equal(tph_adler32((struct tph_str){.p = text, .len = 100000}), 2036730701);
    memset(text, 0xff, 70000);
    assert_int_equal(tph_adler32((struct tph_str){.p = text, .len = 70000}), 707292801);
}

static void base32_is_that_of_the_rfc(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"", ""},
        {"f", "MY======"},
        {"fo", "MZXQ===="},
        {"foo", "MZXW6==="},
        {"foob", "MZXW6YQ="},
        {"fooba", "MZXW6YTB"},
        {"foobar", "MZXW6YTBOI======"},
        {"\xff\xff\xff\xff\xff", "77777777"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        TPH_CLEANUP(tph_buf_release) struct tph_buf out = TPH_BUF_INIT(100);
        TPH_CLEANUP(tph_buf_release) struct tph_buf back = TPH_BUF_INIT(100);
        tph_base32_encode(tph_str(rows[i][0]), &out);
        assert_string_equal(tph_buf_cstr(&out), rows[i][1]);
        assert_int_equal(tph_base32_decode(tph_buf_str(&out), &back, NULL), 0);
        assert_string_equal(tph_buf_cstr(&back), rows[i][0]);
    }
}

static void what_is_no_base32_is_told_with_its_place(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t at;
    } rows[] = {
        {"bad", 0}, {"M", 0}, {"MZXQ===", 7}, {"MZXQ==A=", 5}, {"MZX=====", 3}, {"M1======", 1}, {"MZ\nXQ=\n=A=", 5},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        TPH_CLEANUP(tph_buf_release) struct tph_buf out = TPH_BUF_INIT(100);
        size_t at = 99;
        assert_int_equal(tph_base32_decode(tph_str(rows[i].text), &out, &at), -1);
        if (at != rows[i].at) {
            fail_msg("%s: %zu, not %zu", rows[i].text, at, rows[i].at);
        }
    }
    TPH_CLEANUP(tph_buf_release) struct tph_buf out = TPH_BUF_INIT(100);
    assert_int_equal(tph_base32_decode(TPH_STR("MZ\r\nXW6\n==\n=\n"), &out, NULL), 0);
    assert_string_equal(tph_buf_cstr(&out), "foo");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(digests_are_those_of_the_standard),
        cmocka_unit_test(the_last_block_may_have_any_length),
        cmocka_unit_test(adler32_sums_bytes),
        cmocka_unit_test(base32_is_that_of_the_rfc),
        cmocka_unit_test(what_is_no_base32_is_told_with_its_place),
    };
    return cmocka_run_group_tests_name("data/digest", tests, NULL, NULL);
}
