// The table of peers: numbers live from HELLO until the core was told and no answer is left.

#include "broker/shell/peers.h"
#include "tests/support/test.h"

#include <stdio.h>

enum { WORKER_SILENCE_MS = 1000, OTHER_SILENCE_MS = 100 };

static struct peers *table(uint32_t count_max)
{
    struct peers_options options = {.count_max = count_max,
                                    .worker_silence_ms = WORKER_SILENCE_MS,
                                    .other_silence_ms = OTHER_SILENCE_MS,
                                    .seed = 7};
    struct peers *peers = peers_new(&options);
    EXPECT(peers != NULL);
    return peers;
}

static uint32_t add(struct peers *peers, const char *route, enum role role, when_ms now)
{
    uint32_t number = PEERS_NONE;
    EXPECT_EQ(peers_add(peers, slice_of_text(route), now, &number), OK);
    peers_set_role(peers, number, role);
    return number;
}

TEST(peers, a_route_is_found_by_its_bytes)
{
    struct peers *peers = table(4);
    uint32_t a = add(peers, "route-a", ROLE_CLIENT, 0);
    uint32_t b = add(peers, "route-b", ROLE_CLIENT, 0);
    EXPECT(a != b);
    EXPECT_EQ(peers_find(peers, slice_of_text("route-a")), a);
    EXPECT_EQ(peers_find(peers, slice_of_text("route-b")), b);
    EXPECT_EQ(peers_find(peers, slice_of_text("route-c")), PEERS_NONE);
    EXPECT(slice_is_text(peers_route(peers, b), "route-b"));
    peers_free(peers);
}

TEST(peers, an_empty_or_endless_route_is_refused)
{
    struct peers *peers = table(1);
    uint8_t long_route[PEERS_ROUTE_LEN_MAX + 1] = {1};
    uint32_t number = 0;
    EXPECT_EQ(peers_add(peers, slice_of(long_route, 0), 0, &number), ERR_TOO_LARGE);
    EXPECT_EQ(peers_add(peers, slice_of(long_route, sizeof long_route), 0, &number), ERR_TOO_LARGE);
    EXPECT_EQ(peers_add(peers, slice_of(long_route, PEERS_ROUTE_LEN_MAX), 0, &number), OK);
    EXPECT_EQ(peers_route(peers, number).len, PEERS_ROUTE_LEN_MAX);
    peers_free(peers);
}

TEST(peers, a_number_is_not_given_again_before_the_core_was_told_and_all_is_released)
{
    struct peers *peers = table(1);
    uint32_t first = add(peers, "first", ROLE_CLIENT, 0);
    struct peers_ref ref = peers_ref(peers, first);
    peers_leave(peers, first);
    EXPECT_EQ(peers_find(peers, slice_of_text("first")), PEERS_NONE);
    EXPECT_EQ(peers_route(peers, first).len, 0);
    EXPECT(!peers_is_here(peers, ref));

    uint32_t number = PEERS_NONE;
    EXPECT_EQ(peers_add(peers, slice_of_text("second"), 0, &number), ERR_FULL);
    EXPECT_EQ(peers_take_left(peers), first);
    EXPECT_EQ(peers_take_left(peers), PEERS_NONE);
    EXPECT_EQ(peers_add(peers, slice_of_text("second"), 0, &number), ERR_FULL);

    peers_drop(peers, first);
    EXPECT_EQ(peers_add(peers, slice_of_text("second"), 0, &number), OK);
    EXPECT_EQ(number, first);
    EXPECT(!peers_is_here(peers, ref));
    EXPECT(peers_is_here(peers, peers_ref(peers, number)));
    peers_free(peers);
}

TEST(peers, leaving_twice_is_leaving_once)
{
    struct peers *peers = table(2);
    uint32_t number = add(peers, "a", ROLE_WORKER, 0);
    peers_leave(peers, number);
    peers_leave(peers, number);
    EXPECT_EQ(peers_take_left(peers), number);
    peers_leave(peers, number);
    EXPECT_EQ(peers_take_left(peers), PEERS_NONE);
    EXPECT_EQ(peers_count(peers), 0);
    peers_free(peers);
}

