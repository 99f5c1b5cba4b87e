// Workers: credit, what they serve, whose turn it is.

#include "broker/core/workers.h"

#include "lib/base/prng.h"
#include "tests/support/test.h"

#include <stdlib.h>

struct bench {
    struct limits limits;
    struct lanes lanes;
    struct workers workers;
    void *lanes_memory;
    struct queues queues;
    void *queues_memory;
    void *workers_memory;
};

static void make(struct bench *bench)
{
    bench->limits = (struct limits){
        .worker_count_max = 3, .serve_count_max = 6, .lane_count_max = 4, .peer_count_max = 8};
    struct limits names = {.tenant_count_max = 1, .queue_count_max = 4};
    bench->queues_memory = calloc(1, queues_size(&names));
    queues_init(&bench->queues, bench->queues_memory, &names, 1);
    bench->lanes_memory = calloc(1, lanes_size(4));
    bench->workers_memory = calloc(1, workers_size(&bench->limits));
    EXPECT(bench->lanes_memory != NULL && bench->workers_memory != NULL);
    lanes_init(&bench->lanes, bench->lanes_memory, 4, &bench->queues, 1);
    workers_init(&bench->workers, bench->workers_memory, &bench->limits, &bench->lanes, 1);
}

static void drop(struct bench *bench)
{
    free(bench->lanes_memory);
    free(bench->queues_memory);
    free(bench->workers_memory);
}

static uint32_t lane(struct bench *bench, const char *queue, const char *type)
{
    struct queue_name name = {.queue = slice_of_text(queue)};
    uint32_t in = queues_find(&bench->queues, name);
    if (in == QUEUES_NONE)
        in = queues_add(&bench->queues, name);
    uint32_t no = lanes_add(&bench->lanes, in, slice_of_text(type));
    workers_match_lanes(&bench->workers);
    return no;
}

// A connected worker with this number; its peer has the same.
static uint32_t worker(struct bench *bench, uint32_t number)
{
    struct id id = id_v7(0, 0, number);
    uint32_t no = WORKERS_NONE;
    err added = workers_add(&bench->workers, (struct slice){0}, &id, &no);
    EXPECT_EQ(added, OK);
    workers_at(&bench->workers, no)->peer = number;
    workers_set_peer(&bench->workers, number, ROLE_WORKER, no);
    return no;
}

static err ready(struct bench *bench, uint32_t no, const char *type, uint32_t slots)
{
    struct slice name = slice_of_text(type);
    return workers_ready(&bench->workers, no,
                         &(struct msg_ready){.types = &name, .type_count = 1, .slots = slots});
}

TEST(workers, a_peer_has_the_role_it_announced)
{
    struct bench bench;
    make(&bench);
    EXPECT_EQ(workers_role(&bench.workers, 5), ROLE_NONE);
    EXPECT_EQ(workers_of_peer(&bench.workers, 0), WORKERS_NONE);
    uint32_t no = worker(&bench, 5);
    EXPECT_EQ(workers_of_peer(&bench.workers, 5), no);
    workers_set_peer(&bench.workers, 5, ROLE_CLIENT, WORKERS_NONE);
    EXPECT_EQ(workers_of_peer(&bench.workers, 5), WORKERS_NONE);
    EXPECT_DIES((void)workers_role(&bench.workers, 8));
    EXPECT_DIES(workers_set_peer(&bench.workers, 1, ROLE_CLIENT, no));
    drop(&bench);
}

TEST(workers, the_fourth_of_three_is_refused)
{
    struct bench bench;
    make(&bench);
    uint32_t first = worker(&bench, 1);
    (void)worker(&bench, 2);
    (void)worker(&bench, 3);
    struct id id = id_v7(0, 0, 4);
    uint32_t no = 77;
    EXPECT_EQ(workers_add(&bench.workers, (struct slice){0}, &id, &no), ERR_FULL);
    EXPECT_EQ(no, 77);
    workers_drop(&bench.workers, first);
    EXPECT_EQ(workers_find(&bench.workers, (struct slice){0}, &id), WORKERS_NONE);
    EXPECT_EQ(workers_add(&bench.workers, (struct slice){0}, &id, &no), OK);
    EXPECT_EQ(no, first);
    EXPECT_EQ(workers_find(&bench.workers, (struct slice){0}, &id), no);
    drop(&bench);
}

