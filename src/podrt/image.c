/* SPDX-License-Identifier: Apache-2.0 */
#include "podrt/image.h"

#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/limits.h"
#include "podrt/image_internal.h"

const char tph_image_path[] = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/* The map that everybody has. Programs: name in the image, name on this machine, Debian's package. */
#define PROGRAMS(...)                                \
    (const struct tph_image_program[]){__VA_ARGS__}, \
        sizeof((const struct tph_image_program[]){__VA_ARGS__}) / sizeof(struct tph_image_program)
#define ENTRY(image_pattern, ...)                                 \
    {                                                             \
        image_pattern, NULL, PROGRAMS(__VA_ARGS__), NULL, 0, NULL \
    }
#define PLAIN(image_pattern)                        \
    {                                               \
        image_pattern, NULL, NULL, 0, NULL, 0, NULL \
    }

static const struct tph_image builtin[] = {
    ENTRY("python", {"python", "python3", "python3"}, {"python3", "python3", "python3"}),
    ENTRY("python3*", {"python", "python3", "python3"}, {"python3", "python3", "python3"}),
    ENTRY("pypy", {"pypy3", "pypy3", "pypy3"}, {"pypy", "pypy3", "pypy3"}),
    ENTRY("node", {"node", "node", "nodejs"}, {"nodejs", "node", "nodejs"}),
    ENTRY("nodejs*", {"node", "node", "nodejs"}, {"nodejs", "node", "nodejs"}),
    ENTRY("deno", {"deno", "deno", NULL}),
    ENTRY("bun", {"bun", "bun", NULL}),
    ENTRY("ruby", {"ruby", "ruby", "ruby"}),
    ENTRY("perl", {"perl", "perl", "perl"}),
    ENTRY("php", {"php", "php", "php-cli"}),
    ENTRY("lua*", {"lua", "lua", "lua5.4"}),
    ENTRY("bash", {"bash", "bash", "bash"}),
    ENTRY("golang", {"go", "go", "golang-go"}),
    ENTRY("openjdk", {"java", "java", "default-jre-headless"}),
    ENTRY("eclipse-temurin", {"java", "java", "default-jre-headless"}),
    ENTRY("java*", {"java", "java", "default-jre-headless"}),
    ENTRY("curl", {"curl", "curl", "curl"}),
    ENTRY("alpine", {"sh", "sh", "dash"}),
    ENTRY("busybox", {"sh", "sh", "dash"}),
    ENTRY("debian", {"sh", "sh", "dash"}, {"bash", "bash", "bash"}),
    ENTRY("ubuntu", {"sh", "sh", "dash"}, {"bash", "bash", "bash"}),
    ENTRY("fedora", {"sh", "sh", "dash"}, {"bash", "bash", "bash"}),
    ENTRY("centos", {"sh", "sh", "dash"}, {"bash", "bash", "bash"}),
    ENTRY("rockylinux", {"sh", "sh", "dash"}, {"bash", "bash", "bash"}),
    ENTRY("almalinux", {"sh", "sh", "dash"}, {"bash", "bash", "bash"}),
    ENTRY("amazonlinux", {"sh", "sh", "dash"}, {"bash", "bash", "bash"}),
    ENTRY("archlinux", {"sh", "sh", "dash"}, {"bash", "bash", "bash"}),
    PLAIN("distroless/*"),
    PLAIN("static*"),
    PLAIN("base*"),
    PLAIN("scratch"),
};
enum { N_BUILTIN = sizeof(builtin) / sizeof(builtin[0]) };

/* Takes the digest off, then the tag. */
static void split_image(struct tph_str image, struct tph_str *ret_name, struct tph_str *ret_tag)
{
    ptrdiff_t digest = tph_str_find_byte(image, '@');
    struct tph_str name = digest < 0 ? image : tph_str_slice(image, 0, (size_t)digest);
    size_t at = name.len;
    while (at > 0 && name.p[at - 1] != '/' && name.p[at - 1] != ':') {
        at--;
    }
    bool tagged = at > 0 && name.p[at - 1] == ':';
    *ret_tag = tagged ? tph_str_slice(name, at, name.len) : TPH_STR("latest");
    *ret_name = tagged ? tph_str_slice(name, 0, at - 1) : name;
}

