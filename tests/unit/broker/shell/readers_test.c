// The rings of the reader thread: both fill, and what is taken makes room.

// links: weft_broker_order weft_broker_store weft_broker_core weft_disk weft_link weft_proto

#include "broker/shell/readers.h"

#include "broker/shell/readers_schedules.h"
#include "tests/support/test.h"

#include <poll.h>

enum { ASKS_MAX = 8192, REPLIES_MAX = 4096, PATIENCE_MS = 60000 };

struct place {
    struct store *store;
    struct wake wake;
    struct readers *readers;
};

static struct place place_of(void)
{
    struct place place = {0};
    const char *why = NULL;
    struct store_options options = {
        .dir = test_temp_dir(), .map_bytes_max = UINT64_C(1) << 32, .allow_unsafe_place = true};
    EXPECT_EQ(store_open(&options, &place.store, &why), OK);
    EXPECT_EQ(wake_open(&place.wake), OK);
    return place;
}

static void start(struct place *place)
{
    struct readers_options options = {.store = place->store, .wake = &place->wake};
    EXPECT_EQ(readers_open(&options, &place->readers), OK);
}

static void leave(struct place *place)
{
    readers_close(place->readers);
    wake_close(&place->wake);
    store_close(place->store);
}

static bool ask(struct place *place, uint64_t corr)
{
    struct watch_question question = {
        .kind = WATCH_BATCH, .id = {{1}}, .corr = corr, .watch = WATCH_NONE};
    return readers_ask(place->readers, NULL, &question);
}

// As soon as there is room: the thread rings for what it has answered.
static void ask_at_last(struct place *place, uint64_t corr)
{
    struct pollfd bell = {.fd = place->wake.fd, .events = POLLIN};
    for (wake_clear(&place->wake); !ask(place, corr); wake_clear(&place->wake))
        EXPECT_EQ(poll(&bell, 1, PATIENCE_MS), 1);
}

TEST(readers, both_rings_fill_and_what_is_taken_makes_room)
{
    struct place place = place_of();
    start(&place);
    for (uint64_t corr = 1; corr <= ASKS_MAX + REPLIES_MAX; corr++)
        ask_at_last(&place, corr);
    EXPECT(!ask(&place, 99999)); // nobody takes a reply, so nothing is answered any more
    struct readers_reply reply;
    struct pollfd bell = {.fd = place.wake.fd, .events = POLLIN};
    for (uint64_t i = 0; i < ASKS_MAX + REPLIES_MAX; i++) {
        for (wake_clear(&place.wake); !readers_take(place.readers, &reply); wake_clear(&place.wake))
            EXPECT_EQ(poll(&bell, 1, PATIENCE_MS), 1);
        EXPECT(reply.envelope.len > 0);
        readers_drop(&reply);
    }
    EXPECT(!readers_take(place.readers, &reply)); // one answer each
    EXPECT(ask(&place, 99999));
    leave(&place);
}