TEST(workers, take_turns)
{
    struct bench bench;
    make(&bench);
    uint32_t mail = lane(&bench, "q", "mail");
    uint32_t a = worker(&bench, 1);
    uint32_t b = worker(&bench, 2);
    EXPECT_EQ(workers_next(&bench.workers, mail), WORKERS_NONE);
    EXPECT_EQ(ready(&bench, a, "mail", 2), OK);
    EXPECT_EQ(ready(&bench, b, "mail", 2), OK);
    EXPECT_EQ(workers_serving(&bench.workers, mail), 2);
    const uint32_t order[] = {a, b, a, b};
    for (unsigned i = 0; i < 4; i++) {
        EXPECT_EQ(workers_next(&bench.workers, mail), order[i]);
        workers_out(&bench.workers, order[i], mail, 10);
    }
    EXPECT_EQ(workers_next(&bench.workers, mail), WORKERS_NONE); // nobody has credit
    workers_back(&bench.workers, b, 10);
    EXPECT_EQ(workers_next(&bench.workers, mail), b);
    drop(&bench);
}

TEST(workers, serve_their_types_and_queues_only)
{
    struct bench bench;
    make(&bench);
    uint32_t a = worker(&bench, 1);
    struct slice types[] = {slice_of_text("mail"), slice_of_text("image")};
    struct slice queue = slice_of_text("fast");
    uint32_t slow = lane(&bench, "slow", "mail");
    EXPECT_EQ(
        workers_ready(
            &bench.workers, a,
            &(struct msg_ready){
                .types = types, .type_count = 2, .queues = &queue, .queue_count = 1, .slots = 1}),
        OK);
    // Lanes that come later are matched as well.
    uint32_t fast = lane(&bench, "fast", "image");
    uint32_t sound = lane(&bench, "fast", "sound");
    EXPECT_EQ(workers_next(&bench.workers, slow), WORKERS_NONE);
    EXPECT_EQ(workers_next(&bench.workers, fast), a);
    EXPECT_EQ(workers_next(&bench.workers, sound), WORKERS_NONE);
    EXPECT_EQ(workers_next(&bench.workers, 99), WORKERS_NONE);
    EXPECT_EQ(workers_serving(&bench.workers, 99), 0);
    drop(&bench);
}

TEST(workers, a_new_ready_replaces_the_old_one)
{
    struct bench bench;
    make(&bench);
    uint32_t mail = lane(&bench, "q", "mail");
    uint32_t image = lane(&bench, "q", "image");
    uint32_t a = worker(&bench, 1);
    EXPECT_EQ(ready(&bench, a, "mail", 1), OK);
    EXPECT_EQ(ready(&bench, a, "image", 1), OK);
    EXPECT_EQ(workers_serving(&bench.workers, mail), 0);
    EXPECT_EQ(workers_next(&bench.workers, image), a);
    EXPECT_EQ(workers_ready(&bench.workers, a, &(struct msg_ready){.slots = 4, .quiet = true}), OK);
    EXPECT_EQ(workers_next(&bench.workers, image), WORKERS_NONE);
    drop(&bench);
}

TEST(workers, bytes_are_credit_too)
{
    struct bench bench;
    make(&bench);
    uint32_t mail = lane(&bench, "q", "mail");
    uint32_t a = worker(&bench, 1);
    struct slice type = slice_of_text("mail");
    EXPECT_EQ(workers_ready(&bench.workers, a,
                            &(struct msg_ready){
                                .types = &type, .type_count = 1, .slots = 9, .slot_bytes = 100}),
              OK);
    EXPECT(workers_fits(&bench.workers, a, 1000)); // alone, anything fits
    workers_out(&bench.workers, a, mail, 60);
    EXPECT(workers_fits(&bench.workers, a, 40));
    EXPECT(!workers_fits(&bench.workers, a, 41));
    workers_stall(&bench.workers, a);
    EXPECT_EQ(workers_next(&bench.workers, mail), WORKERS_NONE);
    workers_back(&bench.workers, a, 60);
    EXPECT_EQ(workers_next(&bench.workers, mail), a);
    EXPECT_DIES(workers_back(&bench.workers, a, 1)); // nothing is out
    drop(&bench);
}

