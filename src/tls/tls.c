/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/tls.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/socket.h>

#include "base/alloc.h"
#include "base/log.h"
#include "tls/library.h"

enum { RECORD = 16384 }; /* bytes of ours in one record, at most */

struct tph_tls {
    struct tls_library library;
    SSL_CTX *context;   /* owned; sessions hold it, too */
    BIO_METHOD *method; /* owned */
    struct tph_tls_counts counts;
    char record[RECORD]; /* for what is gathered from several pieces */
};

struct session {
    struct tph_tls *tls;
    SSL *ssl;      /* owned */
    int fd;        /* the stream's */
    int error;     /* errno of the socket; 0 */
    bool begun;    /* the handshake is over */
    bool dry;      /* the socket is not to be read now */
    bool eof;      /* of the socket */
    bool blocked;  /* reading waits for the socket to take something */
    bool finished; /* the peer was told that all was sent */
    bool failed;
};

/* The BIO: the socket, by our own rules. OpenSSL gives its functions nothing but the BIO, and only a function that is
 * loaded tells whose that is: the one thing here that cannot be in an object. It is the same for all of them. */
static _Atomic(typeof(BIO_get_data) *) data_of;

static struct session *session_of(BIO *bio)
{
    return data_of(bio);
}

static int bio_read(BIO *bio, char *bytes, int len)
{
    struct session *session = session_of(bio);
    const struct tls_library *library = &session->tls->library;
    library->BIO_clear_flags(bio, BIO_FLAGS_RWS | BIO_FLAGS_SHOULD_RETRY);
    if (session->dry) {
        library->BIO_set_flags(bio, BIO_FLAGS_READ | BIO_FLAGS_SHOULD_RETRY);
        return -1;
    }
    ssize_t n;
    do {
        n = recv(session->fd, bytes, (size_t)len, 0);
    } while (n < 0 && errno == EINTR);
    if (n < 0 && errno == EAGAIN) {
        library->BIO_set_flags(bio, BIO_FLAGS_READ | BIO_FLAGS_SHOULD_RETRY);
    } else if (n < 0) {
        session->error = errno;
    }
    session->eof = n == 0;
    return (int)n;
}

static int bio_write(BIO *bio, const char *bytes, int len)
{
    struct session *session = session_of(bio);
    const struct tls_library *library = &session->tls->library;
    library->BIO_clear_flags(bio, BIO_FLAGS_RWS | BIO_FLAGS_SHOULD_RETRY);
    ssize_t n;
    do {
        n = send(session->fd, bytes, (size_t)len, MSG_NOSIGNAL);
    } while (n < 0 && errno == EINTR);
    if (n < 0 && errno == EAGAIN) {
        library->BIO_set_flags(bio, BIO_FLAGS_WRITE | BIO_FLAGS_SHOULD_RETRY);
    } else if (n < 0) {
        session->error = errno;
    }
    return (int)n;
}

static long bio_ctrl(BIO *bio, int command, long number, void *pointer)
{
    const struct session *session = session_of(bio);
    (void)number;
    (void)pointer;
    return command == BIO_CTRL_FLUSH || (command == BIO_CTRL_EOF && session->eof) ? 1 : 0;
}

/* A connection. */

static void *session_open(void *owner, int fd)
{
    struct tph_tls *tls = owner;
    const struct tls_library *library = &tls->library;
    struct session *session = TPH_NEW(struct session);
    session->tls = tls;
    session->fd = fd;
    session->ssl = library->SSL_new(tls->context);
    BIO *bio = session->ssl ? library->BIO_new(tls->method) : NULL;
    if (!bio) {
        library->SSL_free(session->ssl);
        free(session);
        return NULL;
    }
    library->BIO_set_data(bio, session);
    library->BIO_set_init(bio, 1);
    library->SSL_set_bio(session->ssl, bio, bio); /* takes it */
    library->SSL_set_accept_state(session->ssl);
    return session;
}

/* Who speaks HTTP to us hears why it does not work; what else it has sent is read, else closing would reset the
 * connection and take the words away. */
static void answer_plain(const struct session *session)
{
    static const char text[] = "HTTP/1.0 400 Bad Request\r\nContent-Type: text/plain\r\n\r\n"
                               "Client sent an HTTP request to an HTTPS server.\n";
    char rest[4096];
    (void)!send(session->fd, text, sizeof(text) - 1, MSG_NOSIGNAL);
    (void)shutdown(session->fd, SHUT_WR);
    for (int i = 0; i < 64 && recv(session->fd, rest, sizeof(rest), 0) > 0; i++) {
    }
}

