/* SPDX-License-Identifier: Apache-2.0 */
#include "api/packed.h"

#include <limits.h>
#include <string.h>
#include <zlib.h>

#include "base/limits.h"
#include "data/base64.h"

enum {
    GZIP = 16,         /* added to the window's bits: gzip and not zlib's own frame */
    PIECE = 64 * 1024, /* what is compressed or expanded at a time */
    MEMORY = 8,        /* zlib's default */
};

/* zlib does not change what it reads, and says so only where ZLIB_CONST is set. */
static void give(z_stream *stream, struct tph_str bytes)
{
    stream->next_in = (Bytef *)(uintptr_t)bytes.p;
    stream->avail_in = (uInt)bytes.len;
}

static int compress_bytes(struct tph_str bytes, struct tph_buf *out)
{
    z_stream stream = {.next_in = NULL};
    unsigned char piece[PIECE];
    if (bytes.len > UINT_MAX || deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, GZIP + MAX_WBITS, MEMORY,
                                             Z_DEFAULT_STRATEGY) != Z_OK) {
        return -1;
    }
    give(&stream, bytes);
    int found;
    do {
        stream.next_out = piece;
        stream.avail_out = PIECE;
        found = deflate(&stream, Z_FINISH);
        (void)tph_buf_put(out, (struct tph_str){(char *)piece, PIECE - stream.avail_out});
    } while (found == Z_OK);
    (void)deflateEnd(&stream);
    return found == Z_STREAM_END ? 0 : -1;
}

/* 0; -1 when it is not gzip, or more than out may hold. */
static int expand_bytes(struct tph_str bytes, struct tph_buf *out)
{
    z_stream stream = {.next_in = NULL};
    unsigned char piece[PIECE];
    if (bytes.len > UINT_MAX || inflateInit2(&stream, GZIP + MAX_WBITS) != Z_OK) {
        return -1;
    }
    give(&stream, bytes);
    int found;
    do {
        stream.next_out = piece;
        stream.avail_out = PIECE;
        found = inflate(&stream, Z_NO_FLUSH);
        bool room = tph_buf_put(out, (struct tph_str){(char *)piece, PIECE - stream.avail_out}) == 0;
        found = room ? found : Z_BUF_ERROR;
    } while (found == Z_OK);
    (void)inflateEnd(&stream);
    return found == Z_STREAM_END ? 0 : -1;
}

static size_t size_of(const struct tph_json *workflow)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(SIZE_MAX);
    tph_json_write(workflow, TPH_JSON_SORTED, &text);
    return text.len;
}

int tph_packed_pack(struct tph_json_doc *doc, struct tph_json *workflow, size_t limit, struct tph_error *err)
{
    struct tph_json *status = tph_json_get(workflow, "status");
    const struct tph_json *nodes = tph_json_get(status, "nodes");
    struct tph_json *kept = NULL;
    if (size_of(workflow) <= limit) {
        return 0;
    }
    if (tph_json_len(nodes) > 0) {
        TPH_CLEANUP(tph_buf_release) struct tph_buf plain = TPH_BUF_INIT(SIZE_MAX);
        TPH_CLEANUP(tph_buf_release) struct tph_buf bytes = TPH_BUF_INIT(SIZE_MAX);
        TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(SIZE_MAX);
        tph_json_write(nodes, TPH_JSON_SORTED, &plain);
        if (compress_bytes(tph_buf_str(&plain), &bytes) < 0) {
            return tph_error_set(err, TPH_ERROR_LIMIT, "the nodes of the workflow are too large to be compressed");
        }
        kept = tph_json_copy(doc, nodes);
        tph_base64_encode(tph_buf_str(&bytes), &text);
        tph_json_set(doc, status, "compressedNodes", tph_json_new_str(doc, tph_buf_str(&text)));
        tph_json_remove(status, "nodes");
    }
    size_t size = size_of(workflow);
    if (size > limit) {
        if (kept) {
            tph_json_set(doc, status, "nodes", kept);
            tph_json_remove(status, "compressedNodes");
        }
        return tph_error_set(err, TPH_ERROR_LIMIT,
                             "workflow is longer than maximum allowed size. compressed size %zu > maxSize %zu", size,
                             limit);
    }
    return 1;
}

int tph_packed_unpack(struct tph_json_doc *doc, struct tph_json *workflow, struct tph_error *err)
{
    struct tph_json *status = tph_json_get(workflow, "status");
    struct tph_str text = tph_json_get_str(status, "compressedNodes");
    if (text.len == 0) {
        return 0;
    }
    TPH_CLEANUP(tph_buf_release) struct tph_buf bytes = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    TPH_CLEANUP(tph_buf_release) struct tph_buf plain = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    if (tph_base64_decode(text, &bytes) < 0) {
        return tph_error_set(err, TPH_ERROR_INVALID, "status.compressedNodes is not base64");
    }
    struct tph_str all = tph_buf_str(&bytes);
    if (!tph_str_has_prefix(all, TPH_STR("\x1f\x8b"))) {
        bool zstd = tph_str_has_prefix(all, TPH_STR("\x28\xb5\x2f\xfd"));
        return tph_error_set(err, TPH_ERROR_INVALID,
                             "status.compressedNodes is compressed with %s; only gzip is read: set "
                             "WORKFLOW_COMPRESSION_ALGORITHM=gzip where it was written",
                             zstd ? "zstd" : "brotli, or with nothing known");
    }
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *read = NULL;
    if (expand_bytes(all, &plain) < 0) {
        return tph_error_set(err, TPH_ERROR_INVALID, "status.compressedNodes is broken, or holds more than %zu MiB",
                             (size_t)TPH_LIMIT_DOCUMENT / TPH_MIB(1));
    }
    if (tph_json_parse(tph_buf_str(&plain), &read, err) < 0 || !tph_json_is(tph_json_root(read), TPH_JSON_OBJECT)) {
        return tph_error_set(err, TPH_ERROR_INVALID, "status.compressedNodes holds no map of nodes");
    }
    tph_json_set(doc, status, "nodes", tph_json_copy(doc, tph_json_root(read)));
    tph_json_remove(status, "compressedNodes");
    return 0;
}
