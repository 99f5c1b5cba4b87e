// The rows of queues.

#include "tests/support/test.h"

#include "proto/wire_private.h"

// What is set is told as it was set. Behind the settings it says which are meant.
TEST(wire_shapes_queue, settings_are_alike_in_both_directions)
{
    const struct wire_shape *line = wire_shapes_queue_status_is.lists[0].of;
    const struct wire_shape *set = &wire_shapes_queue_set;
    EXPECT(set->field_count < line->field_count);
    unsigned settings = set->field_count - 1u;
    EXPECT_STR(set->descriptor->fields[settings].name, "named");
    for (unsigned i = 0; i < settings; i++) {
        const ProtobufCFieldDescriptor *given = &set->descriptor->fields[i];
        const ProtobufCFieldDescriptor *told = &line->descriptor->fields[i];
        EXPECT_STR(given->name, told->name);
        EXPECT_EQ(given->id, told->id);
        EXPECT_EQ(set->fields[i].kind, line->fields[i].kind);
    }
    EXPECT_EQ(wire_shapes_queue_status_is.lists[0].max, MSG_QUEUES_MAX);
}
