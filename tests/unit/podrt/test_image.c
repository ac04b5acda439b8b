/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/limits.h"
#include "podrt/image.h"

static void a_pattern_ignores_registry_organisation_and_digest(void **state)
{
    (void)state;
    static const char *const same[] = {
        "python",
        "python:3",
        "python:alpine3.6",
        "docker.io/library/python:3.12",
        "localhost:5000/python",
        "ghcr.io/acme/python:3@sha256:0123456789abcdef",
        "python@sha256:0123456789abcdef",
    };
    for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++) {
        assert_true(tph_image_matches("python", tph_str(same[i])));
        assert_true(tph_image_matches("python:*", tph_str(same[i])));
    }
    assert_false(tph_image_matches("python", TPH_STR("python-tools:3")));
    assert_false(tph_image_matches("python", TPH_STR("python/server:3")));
    assert_false(tph_image_matches("python", TPH_STR("")));
    assert_false(tph_image_matches("*", TPH_STR("")));
}

static void a_tag_in_the_pattern_counts_and_latest_is_the_one_not_given(void **state)
{
    (void)state;
    assert_true(tph_image_matches("python:3.*", TPH_STR("python:3.12")));
    assert_false(tph_image_matches("python:3.*", TPH_STR("python:2.7")));
    assert_false(tph_image_matches("python:3.*", TPH_STR("python")));
    assert_true(tph_image_matches("python:latest", TPH_STR("python")));
    assert_true(tph_image_matches("tools:v?", TPH_STR("localhost:5000/tools:v2")));
}

static void a_pattern_with_a_path_is_compared_with_as_many_elements(void **state)
{
    (void)state;
    assert_true(tph_image_matches("acme/tools", TPH_STR("ghcr.io/acme/tools:1")));
    assert_false(tph_image_matches("acme/tools", TPH_STR("ghcr.io/other/tools:1")));
    assert_false(tph_image_matches("acme/tools", TPH_STR("tools:1")));
    assert_true(tph_image_matches("distroless/*", TPH_STR("gcr.io/distroless/static")));
}

static const char *program_of(const struct tph_images *images, const char *image)
{
    const struct tph_image *entry = tph_images_find(images, tph_str(image));
    return entry && entry->n_programs > 0 ? entry->programs[0].file : "";
}

/* Without any configuration file of this machine's. */
static struct tph_images *empty(void)
{
    struct tph_images *images = NULL;
    struct tph_error err = TPH_ERROR_INIT;
    assert_int_equal(tph_images_new((const char *const[]){"/dev/null"}, 1, &images, &err), 0);
    return images;
}

static void the_built_in_map_knows_what_plugins_use(void **state)
{
    (void)state;
    TPH_CLEANUP(tph_images_freep) struct tph_images *images = empty();
    assert_string_equal(program_of(images, "python:alpine3.6"), "python3");
    assert_string_equal(program_of(images, "gcr.io/distroless/python3-debian12"), "python3");
    assert_string_equal(program_of(images, "node:20-slim"), "node");
    static const char *const known[] = {"alpine:3.20",  "busybox",     "debian:12",
                                        "ubuntu:24.04", "bash:5",      "perl:5",
                                        "ruby:3",       "golang:1.23", "gcr.io/distroless/static"};
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        assert_non_null(tph_images_find(images, tph_str(known[i])));
    }
    assert_null(tph_images_find(images, TPH_STR("ghcr.io/acme/server:1")));
    assert_null(tph_images_find(images, TPH_STR("")));
}

static int add(struct tph_images *images, const char *yaml, struct tph_error *err)
{
    return tph_images_add(images, tph_str(yaml), "images.yaml", err);
}

static void configured_entries_come_before_the_built_in_ones(void **state)
{
    (void)state;
    TPH_CLEANUP(tph_images_freep) struct tph_images *images = empty();
    struct tph_error err = TPH_ERROR_INIT;
    assert_int_equal(add(images,
                         "images:\n"
                         "- image: acme/tools:*\n"
                         "  root: /\n"
                         "- image: python:2*\n"
                         "  programs: {python: /opt/py2/bin/python2}\n"
                         "  paths: [/opt/py2]\n",
                         &err),
                     0);
    const struct tph_image *tools = tph_images_find(images, TPH_STR("ghcr.io/acme/tools:3"));
    assert_non_null(tools);
    assert_string_equal(tools->root, "/");
    assert_string_equal(tools->source, "images.yaml");
    assert_string_equal(program_of(images, "python:2.7"), "/opt/py2/bin/python2");
    assert_string_equal(tph_images_find(images, TPH_STR("python:2.7"))->paths[0], "/opt/py2");
    assert_string_equal(program_of(images, "python:3"), "python3");
}

