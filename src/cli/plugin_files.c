/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/plugin_files.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/hash.h"

/* Adds one file; dir AT_FDCWD for a path. */
static void add_file(int dir, const char *name, uint64_t *sum)
{
    struct stat st;
    if (fstatat(dir, name, &st, 0) < 0 || !S_ISREG(st.st_mode)) {
        return;
    }
    uint64_t facts[4] = {tph_hash(tph_str(name)), (uint64_t)st.st_size, (uint64_t)st.st_mtim.tv_sec,
                         (uint64_t)st.st_mtim.tv_nsec ^ (uint64_t)st.st_ino};
    *sum += tph_hash((struct tph_str){.p = (const char *)facts, .len = sizeof(facts)}); /* whatever the order */
}

static void add_directory(const char *path, uint64_t *sum)
{
    DIR *dir = opendir(path);
    const struct dirent *entry = NULL;
    if (!dir) {
        return;
    }
    while ((entry = readdir(dir))) {
        size_t len = strlen(entry->d_name);
        if (entry->d_name[0] != '.' && entry->d_name[len - 1] != '~') {
            add_file(dirfd(dir), entry->d_name, sum);
        }
    }
    (void)closedir(dir);
}

uint64_t tph_plugin_files_mark(const struct tph_texts *paths)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < paths->n; i++) {
        add_file(AT_FDCWD, paths->list[i], &sum);
        add_directory(paths->list[i], &sum);
    }
    return sum;
}
