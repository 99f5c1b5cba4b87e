// The self-test of the doors must fail when a stranger is let in: shown with a handler that lets
// everybody in, and with none at all.

#include "broker/shell/doors.h"
#include "lib/link/cert.h"
#include "tests/support/test.h"

enum { PATIENCE_MS = 20000 };

static bool nobody(const void *context, const struct zap_request *request)
{
    (void)context;
    EXPECT_STR(request->domain, "weft");
    return false;
}

static bool everybody(const void *context, const struct zap_request *request)
{
    (void)context;
    (void)request;
    return true;
}

static err test_with(bool (*admits)(const void *, const struct zap_request *), bool is_curve)
{
    struct cert cert;
    struct link_context *context = NULL;
    struct link *zap = NULL;
    struct link *router = NULL;
    char endpoint[64];
    cert_make(&cert);
    struct link_curve curve = {.domain = "weft"};
    memcpy(curve.secret_key, cert.secret_key, sizeof curve.secret_key);
    EXPECT_EQ(link_context_open(&context), OK);
    EXPECT_EQ(zap_open(context, &zap), OK);
    struct link_options options = {.kind = LINK_ROUTER,
                                   .endpoint = "tcp://127.0.0.1:0",
                                   .bind = true,
                                   .message_bytes_max = 1024,
                                   .curve = is_curve ? &curve : NULL};
    EXPECT_EQ(link_open(context, &options, &router), OK);
    EXPECT_EQ(link_endpoint(router, endpoint, sizeof endpoint), OK);
    const struct doors_test test = {.context = context,
                                    .zap = zap,
                                    .endpoint = endpoint,
                                    .server_key = cert.public_key,
                                    .patience_ms = PATIENCE_MS};
    err e = doors_test_strangers(&test, &(struct doors_judge){.admits = admits});
    link_close(router);
    link_close(zap);
    link_context_close(context);
    return e;
}

TEST(doors, self_test_passes_when_strangers_are_refused)
{
    EXPECT_EQ(test_with(nobody, true), OK);
}

TEST(doors, self_test_fails_when_a_stranger_gets_in)
{
    EXPECT_EQ(test_with(everybody, true), ERR_NO_KEY);
}

TEST(doors, self_test_fails_at_a_door_in_the_clear)
{
    EXPECT_EQ(test_with(nobody, false), ERR_NO_KEY);
}
