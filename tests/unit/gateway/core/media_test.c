// Content types.

#include "gateway/core/media.h"

#include "tests/support/test.h"

TEST(media, content_types_are_told_apart)
{
    static const struct {
        const char *text;
        enum media media;
    } rows[] = {
        {"application/json", MEDIA_JSON},
        {"Application/JSON ; charset=UTF-8", MEDIA_JSON},
        {"application/json; charset=\"utf-8\"", MEDIA_JSON},
        {"application/json;charset=latin1", MEDIA_OTHER},
        {"application/x-ndjson", MEDIA_NDJSON},
        {"application/ndjson", MEDIA_NDJSON},
        {"application/merge-patch+json; charset=utf-8", MEDIA_MERGE_PATCH},
        {"application/msgpack", MEDIA_MSGPACK},
        {"application/vnd.msgpack", MEDIA_MSGPACK},
        {"application/x-www-form-urlencoded", MEDIA_OTHER},
        {"application/jsonx", MEDIA_OTHER},
        {"", MEDIA_OTHER},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        EXPECT_EQ(media_of(slice_of_text(rows[i].text)), rows[i].media);
    EXPECT_EQ(media_of((struct slice){0}), MEDIA_NONE);
}

TEST(media, the_preferred_format_is_found)
{
    static const struct {
        const char *text;
        enum media media;
    } rows[] = {
        {"", MEDIA_JSON},
        {"*/*", MEDIA_JSON},
        {"application/*", MEDIA_JSON},
        {"application/json", MEDIA_JSON},
        {"application/msgpack", MEDIA_MSGPACK},
        {"application/msgpack, application/json", MEDIA_JSON},
        {"application/msgpack, application/json;q=0.9", MEDIA_MSGPACK},
        {"application/msgpack;q=0.5, */*;q=0.4", MEDIA_MSGPACK},
        {"application/msgpack;q=0.5, */*", MEDIA_JSON},
        {"application/msgpack;q=0, */*", MEDIA_JSON},
        {"text/html", MEDIA_OTHER},
        {"text/html, */*;q=0.1", MEDIA_JSON},
        {"application/json;q=0", MEDIA_OTHER},
        {"application/problem+json", MEDIA_JSON},
        {"application/msgpack;q=x", MEDIA_OTHER},
        {",,;;", MEDIA_OTHER},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (media_wanted(slice_of_text(rows[i].text)) != rows[i].media)
            print_error("%s\n", rows[i].text);
        EXPECT_EQ(media_wanted(slice_of_text(rows[i].text)), rows[i].media);
    }
    EXPECT_EQ(media_wanted((struct slice){0}), MEDIA_JSON);
}

TEST(media, events_are_wanted_by_name)
{
    EXPECT(media_wants_events(slice_of_text("text/event-stream")));
    EXPECT(media_wants_events(slice_of_text("application/json;q=0.5, Text/Event-Stream ; q=0.1")));
    EXPECT(!media_wants_events(slice_of_text("text/event-stream;q=0")));
    EXPECT(!media_wants_events(slice_of_text("text/*, */*")));
    EXPECT(!media_wants_events((struct slice){0}));
}
