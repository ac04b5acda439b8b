/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/certificate.h"

#include <arpa/inet.h>
#include <limits.h>
#include <string.h>
#include <time.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/limits.h"
#include "base/random.h"
#include "tls/library.h"

enum { SERIAL_BYTES = 16, CLOCK_MAY_BE_LATE_S = 3600 };

void tph_certificate_release(struct tph_certificate *certificate)
{
    free(TPH_TAKE(certificate->certificate));
    if (certificate->key) {
        explicit_bzero(certificate->key, strlen(certificate->key));
    }
    free(TPH_TAKE(certificate->key));
}

static BIO *reader(const struct tls_library *library, struct tph_str pem)
{
    return library->BIO_new_mem_buf(pem.p ? pem.p : "", pem.len < INT_MAX ? (int)pem.len : INT_MAX);
}

static int no_password(char *text, int size, int writing, void *owner)
{
    (void)text;
    (void)size;
    (void)writing;
    (void)owner;
    return 0;
}

static X509 *read_certificate(const struct tls_library *library, struct tph_str pem)
{
    BIO *bio = reader(library, pem);
    X509 *certificate = bio ? library->PEM_read_bio_X509(bio, NULL, no_password, NULL) : NULL;
    library->BIO_free(bio);
    return certificate;
}

static EVP_PKEY *read_key(const struct tls_library *library, struct tph_str pem)
{
    BIO *bio = reader(library, pem);
    EVP_PKEY *key = bio ? library->PEM_read_bio_PrivateKey(bio, NULL, no_password, NULL) : NULL;
    library->BIO_free(bio);
    return key;
}

/* What was written into a memory BIO, which is freed; its memory is wiped, for it may be a key. */
static char *take_text(const struct tls_library *library, BIO *bio)
{
    char *bytes = NULL;
    long len = library->BIO_ctrl(bio, BIO_CTRL_INFO, 0, &bytes);
    char *text = tph_strndup(bytes ? bytes : "", len > 0 ? (size_t)len : 0);
    if (bytes && len > 0) {
        explicit_bzero(bytes, (size_t)len);
    }
    library->BIO_free(bio);
    return text;
}

static bool add_extension(const struct tls_library *library, X509 *certificate, X509V3_CTX *context, int nid,
                          const char *value)
{
    X509_EXTENSION *extension = library->X509V3_EXT_conf_nid(NULL, context, nid, value);
    bool good = extension && library->X509_add_ext(certificate, extension, -1) == 1;
    library->X509_EXTENSION_free(extension);
    return good;
}

static bool set_serial(const struct tls_library *library, X509 *certificate)
{
    unsigned char bytes[SERIAL_BYTES];
    tph_random_bytes(bytes, sizeof(bytes));
    bytes[0] = (unsigned char)((bytes[0] & 0x3f) | 0x40); /* positive, and always as long */
    BIGNUM *number = library->BN_bin2bn(bytes, sizeof(bytes), NULL);
    ASN1_INTEGER *serial = number ? library->BN_to_ASN1_INTEGER(number, NULL) : NULL;
    bool good = serial && library->X509_set_serialNumber(certificate, serial) == 1;
    library->ASN1_INTEGER_free(serial);
    library->BN_free(number);
    return good;
}

struct making {
    struct tls_library library;
    X509 *certificate, *issuer; /* owned; issuer NULL: it signs itself */
    EVP_PKEY *key, *issuer_key;
};

static void making_release(struct making *m)
{
    if (m->library.handle) {
        m->library.X509_free(m->certificate);
        m->library.X509_free(m->issuer);
        m->library.EVP_PKEY_free(m->key);
        m->library.EVP_PKEY_free(m->issuer_key);
        m->library.ERR_clear_error();
    }
}

struct extension {
    int nid;
    const char *value;
};

/* Everything but the extensions' meaning. */
static bool fill(struct making *m, const char *common_name, int64_t from_s, int64_t to_s,
                 const struct extension *extensions, size_t n_extensions)
{
    const struct tls_library *library = &m->library;
    m->certificate = library->X509_new();
    m->key = library->EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
    if (!m->certificate || !m->key) {
        return false;
    }
    X509 *c = m->certificate;
    X509 *issuer = m->issuer ? m->issuer : c;
    X509_NAME *name = library->X509_get_subject_name(c);
    if (library->X509_set_version(c, 2) != 1 || !set_serial(library, c) ||
        !library->ASN1_TIME_set(library->X509_getm_notBefore(c), (time_t)from_s - CLOCK_MAY_BE_LATE_S) ||
        !library->ASN1_TIME_set(library->X509_getm_notAfter(c), (time_t)to_s) ||
        library->X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const unsigned char *)common_name, -1, -1, 0) !=
            1 ||
        library->X509_set_issuer_name(c, library->X509_get_subject_name(issuer)) != 1 ||
        library->X509_set_pubkey(c, m->key) != 1) {
        return false;
    }
    X509V3_CTX context;
    memset(&context, 0, sizeof(context));
    library->X509V3_set_ctx(&context, issuer, c, NULL, NULL, 0);
    for (size_t i = 0; i < n_extensions; i++) {
        if (!add_extension(library, c, &context, extensions[i].nid, extensions[i].value)) {
            return false;
        }
    }
    return library->X509_sign(c, m->issuer ? m->issuer_key : m->key, library->EVP_sha256()) > 0;
}

