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
    expect_event(&(struct event){.name = "status", .id = 7, .data = slice_of_text("{\"a\":1}")},
                 "event: status\nid: 7\ndata: {\"a\":1}\n\n");
    expect_event(&(struct event){.name = "removed", .id = UINT32_MAX, .data = slice_of_text("{}")},
                 "event: removed\nid: 4294967295\ndata: {}\n\n");
    expect_event(&(struct event){.name = "note", .id = 0, .data = slice_of_text("")},
                 "event: note\ndata: \n\n");
}

TEST(event, a_place_stands_where_a_number_would)
{
    expect_event(&(struct event){.name = "status",
                                 .mark = slice_of_text("00000000000000ff-1-2-3"),
                                 .data = slice_of_text("{}")},
                 "event: status\nid: 00000000000000ff-1-2-3\ndata: {}\n\n");
}

// A line end in the data would end the event, or begin a field of the sender's choice.
TEST(event, no_line_of_the_data_leaves_it)
{
    expect_event(
        &(struct event){.name = "s", .id = 1, .data = slice_of_text("a\nid: 9\n\nevent: x")},
        "event: s\nid: 1\ndata: a\ndata: id: 9\ndata: \ndata: event: x\n\n");
    expect_event(&(struct event){.name = "s", .id = 1, .data = slice_of_text("a\rb\r\nc\n\rd")},
                 "event: s\nid: 1\ndata: a\ndata: b\ndata: c\ndata: \ndata: d\n\n");
}
