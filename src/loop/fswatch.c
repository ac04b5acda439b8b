/* SPDX-License-Identifier: Apache-2.0 */
/* Watched files and directories. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "loop/loop.h"

struct tph_fswatch {
    uv_fs_event_t uv;
    struct tph_timer *settle;
    struct tph_loop *loop;
    tph_fswatch_fn *changed;
    void *owner;
    char *name;       /* owned: the file in the watched directory, NULL = all of them */
    int64_t first_ms; /* of the burst, -1 = none */
    bool quick;
};

static void free_fswatch(uv_handle_t *handle)
{
    struct tph_fswatch *watch = TPH_CONTAINER_OF(handle, struct tph_fswatch, uv);
    free(watch->name);
    free(watch);
}

static void settled(void *owner)
{
    struct tph_fswatch *watch = owner;
    watch->first_ms = -1;
    watch->changed(watch->owner);
}

static void file_changed(uv_fs_event_t *handle, const char *name, int events, int status)
{
    struct tph_fswatch *watch = TPH_CONTAINER_OF(handle, struct tph_fswatch, uv);
    (void)events;
    if (status == 0 && watch->name && name && strcmp(name, watch->name) != 0) {
        return;
    }
    if (watch->quick) {
        tph_timer_start(watch->settle, 0);
        return;
    }
    int64_t now = tph_loop_now_ms(watch->loop);
    if (watch->first_ms < 0) {
        watch->first_ms = now;
    }
    int64_t left = watch->first_ms + TPH_LIMIT_SETTLE_LAST_MS - now;
    tph_timer_start(watch->settle, left < TPH_LIMIT_SETTLE_MS ? left : TPH_LIMIT_SETTLE_MS);
}

/* The directory that is watched, and the name in it that counts (NULL: all). Both are the caller's. */
static char *split(const char *path, char **ret_name)
{
    struct stat info;
    if (stat(path, &info) < 0 || S_ISDIR(info.st_mode)) {
        *ret_name = NULL;
        return tph_strdup(path); /* of what is not there the watch itself complains */
    }
    const char *slash = strrchr(path, '/');
    *ret_name = tph_strdup(slash ? slash + 1 : path);
    if (!slash) {
        return tph_strdup(".");
    }
    return slash == path ? tph_strdup("/") : tph_strndup(path, (size_t)(slash - path));
}

int tph_fswatch_new(struct tph_loop *loop, const char *path, tph_fswatch_fn *changed, void *owner,
                    struct tph_fswatch **ret_watch, struct tph_error *err)
{
    struct tph_fswatch *watch = TPH_NEW(struct tph_fswatch);
    (void)uv_fs_event_init(tph_loop_uv(loop), &watch->uv); /* cannot fail */
    watch->loop = loop;
    watch->changed = changed;
    watch->owner = owner;
    watch->first_ms = -1;
    watch->settle = tph_timer_new(loop, settled, watch);
    TPH_CLEANUP(tph_freep) char *directory = split(path, &watch->name);
    int failed = uv_fs_event_start(&watch->uv, file_changed, directory, 0);
    if (failed < 0) {
        tph_fswatch_free(watch);
        return tph_error_errno(err, -failed, "cannot watch %s", path);
    }
    *ret_watch = watch;
    return 0;
}

void tph_fswatch_be_quick(struct tph_fswatch *watch)
{
    watch->quick = true;
}

void tph_fswatch_free(struct tph_fswatch *watch)
{
    if (watch) {
        tph_timer_free(watch->settle);
        (void)uv_fs_event_stop(&watch->uv);
        uv_close((uv_handle_t *)&watch->uv, free_fswatch);
    }
}
