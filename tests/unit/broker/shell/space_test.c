// Which outcomes are still taken while there is little room.

// links: weft_broker_order weft_broker_store weft_broker_core weft_disk weft_link weft_proto

#include "broker/shell/space.h"

#include "tests/support/test.h"

enum { MIB = 1024 * 1024, MAP = 1600 * MIB, AHEAD = 64 * MIB };

static struct options options;
static struct batch filling;
static struct broker broker; // too large for a stack

static void begin(void)
{
    options = (struct options){.ahead_bytes = AHEAD};
    filling = (struct batch){0};
    broker.options = &options;
    broker.filling = &filling;
    broker.committing = NULL;
    broker.space = (struct store_figures){.map_bytes_max = MAP, .ahead_left_bytes = AHEAD};
}

TEST(space, small_outcomes_are_taken_longer_in_a_full_map)
{
    begin();
    broker.space.used_bytes = MAP / 8 * 7 - 1 * MIB;
    EXPECT(space_has_room(&broker, 1 * MIB, 1));
    EXPECT(!space_has_room(&broker, 1 * MIB + 1, 1));
    broker.space.used_bytes = MAP / 16 * 15 - SPACE_SMALL_BYTES;
    EXPECT(!space_has_room(&broker, SPACE_SMALL_BYTES + 1, 1));
    EXPECT(space_has_room(&broker, SPACE_SMALL_BYTES, 1));
    filling.stored_bytes = 1; // taken in since the figures were made
    EXPECT(!space_has_room(&broker, SPACE_SMALL_BYTES, 1));
    EXPECT(space_has_room(&broker, 0, 1)); // brings nothing
    filling.stored_bytes = 0;
    broker.space.used_bytes -= SPACE_SMALL_BYTES;
    EXPECT(!space_has_room(&broker, 2 * SPACE_SMALL_BYTES, 1)); // of one job …
    EXPECT(space_has_room(&broker, 2 * SPACE_SMALL_BYTES, 2));  // … or of two
}

TEST(space, small_outcomes_are_taken_longer_on_a_full_disk)
{
    begin();
    broker.space.is_short = true;
    broker.space.ahead_left_bytes = AHEAD / 2 + 1 * MIB;
    EXPECT(space_has_room(&broker, 1 * MIB, 1));
    EXPECT(!space_has_room(&broker, 1 * MIB + 1, 1));
    broker.space.ahead_left_bytes = AHEAD / 4 + SPACE_SMALL_BYTES;
    EXPECT(!space_has_room(&broker, SPACE_SMALL_BYTES + 1, 1));
    EXPECT(space_has_room(&broker, SPACE_SMALL_BYTES, 1));
    broker.space.ahead_left_bytes--;
    EXPECT(!space_has_room(&broker, SPACE_SMALL_BYTES, 1));
    broker.space.ahead_left_bytes = 0;
    EXPECT(space_has_room(&broker, 0, 1));
}
