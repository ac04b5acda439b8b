/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fd.h"
#include "podrt/broker.h"
#include "podrt/image.h"
#include "podrt/machine.h"
#include "podrt/sandbox.h"

/* A program that says something and does `more`. */
static char *version_of(const char *says, const char *more)
{
    char path[] = "/tmp/tiphys-version-XXXXXX";
    struct tph_error err = TPH_ERROR_INIT;
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    TPH_CLEANUP(tph_freep) char *script = tph_format("#!/bin/sh\ncat <<'END'\n%s\nEND\n%s\n", says, more);
    assert_int_equal(tph_fd_write_file(path, tph_str(script), 0755, &err), 0);
    assert_int_equal(chmod(path, 0755), 0);
    char *version = tph_machine_version(path);
    assert_int_equal(unlink(path), 0);
    return version;
}

static void a_version_is_found_in_what_programs_say(void **state)
{
    (void)state;
    static const struct {
        const char *says, *version;
    } cases[] = {
        {"Python 3.11.2", "3.11.2"},
        {"v20.20.2", "20.20.2"},
        {"GNU bash, version 5.2.15(1)-release (x86_64-pc-linux-gnu)", "5.2.15"},
        {"This is perl 5, version 36, subversion 0 (v5.36.0) built for x86_64", "5.36.0"},
        {"go version go1.25.1 linux/amd64", "1.25.1"},
        {"openjdk version \"17.0.15\" 2025-04-15", "17.0.15"},
        {"ruby 3.1.2p20 (2022-04-12 revision 4491bb740a)", "3.1.2p20"},
        {"sh: 0: Illegal option --", NULL},
        {"version 7", NULL},
        {"", NULL},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        TPH_CLEANUP(tph_freep) char *version = version_of(cases[i].says, "exit 3");
        if (cases[i].version) {
            assert_non_null(version);
            assert_string_equal(version, cases[i].version);
        } else {
            assert_null(version);
        }
    }
}

static void a_program_that_never_ends_is_not_waited_for_longer_than_two_seconds(void **state)
{
    (void)state;
    int64_t from_ms = tph_clock_monotonic_ms();
    TPH_CLEANUP(tph_freep) char *version = version_of("tool 1.2", "exec sleep 1000");
    assert_string_equal(version, "1.2");
    assert_true(tph_clock_monotonic_ms() - from_ms < 10000);
}

static void a_sandbox_can_be_tried_with_and_without_a_network_of_its_own(void **state)
{
    struct tph_error err = TPH_ERROR_INIT;
    (void)state;
    if (tph_machine_look().userns_off) {
        skip();
    }
    assert_int_equal(tph_machine_try(0, &err), 0);
    assert_int_equal(tph_machine_try(TPH_MACHINE_OWN_NETWORK, &err), 0);
}

int main(int argc, char **argv)
{
    tph_sandbox_shim_main(argc, argv);
    tph_broker_main(argc, argv);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_version_is_found_in_what_programs_say),
        cmocka_unit_test(a_program_that_never_ends_is_not_waited_for_longer_than_two_seconds),
        cmocka_unit_test(a_sandbox_can_be_tried_with_and_without_a_network_of_its_own),
    };
    return cmocka_run_group_tests_name("podrt/machine", tests, NULL, NULL);
}
