// The linked heap against the simplest thing that can be right: a search over all items.

#include "lib/base/meld.h"

#include "lib/base/prng.h"
#include "tests/support/test.h"

#include <stdbool.h>

enum { ITEMS = 200, HEAPS = 3 };

struct bench {
    struct meld_node nodes[ITEMS];
    uint32_t roots[HEAPS];
    uint32_t heap_of[ITEMS]; // HEAPS: in none
};

static void make(struct bench *bench)
{
    for (uint32_t i = 0; i < HEAPS; i++)
        bench->roots[i] = MELD_NONE;
    for (uint32_t i = 0; i < ITEMS; i++)
        bench->heap_of[i] = HEAPS;
}

static void push(struct bench *bench, uint32_t heap, uint32_t at, int64_t key)
{
    bench->nodes[at].key = key;
    bench->nodes[at].tie = at;
    meld_push(bench->nodes, &bench->roots[heap], at);
    bench->heap_of[at] = heap;
}

static void drop(struct bench *bench, uint32_t at)
{
    meld_drop(bench->nodes, &bench->roots[bench->heap_of[at]], at);
    bench->heap_of[at] = HEAPS;
}

static uint32_t first_of(const struct bench *bench, uint32_t heap)
{
    uint32_t first = MELD_NONE;
    for (uint32_t i = 0; i < ITEMS; i++)
        if (bench->heap_of[i] == heap &&
            (first == MELD_NONE || bench->nodes[i].key < bench->nodes[first].key))
            first = i;
    return first;
}

// Every link is answered, no child is before its parent, and right spines are the short ones.
static void expect_sound(const struct bench *bench)
{
    const struct meld_node *nodes = bench->nodes;
    for (uint32_t i = 0; i < ITEMS; i++) {
        if (bench->heap_of[i] == HEAPS)
            continue;
        uint32_t children[] = {nodes[i].left, nodes[i].right};
        uint32_t ranks[2] = {0};
        for (unsigned side = 0; side < 2; side++) {
            if (children[side] == MELD_NONE)
                continue;
            EXPECT_EQ(nodes[children[side]].parent, i);
            EXPECT_EQ(bench->heap_of[children[side]], bench->heap_of[i]);
            EXPECT(nodes[children[side]].key >= nodes[i].key);
            ranks[side] = nodes[children[side]].rank;
        }
        EXPECT(ranks[0] >= ranks[1]);
        EXPECT_EQ(nodes[i].rank, ranks[1] + 1);
        if (nodes[i].parent == MELD_NONE)
            EXPECT_EQ(bench->roots[bench->heap_of[i]], i);
    }
}

TEST(meld, give_the_smallest_first)
{
    struct bench bench;
    make(&bench);
    static const int64_t keys[] = {5, -3, 9, 0, 7};
    for (uint32_t i = 0; i < 5; i++)
        push(&bench, 0, i, keys[i]);
    static const uint32_t order[] = {1, 3, 0, 4, 2};
    for (uint32_t i = 0; i < 5; i++) {
        EXPECT_EQ(bench.roots[0], order[i]);
        drop(&bench, bench.roots[0]);
    }
    EXPECT_EQ(bench.roots[0], MELD_NONE);
}

TEST(meld, equal_keys_by_their_ties)
{
    struct bench bench;
    make(&bench);
    for (uint32_t i = 8; i-- > 0;)
        push(&bench, 0, i, 1);
    for (uint32_t i = 0; i < 8; i++) {
        EXPECT_EQ(bench.roots[0], i);
        drop(&bench, i);
    }
}

TEST(meld, agree_with_a_plain_search)
{
    struct prng prng = prng_of(test_seed());
    struct bench bench;
    make(&bench);
    for (uint32_t round = 0; round < 20000; round++) {
        uint32_t at = (uint32_t)prng_below(&prng, ITEMS);
        if (bench.heap_of[at] != HEAPS)
            drop(&bench, at);
        else if (round % 4000 < 3000)
            // Few keys, so that equal ones are common.
            push(&bench, (uint32_t)prng_below(&prng, HEAPS), at, (int64_t)prng_below(&prng, 30));
        uint32_t heap = (uint32_t)prng_below(&prng, HEAPS);
        EXPECT_EQ(bench.roots[heap], first_of(&bench, heap));
        if (prng_chance(&prng, 2) && bench.roots[heap] != MELD_NONE)
            drop(&bench, bench.roots[heap]);
        expect_sound(&bench);
    }
}

// The worst order for a naive tree: the cost stays a logarithm because the right spine does.
TEST(meld, sorted_input_keeps_spines_short)
{
    struct bench bench;
    make(&bench);
    for (uint32_t i = 0; i < ITEMS; i++) {
        push(&bench, 0, i, i % 2 == 0 ? i : -(int64_t)i);
        EXPECT(bench.nodes[bench.roots[0]].rank <= 8);
    }
    expect_sound(&bench);
}

TEST(meld, what_is_in_no_heap_cannot_be_dropped)
{
    struct bench bench;
    make(&bench);
    EXPECT_DIES(meld_drop(bench.nodes, &bench.roots[0], 0));
    push(&bench, 0, 0, 1);
    bench.nodes[1] = (struct meld_node){.left = MELD_NONE, .right = MELD_NONE, .parent = MELD_NONE};
    EXPECT_DIES(meld_drop(bench.nodes, &bench.roots[0], 1));
}