static ssize_t session_fail(struct session *session)
{
    const struct tls_library *library = &session->tls->library;
    unsigned long code = library->ERR_get_error();
    const char *reason = library->ERR_reason_error_string(code);
    session->failed = true;
    if (!session->begun) {
        char peer[TPH_STREAM_ADDRESS];
        struct tph_stream stream = {.fd = session->fd};
        tph_stream_peer(&stream, peer);
        session->tls->counts.failed++;
        tph_log(TPH_LOG_DEBUG, "TLS handshake failed", "peer", peer, "reason", reason ? reason : "the connection broke",
                NULL);
        if (ERR_GET_LIB(code) == ERR_LIB_SSL && ERR_GET_REASON(code) == SSL_R_HTTP_REQUEST) {
            answer_plain(session);
        }
    }
    return session->error != 0 ? -session->error : -EPROTO;
}

static void note_begin(struct session *session)
{
    if (!session->begun && session->tls->library.SSL_get_state(session->ssl) == TLS_ST_OK) {
        session->begun = true;
    }
}

/* After the first record the socket is left alone: only what came with it is taken, for nobody would tell us of that
 * again. */
static ssize_t session_read(void *state, char *bytes, size_t len)
{
    struct session *session = state;
    const struct tls_library *library = &session->tls->library;
    size_t total = 0;
    if (session->failed) {
        return -EPROTO;
    }
    session->blocked = false;
    for (;;) {
        size_t room = len - total < INT_MAX ? len - total : INT_MAX;
        library->ERR_clear_error();
        int n = room > 0 ? library->SSL_read(session->ssl, bytes + total, (int)room) : 0;
        int why = n > 0 || room == 0 ? SSL_ERROR_NONE : library->SSL_get_error(session->ssl, n);
        note_begin(session);
        total += n > 0 ? (size_t)n : 0;
        session->dry = total > 0;
        if (n > 0 && room > 0 && library->SSL_has_pending(session->ssl)) {
            continue;
        }
        session->dry = false;
        switch (why) {
        case SSL_ERROR_NONE:
            return (ssize_t)total;
        case SSL_ERROR_WANT_WRITE:
            session->blocked = true;
            return total > 0 ? (ssize_t)total : -EAGAIN;
        case SSL_ERROR_WANT_READ:
            return total > 0 ? (ssize_t)total : -EAGAIN;
        case SSL_ERROR_ZERO_RETURN:
            if (total > 0) {
                (void)shutdown(session->fd, SHUT_RD); /* else the socket would not become ready for this end */
            }
            return (ssize_t)total;
        default:
            return session_fail(session);
        }
    }
}

/* The next record's worth of pieces[*at], from byte *from of it on: in place where one piece has it all. */
static const char *gather(struct tph_tls *tls, const struct iovec *pieces, size_t n_pieces, size_t at, size_t from,
                          size_t *ret_len)
{
    size_t left = pieces[at].iov_len - from;
    if (left >= RECORD || at + 1 == n_pieces) {
        *ret_len = left < RECORD ? left : RECORD;
        return (const char *)pieces[at].iov_base + from;
    }
    size_t len = 0;
    for (; at < n_pieces && len < RECORD; at++, from = 0) {
        left = pieces[at].iov_len - from;
        size_t n = left < RECORD - len ? left : RECORD - len;
        memcpy(tls->record + len, (const char *)pieces[at].iov_base + from, n);
        len += n;
    }
    *ret_len = len;
    return tls->record;
}

static ssize_t session_write(void *state, const struct iovec *pieces, size_t n_pieces)
{
    struct session *session = state;
    struct tph_tls *tls = session->tls;
    size_t total = 0, at = 0, from = 0;
    if (session->failed) {
        return -EPROTO;
    }
    for (;;) {
        while (at < n_pieces && from == pieces[at].iov_len) {
            at++;
            from = 0;
        }
        if (at == n_pieces) {
            return (ssize_t)total;
        }
        size_t len;
        const char *bytes = gather(tls, pieces, n_pieces, at, from, &len);
        tls->library.ERR_clear_error();
        int n = tls->library.SSL_write(session->ssl, bytes, (int)len);
        if (n <= 0) {
            int why = tls->library.SSL_get_error(session->ssl, n);
            if (why == SSL_ERROR_WANT_WRITE || why == SSL_ERROR_WANT_READ) {
                return total > 0 ? (ssize_t)total : -EAGAIN;
            }
            return session_fail(session);
        }
        total += (size_t)n;
        for (size_t left = (size_t)n; left > 0;) {
            size_t step = pieces[at].iov_len - from < left ? pieces[at].iov_len - from : left;
            left -= step;
            from += step;
            if (from == pieces[at].iov_len && at + 1 < n_pieces) {
                at++;
                from = 0;
            }
        }
    }
}