static void expect_refused(const char *yaml, const char *text)
{
    TPH_CLEANUP(tph_images_freep) struct tph_images *images = empty();
    struct tph_error err = TPH_ERROR_INIT;
    assert_int_equal(add(images, yaml, &err), -1);
    assert_string_equal(err.text, text);
}

static void mistakes_in_the_file_are_named_with_their_place(void **state)
{
    (void)state;
    expect_refused("images: {}\n", "images.yaml:1:1: images: must be a list");
    expect_refused("pictures: []\n", "images.yaml:1:1: pictures: is not known here; the file has one list, images");
    expect_refused("images:\n- root: /\n",
                   "images.yaml:2:3: images[0]: image is missing: the pattern to match, for example \"python:3.*\"");
    expect_refused("images:\n- image: a\n  rot: /\n",
                   "images.yaml:3:3: images[0].rot: is not known here; an entry has image, root, programs and paths\n"
                   "  did you mean root?");
    expect_refused("images:\n- image: a\n  root: relative\n",
                   "images.yaml:3:3: images[0].root: must be an absolute path");
    expect_refused("images:\n- image: a\n  root: /no/such/place\n",
                   "images.yaml:3:3: images[0].root: there is no such directory");
    expect_refused("images:\n- image: a\n  programs: {sh: 1}\n",
                   "images.yaml:3:14: images[0].programs.sh: must be the name of a program of this machine, or its "
                   "absolute path");
}

static void a_file_has_so_many_entries_and_no_more(void **state)
{
    (void)state;
    TPH_CLEANUP(tph_images_freep) struct tph_images *images = empty();
    TPH_CLEANUP(tph_buf_release) struct tph_buf yaml = TPH_BUF_INIT(TPH_MIB(1));
    struct tph_error err = TPH_ERROR_INIT;
    (void)tph_buf_puts(&yaml, "images:\n");
    for (int i = 0; i < TPH_LIMIT_IMAGES; i++) {
        (void)tph_buf_printf(&yaml, "- image: a%d\n", i);
    }
    assert_int_equal(add(images, tph_buf_cstr(&yaml), &err), 0);
    assert_int_equal(add(images, "images: [{image: b}]\n", &err), -1);
    assert_int_equal(err.kind, TPH_ERROR_LIMIT);
}

/* A directory with usr/bin/tool (everybody's), usr/bin/own (its owner's) and a link that leads out of it. */
static void make_root(char root[64])
{
    (void)snprintf(root, 64, "/tmp/tiphys-image-XXXXXX");
    assert_non_null(mkdtemp(root));
    static const char *const dirs[] = {"usr", "usr/bin"};
    static const struct {
        const char *name;
        mode_t mode;
    } files[] = {{"usr/bin/tool", 0755}, {"usr/bin/own", 0700}, {"usr/bin/data", 0644}};
    for (size_t i = 0; i < 2; i++) {
        TPH_CLEANUP(tph_freep) char *path = tph_format("%s/%s", root, dirs[i]);
        assert_int_equal(mkdir(path, 0755), 0);
    }
    for (size_t i = 0; i < 3; i++) {
        TPH_CLEANUP(tph_freep) char *path = tph_format("%s/%s", root, files[i].name);
        struct tph_error err = TPH_ERROR_INIT;
        assert_int_equal(tph_fd_write_file(path, TPH_STR("#!/bin/sh\n"), files[i].mode, &err), 0);
        assert_int_equal(chmod(path, files[i].mode), 0);
    }
    TPH_CLEANUP(tph_freep) char *inside = tph_format("%s/usr/bin/inside", root);
    TPH_CLEANUP(tph_freep) char *bin = tph_format("%s/bin", root);
    assert_int_equal(symlink("/usr/bin/tool", inside), 0);
    assert_int_equal(symlink("usr/bin", bin), 0);
}

