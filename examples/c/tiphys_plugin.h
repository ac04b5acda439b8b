/* SPDX-License-Identifier: Apache-2.0 */
/* An executor plugin in one C header: a small HTTP/1.1 server with keep-alive, the token check and the reply.
 *
 *     static void execute(const char *request, struct tiphys_reply *reply) { ... }
 *     int main(void) { return tiphys_serve(4364, execute); }
 *
 * One thread, poll(2), up to 256 connections, requests up to 1 MiB. request is the JSON body; find texts in it with
 * tiphys_text, or give it to a JSON library. Leave the reply alone to say "not mine".
 */
#ifndef TIPHYS_PLUGIN_H
#define TIPHYS_PLUGIN_H

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

enum { TIPHYS_CONNECTIONS = 256, TIPHYS_REQUEST = 1 << 20, TIPHYS_REPLY = 65536 };

struct tiphys_reply {
    char body[TIPHYS_REPLY];
};

typedef void tiphys_execute_fn(const char *request, struct tiphys_reply *reply);

/* Writes text as a JSON string, quotes included; returns the bytes written, cut where there is no room. */
static inline size_t tiphys_quote(char *out, size_t size, const char *text)
{
    size_t n = 0;
    if (size < 3) {
        return 0;
    }
    out[n++] = '"';
    for (; *text && n + 8 < size; text++) {
        unsigned char c = (unsigned char)*text;
        if (c == '"' || c == '\\') {
            out[n++] = '\\';
            out[n++] = (char)c;
        } else if (c < 0x20) {
            n += (size_t)snprintf(out + n, size - n, "\\u%04x", c);
        } else {
            out[n++] = (char)c;
        }
    }
    out[n++] = '"';
    out[n] = '\0';
    return n;
}

/* The node Succeeded or Failed, with a message that is also outputs.result. */
static inline void tiphys_finish(struct tiphys_reply *reply, const char *phase, const char *message)
{
    static char quoted[TIPHYS_REPLY / 3];
    tiphys_quote(quoted, sizeof(quoted), message);
    snprintf(reply->body, sizeof(reply->body),
             "{\"node\":{\"phase\":\"%s\",\"message\":%s,\"outputs\":{\"result\":%s}}}", phase, quoted, quoted);
}

static inline void tiphys_succeed(struct tiphys_reply *reply, const char *message)
{
    tiphys_finish(reply, "Succeeded", message);
}

static inline void tiphys_fail(struct tiphys_reply *reply, const char *message)
{
    tiphys_finish(reply, "Failed", message);
}

/* Not done yet: call me again after requeue, a Go duration such as "2m". */
static inline void tiphys_requeue(struct tiphys_reply *reply, const char *message, const char *requeue)
{
    static char quoted[TIPHYS_REPLY / 3];
    tiphys_quote(quoted, sizeof(quoted), message);
    snprintf(reply->body, sizeof(reply->body), "{\"node\":{\"phase\":\"Running\",\"message\":%s},\"requeue\":\"%s\"}",
             quoted, requeue);
}

/* The plain text behind `key` after the first `after` in the request (both with their quotes). Returns 0 when it is
 * not there. Escapes but \" and \\ are left as they are: enough for names, not for every text. */
static inline int tiphys_text(const char *request, const char *after, const char *key, char *text, size_t size)
{
    const char *p = strstr(request, after);
    p = p ? strstr(p, key) : NULL;
    p = p ? strchr(p + strlen(key), '"') : NULL;
    size_t n = 0;
    if (!p) {
        return 0;
    }
    for (p++; *p && *p != '"' && n + 1 < size; p++) {
        if (*p == '\\' && (p[1] == '"' || p[1] == '\\')) {
            p++;
        }
        text[n++] = *p;
    }
    text[n] = '\0';
    return 1;
}

struct tiphys_connection {
    char *bytes;
    size_t len;
};

static inline const char *tiphys_header(const char *head, const char *end, const char *name)
{
    size_t len = strlen(name);
    for (const char *p = strstr(head, "\r\n"); p && p < end; p = strstr(p + 2, "\r\n")) {
        if (strncasecmp(p + 2, name, len) == 0 && p[2 + len] == ':') {
            return p + 3 + len + strspn(p + 3 + len, " ");
        }
    }
    return "";
}

