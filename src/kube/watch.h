/* SPDX-License-Identifier: Apache-2.0 */
/* A collection as it is, and every change of it: list, then watch, for as long as its owner likes.
 *
 * Broken connections, servers that start anew, watches that end by themselves and versions that are gone (410, then it
 * lists again) are dealt with here: the owner sees lists and changes, and hears of troubles that take time. Bookmarks
 * are asked for. Until the first list has come every failure is final, for then nothing tells that the server will
 * come. Loop thread only. Source: reference kubernetes.md 5 and 7.
 */
#pragma once

#include "kube/client.h"

enum tph_kube_change {
    TPH_KUBE_ADDED,
    TPH_KUBE_MODIFIED,
    TPH_KUBE_DELETED,  /* with what it was last */
    TPH_KUBE_BOOKMARK, /* private to the decoder, as ERROR */
    TPH_KUBE_ERROR,
    TPH_KUBE_CHANGE_COUNT,
};

struct tph_kube_watch_ask {
    const struct tph_kube_kind *kind;
    struct tph_str ns;             /* empty: all */
    struct tph_str labels, fields; /* selectors */
    int64_t give_up_ms;            /* without the server, after the first list; 0: never */
};

struct tph_kube_watch_hooks {
    /* All that there is now: what was known before and is not among them is gone. Comes first, and after a 410. The
     * list is one List object, whatever pages it came in. */
    void (*listed)(void *owner, const struct tph_json *list);
    void (*changed)(void *owner, enum tph_kube_change change, const struct tph_json *object);
    /* The server is not there, and is asked again: told once for each time that it goes, and when it is back. May be
     * NULL. */
    void (*lost)(void *owner, const struct tph_error *why);
    void (*back)(void *owner);
    /* Over, for good. */
    void (*failed)(void *owner, enum tph_kube_problem problem, const struct tph_error *why);
};

struct tph_kube_watch;
/* Texts are copied, hooks borrowed. Any hook may free its watch. */
struct tph_kube_watch *tph_kube_watch_new(struct tph_kube *kube, const struct tph_kube_watch_ask *ask,
                                          const struct tph_kube_watch_hooks *hooks, void *owner) TPH_MUST_CHECK;
void tph_kube_watch_free(struct tph_kube_watch *watch); /* NULL is fine */

/* Pure: the bytes of a watch, cut into events. Feeds at most one event a call: takes from *bytes what it has used, 1
 * with an event, 0 when all bytes are used, -1 (INVALID, LIMIT): this is no watch. The doc is the caller's. */
struct tph_kube_decoder {
    struct tph_buf line; /* owned: the beginning of one */
};
#define TPH_KUBE_DECODER_INIT ((struct tph_kube_decoder){.line = TPH_BUF_INIT(TPH_LIMIT_KUBE_EVENT)})
struct tph_kube_event {
    enum tph_kube_change change;
    struct tph_json_doc *doc; /* owner of the object */
    const struct tph_json *object;
};
int tph_kube_decode(struct tph_kube_decoder *decoder, struct tph_str *bytes, struct tph_kube_event *ret_event,
                    struct tph_error *err) TPH_MUST_CHECK;
void tph_kube_decoder_release(struct tph_kube_decoder *decoder);