static int write_both(const struct making *m, struct tph_certificate *ret, struct tph_error *err)
{
    const struct tls_library *library = &m->library;
    BIO *certificate = library->BIO_new(library->BIO_s_mem());
    BIO *key = library->BIO_new(library->BIO_s_mem());
    if (!certificate || !key || library->PEM_write_bio_X509(certificate, m->certificate) != 1 ||
        library->PEM_write_bio_PKCS8PrivateKey(key, m->key, NULL, NULL, 0, NULL, NULL) != 1) {
        library->BIO_free(certificate);
        library->BIO_free(key);
        return tls_library_fail(library, err, "the certificate cannot be written");
    }
    ret->certificate = take_text(library, certificate);
    ret->key = take_text(library, key);
    return 0;
}

int tph_certificate_make_ca(const char *common_name, int64_t from_s, int64_t to_s, struct tph_certificate *ret,
                            struct tph_error *err)
{
    static const struct extension extensions[] = {
        {NID_basic_constraints, "critical,CA:TRUE,pathlen:0"},
        {NID_key_usage, "critical,keyCertSign"},
        {NID_subject_key_identifier, "hash"},
    };
    TPH_CLEANUP(making_release) struct making m = {.certificate = NULL};
    if (tls_library_load(&m.library, err) < 0) {
        return -1;
    }
    if (!fill(&m, common_name, from_s, to_s, extensions, sizeof extensions / sizeof extensions[0])) {
        return tls_library_fail(&m.library, err, "the CA's certificate cannot be made");
    }
    return write_both(&m, ret, err);
}

static bool is_address(const char *name)
{
    struct in6_addr any;
    return inet_pton(AF_INET, name, &any) == 1 || inet_pton(AF_INET6, name, &any) == 1;
}

/* A name goes into a list of OpenSSL's own syntax: nothing in it may mean something there. */
static bool is_host(const char *name)
{
    return *name != '\0' && strlen(name) <= 253 &&
           strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._*") == strlen(name);
}

int tph_certificate_make_server(struct tph_str ca_certificate, struct tph_str ca_key, const char *const *names,
                                size_t n_names, int64_t from_s, int64_t to_s, struct tph_certificate *ret,
                                struct tph_error *err)
{
    TPH_CLEANUP(making_release) struct making m = {.certificate = NULL};
    TPH_CLEANUP(tph_buf_release) struct tph_buf alternatives = TPH_BUF_INIT(TPH_LIMIT_HTTP_HEADER);
    for (size_t i = 0; i < n_names; i++) {
        bool address = is_address(names[i]);
        if (!address && !is_host(names[i])) {
            return tph_error_set(err, TPH_ERROR_INVALID, "\"%s\" is neither an address nor the name of a host",
                                 names[i]);
        }
        (void)tph_buf_printf(&alternatives, "%s%s:%s", i > 0 ? "," : "", address ? "IP" : "DNS", names[i]);
    }
    if (n_names == 0 || tph_buf_failed(&alternatives)) {
        return tph_error_set(err, TPH_ERROR_INVALID, "a server's certificate needs a name, and not too many of them");
    }
    if (tls_library_load(&m.library, err) < 0) {
        return -1;
    }
    m.issuer = read_certificate(&m.library, ca_certificate);
    m.issuer_key = read_key(&m.library, ca_key);
    if (!m.issuer || !m.issuer_key) {
        return tls_library_fail(&m.library, err, "the CA's %s cannot be read", m.issuer ? "key" : "certificate");
    }
    const struct extension extensions[] = {
        {NID_basic_constraints, "critical,CA:FALSE"},
        {NID_key_usage, "critical,digitalSignature"},
        {NID_ext_key_usage, "serverAuth"},
        {NID_subject_key_identifier, "hash"},
        {NID_authority_key_identifier, "keyid"},
        {NID_subject_alt_name, tph_buf_cstr(&alternatives)},
    };
    if (!fill(&m, "tiphys", from_s, to_s, extensions, sizeof extensions / sizeof extensions[0])) {
        return tls_library_fail(&m.library, err, "the server's certificate cannot be made");
    }
    return write_both(&m, ret, err);
}

static bool covers(const struct tls_library *library, X509 *certificate, const char *name)
{
    return is_address(name) ? library->X509_check_ip_asc(certificate, name, 0) == 1
                            : library->X509_check_host(certificate, name, 0, 0, NULL) == 1;
}

int tph_certificate_look(struct tph_str certificate, const struct tph_str *ca, const struct tph_str *key,
                         const char *const *names, size_t n_names, struct tph_certificate_facts *ret,
                         struct tph_error *err)
{
    TPH_CLEANUP(making_release) struct making m = {.certificate = NULL};
    struct tm end;
    if (tls_library_load(&m.library, err) < 0) {
        return -1;
    }
    const struct tls_library *library = &m.library;
    m.certificate = read_certificate(library, certificate);
    if (!m.certificate || library->ASN1_TIME_to_tm(library->X509_get0_notAfter(m.certificate), &end) != 1) {
        return tls_library_fail(library, err, "this is no certificate");
    }
    struct tph_certificate_facts facts = {
        .to_s = timegm(&end), .signed_by_ca = true, .has_key = true, .has_names = true};
    if (ca) {
        m.issuer = read_certificate(library, *ca);
        EVP_PKEY *signer = m.issuer ? library->X509_get0_pubkey(m.issuer) : NULL;
        facts.signed_by_ca = signer && library->X509_verify(m.certificate, signer) == 1;
    }
    if (key) {
        m.key = read_key(library, *key);
        facts.has_key = m.key && library->X509_check_private_key(m.certificate, m.key) == 1;
    }
    for (size_t i = 0; i < n_names; i++) {
        facts.has_names = facts.has_names && covers(library, m.certificate, names[i]);
    }
    *ret = facts;
    return 0;
}