TEST(workers, a_lane_too_many_is_refused_and_changes_nothing)
{
    struct bench bench;
    make(&bench);
    uint32_t mail = lane(&bench, "a", "mail");
    (void)lane(&bench, "b", "mail");
    (void)lane(&bench, "c", "mail");
    uint32_t a = worker(&bench, 1);
    uint32_t b = worker(&bench, 2);
    uint32_t c = worker(&bench, 3);
    EXPECT_EQ(ready(&bench, a, "mail", 1), OK);
    EXPECT_EQ(ready(&bench, b, "mail", 1), OK);
    EXPECT_EQ(ready(&bench, c, "mail", 1), ERR_FULL);
    EXPECT_EQ(workers_at(&bench.workers, c)->slots, 0);
    // What it serves itself is no hindrance to its next READY.
    EXPECT_EQ(ready(&bench, a, "mail", 5), OK);
    EXPECT_EQ(workers_at(&bench.workers, a)->slots, 5);
    EXPECT_EQ(workers_next(&bench.workers, mail), b);
    // A lane that comes when the table is full finds nobody.
    EXPECT_EQ(workers_next(&bench.workers, lane(&bench, "d", "mail")), WORKERS_NONE);
    drop(&bench);
}

TEST(workers, a_closed_worker_takes_nothing_and_keeps_its_leases)
{
    struct bench bench;
    make(&bench);
    uint32_t mail = lane(&bench, "q", "mail");
    uint32_t a = worker(&bench, 1);
    EXPECT_EQ(ready(&bench, a, "mail", 2), OK);
    workers_out(&bench.workers, a, mail, 5);
    workers_close(&bench.workers, a);
    EXPECT_EQ(workers_next(&bench.workers, mail), WORKERS_NONE);
    EXPECT_EQ(workers_at(&bench.workers, a)->out_count, 1);
    EXPECT_DIES(workers_drop(&bench.workers, a));
    workers_back(&bench.workers, a, 5);
    workers_drop(&bench.workers, a);
    EXPECT_DIES((void)workers_at(&bench.workers, a));
    drop(&bench);
}

// Whoever may be given a job of the only lane stands in its ring, and nobody else.
static void check_ring(const struct bench *bench, const uint32_t *slots)
{
    uint32_t head = bench->workers.rings[0].head;
    unsigned in_ring = 0;
    for (uint32_t at = head; at != WORKERS_NONE;) {
        const struct serve *serve = &bench->workers.serves[at];
        const struct worker *one = workers_at(&bench->workers, serve->worker);
        EXPECT(one->out_count < slots[serve->worker]);
        EXPECT_EQ(bench->workers.serves[serve->next].prev, at);
        in_ring++;
        at = serve->next == head ? WORKERS_NONE : serve->next;
    }
    unsigned may = 0;
    for (uint32_t no = 0; no < 3; no++)
        may += workers_at(&bench->workers, no)->out_count < slots[no];
    EXPECT_EQ(in_ring, may);
}

TEST(workers, the_ring_holds_exactly_those_with_credit)
{
    struct prng prng = prng_of(test_seed());
    struct bench bench;
    make(&bench);
    (void)lane(&bench, "q", "mail");
    uint32_t slots[3] = {0};
    for (uint32_t number = 0; number < 3; number++)
        EXPECT_EQ(worker(&bench, number), number);
    for (unsigned round = 0; round < 20000; round++) {
        uint32_t no = (uint32_t)prng_below(&prng, 3);
        if (prng_chance(&prng, 10)) {
            slots[no] = (uint32_t)prng_below(&prng, 4);
            EXPECT_EQ(ready(&bench, no, "mail", slots[no]), OK);
        } else if (prng_chance(&prng, 50) && workers_at(&bench.workers, no)->out_count > 0) {
            workers_back(&bench.workers, no, 7);
        } else {
            uint32_t next = workers_next(&bench.workers, 0);
            if (next != WORKERS_NONE)
                workers_out(&bench.workers, next, 0, 7);
        }
        check_ring(&bench, slots);
    }
    drop(&bench);
}