static void remove_root(const char *root)
{
    static const char *const names[] = {"bin",          "usr/bin/inside", "usr/bin/data", "usr/bin/own",
                                        "usr/bin/tool", "usr/bin",        "usr",          ""};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        TPH_CLEANUP(tph_freep) char *path = tph_format("%s/%s", root, names[i]);
        assert_int_equal(remove(path), 0);
    }
}

static void programs_are_found_inside_the_root_by_everybody_who_may_run_them(void **state)
{
    (void)state;
    char root[64];
    make_root(root);
    TPH_CLEANUP(tph_freep) char *tool = tph_image_find_program(root, "tool");
    TPH_CLEANUP(tph_freep) char *inside = tph_image_find_program(root, "inside");
    TPH_CLEANUP(tph_freep) char *absolute = tph_image_find_program(root, "/bin/tool");
    TPH_CLEANUP(tph_freep) char *own = tph_image_find_program(root, "own");
    TPH_CLEANUP(tph_freep) char *data = tph_image_find_program(root, "data");
    TPH_CLEANUP(tph_freep) char *absent = tph_image_find_program(root, "sh");
    TPH_CLEANUP(tph_freep) char *above = tph_image_find_program(root, "../../../bin/sh");
    remove_root(root);
    assert_string_equal(tool, "/usr/bin/tool");
    assert_string_equal(inside, "/usr/bin/inside"); /* its link's target is meant inside */
    assert_string_equal(absolute, "/bin/tool");
    assert_null(own);
    assert_null(data);
    assert_null(absent);
    assert_null(above);
}

static void this_machine_has_a_shell_in_a_standard_directory_whatever_path_says(void **state)
{
    (void)state;
    assert_int_equal(setenv("PATH", "/nowhere", 1), 0);
    TPH_CLEANUP(tph_freep) char *sh = tph_image_find_program("/", "sh");
    assert_non_null(sh);
    assert_int_equal(access(sh, X_OK), 0);
}

struct renamer {
    const char *one, *other;
    atomic_bool enough;
};

static void *rename_all_the_time(void *argument)
{
    struct renamer *r = argument;
    while (!r->enough) {
        (void)rename(r->one, r->other);
        (void)rename(r->other, r->one);
    }
    return NULL;
}

/* The kernel asks to be asked again then. */
static void what_is_there_is_found_also_while_others_rename_files(void **state)
{
    (void)state;
    char dir[] = "/tmp/tiphys-image-XXXXXX";
    assert_non_null(mkdtemp(dir));
    TPH_CLEANUP(tph_freep) char *one = tph_format("%s/one", dir);
    TPH_CLEANUP(tph_freep) char *other = tph_format("%s/other", dir);
    struct renamer renamer = {.one = one, .other = other};
    pthread_t thread;
    assert_int_equal(mkdir(one, 0755), 0);
    assert_int_equal(pthread_create(&thread, NULL, rename_all_the_time, &renamer), 0);
    size_t missed = 0;
    for (int i = 0; i < 20000; i++) {
        missed += tph_image_has_directory("/", "usr/../usr/../usr/bin") ? 0 : 1;
    }
    renamer.enough = true;
    assert_int_equal(pthread_join(thread, NULL), 0);
    (void)rmdir(one);
    (void)rmdir(other);
    (void)rmdir(dir);
    assert_int_equal(missed, 0);
    assert_false(tph_image_has_directory("/", "usr/../no-such-directory"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pattern_ignores_registry_organisation_and_digest),
        cmocka_unit_test(a_tag_in_the_pattern_counts_and_latest_is_the_one_not_given),
        cmocka_unit_test(a_pattern_with_a_path_is_compared_with_as_many_elements),
        cmocka_unit_test(the_built_in_map_knows_what_plugins_use),
        cmocka_unit_test(configured_entries_come_before_the_built_in_ones),
        cmocka_unit_test(mistakes_in_the_file_are_named_with_their_place),
        cmocka_unit_test(a_file_has_so_many_entries_and_no_more),
        cmocka_unit_test(programs_are_found_inside_the_root_by_everybody_who_may_run_them),
        cmocka_unit_test(this_machine_has_a_shell_in_a_standard_directory_whatever_path_says),
        cmocka_unit_test(what_is_there_is_found_also_while_others_rename_files),
    };
    return cmocka_run_group_tests_name("podrt/image", tests, NULL, NULL);
}
