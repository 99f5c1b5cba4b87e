// Reading, comparing and showing certificates.

#include "lib/http/http_tls.h"

#include "lib/http/http_private.h"
#include "lib/sys/file.h"

#include <gnutls/abstract.h>
#include <stdio.h>
#include <stdlib.h>

enum { KEY_ID_LEN = 64 };

// What is shown. A handshake may still use one that was replaced, and nobody tells when it has
// ended, so they are kept: some 10 KiB for each renewal.
struct identity {
    const struct identity *former;
    gnutls_pcert_st chain[HTTP_TLS_CHAIN_MAX];
    unsigned chain_count;
    gnutls_privkey_t key;
};

static const struct identity *_Atomic shown;

static void identity_free(struct identity *identity)
{
    for (unsigned i = 0; i < identity->chain_count; i++)
        gnutls_pcert_deinit(&identity->chain[i]);
    if (identity->key != NULL)
        gnutls_privkey_deinit(identity->key);
    free(identity);
}

static err complain(char out_why[HTTP_TLS_WHY_LEN], const char *path, const char *why)
{
    (void)snprintf(out_why, HTTP_TLS_WHY_LEN, "%.80s: %s", path, why);
    return ERR_BAD_FIELD;
}

static err read_file(const char *path, gnutls_datum_t *out_bytes, char out_why[HTTP_TLS_WHY_LEN])
{
    size_t len = 0;
    uint8_t *room = malloc(HTTP_TLS_FILE_LEN_MAX);
    if (room == NULL)
        return ERR_NO_MEMORY;
    err e = file_read(path, room, HTTP_TLS_FILE_LEN_MAX, &len);
    if (e != OK) {
        free(room);
        return complain(out_why, path,
                        e == ERR_TOO_LARGE ? "longer than 256 KiB" : "cannot be read");
    }
    *out_bytes = (gnutls_datum_t){.data = room, .size = (unsigned)len};
    return OK;
}

static err read_chain(struct identity *identity, const char *path, char out_why[HTTP_TLS_WHY_LEN])
{
    gnutls_datum_t bytes;
    unsigned count = HTTP_TLS_CHAIN_MAX;
    err e = read_file(path, &bytes, out_why);
    if (e != OK)
        return e;
    int rc = gnutls_pcert_list_import_x509_raw(identity->chain, &count, &bytes, GNUTLS_X509_FMT_PEM,
                                               GNUTLS_X509_CRT_LIST_IMPORT_FAIL_IF_EXCEED);
    free(bytes.data);
    if (rc == GNUTLS_E_SHORT_MEMORY_BUFFER)
        return complain(out_why, path, "more than 8 certificates");
    if (rc != GNUTLS_E_SUCCESS || count == 0)
        return complain(out_why, path, "no certificate in PEM");
    identity->chain_count = count;
    return OK;
}

static err read_key(struct identity *identity, const char *path, char out_why[HTTP_TLS_WHY_LEN])
{
    gnutls_datum_t bytes;
    err e = read_file(path, &bytes, out_why);
    if (e != OK)
        return e;
    int rc = gnutls_privkey_init(&identity->key);
    if (rc == GNUTLS_E_SUCCESS)
        rc = gnutls_privkey_import_x509_raw(identity->key, &bytes, GNUTLS_X509_FMT_PEM, NULL, 0);
    gnutls_memset(bytes.data, 0, bytes.size);
    free(bytes.data);
    return rc == GNUTLS_E_SUCCESS ? OK : complain(out_why, path, "no private key in PEM");
}

static bool belong_together(const struct identity *identity)
{
    gnutls_pubkey_t public = NULL;
    uint8_t ids[2][KEY_ID_LEN];
    size_t lens[2] = {KEY_ID_LEN, KEY_ID_LEN};
    bool is_told = gnutls_pubkey_init(&public) == GNUTLS_E_SUCCESS &&
                   gnutls_pubkey_import_privkey(public, identity->key, 0, 0) == GNUTLS_E_SUCCESS &&
                   gnutls_pubkey_get_key_id(public, 0, ids[0], &lens[0]) == GNUTLS_E_SUCCESS &&
                   gnutls_pubkey_get_key_id(identity->chain[0].pubkey, 0, ids[1], &lens[1]) ==
                       GNUTLS_E_SUCCESS;
    if (public != NULL)
        gnutls_pubkey_deinit(public);
    return is_told && lens[0] == lens[1] && memcmp(ids[0], ids[1], lens[0]) == 0;
}

static when_ms end_of(const struct identity *identity)
{
    gnutls_x509_crt_t certificate = NULL;
    when_ms at = WHEN_NEVER;
    if (gnutls_pcert_export_x509((gnutls_pcert_st *)(uintptr_t)&identity->chain[0], &certificate) !=
        GNUTLS_E_SUCCESS)
        return at;
    at = (when_ms)gnutls_x509_crt_get_expiration_time(certificate) * 1000;
    gnutls_x509_crt_deinit(certificate);
    return at;
}

err http_tls_load(const struct http_tls_files *files, when_ms *out_ends_at,
                  char out_why[HTTP_TLS_WHY_LEN])
{
    struct identity *identity = calloc(1, sizeof *identity);
    (void)snprintf(out_why, HTTP_TLS_WHY_LEN, "out of memory");
    if (identity == NULL)
        return ERR_NO_MEMORY;
    err e = read_chain(identity, files->certificate, out_why);
    if (e == OK)
        e = read_key(identity, files->key, out_why);
    if (e == OK && !belong_together(identity))
        e = complain(out_why, files->key, "the key of another certificate");
    if (e != OK) {
        identity_free(identity);
        return e;
    }
    *out_ends_at = end_of(identity);
    identity->former = atomic_load(&shown);
    atomic_store(&shown, identity);
    return OK;
}

// The shape is the library's.
static int on_question(gnutls_session_t session, const gnutls_datum_t *authorities,
                       int authority_count, const gnutls_pk_algorithm_t *algorithms,
                       int algorithm_count, gnutls_pcert_st **out_chain, unsigned *out_count,
                       gnutls_privkey_t *out_key)
{
    const struct identity *identity = atomic_load(&shown);
    (void)session;
    (void)authorities;
    (void)authority_count;
    (void)algorithms;
    (void)algorithm_count;
    if (identity == NULL)
        return -1;
    *out_chain = (gnutls_pcert_st *)(uintptr_t)identity->chain;
    *out_count = identity->chain_count;
    *out_key = identity->key;
    return 0;
}

void *http_tls_callback(void)
{
    gnutls_certificate_retrieve_function2 *callback = on_question;
    return (void *)(uintptr_t)callback;
}
