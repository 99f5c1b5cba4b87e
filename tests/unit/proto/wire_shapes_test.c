// The tables that the codec walks.

#include "tests/support/test.h"

#include "proto/wire_private.h"
#include "tests/support/messages.h"

TEST(wire_shapes, there_is_one_for_each_kind_of_message)
{
    for
        MESSAGES_EACH(kind)
    EXPECT(wire_shape_of(kind) != NULL);
    EXPECT(wire_shape_of(0) == NULL);
    EXPECT(wire_shape_of(1) == NULL);
    EXPECT(wire_shape_of(MESSAGES_KIND_LAST + 1) == NULL);
    EXPECT(wire_shape_of(UINT32_MAX) == NULL);
}

static unsigned rows_of(const struct wire_shape *shape)
{
    return (unsigned)shape->field_count + shape->list_count + (shape->body.max > 0 ? 1u : 0u);
}

TEST(wire_shapes, every_field_of_the_contract_has_a_row)
{
    for
        MESSAGES_EACH(kind)
        {
            const struct wire_shape *shape = wire_shape_of(kind);
            EXPECT_EQ(rows_of(shape), shape->descriptor->n_fields);
            EXPECT_EQ(shape->wire_size, shape->descriptor->sizeof_message);
            for (unsigned i = 0; i < shape->list_count; i++) {
                const struct wire_shape *of = shape->lists[i].of;
                if (of == NULL)
                    continue;
                EXPECT_EQ(rows_of(of), of->descriptor->n_fields);
                EXPECT_EQ(of->wire_size, of->descriptor->sizeof_message);
                // Elements have no lists of their own, so the codec needs no recursion.
                EXPECT_EQ(of->list_count, 0);
            }
        }
}
