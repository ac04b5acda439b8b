/* SPDX-License-Identifier: Apache-2.0 */
/* libcurl on our loop: it says which sockets it watches and when it wants to be called, we call it then. Its own
 * callbacks only note that; requests end when it has returned. */
#include <string.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "fetch/internal.h"

struct fetch_socket {
    struct fetch_socket *next, *previous;
    struct tph_fetcher *fetcher;
    curl_socket_t fd;
    struct tph_io *io;
};

/* Requests that are through. Their owners may begin others meanwhile: those come in a later turn. */
static void collect(struct tph_fetcher *fetcher)
{
    CURLMsg *message = NULL;
    int left = 0;
    while ((message = fetcher->curl.multi_info_read(fetcher->multi, &left))) {
        struct tph_fetch *fetch = NULL;
        CURLcode code = message->data.result;
        CURL *easy = message->easy_handle;
        bool is_end = message->msg == CURLMSG_DONE &&
                      fetcher->curl.easy_getinfo(easy, CURLINFO_PRIVATE, (char **)&fetch) == CURLE_OK;
        if (is_end && fetch) {
            fetch_exchange_over(fetch, code);
        }
    }
}

static void act(struct tph_fetcher *fetcher, curl_socket_t fd, int mask)
{
    int running = 0;
    (void)fetcher->curl.multi_socket_action(fetcher->multi, fd, mask, &running);
    collect(fetcher);
}

static void ready(void *owner, unsigned events)
{
    struct fetch_socket *s = owner;
    int mask = ((events & TPH_IO_READ) ? CURL_CSELECT_IN : 0) | ((events & TPH_IO_WRITE) ? CURL_CSELECT_OUT : 0);
    act(s->fetcher, s->fd, mask);
}

static void timed(void *owner)
{
    act(owner, CURL_SOCKET_TIMEOUT, 0);
}

static void socket_free(struct fetch_socket *s)
{
    if (s->previous) {
        s->previous->next = s->next;
    } else {
        s->fetcher->sockets = s->next;
    }
    if (s->next) {
        s->next->previous = s->previous;
    }
    tph_io_free(s->io);
    free(s);
}

static struct fetch_socket *socket_new(struct tph_fetcher *fetcher, curl_socket_t fd)
{
    struct tph_error err = TPH_ERROR_INIT;
    struct fetch_socket *s = TPH_NEW(struct fetch_socket);
    *s = (struct fetch_socket){.fetcher = fetcher, .fd = fd};
    if (tph_io_new(fetcher->loop, fd, ready, s, &s->io, &err) < 0) {
        free(s); /* the request ends with its time-out */
        return NULL;
    }
    s->next = fetcher->sockets;
    if (s->next) {
        s->next->previous = s;
    }
    fetcher->sockets = s;
    (void)fetcher->curl.multi_assign(fetcher->multi, fd, s);
    return s;
}

static int watch(CURL *easy, curl_socket_t fd, int what, void *owner, void *socket_owner)
{
    struct tph_fetcher *fetcher = owner;
    struct fetch_socket *s = socket_owner;
    (void)easy;
    if (what == CURL_POLL_REMOVE) {
        if (s) {
            (void)fetcher->curl.multi_assign(fetcher->multi, fd, NULL);
            socket_free(s);
        }
        return 0;
    }
    s = s ? s : socket_new(fetcher, fd);
    if (s) {
        tph_io_watch(s->io, ((what & CURL_POLL_IN) ? TPH_IO_READ : 0U) | ((what & CURL_POLL_OUT) ? TPH_IO_WRITE : 0U));
    }
    return 0;
}

static int wait_ms(CURLM *multi, long ms, void *owner)
{
    struct tph_fetcher *fetcher = owner;
    (void)multi;
    if (ms < 0) {
        tph_timer_stop(fetcher->timer);
    } else {
        tph_timer_start(fetcher->timer, ms);
    }
    return 0;
}

int fetch_multi_open(struct tph_fetcher *fetcher, struct tph_error *err)
{
    if (fetcher->multi) {
        return 0;
    }
    if (!fetcher->loaded && fetch_library_load(&fetcher->curl, err) < 0) {
        return -1;
    }
    fetcher->loaded = true;
    fetcher->multi = fetcher->curl.multi_init();
    if (!fetcher->multi) {
        return tph_error_set(err, TPH_ERROR_SYSTEM, "libcurl does not begin: curl_multi_init failed");
    }
    fetcher->timer = tph_timer_new(fetcher->loop, timed, fetcher);
    (void)fetcher->curl.multi_setopt(fetcher->multi, CURLMOPT_SOCKETFUNCTION, watch);
    (void)fetcher->curl.multi_setopt(fetcher->multi, CURLMOPT_SOCKETDATA, fetcher);
    (void)fetcher->curl.multi_setopt(fetcher->multi, CURLMOPT_TIMERFUNCTION, wait_ms);
    (void)fetcher->curl.multi_setopt(fetcher->multi, CURLMOPT_TIMERDATA, fetcher);
    (void)fetcher->curl.multi_setopt(fetcher->multi, CURLMOPT_MAXCONNECTS, (long)TPH_LIMIT_FETCH_KEPT);
    return 0;
}

void fetch_multi_close(struct tph_fetcher *fetcher)
{
    if (fetcher->multi) {
        (void)fetcher->curl.multi_cleanup(fetcher->multi);
    }
    while (fetcher->sockets) {
        socket_free(fetcher->sockets);
    }
    tph_timer_free(fetcher->timer);
}
