// When a connection has misbehaved enough.

#include "broker/shell/warden.h"
#include "tests/support/test.h"

static enum warden_verdict note(struct warden *warden, const char *route, when_ms now)
{
    return warden_note(warden, slice_of_text(route), now);
}

TEST(warden, one_misdeed_too_many_is_told_once)
{
    struct warden *warden = warden_new(test_seed());
    for (uint32_t i = 0; i < WARDEN_MISDEEDS_MAX; i++)
        EXPECT_EQ(note(warden, "a", 1000 + i), WARDEN_BORNE);
    EXPECT_EQ(note(warden, "a", 2000), WARDEN_CUT);
    // What was on its way must not be laid to whoever has the descriptor now.
    for (uint32_t i = 0; i < 3 * WARDEN_MISDEEDS_MAX; i++)
        EXPECT_EQ(note(warden, "a", 2 * WARDEN_SPAN_MS), WARDEN_GONE);
    warden_free(warden);
}

TEST(warden, connections_and_minutes_are_counted_apart)
{
    struct warden *warden = warden_new(1);
    for (uint32_t i = 0; i < WARDEN_MISDEEDS_MAX; i++) {
        EXPECT_EQ(note(warden, "a", 1), WARDEN_BORNE);
        EXPECT_EQ(note(warden, "b", 1), WARDEN_BORNE);
    }
    EXPECT_EQ(note(warden, "a", 1 + WARDEN_SPAN_MS), WARDEN_BORNE);
    EXPECT_EQ(note(warden, "b", WARDEN_SPAN_MS), WARDEN_CUT);
    EXPECT_EQ(note(warden, "c", WARDEN_SPAN_MS), WARDEN_BORNE);
    warden_free(warden);
}

TEST(warden, more_connections_than_records_do_no_harm)
{
    struct warden *warden = warden_new(test_seed());
    char route[16];
    for (uint32_t i = 0; i < 4 * WARDEN_RECORDS; i++) {
        (void)snprintf(route, sizeof route, "r%u", i);
        EXPECT_EQ(note(warden, route, 1), WARDEN_BORNE);
    }
    warden_free(warden);
}
