// zconfig reads and writes the text; file_write() replaces files in one step, which zcert does not.

#include "lib/link/cert.h"

#include "lib/base/check.h"
#include "lib/sys/file.h"

#include <czmq.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

void cert_make(struct cert *out_cert)
{
    *out_cert = (struct cert){.expires_at = WHEN_NEVER};
    int made = zmq_curve_keypair(out_cert->public_key, out_cert->secret_key);
    CHECK(made == 0); // fails only in a libzmq without CURVE
}

bool cert_is_key(struct slice text)
{
    char copy[LINK_KEY_LEN + 1];
    uint8_t bytes[32];
    return text.len == LINK_KEY_LEN && slice_to_text(text, copy, sizeof copy) &&
           zmq_z85_decode(bytes, copy) != NULL;
}

static bool take_word(zconfig_t *root, const char *path, char *out, size_t cap)
{
    return slice_to_text(slice_of_text(zconfig_get(root, path, "")), out, cap);
}

static bool take_moment(zconfig_t *root, const char *path, when_ms standard, when_ms *out_at)
{
    char text[24];
    char *end = NULL;
    *out_at = standard;
    if (!take_word(root, path, text, sizeof text))
        return false;
    if (text[0] == '\0')
        return true;
    errno = 0;
    *out_at = strtoll(text, &end, 10);
    return errno == 0 && *end == '\0' && *out_at >= 0;
}

static bool take_all(zconfig_t *root, struct cert *out)
{
    return take_word(root, "curve/public-key", out->public_key, sizeof out->public_key) &&
           take_word(root, "curve/secret-key", out->secret_key, sizeof out->secret_key) &&
           take_word(root, "metadata/name", out->name, sizeof out->name) &&
           take_word(root, "metadata/tenant", out->tenant, sizeof out->tenant) &&
           take_word(root, "metadata/scopes", out->scopes, sizeof out->scopes) &&
           take_moment(root, "metadata/created-at", 0, &out->created_at) &&
           take_moment(root, "metadata/expires-at", WHEN_NEVER, &out->expires_at) &&
           cert_is_key(slice_of_text(out->public_key)) &&
           (out->secret_key[0] == '\0' || cert_is_key(slice_of_text(out->secret_key)));
}

err cert_read(const char *path, struct cert *out_cert)
{
    char text[CERT_FILE_LEN_MAX + 1];
    size_t len = 0;
    struct cert cert = {0};
    err e = file_read(path, text, CERT_FILE_LEN_MAX, &len);
    if (e != OK)
        return e == ERR_TOO_LARGE ? ERR_DAMAGED : e;
    text[len] = '\0';
    if (strlen(text) != len)
        return ERR_DAMAGED;
    zconfig_t *root = zconfig_str_load(text);
    if (root == NULL)
        return ERR_DAMAGED;
    bool is_sound = take_all(root, &cert);
    zconfig_destroy(&root);
    if (is_sound)
        *out_cert = cert;
    return is_sound ? OK : ERR_DAMAGED;
}

static void put_word(zconfig_t *root, const char *path, const char *word)
{
    if (word[0] != '\0')
        zconfig_put(root, path, word);
}

static void put_moment(zconfig_t *root, const char *path, when_ms at)
{
    char text[24];
    (void)snprintf(text, sizeof text, "%" PRId64, at);
    zconfig_put(root, path, text);
}

err cert_write(const char *path, const struct cert *cert, bool with_secret)
{
    zconfig_t *root = zconfig_new("root", NULL);
    if (root == NULL)
        return ERR_NO_MEMORY;
    CHECK(cert_is_key(slice_of_text(cert->public_key)));
    put_word(root, "metadata/name", cert->name);
    put_word(root, "metadata/tenant", cert->tenant);
    put_word(root, "metadata/scopes", cert->scopes);
    put_moment(root, "metadata/created-at", cert->created_at);
    if (cert->expires_at != WHEN_NEVER)
        put_moment(root, "metadata/expires-at", cert->expires_at);
    put_word(root, "curve/public-key", cert->public_key);
    if (with_secret)
        put_word(root, "curve/secret-key", cert->secret_key);
    char *text = zconfig_str_save(root);
    zconfig_destroy(&root);
    if (text == NULL)
        return ERR_NO_MEMORY;
    err e = file_write(path, slice_of_text(text));
    zstr_free(&text);
    return e;
}