static bool session_blocked(const void *state)
{
    return ((const struct session *)state)->blocked;
}

static void session_finish(void *state)
{
    struct session *session = state;
    if (session->begun && !session->failed && !session->finished) {
        session->finished = true;
        session->tls->library.ERR_clear_error();
        (void)session->tls->library.SSL_shutdown(session->ssl); /* says it; the answer is not waited for */
        session->tls->library.ERR_clear_error();
    }
}

static void session_close(void *state)
{
    struct session *session = state;
    session->tls->library.SSL_free(session->ssl);
    free(session);
}

const struct tph_stream_filter *tph_tls_filter(void)
{
    static const struct tph_stream_filter filter = {
        .open = session_open,
        .read = session_read,
        .write = session_write,
        .blocked = session_blocked,
        .finish = session_finish,
        .close = session_close,
    };
    return &filter;
}

/* Certificate and settings. */

/* A key with a password would be asked for at the terminal. */
static int no_password(char *text, int size, int writing, void *owner)
{
    (void)text;
    (void)size;
    (void)writing;
    (void)owner;
    return 0;
}

static int select_protocol(SSL *ssl, const unsigned char **ret, unsigned char *ret_len, const unsigned char *offered,
                           unsigned int len, void *owner)
{
    static const unsigned char ours[] = {8, 'h', 't', 't', 'p', '/', '1', '.', '1'};
    const struct tph_tls *tls = owner;
    unsigned char *chosen = NULL;
    (void)ssl;
    if (tls->library.SSL_select_next_proto(&chosen, ret_len, ours, sizeof(ours), offered, len) !=
        OPENSSL_NPN_NEGOTIATED) {
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    }
    *ret = chosen;
    return SSL_TLSEXT_ERR_OK;
}

static int use_certificate(const struct tls_library *library, SSL_CTX *context, struct tph_str pem,
                           struct tph_error *err)
{
    BIO *bio = library->BIO_new_mem_buf(pem.p, pem.len < INT_MAX ? (int)pem.len : INT_MAX);
    bool good = true;
    size_t n = 0;
    for (X509 *one; good && bio && (one = library->PEM_read_bio_X509(bio, NULL, no_password, NULL)); n++) {
        good = n == 0 ? library->SSL_CTX_use_certificate(context, one) == 1
                      : library->SSL_CTX_ctrl(context, SSL_CTRL_CHAIN_CERT, 1, one) == 1;
        library->X509_free(one);
    }
    library->BIO_free(bio);
    if (!good) {
        return tls_library_fail(library, err, "the certificate cannot be used");
    }
    if (n == 0) {
        library->ERR_clear_error();
        return tph_error_set(err, TPH_ERROR_INVALID,
                             "there is no certificate in it: PEM is wanted, with a line "
                             "-----BEGIN CERTIFICATE-----");
    }
    library->ERR_clear_error(); /* "no start line", at the end */
    return 0;
}

static int use_key(const struct tls_library *library, SSL_CTX *context, struct tph_str pem, struct tph_error *err)
{
    BIO *bio = library->BIO_new_mem_buf(pem.p, pem.len < INT_MAX ? (int)pem.len : INT_MAX);
    EVP_PKEY *key = bio ? library->PEM_read_bio_PrivateKey(bio, NULL, no_password, NULL) : NULL;
    library->BIO_free(bio);
    if (!key) {
        (void)tls_library_fail(library, err, "the private key cannot be read");
        return tph_error_hint(err, "PEM without a password is wanted, with a line -----BEGIN PRIVATE KEY-----");
    }
    bool good = library->SSL_CTX_use_PrivateKey(context, key) == 1 && library->SSL_CTX_check_private_key(context) == 1;
    library->EVP_PKEY_free(key);
    return good ? 0 : tls_library_fail(library, err, "the private key is not that of the certificate");
}

