// The vector of the specification's own libraries.

#include "lib/post/signature.h"

#include "tests/support/test.h"

#include <string.h>

// The bytes of whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw.
static const uint8_t key[] = {0x31, 0xf2, 0x90, 0xf6, 0xbf, 0x06, 0x29, 0x8a,
                              0xab, 0x4f, 0x08, 0xd4, 0x3c, 0x3f, 0x08, 0x2c,
                              0xf6, 0x48, 0xa3, 0x62, 0xda, 0x2d, 0xa4, 0xb0};

static struct signature signature_of(struct slice first, struct slice second)
{
    const struct signature_input input = {
        .id = slice_of_text("msg_p5jXN8AQM9LWM0D4loKWxJek"),
        .at = 1614265330999,
        .body = slice_of_text("{\"test\": 2432232314}"),
        .keys = {first, second},
    };
    struct signature signature;
    signature_make(&input, &signature);
    return signature;
}

TEST(signature, it_is_the_standard_one)
{
    struct signature signature = signature_of(slice_of(key, sizeof key), slice_of(NULL, 0));
    EXPECT_STR(signature.time, "1614265330");
    EXPECT_STR(signature.text, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
}

TEST(signature, two_secrets_sign_both)
{
    struct signature one = signature_of(slice_of(key, sizeof key), slice_of(NULL, 0));
    struct signature other = signature_of(slice_of(NULL, 0), slice_of_text("another secret"));
    struct signature both =
        signature_of(slice_of(key, sizeof key), slice_of_text("another secret"));
    size_t len = strlen(one.text);
    EXPECT_EQ(strlen(both.text), 2 * len + 1);
    EXPECT_MEM(both.text, one.text, len);
    EXPECT_EQ(both.text[len], ' ');
    EXPECT_STR(both.text + len + 1, other.text);
    EXPECT(strlen(both.text) <= SIGNATURE_TEXT_LEN_MAX);
}

TEST(signature, without_a_secret_there_is_none)
{
    EXPECT_STR(signature_of(slice_of(NULL, 0), slice_of(NULL, 0)).text, "");
}
