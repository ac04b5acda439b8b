/* SPDX-License-Identifier: Apache-2.0 */
#include "kube/watch.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "base/random.h"

struct tph_kube_watch {
    struct tph_kube *kube;
    const struct tph_kube_kind *kind;
    char *ns, *labels, *fields; /* owned */
    int64_t give_up_ms;
    const struct tph_kube_watch_hooks *hooks;
    void *owner;
    struct tph_kube_call *call;
    struct tph_timer *timer;
    struct tph_kube_decoder decoder;
    char *version;                       /* owned: of the last thing seen; NULL: list first */
    struct tph_json_doc *list;           /* owned: pages so far; NULL: no list under way */
    char *next_page;                     /* owned: its continue token */
    int64_t pause_ms, lost_ms, began_ms; /* lost_ms: since when; 0: it is there */
    bool listed;                         /* once, so that the server is known to be one */
    bool got;                            /* an event of this watch */
    bool expired;                        /* it said so: list again */
    bool dead;                           /* a hook has freed us, while */
    unsigned calls;                      /* so many are being called */
};

static void next(void *owner);

void tph_kube_watch_free(struct tph_kube_watch *w)
{
    if (!w) {
        return;
    }
    if (w->call) {
        tph_kube_cancel(w->call);
    }
    tph_timer_free(w->timer);
    tph_kube_decoder_release(&w->decoder);
    tph_json_doc_free(w->list);
    free(w->next_page);
    free(w->version);
    free(w->ns);
    free(w->labels);
    free(w->fields);
    w->dead = true;
    if (w->calls == 0) {
        free(w);
    }
}

/* Around the hooks, which may free w: its memory stays until they have returned. */
static void enter(struct tph_kube_watch *w)
{
    w->calls++;
}

static void leave(struct tph_kube_watch *w)
{
    w->calls--;
    if (w->calls == 0 && w->dead) {
        free(w);
    }
}

static void put_text(char **slot, struct tph_str text)
{
    free(*slot);
    *slot = text.len > 0 ? tph_str_dup(text) : NULL;
}

static void see(struct tph_kube_watch *w, const struct tph_json *object)
{
    struct tph_str version = tph_json_get_str(tph_json_get(object, "metadata"), "resourceVersion");
    if (version.len > 0) {
        put_text(&w->version, version);
    }
}

/* ---- troubles ---- */

static bool passes(enum tph_kube_problem problem)
{
    switch (problem) {
    case TPH_KUBE_FINE:
    case TPH_KUBE_UNREACHABLE:
    case TPH_KUBE_BROKEN:
    case TPH_KUBE_EXPIRED:
    case TPH_KUBE_BUSY:
    case TPH_KUBE_OTHER:
        return true;
    case TPH_KUBE_TRUST:
    case TPH_KUBE_UNAUTHORIZED:
    case TPH_KUBE_FORBIDDEN:
    case TPH_KUBE_NOT_FOUND:
    case TPH_KUBE_NO_KIND:
    case TPH_KUBE_EXISTS:
    case TPH_KUBE_CONFLICT:
    case TPH_KUBE_INVALID:
    case TPH_KUBE_PROBLEM_COUNT:
        break;
    }
    return false;
}

/* Asks again after a pause, or gives up. Nothing of w may be touched after it. */
static void trouble(struct tph_kube_watch *w, enum tph_kube_problem problem, const struct tph_error *err)
{
    int64_t now = tph_loop_now_ms(tph_kube_loop(w->kube));
    bool first = w->lost_ms == 0;
    w->lost_ms = first ? now : w->lost_ms;
    if (!w->listed || !passes(problem) || (w->give_up_ms > 0 && now - w->lost_ms >= w->give_up_ms)) {
        w->hooks->failed(w->owner, problem, err);
        return;
    }
    tph_timer_start(w->timer, w->pause_ms);
    w->pause_ms = w->pause_ms * 2 < TPH_LIMIT_KUBE_PAUSE_LAST_MS ? w->pause_ms * 2 : TPH_LIMIT_KUBE_PAUSE_LAST_MS;
    if (first && w->hooks->lost) {
        w->hooks->lost(w->owner, err);
    }
}

