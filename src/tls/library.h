/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of src/tls only: OpenSSL, loaded when it is first needed. Linked, it would cost every start of the program a
 * millisecond (docs/dependencies.md), and only the server has use for it. */
#pragma once

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "base/error.h"

/* What we call of it; what the headers make of macros is called by the function behind. */
#define TLS_FUNCTIONS(X)              \
    X(OPENSSL_init_ssl)               \
    X(OpenSSL_version_num)            \
    X(ERR_get_error)                  \
    X(ERR_peek_last_error)            \
    X(ERR_clear_error)                \
    X(ERR_reason_error_string)        \
    X(BIO_new)                        \
    X(BIO_new_mem_buf)                \
    X(BIO_s_mem)                      \
    X(BIO_free)                       \
    X(BIO_ctrl)                       \
    X(BIO_meth_new)                   \
    X(BIO_meth_free)                  \
    X(BIO_meth_set_read)              \
    X(BIO_meth_set_write)             \
    X(BIO_meth_set_ctrl)              \
    X(BIO_set_data)                   \
    X(BIO_get_data)                   \
    X(BIO_set_init)                   \
    X(BIO_set_flags)                  \
    X(BIO_clear_flags)                \
    X(TLS_server_method)              \
    X(SSL_CTX_new)                    \
    X(SSL_CTX_free)                   \
    X(SSL_CTX_ctrl)                   \
    X(SSL_CTX_set_options)            \
    X(SSL_CTX_set_cipher_list)        \
    X(SSL_CTX_set_num_tickets)        \
    X(SSL_CTX_set_session_id_context) \
    X(SSL_CTX_set_alpn_select_cb)     \
    X(SSL_CTX_use_certificate)        \
    X(SSL_CTX_use_PrivateKey)         \
    X(SSL_CTX_check_private_key)      \
    X(SSL_select_next_proto)          \
    X(SSL_new)                        \
    X(SSL_free)                       \
    X(SSL_set_bio)                    \
    X(SSL_set_accept_state)           \
    X(SSL_read)                       \
    X(SSL_write)                      \
    X(SSL_get_error)                  \
    X(SSL_get_state)                  \
    X(SSL_has_pending)                \
    X(SSL_shutdown)                   \
    X(PEM_read_bio_X509)              \
    X(PEM_read_bio_PrivateKey)        \
    X(PEM_write_bio_X509)             \
    X(PEM_write_bio_PKCS8PrivateKey)  \
    X(EVP_PKEY_Q_keygen)              \
    X(EVP_PKEY_free)                  \
    X(EVP_sha256)                     \
    X(ASN1_INTEGER_free)              \
    X(ASN1_TIME_set)                  \
    X(ASN1_TIME_to_tm)                \
    X(BN_bin2bn)                      \
    X(BN_free)                        \
    X(BN_to_ASN1_INTEGER)             \
    X(X509_new)                       \
    X(X509_free)                      \
    X(X509_set_version)               \
    X(X509_set_serialNumber)          \
    X(X509_set_pubkey)                \
    X(X509_set_issuer_name)           \
    X(X509_get_subject_name)          \
    X(X509_getm_notBefore)            \
    X(X509_getm_notAfter)             \
    X(X509_get0_notAfter)             \
    X(X509_NAME_add_entry_by_txt)     \
    X(X509V3_set_ctx)                 \
    X(X509V3_EXT_conf_nid)            \
    X(X509_add_ext)                   \
    X(X509_EXTENSION_free)            \
    X(X509_sign)                      \
    X(X509_verify)                    \
    X(X509_get0_pubkey)               \
    X(X509_check_private_key)         \
    X(X509_check_host)                \
    X(X509_check_ip_asc)

struct tls_library {
    void *handle;
#define MEMBER(name) typeof(name) *name;
    TLS_FUNCTIONS(MEMBER)
#undef MEMBER
};

/* Never unloaded: it has an exit handler and memory of its own. Errors: NOT_FOUND, with what to install. Loading it
 * once more costs some microseconds. */
int tls_library_load(struct tls_library *ret_library, struct tph_error *err) TPH_MUST_CHECK;

/* Sets err to "FORMAT: " and OpenSSL's reason, and forgets that. Returns -1. */
int tls_library_fail(const struct tls_library *library, struct tph_error *err, const char *format, ...)
    TPH_PRINTF(3, 4);
