// The rows of the stream of events.

#include "tests/support/test.h"

#include "proto/wire_private.h"

// protobuf-c makes a table of its own for each message that has more fields.
TEST(wire_shapes_watch, event_is_cheap_to_unpack)
{
    const struct wire_shape *shape = wire_shape_of(MSG_EVENT);
    EXPECT(shape == &wire_shapes_watch_event);
    EXPECT(wire_shape_of(MSG_WATCH) == &wire_shapes_watch);
    EXPECT(shape->lists[0].of->descriptor->n_fields <= 16);
    EXPECT_EQ(shape->lists[0].max, MSG_WATCHED_MAX);
}
