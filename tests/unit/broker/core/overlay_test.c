// What unsettled batches did: the newest word counts, until it is durable.

#include "broker/core/overlay.h"

#include "lib/base/prng.h"
#include "tests/support/test.h"

#include <stdlib.h>

static struct id id_of(uint32_t number)
{
    return id_v7(1000, 0, number);
}

static void *make(struct overlay *overlay, uint32_t cap)
{
    void *memory = calloc(1, overlay_size(cap));
    EXPECT(memory != NULL);
    overlay_init(overlay, memory, cap, test_seed());
    return memory;
}

static struct overlay_item item_of(uint32_t number, uint32_t version, uint64_t batch)
{
    return (struct overlay_item){.row = {.id = id_of(number), .no = number + 1, .version = version},
                                 .batch = batch};
}

static void add(struct overlay *overlay, uint32_t number, uint32_t version, uint64_t batch)
{
    struct overlay_item item = item_of(number, version, batch);
    overlay_add(overlay, &item);
}

TEST(overlay, removed_and_forgotten_in_one_batch_is_gone)
{
    struct overlay overlay;
    void *memory = make(&overlay, 4);
    struct overlay_item removed = item_of(7, 4, 1);
    struct overlay_item forgotten = item_of(7, 5, 1);
    forgotten.is_gone = true;
    overlay_add(&overlay, &removed);
    overlay_add(&overlay, &forgotten);
    EXPECT(overlay_find(&overlay, &removed.row.id)->is_gone);
    overlay_settled(&overlay, 1);
    EXPECT(overlay_find(&overlay, &removed.row.id) == NULL);
    EXPECT_EQ(overlay_room(&overlay), 4);
    free(memory);
}

TEST(overlay, only_settled_batches_are_forgotten)
{
    struct overlay overlay;
    void *memory = make(&overlay, 4);
    add(&overlay, 1, 1, 5);
    add(&overlay, 2, 1, 6);
    struct id first = id_of(1);
    struct id second = id_of(2);
    overlay_settled(&overlay, 4);
    EXPECT(overlay_find(&overlay, &first) != NULL);
    overlay_settled(&overlay, 5);
    EXPECT(overlay_find(&overlay, &first) == NULL);
    EXPECT(overlay_find(&overlay, &second) != NULL);
    free(memory);
}

TEST(overlay, a_later_job_with_the_same_id_wins)
{
    struct overlay overlay;
    void *memory = make(&overlay, 4);
    struct overlay_item old = item_of(7, 9, 1);
    struct overlay_item young = item_of(7, 2, 2);
    young.row.no = old.row.no + 5;
    overlay_add(&overlay, &young);
    overlay_add(&overlay, &old);
    EXPECT_EQ(overlay_find(&overlay, &old.row.id)->row.no, young.row.no);
    free(memory);
}

TEST(overlay, agrees_with_plain_versions)
{
    enum { CAP = 16, NUMBERS = 10 };
    struct prng prng = prng_of(test_seed());
    struct overlay overlay;
    void *memory = make(&overlay, CAP);
    uint32_t versions[NUMBERS] = {0};
    uint64_t written[NUMBERS] = {0};
    uint64_t settled = 0;
    uint64_t batch = 1;
    for (unsigned round = 0; round < 20000; round++) {
        uint32_t number = (uint32_t)prng_below(&prng, NUMBERS);
        if (prng_chance(&prng, 30))
            batch++;
        if (overlay_room(&overlay) > 0 && prng_chance(&prng, 60)) {
            add(&overlay, number, ++versions[number], batch);
            written[number] = batch;
        } else {
            settled += prng_below(&prng, batch - settled);
            overlay_settled(&overlay, settled);
        }
        struct id id = id_of(number);
        const struct overlay_item *found = overlay_find(&overlay, &id);
        EXPECT_EQ(found != NULL, written[number] > settled);
        if (found != NULL)
            EXPECT_EQ(found->row.version, versions[number]);
    }
    free(memory);
}

TEST(overlay, a_full_one_stops_the_process)
{
    struct overlay overlay;
    void *memory = make(&overlay, 2);
    add(&overlay, 1, 1, 1);
    add(&overlay, 1, 2, 1);
    EXPECT_EQ(overlay_room(&overlay), 0);
    EXPECT_DIES(add(&overlay, 1, 3, 1));
    free(memory);
}
