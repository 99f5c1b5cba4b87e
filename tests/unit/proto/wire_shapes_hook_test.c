// The rows of endpoints.

#include "tests/support/test.h"

#include "proto/wire_private.h"

// What is set is told as it was set; no secret is told.
TEST(wire_shapes_hook, given_alike_in_both_directions)
{
    const struct wire_shape *line = wire_shapes_hook_status_is.lists[0].of;
    for (unsigned i = 0; i < 6; i++)
        EXPECT_EQ(wire_shapes_hook_set.fields[i].kind, line->fields[i].kind);
    EXPECT_EQ(wire_shapes_hook_status_is.lists[0].max, MSG_HOOKS_MAX);
    for (unsigned i = 0; i < line->field_count; i++)
        EXPECT(line->fields[i].kind != WIRE_BYTES);
}