TEST(peers, a_full_table_lets_the_longest_silent_non_worker_go)
{
    struct peers *peers = table(3);
    add(peers, "worker", ROLE_WORKER, 0);
    uint32_t old = add(peers, "old", ROLE_CLIENT, 1);
    uint32_t young = add(peers, "young", ROLE_GATEWAY, 2);
    peers_heard(peers, old, 3);
    uint32_t number = PEERS_NONE;
    EXPECT_EQ(peers_add(peers, slice_of_text("new"), 4, &number), ERR_FULL);
    EXPECT_EQ(peers_take_left(peers), young);
    EXPECT(peers_find(peers, slice_of_text("old")) == old);
    peers_free(peers);
}

// With peer_count_max of them.
TEST(peers, a_table_full_of_workers_lets_nobody_go)
{
    struct peers *peers = table(2);
    add(peers, "a", ROLE_WORKER, 0);
    add(peers, "b", ROLE_WORKER, 0);
    uint32_t number = PEERS_NONE;
    EXPECT_EQ(peers_add(peers, slice_of_text("c"), 1, &number), ERR_FULL);
    EXPECT_EQ(peers_take_left(peers), PEERS_NONE);
    EXPECT_EQ(peers_worker_count(peers), 2);
    peers_free(peers);
}

TEST(peers, silence_is_counted_from_the_last_word)
{
    struct peers *peers = table(4);
    EXPECT_EQ(peers_deadline(peers), WHEN_NEVER);
    uint32_t worker = add(peers, "worker", ROLE_WORKER, 0);
    uint32_t client = add(peers, "client", ROLE_CLIENT, 0);
    EXPECT_EQ(peers_deadline(peers), OTHER_SILENCE_MS);
    peers_heard(peers, client, 50);
    peers_leave_silent(peers, 149);
    EXPECT_EQ(peers_take_left(peers), PEERS_NONE);
    peers_leave_silent(peers, 150);
    EXPECT_EQ(peers_take_left(peers), client);
    EXPECT_EQ(peers_deadline(peers), WORKER_SILENCE_MS);
    peers_leave_silent(peers, WORKER_SILENCE_MS);
    EXPECT_EQ(peers_take_left(peers), worker);
    peers_free(peers);
}

TEST(peers, workers_are_walked_in_turn)
{
    struct peers *peers = table(4);
    uint32_t a = add(peers, "a", ROLE_WORKER, 0);
    add(peers, "b", ROLE_CLIENT, 0);
    uint32_t c = add(peers, "c", ROLE_WORKER, 0);
    EXPECT_EQ(peers_next_worker(peers, PEERS_NONE), a);
    EXPECT_EQ(peers_next_worker(peers, a), c);
    EXPECT_EQ(peers_next_worker(peers, c), PEERS_NONE);
    peers_free(peers);
}

TEST(peers, many_routes_come_and_go)
{
    enum { COUNT = 1000 };
    struct peers *peers = table(COUNT);
    char route[32];
    for (uint32_t round = 0; round < 3; round++) {
        for (uint32_t i = 0; i < COUNT; i++) {
            (void)snprintf(route, sizeof route, "r%u-%u", round, i);
            add(peers, route, i % 2 == 0 ? ROLE_WORKER : ROLE_CLIENT, i);
        }
        EXPECT_EQ(peers_count(peers), COUNT);
        for (uint32_t i = 0; i < COUNT; i++)
            peers_leave(peers, i);
        uint32_t left = peers_take_left(peers);
        for (; left != PEERS_NONE; left = peers_take_left(peers))
            peers_drop(peers, left);
        EXPECT_EQ(peers_count(peers), 0);
    }
    peers_free(peers);
}