/* Answers every whole request in the buffer; returns -1 when the connection is to be closed. */
static inline int tiphys_answer(int fd, struct tiphys_connection *c, const char *token, tiphys_execute_fn *execute)
{
    static struct tiphys_reply reply;
    static char out[TIPHYS_REPLY + 256];
    for (;;) {
        c->bytes[c->len] = '\0';
        char *end = strstr(c->bytes, "\r\n\r\n");
        if (!end) {
            return c->len < TIPHYS_REQUEST ? 0 : -1;
        }
        size_t body_len = strtoul(tiphys_header(c->bytes, end, "Content-Length"), NULL, 10);
        size_t total = (size_t)(end + 4 - c->bytes) + body_len;
        if (total > TIPHYS_REQUEST) {
            return -1;
        }
        if (c->len < total) {
            return 0;
        }
        const char *status = "200 OK";
        const char *given = tiphys_header(c->bytes, end, "Authorization");
        size_t token_len = strlen(token);
        char kept = c->bytes[total];
        c->bytes[total] = '\0';
        strcpy(reply.body, "{}");
        if (strncmp(given, "Bearer ", 7) != 0 || strncmp(given + 7, token, token_len) != 0 ||
            given[7 + token_len] != '\r') {
            status = "403 Forbidden";
        } else if (strncmp(c->bytes, "POST /api/v1/template.execute ", 30) != 0) {
            status = "404 Not Found";
        } else {
            execute(end + 4, &reply);
        }
        c->bytes[total] = kept;
        int n = snprintf(out, sizeof(out), "HTTP/1.1 %s\r\nContent-Length: %zu\r\n\r\n%s", status, strlen(reply.body),
                         reply.body);
        if (send(fd, out, (size_t)n, MSG_NOSIGNAL) != n) {
            return -1;
        }
        memmove(c->bytes, c->bytes + total, c->len - total);
        c->len -= total;
    }
}

/* Serves until it is killed; returns 1 when it cannot begin. */
static inline int tiphys_serve(unsigned short port, tiphys_execute_fn *execute)
{
    static struct tiphys_connection connections[TIPHYS_CONNECTIONS + 1];
    static struct pollfd fds[TIPHYS_CONNECTIONS + 1];
    static char token[64];
    int on = 1, n = 1;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    FILE *file = fopen("/var/run/argo/token", "r");
    if (!file || !fgets(token, sizeof(token), file)) {
        perror("/var/run/argo/token");
        return 1;
    }
    fclose(file);
    token[strcspn(token, "\n")] = '\0';
    fds[0] = (struct pollfd){.fd = socket(AF_INET, SOCK_STREAM, 0), .events = POLLIN};
    setsockopt(fds[0].fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (bind(fds[0].fd, (struct sockaddr *)&address, sizeof(address)) < 0 || listen(fds[0].fd, 128) < 0) {
        perror("listen");
        return 1;
    }
    for (;;) {
        fds[0].events = n <= TIPHYS_CONNECTIONS ? POLLIN : 0;
        if (poll(fds, (nfds_t)n, -1) < 0) {
            continue;
        }
        for (int i = n - 1; i > 0; i--) {
            struct tiphys_connection *c = &connections[i];
            if (!fds[i].revents) {
                continue;
            }
            ssize_t got = recv(fds[i].fd, c->bytes + c->len, TIPHYS_REQUEST - c->len, 0);
            c->len += got > 0 ? (size_t)got : 0;
            if (got <= 0 || tiphys_answer(fds[i].fd, c, token, execute) < 0) {
                close(fds[i].fd);
                free(c->bytes);
                fds[i] = fds[--n];
                *c = connections[n];
            }
        }
        if (fds[0].revents) {
            int fd = accept(fds[0].fd, NULL, NULL);
            char *bytes = fd < 0 ? NULL : malloc(TIPHYS_REQUEST + 1);
            if (bytes) {
                setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
                connections[n] = (struct tiphys_connection){.bytes = bytes};
                fds[n++] = (struct pollfd){.fd = fd, .events = POLLIN};
            }
        }
    }
}

#endif
