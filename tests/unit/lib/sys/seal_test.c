// What is sealed opens again, and nothing else does.

#include "lib/sys/seal.h"

#include "tests/support/test.h"

#include <stdio.h>
#include <sys/stat.h>

static struct seal_key key_of(uint8_t byte)
{
    struct seal_key key;
    memset(&key, byte, sizeof key);
    return key;
}

TEST(seal, a_secret_comes_back)
{
    struct seal_key key = key_of(7);
    uint8_t sealed[SEAL_LEN_MAX];
    uint8_t again[SEAL_LEN_MAX];
    uint8_t secret[SEAL_SECRET_LEN_MAX];
    size_t len = 0;
    size_t sealed_len = seal_put(&key, slice_of_text("thirty-two bytes of something ..."), sealed);
    EXPECT_EQ(sealed_len, SEAL_OVERHEAD + 33);
    EXPECT_EQ(seal_open(&key, slice_of(sealed, sealed_len), secret, &len), OK);
    EXPECT_EQ(len, 33);
    EXPECT_MEM(secret, "thirty-two bytes of something ...", 33);
    (void)seal_put(&key, slice_of_text("thirty-two bytes of something ..."), again);
    EXPECT(memcmp(sealed, again, sealed_len) != 0); // a fresh nonce
}

TEST(seal, a_derived_one_is_the_same_for_the_same_name_only)
{
    struct seal_key key = key_of(7);
    struct seal_key other = key_of(8);
    struct id name = {.bytes = {1}};
    uint8_t derived[4][SEAL_DERIVED_LEN];
    uint8_t again[SEAL_DERIVED_LEN];
    seal_derive(&key, slice_of_text("acme"), &name, derived[0]);
    seal_derive(&key, slice_of_text("acme"), &name, again);
    EXPECT_MEM(again, derived[0], sizeof again);
    seal_derive(&other, slice_of_text("acme"), &name, derived[1]);
    seal_derive(&key, slice_of_text("acm"), &name, derived[2]);
    name.bytes[15] = 1;
    seal_derive(&key, slice_of_text("acme"), &name, derived[3]);
    for (int i = 0; i < 4; i++)
        for (int j = 0; j < i; j++)
            EXPECT(memcmp(derived[i], derived[j], SEAL_DERIVED_LEN) != 0);
}

TEST(seal, every_changed_bit_is_seen)
{
    struct seal_key key = key_of(7);
    struct seal_key other = key_of(8);
    uint8_t sealed[SEAL_LEN_MAX];
    uint8_t secret[SEAL_SECRET_LEN_MAX];
    size_t len = 0;
    size_t sealed_len = seal_put(&key, slice_of_text("x"), sealed);
    EXPECT_EQ(seal_open(&other, slice_of(sealed, sealed_len), secret, &len), ERR_DAMAGED);
    for (size_t bit = 0; bit < 8 * sealed_len; bit++) {
        sealed[bit / 8] ^= (uint8_t)(1u << bit % 8);
        EXPECT(seal_open(&key, slice_of(sealed, sealed_len), secret, &len) != OK);
        sealed[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    for (size_t cut = 0; cut < sealed_len; cut++)
        EXPECT(seal_open(&key, slice_of(sealed, cut), secret, &len) != OK);
    EXPECT_EQ(len, 0);
}

TEST(seal, the_longest_fits)
{
    struct seal_key key = key_of(7);
    uint8_t longest[SEAL_SECRET_LEN_MAX + 1] = {1};
    uint8_t sealed[SEAL_LEN_MAX];
    uint8_t secret[SEAL_SECRET_LEN_MAX];
    size_t len = 0;
    size_t sealed_len = seal_put(&key, slice_of(longest, SEAL_SECRET_LEN_MAX), sealed);
    EXPECT_EQ(sealed_len, SEAL_LEN_MAX);
    EXPECT_EQ(seal_open(&key, slice_of(sealed, sealed_len), secret, &len), OK);
    EXPECT_DIES((void)seal_put(&key, slice_of(longest, SEAL_SECRET_LEN_MAX + 1), sealed));
    EXPECT_DIES((void)seal_put(&key, slice_of(longest, 0), sealed));
}

TEST(seal, a_key_has_a_file_of_its_own)
{
    char path[256];
    struct seal_key key;
    struct seal_key again;
    struct stat about;
    (void)snprintf(path, sizeof path, "%s/key", test_temp_dir());
    EXPECT_EQ(seal_key_read(path, &key), ERR_NOT_FOUND);
    EXPECT_EQ(seal_key_make(path), OK);
    EXPECT_EQ(stat(path, &about), 0);
    EXPECT_EQ(about.st_mode & 0777, 0600);
    EXPECT_EQ(seal_key_read(path, &key), OK);
    EXPECT_EQ(seal_key_make(path), ERR_CONFLICT);
    EXPECT_EQ(seal_key_read(path, &again), OK);
    EXPECT_MEM(key.bytes, again.bytes, SEAL_KEY_LEN);
    EXPECT_EQ(chmod(path, 0640), 0);
    EXPECT_EQ(seal_key_read(path, &again), ERR_SCOPE);
    seal_key_forget(&key);
    EXPECT_EQ(key.bytes[0] | key.bytes[31], 0);
}

TEST(seal, another_file_is_no_key)
{
    static const char *const texts[] = {
        "", "weft-seal-1 00\n",
        "weft-seal-2 0000000000000000000000000000000000000000000000000000000000000000\n",
        "weft-seal-1 000000000000000000000000000000000000000000000000000000000000000x\n",
        "weft-seal-1 0000000000000000000000000000000000000000000000000000000000000000\n\n"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        char path[256];
        struct seal_key key;
        (void)snprintf(path, sizeof path, "%s/other", test_temp_dir());
        FILE *out = fopen(path, "w");
        EXPECT(out != NULL);
        (void)fputs(texts[i], out);
        (void)fclose(out);
        EXPECT_EQ(chmod(path, 0600), 0);
        EXPECT_EQ(seal_key_read(path, &key), ERR_DAMAGED);
    }
}
