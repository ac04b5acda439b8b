/* SPDX-License-Identifier: Apache-2.0 */
/* Runs a fuzzer over files, and over the files of folders: how the ordinary tests replay a corpus. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/limits.h"
#include "fuzz.h"

static size_t n_passed;

static int replay_file(const char *path)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf bytes = TPH_BUF_INIT(TPH_LIMIT_MANIFEST);
    FILE *file = fopen(path, "re");
    if (!file) {
        fprintf(stderr, "%s: %s\n", path, strerror(errno));
        return -1;
    }
    char *room;
    size_t n = 1;
    while (n > 0 && (room = tph_buf_reserve(&bytes, 65536))) {
        n = fread(room, 1, 65536, file);
        tph_buf_commit(&bytes, n);
    }
    (void)fclose(file);
    fprintf(stderr, "%s\n", path); /* the last one printed is the one that broke it */
    (void)LLVMFuzzerTestOneInput((const uint8_t *)tph_buf_cstr(&bytes), bytes.len);
    n_passed++;
    return 0;
}

static int replay(const char *path)
{
    DIR *directory = opendir(path);
    if (!directory) {
        return replay_file(path);
    }
    int failed = 0;
    for (struct dirent *entry; (entry = readdir(directory));) {
        if (entry->d_name[0] != '.') {
            TPH_CLEANUP(tph_freep) char *inner = tph_format("%s/%s", path, entry->d_name);
            failed |= replay_file(inner);
        }
    }
    (void)closedir(directory);
    return failed;
}

int main(int argc, char **argv)
{
    int failed = 0;
    for (int i = 1; i < argc; i++) {
        failed |= replay(argv[i]);
    }
    printf("%zu passed, %d failed\n", n_passed, failed < 0 ? 1 : 0);
    return failed < 0 || n_passed == 0 ? 1 : 0;
}
