// Places come back as they went; what is no place is refused.

#include "gateway/core/feed.h"
#include "tests/support/test.h"

static struct msg_place place(uint64_t lineage, uint32_t epoch, uint64_t position, uint32_t index)
{
    return (struct msg_place){lineage, epoch, position, index};
}

static void expect_round(struct msg_place there, const char *text)
{
    char put[FEED_PLACE_LEN + 1];
    struct msg_place back;
    feed_place_put(&there, put);
    EXPECT_STR(put, text);
    EXPECT_EQ(feed_place_read(slice_of_text(put), &back), OK);
    EXPECT(back.lineage == there.lineage && back.epoch == there.epoch &&
           back.position == there.position && back.index == there.index);
}

TEST(feed, a_place_comes_back_as_it_went)
{
    expect_round(place(0x0123456789abcdef, 7, 42, 3), "0123456789abcdef-7-42-3");
    expect_round(place(1, 1, 0, 0), "0000000000000001-1-0-0");
    expect_round(place(UINT64_MAX, UINT32_MAX, UINT64_MAX, UINT32_MAX),
                 "ffffffffffffffff-4294967295-18446744073709551615-4294967295");
}

TEST(feed, what_is_no_place_is_refused)
{
    static const char *const wrong[] = {
        "",
        "7",
        "0123456789abcdef",
        "0123456789abcdef-7",
        "0123456789abcdef-7-42",
        "0123456789abcdef-7-42-",
        "0123456789abcdef-7-42-3-",
        "0123456789abcdef-7-42-3x",
        "0123456789ABCDEF-7-42-3",
        "0123456789abcdeg-7-42-3",
        "0123456789abcdef--42-3",
        "0123456789abcdef-0-42-3",
        "0123456789abcdef-4294967296-42-3",
        "0123456789abcdef-7-18446744073709551616-3",
        "0123456789abcdef-7-42-4294967296",
        "0123456789abcdef 7 42 3",
        "0123456789abcde-7-42-3",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct msg_place out = place(9, 9, 9, 9);
        EXPECT_EQ(feed_place_read(slice_of_text(wrong[i]), &out), ERR_BAD_FIELD);
        EXPECT_EQ(out.position, 9);
    }
}

TEST(feed, an_event_and_a_gap_are_one_object_each)
{
    uint8_t room[FEED_EVENT_LEN_MAX];
    struct msg_job_event event = {.position = 42,
                                  .index = 3,
                                  .state = JOB_RUNNING,
                                  .version = 2,
                                  .at = 1796112000000,
                                  .queue = slice_of_text("mail"),
                                  .type = slice_of_text("send")};
    struct msg_event told = {.next = place(1, 7, 50, 1),
                             .oldest_position = 10,
                             .oldest_index = 2,
                             .events = &event,
                             .count = 1};
    struct out out = {.data = room, .cap = sizeof room};
    feed_event(&out, &told, &event);
    EXPECT(!out.full);
    EXPECT(slice_is_text(
        out_slice(&out),
        "{\"id\":\"0000000000000001-7-42-3\",\"job_id\":\"00000000-0000-0000-0000-000000000000\","
        "\"type\":\"send\",\"queue\":\"mail\",\"status\":\"running\",\"version\":2,"
        "\"at\":\"2026-12-01T08:00:00.000Z\"}"));
    out = (struct out){.data = room, .cap = sizeof room};
    feed_gap(&out, &told);
    EXPECT(slice_is_text(out_slice(&out), "{\"gap\":true,\"oldest\":\"0000000000000001-7-10-2\","
                                          "\"newest\":\"0000000000000001-7-50-1\"}"));
}

TEST(feed, the_longest_event_has_room)
{
    static uint8_t name[MSG_NAME_LEN_MAX];
    uint8_t room[FEED_EVENT_LEN_MAX];
    memset(name, 'x', sizeof name);
    struct msg_job_event event = {.position = UINT64_MAX,
                                  .index = UINT32_MAX,
                                  .state = JOB_SUCCEEDED,
                                  .version = UINT32_MAX,
                                  .at = 1796112000123,
                                  .queue = slice_of(name, sizeof name),
                                  .type = slice_of(name, sizeof name)};
    struct msg_event told = {.next = place(UINT64_MAX, UINT32_MAX, UINT64_MAX, UINT32_MAX)};
    struct out out = {.data = room, .cap = sizeof room};
    feed_event(&out, &told, &event);
    EXPECT(!out.full);
}
