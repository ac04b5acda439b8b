/* SPDX-License-Identifier: Apache-2.0 */
/* A watch's stream: one JSON object a line, {"type":"ADDED","object":{...}}. */
#include "base/limits.h"
#include "kube/watch.h"

static int read_event(struct tph_str line, struct tph_kube_event *ret_event, struct tph_error *err)
{
    static const char *const NAMES[TPH_KUBE_CHANGE_COUNT] = {"ADDED", "MODIFIED", "DELETED", "BOOKMARK", "ERROR"};
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = NULL;
    if (tph_json_parse(line, &doc, err) < 0) {
        return tph_error_wrap(err, "an event of the watch");
    }
    struct tph_str type = tph_json_get_str(tph_json_root(doc), "type");
    const struct tph_json *object = tph_json_get(tph_json_root(doc), "object");
    for (int i = 0; i < TPH_KUBE_CHANGE_COUNT; i++) {
        if (tph_str_eqz(type, NAMES[i]) && tph_json_is(object, TPH_JSON_OBJECT)) {
            *ret_event = (struct tph_kube_event){.change = (enum tph_kube_change)i, .object = object};
            ret_event->doc = TPH_TAKE(doc);
            return 1;
        }
    }
    return tph_error_set(err, TPH_ERROR_INVALID, "an event of the watch has no type and object: %.*s",
                         TPH_FMT(tph_str_slice(line, 0, 100)));
}

int tph_kube_decode(struct tph_kube_decoder *decoder, struct tph_str *bytes, struct tph_kube_event *ret_event,
                    struct tph_error *err)
{
    for (;;) {
        ptrdiff_t end = bytes->len > 0 ? tph_str_find_byte(*bytes, '\n') : -1;
        struct tph_str piece = tph_str_slice(*bytes, 0, end < 0 ? bytes->len : (size_t)end);
        *bytes = tph_str_slice(*bytes, piece.len + (end < 0 ? 0 : 1), bytes->len);
        if (tph_buf_put(&decoder->line, piece) < 0) {
            return tph_error_set(err, TPH_ERROR_LIMIT, "an event of the watch is larger than %zu bytes",
                                 TPH_LIMIT_KUBE_EVENT);
        }
        if (end < 0) {
            return 0;
        }
        struct tph_str line = tph_str_trim(tph_buf_str(&decoder->line));
        int r = line.len > 0 ? read_event(line, ret_event, err) : 0;
        tph_buf_clear(&decoder->line);
        if (r != 0) {
            return r;
        }
    }
}

void tph_kube_decoder_release(struct tph_kube_decoder *decoder)
{
    tph_buf_release(&decoder->line);
}
