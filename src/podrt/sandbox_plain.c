/* SPDX-License-Identifier: Apache-2.0 */
/* The shim's other way: a sidecar without a sandbox, for development where this user may make none. It keeps what the
 * kernel lets everybody give up: files (Landlock), system calls (seccomp), rights by exec (no_new_privs), limits. */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/landlock.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "podrt/sandbox_shim.h"

enum { HIGH = 40, SCOPES_ABI = 6 };

enum {
    READ_FILES = LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE,
    READ_ALL = READ_FILES | LANDLOCK_ACCESS_FS_READ_DIR,
    USE_DEVICE = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE,
};

/* All kinds of access that this kernel can forbid; the numbers are its interface. */
static uint64_t handled_by(long abi)
{
    enum { FIRST = 13, WITH_REFER = 14, WITH_TRUNCATE = 15, WITH_IOCTL = 16 };
    int bits = abi >= 5 ? WITH_IOCTL : abi >= 3 ? WITH_TRUNCATE : abi == 2 ? WITH_REFER : FIRST;
    return (1ULL << bits) - 1;
}

/* What is not there cannot be used. */
static void allow(int ruleset, const char *path, uint64_t access)
{
    struct stat status;
    int fd = open(path, O_PATH | O_CLOEXEC);
    if (fd >= 0 && fstat(fd, &status) == 0) {
        struct landlock_path_beneath_attr rule = {
            .allowed_access = S_ISDIR(status.st_mode) ? access : access & ~(uint64_t)LANDLOCK_ACCESS_FS_READ_DIR,
            .parent_fd = fd,
        };
        if (syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) < 0) {
            tph_shim_give_up(errno, path);
        }
    }
    if (fd >= 0) {
        (void)close(fd);
    }
}

/* True when the user's files are out of reach. */
static bool shut_files(const struct tph_shim_plan *plan)
{
    static const char *const readable[] = {"/usr",   "/bin",    "/sbin", "/lib",  "/lib32",
                                           "/lib64", "/libx32", "/etc",  "/proc", "/run/systemd/resolve"};
    static const char *const devices[] = {"/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom"};
    long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, 1 /* version */);
    struct {
        uint64_t access_fs, access_net, scoped;
    } attr = {.access_fs = handled_by(abi), .scoped = abi >= SCOPES_ABI ? 1 | 2 : 0};
    int ruleset = abi < 1 ? -1 : (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr), 0);
    if (ruleset < 0) {
        return false;
    }
    for (size_t i = 0; i < sizeof(readable) / sizeof(readable[0]); i++) {
        allow(ruleset, readable[i], READ_ALL);
    }
    for (size_t i = 0; i < sizeof(devices) / sizeof(devices[0]); i++) {
        allow(ruleset, devices[i], USE_DEVICE);
    }
    for (uint32_t i = 0; i < plan->spec.n_binds; i++) {
        allow(ruleset, plan->binds[i].host, READ_ALL);
    }
    if (syscall(SYS_landlock_restrict_self, ruleset, 0) < 0) {
        tph_shim_give_up(errno, "restrict files (Landlock)");
    }
    (void)close(ruleset);
    return true;
}

static void give_up_rights(void)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct none[2];
    memset(none, 0, sizeof(none));
    if (syscall(SYS_capset, &header, none) < 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0) {
        tph_shim_give_up(errno, "give up capabilities");
    }
}

/* A file without a name: it goes with the last process that has it. Its first file is the token; there is no other. */
static int make_token(const struct tph_shim_plan *plan)
{
    const char *text = plan->spec.n_files > 0 ? plan->files[0].content : "";
    size_t len = strlen(text);
    int fd = memfd_create("token", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    int high = fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, HIGH);
    if (high < 0 || write(fd, text, len) != (ssize_t)len ||
        fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) < 0 || fchmod(fd, 0400) < 0) {
        tph_shim_give_up(errno, "make the token's file");
    }
    (void)close(fd);
    return high;
}

const char *tph_shim_prepare_plainly(struct tph_shim_plan *plan, int *ret_token, char found[PATH_MAX])
{
    plan->spec.pids = 0; /* would count all processes of the user */
    *ret_token = make_token(plan);
    tph_shim_set_limits(&plan->spec);
    give_up_rights();
    tph_shim_change_directory(plan);
    const char *program = tph_shim_find_program(plan, found);
    bool shut = shut_files(plan);
    tph_shim_tell_degraded(shut ? "no sandbox (--unsafe-plain, for development only): it runs as you, on the host's "
                                  "network, and sees your processes, but no files of yours save its own directory"
                                : "no sandbox (--unsafe-plain, for development only): it runs as you, on the host's "
                                  "network, and sees your processes and all your files");
    if (!plan->spec.no_seccomp) {
        tph_shim_filter_calls();
    }
    return program;
}