/* The server has answered. Between enter and leave. */
static void fine(struct tph_kube_watch *w)
{
    bool was_lost = w->lost_ms != 0;
    w->lost_ms = 0;
    w->pause_ms = TPH_LIMIT_KUBE_PAUSE_MS;
    if (was_lost && w->hooks->back) {
        w->hooks->back(w->owner);
    }
}

/* ---- list ---- */

static void add_page(struct tph_kube_watch *w, const struct tph_json *page)
{
    if (!w->list) {
        w->list = tph_json_doc_new();
        tph_json_set_root(w->list, tph_json_copy(w->list, page));
        return;
    }
    struct tph_json *items = tph_json_get(tph_json_root(w->list), "items");
    struct tph_json_iter it = tph_json_iter(tph_json_get(page, "items"));
    while (tph_json_next(&it)) {
        tph_json_append(w->list, items, tph_json_copy(w->list, it.value));
    }
}

static void forget_list(struct tph_kube_watch *w)
{
    tph_json_doc_free(w->list);
    w->list = NULL;
    put_text(&w->next_page, TPH_STR_NONE);
}

/* A list, or one page of it. */
static bool is_list(const struct tph_json *object)
{
    return tph_json_is(tph_json_get(object, "items"), TPH_JSON_ARRAY) &&
           tph_json_get_str(tph_json_get(object, "metadata"), "resourceVersion").len > 0;
}

static void list_failed(struct tph_kube_watch *w, const struct tph_kube_answer *answer)
{
    struct tph_error err = TPH_ERROR_INIT;
    forget_list(w); /* an expired page begins anew, too */
    if (answer->problem == TPH_KUBE_FINE) {
        (void)tph_error_set(&err, TPH_ERROR_INVALID, "the answer to a list is no list");
        trouble(w, TPH_KUBE_INVALID, &err);
    } else {
        trouble(w, answer->problem, answer->err);
    }
}

static void list_done(void *owner, const struct tph_kube_answer *answer)
{
    struct tph_kube_watch *w = owner;
    const struct tph_json *meta = tph_json_get(answer->object, "metadata");
    w->call = NULL;
    if (answer->problem != TPH_KUBE_FINE || !is_list(answer->object)) {
        list_failed(w, answer);
        return;
    }
    put_text(&w->next_page, tph_json_get_str(meta, "continue"));
    put_text(&w->version, tph_json_get_str(meta, "resourceVersion"));
    if (w->list || w->next_page) {
        add_page(w, answer->object);
    }
    tph_timer_start(w->timer, 0);
    bool whole = !w->next_page;
    struct tph_json_doc *list = whole ? TPH_TAKE(w->list) : NULL; /* a hook may free w */
    w->listed = w->listed || whole;
    enter(w);
    fine(w);
    if (whole && !w->dead) {
        w->hooks->listed(w->owner, list ? tph_json_root(list) : answer->object);
    }
    leave(w);
    tph_json_doc_free(list);
}

static void put_selection(const struct tph_kube_watch *w, struct tph_buf *path)
{
    tph_kube_path(path, w->kind, tph_str(w->ns), TPH_STR_NONE, NULL);
    tph_kube_query(path, "labelSelector", tph_str(w->labels));
    tph_kube_query(path, "fieldSelector", tph_str(w->fields));
}

static void list(struct tph_kube_watch *w)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf path = TPH_BUF_INIT(TPH_KIB(256));
    char page[16];
    (void)snprintf(page, sizeof page, "%d", TPH_LIMIT_KUBE_PAGE);
    put_selection(w, &path);
    tph_kube_query(&path, "limit", tph_str(page));
    tph_kube_query(&path, "continue", tph_str(w->next_page));
    w->call = tph_kube_start(
        w->kube, &(struct tph_kube_request){.path = tph_buf_str(&path), .timeout_ms = TPH_LIMIT_KUBE_REQUEST_MS},
        list_done, w);
}

/* ---- watch ---- */

/* ERROR: of what was asked for nothing is known any more, or the server has troubles of its own. */
static void take_error(struct tph_kube_watch *w, const struct tph_json *status)
{
    int64_t code = 0;
    (void)!tph_json_to_i64(tph_json_get(status, "code"), &code);
    w->expired = code == 410 || tph_str_eqz(tph_json_get_str(status, "reason"), "Expired");
}

