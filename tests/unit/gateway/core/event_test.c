// Events of a stream, read back by the standard's rules.
// links: weft_gateway_core

#include "gateway/core/event.h"

#include "tests/support/test.h"

static void expect_event(const struct event *event, const char *text)
{
    uint8_t room[256];
    EXPECT(event_len(event) <= sizeof room);
    size_t len = event_put(event, room);
    EXPECT(len <= event_len(event));
    EXPECT_EQ(len, strlen(text));
    EXPECT(memcmp(room, text, len) == 0);
}

TEST(event, name_id_and_data_have_a_line_each)
{
    expect_event(&(struct event){"status", 7, slice_of_text("{\"a\":1}")},
                 "event: status\nid: 7\ndata: {\"a\":1}\n\n");
    expect_event(&(struct event){"removed", UINT32_MAX, slice_of_text("{}")},
                 "event: removed\nid: 4294967295\ndata: {}\n\n");
    expect_event(&(struct event){"note", 0, slice_of_text("")}, "event: note\ndata: \n\n");
}

// A line end in the data would end the event, or begin a field of the sender's choice.
TEST(event, no_line_of_the_data_leaves_it)
{
    expect_event(&(struct event){"s", 1, slice_of_text("a\nid: 9\n\nevent: x")},
                 "event: s\nid: 1\ndata: a\ndata: id: 9\ndata: \ndata: event: x\n\n");
    expect_event(&(struct event){"s", 1, slice_of_text("a\rb\r\nc\n\rd")},
                 "event: s\nid: 1\ndata: a\ndata: b\ndata: c\ndata: \ndata: d\n\n");
}