/* The last n path elements. */
static struct tph_str last_elements(struct tph_str name, size_t n)
{
    size_t at = name.len;
    while (at > 0) {
        if (name.p[at - 1] == '/' && --n == 0) {
            break;
        }
        at--;
    }
    return tph_str_slice(name, at, name.len);
}

static bool glob(struct tph_str pattern, struct tph_str text)
{
    TPH_CLEANUP(tph_freep) char *p = tph_str_dup(pattern);
    TPH_CLEANUP(tph_freep) char *t = tph_str_dup(text);
    return fnmatch(p, t, FNM_NOESCAPE) == 0;
}

bool tph_image_matches(const char *pattern, struct tph_str image)
{
    struct tph_str name, tag;
    split_image(image, &name, &tag);
    struct tph_str wanted = tph_str(pattern);
    struct tph_str wanted_tag = TPH_STR("*");
    ptrdiff_t slash = -1;
    size_t elements = 1;
    for (size_t i = 0; i < wanted.len; i++) {
        if (wanted.p[i] == '/') {
            elements++;
            slash = (ptrdiff_t)i;
        }
    }
    struct tph_str last = tph_str_slice(wanted, (size_t)(slash + 1), wanted.len);
    ptrdiff_t colon = tph_str_find_byte(last, ':');
    if (colon >= 0) {
        wanted_tag = tph_str_slice(last, (size_t)colon + 1, last.len);
        wanted = tph_str_slice(wanted, 0, (size_t)(slash + 1 + colon));
    }
    return name.len > 0 && glob(wanted, last_elements(name, elements)) && glob(wanted_tag, tag);
}

const struct tph_image *tph_images_find(const struct tph_images *images, struct tph_str image)
{
    for (size_t i = 0; i < tph_images_len(images); i++) {
        const struct tph_image *entry = tph_images_at(images, i);
        if (tph_image_matches(entry->pattern, image)) {
            return entry;
        }
    }
    return NULL;
}

const struct tph_image *tph_images_at(const struct tph_images *images, size_t index)
{
    return index < images->n ? &images->list[index] : &builtin[index - images->n];
}

size_t tph_images_len(const struct tph_images *images)
{
    return images->n + N_BUILTIN;
}

/* Links are followed as if root were "/". The kernel cannot tell whether ".." led out while somebody renames or mounts
 * something anywhere, and then asks to be asked again. */
static int open_in_root(int root, const char *path, uint64_t flags)
{
    enum { TRIES = 1000 };
    struct open_how how = {.flags = flags | O_PATH | O_CLOEXEC, .resolve = RESOLVE_IN_ROOT};
    int fd = -1;
    for (int i = 0; i < TRIES && fd < 0; i++) {
        fd = (int)syscall(SYS_openat2, root, path, &how, sizeof(how));
        if (fd < 0 && errno != EAGAIN) {
            break;
        }
    }
    return fd;
}

/* True when every user may read and execute the file. Everybody: the sandbox runs
 * it under an id of its own. */
static bool is_program(int root, const char *path)
{
    TPH_CLEANUP(tph_fd_close) int fd = open_in_root(root, path, 0);
    struct stat st;
    return fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && (st.st_mode & S_IXOTH) != 0;
}

bool tph_image_has_directory(const char *root, const char *path)
{
    TPH_CLEANUP(tph_fd_close) int fd = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
    TPH_CLEANUP(tph_fd_close) int found = fd < 0 ? -1 : open_in_root(fd, path, O_DIRECTORY);
    return found >= 0;
}

char *tph_image_find_program(const char *root, const char *file)
{
    TPH_CLEANUP(tph_fd_close) int fd = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        return NULL;
    }
    if (strchr(file, '/')) {
        return is_program(fd, file) ? tph_strdup(file) : NULL;
    }
    struct tph_str rest = tph_str(tph_image_path), directory;
    while (tph_str_cut(&rest, ':', &directory)) {
        TPH_CLEANUP(tph_freep) char *path = tph_format("%.*s/%s", TPH_FMT(directory), file);
        if (is_program(fd, path)) {
            return TPH_TAKE(path);
        }
    }
    return NULL;
}