static SSL_CTX *context_new(struct tph_tls *tls, struct tph_str certificate, struct tph_str key, struct tph_error *err)
{
    const struct tls_library *library = &tls->library;
    SSL_CTX *context = library->SSL_CTX_new(library->TLS_server_method());
    if (!context) {
        (void)tls_library_fail(library, err, "OpenSSL does not begin");
        return NULL;
    }
    library->SSL_CTX_ctrl(context, SSL_CTRL_SET_MIN_PROTO_VERSION, TLS1_2_VERSION, NULL);
    library->SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_IGNORE_UNEXPECTED_EOF |
                                              SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA |
                                              SSL_OP_NO_COMPRESSION);
    library->SSL_CTX_ctrl(
        context, SSL_CTRL_MODE,
        SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER, NULL);
    library->SSL_CTX_ctrl(context, SSL_CTRL_SET_READ_AHEAD, 1, NULL);
    library->SSL_CTX_ctrl(context, SSL_CTRL_SET_SESS_CACHE_MODE, SSL_SESS_CACHE_OFF, NULL); /* tickets need none */
    (void)library->SSL_CTX_set_num_tickets(context, 1);
    (void)library->SSL_CTX_set_session_id_context(context, (const unsigned char *)"tiphys", 6);
    library->SSL_CTX_set_alpn_select_cb(context, select_protocol, tls);
    /* For TLS 1.2; those of 1.3 are all good. */
    if (library->SSL_CTX_set_cipher_list(context, "ECDHE+AESGCM:ECDHE+CHACHA20") != 1) {
        (void)tls_library_fail(library, err, "OpenSSL lacks every cipher that is wanted");
    } else if (use_certificate(library, context, certificate, err) == 0 && use_key(library, context, key, err) == 0) {
        return context;
    }
    library->SSL_CTX_free(context);
    return NULL;
}

int tph_tls_new(struct tph_str certificate, struct tph_str key, struct tph_tls **ret_tls, struct tph_error *err)
{
    TPH_CLEANUP(tph_tls_freep) struct tph_tls *tls = TPH_NEW(struct tph_tls);
    if (tls_library_load(&tls->library, err) < 0) {
        free(TPH_TAKE(tls)); /* nothing of it can be called */
        return -1;
    }
    data_of = tls->library.BIO_get_data;
    tls->method = tls->library.BIO_meth_new(BIO_TYPE_SOURCE_SINK | 100, "tiphys");
    if (!tls->method || !tls->library.BIO_meth_set_read(tls->method, bio_read) ||
        !tls->library.BIO_meth_set_write(tls->method, bio_write) ||
        !tls->library.BIO_meth_set_ctrl(tls->method, bio_ctrl)) {
        return tls_library_fail(&tls->library, err, "OpenSSL does not begin");
    }
    tls->context = context_new(tls, certificate, key, err);
    if (!tls->context) {
        return -1;
    }
    *ret_tls = TPH_TAKE(tls);
    return 0;
}

/* What a context counted goes with it. */
static void add_counts(struct tph_tls *tls)
{
    const struct tls_library *library = &tls->library;
    tls->counts.handshakes += (uint64_t)library->SSL_CTX_ctrl(tls->context, SSL_CTRL_SESS_ACCEPT_GOOD, 0, NULL);
    tls->counts.resumed += (uint64_t)library->SSL_CTX_ctrl(tls->context, SSL_CTRL_SESS_HIT, 0, NULL);
}

int tph_tls_renew(struct tph_tls *tls, struct tph_str certificate, struct tph_str key, struct tph_error *err)
{
    SSL_CTX *context = context_new(tls, certificate, key, err);
    if (!context) {
        return -1;
    }
    add_counts(tls);
    tls->library.SSL_CTX_free(tls->context);
    tls->context = context;
    return 0;
}

struct tph_tls_counts tph_tls_counts(const struct tph_tls *tls)
{
    struct tph_tls copy = {.library = tls->library, .context = tls->context, .counts = tls->counts};
    add_counts(&copy);
    return copy.counts;
}

void tph_tls_free(struct tph_tls *tls)
{
    if (!tls) {
        return;
    }
    tls->library.SSL_CTX_free(tls->context);
    tls->library.BIO_meth_free(tls->method);
    free(tls);
}
