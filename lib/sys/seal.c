// libsodium's secretbox, and the file of its key.

#include "lib/sys/seal.h"

#include "lib/base/check.h"
#include "lib/sys/blake.h"
#include "lib/sys/hmac.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

static_assert(SEAL_KEY_LEN == crypto_secretbox_KEYBYTES, "the key has this length");
static_assert(SEAL_OVERHEAD == 1 + crypto_secretbox_NONCEBYTES + crypto_secretbox_MACBYTES,
              "and the rest that");

enum {
    VERSION = 1,
    NONCE_AT = 1,
    BOX_AT = NONCE_AT + crypto_secretbox_NONCEBYTES,
    HEX_LEN = 2 * SEAL_KEY_LEN,
};

static const char mark[] = "weft-seal-1 ";
enum { MARK_LEN = sizeof mark - 1, TEXT_LEN = MARK_LEN + HEX_LEN + 1 };

// --- the file ---

static err write_all(int fd, const char *text, size_t len)
{
    for (size_t done = 0; done < len;) {
        ssize_t count = write(fd, text + done, len - done);
        if (count < 0 && errno != EINTR)
            return ERR_DISK;
        done += count > 0 ? (size_t)count : 0;
    }
    return fsync(fd) == 0 ? OK : ERR_DISK;
}

err seal_key_make(const char *path)
{
    char text[TEXT_LEN + 1];
    uint8_t bytes[SEAL_KEY_LEN];
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return errno == EEXIST ? ERR_CONFLICT : ERR_SYSTEM;
    blake_random(bytes, sizeof bytes);
    memcpy(text, mark, MARK_LEN);
    (void)sodium_bin2hex(text + MARK_LEN, HEX_LEN + 1, bytes, sizeof bytes);
    text[TEXT_LEN - 1] = '\n';
    err written = write_all(fd, text, TEXT_LEN);
    int number = errno;
    (void)close(fd);
    if (written != OK)
        (void)unlink(path); // half a key is worse than none
    sodium_memzero(bytes, sizeof bytes);
    sodium_memzero(text, sizeof text);
    errno = number;
    return written;
}

static err read_file(int fd, char text[TEXT_LEN + 1])
{
    struct stat about;
    if (fstat(fd, &about) != 0)
        return ERR_SYSTEM;
    if ((about.st_mode & (S_IRWXG | S_IRWXO)) != 0)
        return ERR_SCOPE;
    ssize_t count = read(fd, text, TEXT_LEN + 1);
    if (count < 0)
        return ERR_DISK;
    return count == TEXT_LEN && memcmp(text, mark, MARK_LEN) == 0 ? OK : ERR_DAMAGED;
}

err seal_key_read(const char *path, struct seal_key *out_key)
{
    char text[TEXT_LEN + 1] = {0};
    struct seal_key key;
    size_t len = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? ERR_NOT_FOUND : ERR_SYSTEM;
    err result = read_file(fd, text);
    int number = errno;
    (void)close(fd);
    if (result == OK && (sodium_hex2bin(key.bytes, sizeof key.bytes, text + MARK_LEN, HEX_LEN, NULL,
                                        &len, NULL) != 0 ||
                         len != SEAL_KEY_LEN))
        result = ERR_DAMAGED;
    if (result == OK)
        *out_key = key;
    sodium_memzero(text, sizeof text);
    sodium_memzero(&key, sizeof key);
    errno = number;
    return result;
}

void seal_key_forget(struct seal_key *key)
{
    sodium_memzero(key, sizeof *key);
}

// --- secrets ---

void seal_derive(const struct seal_key *key, struct slice tenant, const struct id *name,
                 uint8_t out[SEAL_DERIVED_LEN])
{
    static_assert((int)SEAL_DERIVED_LEN == (int)HMAC_LEN, "an HMAC is what is derived");
    const uint8_t tenant_len[] = {(uint8_t)(tenant.len >> 8), (uint8_t)tenant.len};
    const struct slice pieces[] = {slice_of_text("weft-derive-1"),
                                   slice_of(tenant_len, sizeof tenant_len), tenant,
                                   slice_of(name->bytes, sizeof name->bytes)};
    CHECK(tenant.len <= UINT16_MAX);
    hmac_sha256(slice_of(key->bytes, sizeof key->bytes), pieces, sizeof pieces / sizeof pieces[0],
                out);
}

size_t seal_put(const struct seal_key *key, struct slice secret, uint8_t out[SEAL_LEN_MAX])
{
    CHECK(secret.len > 0 && secret.len <= SEAL_SECRET_LEN_MAX);
    out[0] = VERSION;
    blake_random(out + NONCE_AT, crypto_secretbox_NONCEBYTES);
    int rc =
        crypto_secretbox_easy(out + BOX_AT, secret.data, secret.len, out + NONCE_AT, key->bytes);
    CHECK(rc == 0);
    return SEAL_OVERHEAD + secret.len;
}

err seal_open(const struct seal_key *key, struct slice sealed,
              uint8_t out_secret[SEAL_SECRET_LEN_MAX], size_t *out_len)
{
    if (sealed.len <= SEAL_OVERHEAD || sealed.len > SEAL_LEN_MAX || sealed.data[0] != VERSION)
        return ERR_MALFORMED;
    if (crypto_secretbox_open_easy(out_secret, sealed.data + BOX_AT, sealed.len - BOX_AT,
                                   sealed.data + NONCE_AT, key->bytes) != 0)
        return ERR_DAMAGED;
    *out_len = sealed.len - SEAL_OVERHEAD;
    return OK;
}
