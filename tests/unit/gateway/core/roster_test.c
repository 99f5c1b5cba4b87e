#include "gateway/core/roster.h"

#include "tests/support/test.h"

static struct msg_worker_line full(void)
{
    return (struct msg_worker_line){.worker_id = {{0x27}},
                                    .name = slice_of_text("w\"1"),
                                    .types = slice_of_text("resize,send"),
                                    .queues = slice_of_text("mail"),
                                    .slots = 4,
                                    .running = 2,
                                    .connected = true,
                                    .since_at = 1796112000000};
}

TEST(roster, tells_each_worker_and_where_to_go_on)
{
    static char text[1024];
    struct msg_worker_line line = full();
    struct out out = {.data = (uint8_t *)text, .cap = sizeof text - 1, .format = OUT_JSON};
    roster_answer(&out, &(struct msg_worker_listed){.workers = &line, .count = 1, .cursor = 12});
    text[out.len] = '\0';
    EXPECT_STR(text, "{\"workers\":[{\"worker_id\":\"27000000-0000-0000-0000-000000000000\","
                     "\"name\":\"w\\\"1\",\"status\":\"serving\",\"slots\":4,\"running\":2,"
                     "\"types\":[\"resize\",\"send\"],\"queues\":[\"mail\"],"
                     "\"since\":\"2026-12-01T08:00:00.000Z\"}],\"cursor\":\"12\"}");
    out.len = 0;
    roster_answer(&out, &(struct msg_worker_listed){0});
    text[out.len] = '\0';
    EXPECT_STR(text, "{\"workers\":[]}");
}

TEST(roster, status_is_the_strongest_word)
{
    struct msg_worker_line line = full();
    EXPECT_STR(roster_status(&line), "serving");
    line.quiet = true;
    EXPECT_STR(roster_status(&line), "quiet");
    line.quiet = false;
    line.drain = DRAIN_QUIET;
    EXPECT_STR(roster_status(&line), "quiet");
    line.drain = DRAIN_STOP;
    EXPECT_STR(roster_status(&line), "stopping");
    line.connected = false;
    EXPECT_STR(roster_status(&line), "away");
}
