/* SPDX-License-Identifier: Apache-2.0 */
#include "podrt/init_image.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/fd.h"
#include "init_bytes.h"

#ifndef MFD_EXEC
#define MFD_EXEC 0x10U /* Linux 6.3 */
#endif

int tph_init_image(void)
{
    /* It is to be executed, which vm.memfd_noexec=1 allows to who says so. Older kernels do not know the word. */
    unsigned flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
    TPH_CLEANUP(tph_fd_close) int fd = memfd_create("tiphys-init", flags | MFD_EXEC);
    if (fd < 0 && errno == EINVAL) {
        fd = memfd_create("tiphys-init", flags);
    }
    struct tph_str bytes = {.p = (const char *)tph_init_bytes, .len = sizeof(tph_init_bytes)};
    if (fd < 0 || tph_fd_write_all(fd, bytes) < 0 ||
        fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) < 0) {
        return -1;
    }
    return tph_fd_take(&fd);
}
