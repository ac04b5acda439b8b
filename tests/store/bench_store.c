/* SPDX-License-Identifier: Apache-2.0 */
/* How many writes a second a store on SQLite takes: bench_store DIRECTORY [WRITES]. No test: it measures the
 * disk. Each write is a new object of 2 KB, or a new member of 600 bytes of one
 * workflow. Beside it: fdatasync of 4 KB alone. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fd.h"
#include "store/sqlite.h"

struct bench {
    struct tph_loop *loop;
    struct tph_store *store;
    bool parts;
    uint64_t next, answered, wanted;
};

static void next_write(struct bench *b);

static void answered(void *owner, const struct tph_store_result *result)
{
    struct bench *b = owner;
    if (result->outcome != 0) {
        fprintf(stderr, "%d %s\n", result->outcome, result->error ? result->error->text : "");
        abort();
    }
    if (++b->answered == b->wanted) {
        tph_loop_stop(b->loop);
    } else if (b->next < b->wanted) {
        next_write(b);
    }
}

static void next_write(struct bench *b)
{
    static char text[2048];
    char name[64];
    struct tph_store_change change = {.key = {.resource = TPH_STR("workflows.argoproj.io"), .ns = TPH_STR("argo")}};
    struct tph_store_part part = {.path = 0};
    size_t len = b->parts ? 600 : sizeof(text);
    memset(text, 'x', len);
    memcpy(text, "{\"a\":\"", 6);
    memcpy(text + len - 2, "\"}", 2);
    (void)snprintf(name, sizeof(name), "bench-%llu", (unsigned long long)b->next++);
    if (b->parts) {
        change.verb = TPH_STORE_MERGE;
        change.key.name = TPH_STR("wf");
        part.member = tph_str(name);
        part.text = (struct tph_str){text, len};
        change.parts = &part;
        change.n_parts = 1;
    } else {
        change.verb = TPH_STORE_CREATE;
        change.key.name = tph_str(name);
        change.text = (struct tph_str){text, len};
    }
    tph_store_write(b->store, &change, 1, answered, b);
}

static void run(struct bench *b, const char *what, uint64_t writes, uint64_t under_way)
{
    b->answered = 0;
    b->next = 0;
    b->wanted = writes;
    int64_t start = tph_clock_monotonic_us();
    while (b->next < under_way && b->next < writes) {
        next_write(b);
    }
    tph_loop_run(b->loop);
    double seconds = (double)(tph_clock_monotonic_us() - start) / 1e6;
    printf("%-8s %5llu under way: %7.0f writes/s, %8.1f us each\n", what, (unsigned long long)under_way,
           (double)writes / seconds, seconds * 1e6 / (double)writes);
}

static void measure_floor(const char *directory)
{
    TPH_CLEANUP(tph_freep) char *path = tph_format("%s/floor", directory);
    TPH_CLEANUP(tph_fd_close) int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    static char page[4096];
    int64_t start = tph_clock_monotonic_us();
    for (unsigned i = 0; i < 1000; i++) {
        if (pwrite(fd, page, sizeof(page), (off_t)i * 4096) < 0 || fdatasync(fd) < 0) {
            abort();
        }
    }
    printf("fdatasync of 4 KB: %.1f us\n", (double)(tph_clock_monotonic_us() - start) / 1000);
    (void)unlink(path);
}

int main(int argc, char **argv)
{
    struct tph_error err = TPH_ERROR_INIT;
    struct bench b = {.store = NULL};
    int64_t writes = 20000;
    if (argc < 2 || (argc > 2 && tph_str_to_i64(tph_str(argv[2]), &writes) < 0)) {
        fprintf(stderr, "usage: bench_store DIRECTORY [WRITES]\n");
        return 2;
    }
    measure_floor(argv[1]);
    static const uint64_t UNDER_WAY[] = {1, 10, 100, 1000};
    for (size_t i = 0; i < 4; i++) {
        TPH_CLEANUP(tph_freep) char *path = tph_format("%s/bench-%zu", argv[1], i);
        if (tph_loop_new(&b.loop, &err) < 0 || tph_store_sqlite_open(b.loop, path, NULL, &b.store, &err) < 0) {
            fprintf(stderr, "%s\n", err.text);
            return 1;
        }
        const struct tph_store_change wf = {.verb = TPH_STORE_CREATE,
                                            .key = {TPH_STR("workflows.argoproj.io"), TPH_STR("argo"), TPH_STR("wf")},
                                            .text = TPH_STR("{}")};
        tph_store_write(b.store, &wf, 1, NULL, NULL);
        uint64_t n = UNDER_WAY[i] == 1 ? (uint64_t)writes / 10 : (uint64_t)writes;
        b.parts = false;
        run(&b, "objects", n, UNDER_WAY[i]);
        b.parts = true;
        run(&b, "members", n, UNDER_WAY[i]);
        tph_store_free(b.store);
        tph_loop_free(b.loop);
    }
    return 0;
}
