// The rows of a job's history, where they are more than one message's.

#include "tests/support/test.h"

#include "proto/wire_private.h"
#include "tests/support/messages.h"

TEST(wire_shapes_history, lines_are_alike_in_each_message_that_carries_them)
{
    static const enum msg_kind kinds[] = {MSG_RENEW, MSG_FINISH, MSG_LOG_IS};
    for (unsigned i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        const struct wire_shape *shape = wire_shape_of(kinds[i]);
        const struct wire_list *last = &shape->lists[shape->list_count - 1];
        EXPECT(last->of == &wire_shapes_history_log_line);
        EXPECT_EQ(last->max, MSG_LOG_LINES_MAX);
    }
}

// protobuf-c makes a table of its own for each message that has more fields.
TEST(wire_shapes_history, event_is_cheap_to_unpack)
{
    const struct wire_shape *shape = wire_shape_of(MSG_TIMELINE_IS);
    EXPECT(shape == &wire_shapes_history_timeline_is);
    EXPECT(shape->lists[0].of->descriptor->n_fields <= 16);
    EXPECT(shape->lists[0].max <= MSG_JOBS_MAX);
}