static void watch_part(void *owner, struct tph_str bytes)
{
    struct tph_kube_watch *w = owner;
    struct tph_error err = TPH_ERROR_INIT;
    int r = 0;
    enter(w);
    fine(w);
    struct tph_kube_event event;
    while (!w->dead && (r = tph_kube_decode(&w->decoder, &bytes, &event, &err)) > 0) {
        w->got = true;
        if (event.change == TPH_KUBE_ERROR) {
            take_error(w, event.object);
        } else {
            see(w, event.object);
        }
        if (event.change < TPH_KUBE_BOOKMARK) {
            w->hooks->changed(w->owner, event.change, event.object);
        }
        tph_json_doc_free(event.doc);
    }
    if (!w->dead && r < 0) { /* what it was about is not known: all anew */
        tph_kube_cancel(TPH_TAKE(w->call));
        put_text(&w->version, TPH_STR_NONE);
        trouble(w, TPH_KUBE_OTHER, &err);
    }
    leave(w);
}

static void watch_done(void *owner, const struct tph_kube_answer *answer)
{
    struct tph_kube_watch *w = owner;
    int64_t lasted = tph_loop_now_ms(tph_kube_loop(w->kube)) - w->began_ms;
    w->call = NULL;
    if (w->expired || answer->problem == TPH_KUBE_EXPIRED) {
        put_text(&w->version, TPH_STR_NONE);
        tph_timer_start(w->timer, w->got ? 0 : w->pause_ms);
        return;
    }
    if (answer->problem != TPH_KUBE_FINE) {
        trouble(w, answer->problem, answer->err);
        return;
    }
    /* It ended as asked for; one that ends at once would be asked for without end. */
    bool brief = !w->got && lasted < TPH_LIMIT_KUBE_SHORT_MS;
    tph_timer_start(w->timer, brief ? TPH_LIMIT_KUBE_SHORT_MS : 0);
}

static void watch(struct tph_kube_watch *w)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf path = TPH_BUF_INIT(TPH_KIB(256));
    unsigned spread = 0;
    tph_random_bytes(&spread, sizeof spread);
    unsigned seconds = TPH_LIMIT_KUBE_WATCH_S + spread % TPH_LIMIT_KUBE_WATCH_S; /* not all at once after a restart */
    char text[16];
    (void)snprintf(text, sizeof text, "%u", seconds);
    put_selection(w, &path);
    tph_kube_query(&path, "watch", TPH_STR("true"));
    tph_kube_query(&path, "allowWatchBookmarks", TPH_STR("true"));
    tph_kube_query(&path, "resourceVersion", tph_str(w->version));
    tph_kube_query(&path, "timeoutSeconds", tph_str(text));
    tph_buf_clear(&w->decoder.line);
    w->got = w->expired = false;
    w->began_ms = tph_loop_now_ms(tph_kube_loop(w->kube));
    w->call = tph_kube_start(w->kube,
                             &(struct tph_kube_request){.path = tph_buf_str(&path),
                                                        .timeout_ms = seconds * INT64_C(1000) + TPH_LIMIT_KUBE_GRACE_MS,
                                                        .part = watch_part},
                             watch_done, w);
}

static void next(void *owner)
{
    struct tph_kube_watch *w = owner;
    if (w->version && !w->next_page) {
        watch(w);
    } else {
        list(w);
    }
}

struct tph_kube_watch *tph_kube_watch_new(struct tph_kube *kube, const struct tph_kube_watch_ask *ask,
                                          const struct tph_kube_watch_hooks *hooks, void *owner)
{
    struct tph_kube_watch *w = TPH_NEW(struct tph_kube_watch);
    w->kube = kube;
    w->kind = ask->kind;
    put_text(&w->ns, ask->ns);
    put_text(&w->labels, ask->labels);
    put_text(&w->fields, ask->fields);
    w->give_up_ms = ask->give_up_ms;
    w->hooks = hooks;
    w->owner = owner;
    w->pause_ms = TPH_LIMIT_KUBE_PAUSE_MS;
    w->decoder = TPH_KUBE_DECODER_INIT;
    w->timer = tph_timer_new(tph_kube_loop(kube), next, w);
    tph_timer_start(w->timer, 0);
    return w;
}
