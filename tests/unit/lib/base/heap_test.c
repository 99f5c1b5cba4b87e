// The heap against the simplest thing that can be right: a sorted array.

#include "tests/support/test.h"

#include "lib/base/heap.h"
#include "lib/base/prng.h"

#include <stdlib.h>
#include <string.h>

enum { CAP = 64 };

struct model {
    struct heap_entry sorted[CAP];
    uint32_t count;
    uint32_t place_of[CAP]; // as the heap tells it
};

static int compare(const void *a, const void *b)
{
    const struct heap_entry *left = a;
    const struct heap_entry *right = b;
    if (left->key != right->key)
        return left->key < right->key ? -1 : 1;
    return left->tie < right->tie ? -1 : left->tie > right->tie;
}

static void sort(struct model *model)
{
    qsort(model->sorted, model->count, sizeof *model->sorted, compare);
}

static uint32_t find(const struct model *model, uint32_t item)
{
    uint32_t at = 0;
    while (model->sorted[at].item != item)
        at++;
    return at;
}

static void note_move(void *ctx, uint32_t item, uint32_t place)
{
    struct model *model = ctx;
    model->place_of[item] = place;
}

static void expect_agreement(const struct heap *heap, const struct model *model)
{
    EXPECT_EQ(heap->count, model->count);
    const struct heap_entry *first = heap_peek(heap);
    EXPECT((first == NULL) == (model->count == 0));
    if (first != NULL)
        EXPECT_EQ(first->item, model->sorted[0].item);
    for (uint32_t i = 0; i < model->count; i++) {
        uint32_t item = model->sorted[i].item;
        EXPECT_EQ(heap->entries[model->place_of[item]].item, item);
    }
}

static uint32_t unused_item(const struct model *model, struct prng *prng)
{
    bool used[CAP] = {false};
    for (uint32_t i = 0; i < model->count; i++)
        used[model->sorted[i].item] = true;
    uint32_t item = (uint32_t)prng_below(prng, CAP);
    while (used[item])
        item = (item + 1) % CAP;
    return item;
}

static void push(struct heap *heap, struct model *model, struct prng *prng)
{
    // Few keys, so that ties are common.
    struct heap_entry entry = {.key = (int64_t)prng_below(prng, 8) - 4,
                               .tie = prng_next(prng),
                               .item = unused_item(model, prng)};
    EXPECT_EQ(heap_push(heap, entry), OK);
    model->sorted[model->count++] = entry;
}

static void remove_one(struct heap *heap, struct model *model, uint32_t at)
{
    uint32_t item = model->sorted[at].item;
    struct heap_entry removed = heap_remove(heap, model->place_of[item]);
    EXPECT_EQ(removed.item, item);
    EXPECT_EQ(removed.key, model->sorted[at].key);
    model->sorted[at] = model->sorted[--model->count];
}

TEST(heap, agrees_with_a_sorted_array)
{
    struct heap_entry entries[CAP];
    struct model model = {0};
    struct heap heap = {.entries = entries, .cap = CAP, .moved = note_move, .ctx = &model};
    struct prng prng = prng_of(test_seed());
    for (unsigned step = 0; step < 20000; step++) {
        uint64_t dice = prng_below(&prng, 100);
        if (model.count < CAP && (dice < 45 || model.count == 0)) {
            push(&heap, &model, &prng);
        } else if (dice < 60) {
            remove_one(&heap, &model, 0);
        } else if (dice < 75) {
            remove_one(&heap, &model, (uint32_t)prng_below(&prng, model.count));
        } else {
            uint32_t at = find(&model, model.sorted[prng_below(&prng, model.count)].item);
            model.sorted[at].key = (int64_t)prng_below(&prng, 8) - 4;
            heap_rekey(&heap, model.place_of[model.sorted[at].item], model.sorted[at].key);
        }
        sort(&model);
        expect_agreement(&heap, &model);
    }
}

TEST(heap, equal_keys_leave_by_their_tie)
{
    struct heap_entry entries[4];
    struct heap heap = {.entries = entries, .cap = 4};
    for (uint32_t i = 0; i < 4; i++)
        EXPECT_EQ(heap_push(&heap, (struct heap_entry){.key = 1, .tie = 3 - i, .item = i}), OK);
    for (uint32_t i = 0; i < 4; i++)
        EXPECT_EQ(heap_remove(&heap, 0).item, 3 - i);
    EXPECT(heap_peek(&heap) == NULL);
}

TEST(heap, full_heap_refuses_and_stays_as_it_was)
{
    struct heap_entry entries[2];
    struct heap heap = {.entries = entries, .cap = 2};
    EXPECT_EQ(heap_push(&heap, (struct heap_entry){.key = 2}), OK);
    EXPECT_EQ(heap_push(&heap, (struct heap_entry){.key = 1}), OK);
    EXPECT_EQ(heap_push(&heap, (struct heap_entry){.key = 0}), ERR_FULL);
    EXPECT_EQ(heap.count, 2);
    EXPECT_EQ(heap_peek(&heap)->key, 1);
}

TEST(heap, extreme_keys_keep_their_order)
{
    struct heap_entry entries[3];
    struct heap heap = {.entries = entries, .cap = 3};
    EXPECT_EQ(heap_push(&heap, (struct heap_entry){.key = INT64_MAX}), OK);
    EXPECT_EQ(heap_push(&heap, (struct heap_entry){.key = INT64_MIN}), OK);
    EXPECT_EQ(heap_push(&heap, (struct heap_entry){.key = 0}), OK);
    EXPECT_EQ(heap_remove(&heap, 0).key, INT64_MIN);
    EXPECT_EQ(heap_remove(&heap, 0).key, 0);
    EXPECT_EQ(heap_remove(&heap, 0).key, INT64_MAX);
}

TEST(heap, place_outside_is_a_bug)
{
    struct heap_entry entries[1];
    struct heap heap = {.entries = entries, .cap = 1};
    EXPECT_DIES((void)heap_remove(&heap, 0));
    EXPECT_DIES(heap_rekey(&heap, 0, 1));
}
