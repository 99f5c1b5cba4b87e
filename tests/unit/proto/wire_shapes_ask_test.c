// What clients ask besides submitting and looking.

#include "tests/support/test.h"

#include "proto/wire_private.h"

TEST(wire_shapes_ask, each_kind_has_one_place)
{
    EXPECT(wire_shapes_ask_of(MSG_ACT) != NULL && wire_shapes_ask_of(MSG_LISTED) != NULL);
    EXPECT(wire_shape_of(MSG_ACT) == wire_shapes_ask_of(MSG_ACT));
    EXPECT(wire_shapes_ask_of(MSG_SUBMIT) == NULL);
    EXPECT(wire_shapes_ask_of(UINT32_MAX) == NULL);
}
