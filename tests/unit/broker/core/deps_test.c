// Edges between jobs: kept until the child ends, closed when the parent does.

#include "broker/core/deps.h"

#include "lib/base/prng.h"
#include "tests/support/test.h"

#include <stdlib.h>

enum { CAP = 8 };

static struct id id_of(uint32_t number)
{
    return id_v7(1000, 0, number);
}

static struct dep_name name_of(uint32_t number)
{
    return (struct dep_name){.id = id_of(number), .tenant = 1};
}

static void *make(struct deps *deps, uint32_t cap)
{
    void *memory = calloc(1, deps_size(cap));
    EXPECT(memory != NULL);
    deps_init(deps, memory, cap, test_seed());
    return memory;
}

static void add(struct deps *deps, uint32_t child, uint32_t parent, bool is_open)
{
    struct dep_name id = name_of(parent);
    deps_add(deps, child, &id, is_open);
}

static void end(struct deps *deps, uint32_t parent)
{
    struct dep_name id = name_of(parent);
    deps_end(deps, &id);
}

static bool is_parent(const struct deps *deps, uint32_t parent)
{
    struct dep_name id = name_of(parent);
    return deps_is_parent(deps, &id);
}

TEST(deps, edges_are_closed_when_their_parent_has_ended)
{
    struct deps deps;
    void *memory = make(&deps, CAP);
    uint32_t child = deps_add_child(&deps, 7, ON_FAILURE_RUN);
    add(&deps, child, 1, true);
    add(&deps, child, 2, true);
    EXPECT_EQ(deps_child(&deps, 7), child);
    EXPECT_EQ(deps_child(&deps, 8), DEPS_NONE);
    EXPECT_EQ(deps_child_at(&deps, child)->open_count, 2);
    EXPECT(is_parent(&deps, 1) && !is_parent(&deps, 3));
    EXPECT(!deps_has_next(&deps));
    end(&deps, 1);
    end(&deps, 3); // nobody waits for it
    struct dep_next next;
    EXPECT(deps_next(&deps, &next));
    EXPECT_EQ(next.slot, 7);
    EXPECT_EQ(deps_close(&deps, child, &next.parent.id), 1);
    EXPECT_EQ(deps_close(&deps, child, &next.parent.id), 1); // once is enough
    EXPECT(!deps_next(&deps, &next) && !deps_has_next(&deps));
    EXPECT(is_parent(&deps, 1)); // kept for its child
    deps_drop_child(&deps, child);
    EXPECT(!is_parent(&deps, 1) && !is_parent(&deps, 2));
    EXPECT_EQ(deps.count + deps.parent_count + deps.child_count, 0);
    free(memory);
}

TEST(deps, a_child_that_goes_leaves_the_line_in_order)
{
    struct deps deps;
    void *memory = make(&deps, CAP);
    uint32_t children[3];
    for (uint32_t i = 0; i < 3; i++) {
        children[i] = deps_add_child(&deps, i, ON_FAILURE_CANCEL);
        add(&deps, children[i], 1, true);
    }
    end(&deps, 1);
    struct dep_next next;
    EXPECT(deps_next(&deps, &next));
    deps_drop_child(&deps, children[next.slot]);
    unsigned seen = 1;
    while (deps_next(&deps, &next)) {
        deps_drop_child(&deps, children[next.slot]);
        seen++;
    }
    EXPECT_EQ(seen, 3);
    EXPECT_EQ(deps.parent_count, 0);
    free(memory);
}

TEST(deps, a_parent_that_lives_again_leaves_the_line)
{
    struct deps deps;
    void *memory = make(&deps, CAP);
    uint32_t child = deps_add_child(&deps, 7, ON_FAILURE_RUN);
    add(&deps, child, 1, true);
    add(&deps, child, 2, true);
    deps_end_all(&deps);
    struct dep_name first = name_of(1);
    struct dep_next next;
    deps_revive(&deps, &first);
    deps_revive(&deps, &first);
    EXPECT(deps_next(&deps, &next));
    EXPECT_EQ(next.parent.id.bytes[15], 2);
    (void)deps_close(&deps, child, &next.parent.id);
    EXPECT(!deps_next(&deps, &next));
    end(&deps, 1);
    end(&deps, 1); // twice is once
    EXPECT(deps_next(&deps, &next));
    EXPECT_EQ(next.parent.id.bytes[15], 1);
    free(memory);
}

TEST(deps, a_full_table_says_so)
{
    struct deps deps;
    void *memory = make(&deps, 2);
    EXPECT(deps_has_room(&deps, 2) && !deps_has_room(&deps, 3));
    uint32_t child = deps_add_child(&deps, 1, ON_FAILURE_RUN);
    add(&deps, child, 1, true);
    add(&deps, child, 2, false);
    EXPECT(!deps_has_room(&deps, 1));
    EXPECT_DIES(add(&deps, child, 3, true));
    deps_drop_child(&deps, child);
    EXPECT(deps_has_room(&deps, 2));
    free(memory);
}

TEST(deps, an_only_child_is_told)
{
    struct deps deps;
    void *memory = make(&deps, 4);
    struct dep_name id = name_of(1);
    EXPECT_EQ(deps_only_child(&deps, &id), DEPS_NONE);
    add(&deps, deps_add_child(&deps, 7, ON_FAILURE_RUN), 1, true);
    EXPECT_EQ(deps_only_child(&deps, &id), 7);
    add(&deps, deps_add_child(&deps, 8, ON_FAILURE_RUN), 1, false);
    EXPECT_EQ(deps_only_child(&deps, &id), DEPS_NONE);
    deps_drop_child(&deps, deps_child(&deps, 7));
    EXPECT_EQ(deps_only_child(&deps, &id), 8);
    free(memory);
}

TEST(deps, a_parent_is_of_one_tenant)
{
    struct deps deps;
    void *memory = make(&deps, 4);
    struct dep_name mine = name_of(1);
    struct dep_name theirs = {.id = mine.id, .tenant = 2};
    uint32_t child = deps_add_child(&deps, 7, ON_FAILURE_RUN);
    deps_add(&deps, child, &mine, true);
    EXPECT(deps_is_parent(&deps, &mine) && !deps_is_parent(&deps, &theirs));
    deps_end(&deps, &theirs);
    EXPECT(!deps_has_next(&deps));
    deps_add(&deps, deps_add_child(&deps, 8, ON_FAILURE_RUN), &theirs, true);
    deps_end(&deps, &theirs);
    struct dep_next next;
    EXPECT(deps_next(&deps, &next));
    EXPECT(next.slot == 8 && next.parent.tenant == 2);
    EXPECT_EQ(deps_only_child(&deps, &mine), 7);
    deps_drop_child(&deps, child);
    EXPECT(!deps_is_parent(&deps, &mine) && deps_is_parent(&deps, &theirs));
    free(memory);
}

// Slots 0 … 15 wait for parents 1 … 8 or not; parents end at random.
TEST(deps, agree_with_a_plain_matrix)
{
    struct prng prng = prng_of(test_seed());
    struct deps deps;
    void *memory = make(&deps, 128);
    bool open[16][9] = {{false}};
    bool known[16] = {false};
    for (unsigned round = 0; round < 20000; round++) {
        uint32_t slot = (uint32_t)prng_below(&prng, 16);
        uint32_t parent = 1 + (uint32_t)prng_below(&prng, 8);
        struct dep_next next;
        if (!known[slot]) {
            uint32_t child = deps_add_child(&deps, slot, ON_FAILURE_RUN);
            known[slot] = true;
            for (uint32_t p = 1; p <= 8; p++) {
                open[slot][p] = prng_chance(&prng, 40);
                if (open[slot][p])
                    add(&deps, child, p, true);
            }
        } else if (prng_chance(&prng, 30)) {
            deps_drop_child(&deps, deps_child(&deps, slot));
            known[slot] = false;
            memset(open[slot], 0, sizeof open[slot]);
        } else {
            end(&deps, parent);
        }
        while (deps_next(&deps, &next)) {
            uint32_t child = deps_child(&deps, next.slot);
            EXPECT(open[next.slot][next.parent.id.bytes[15]]);
            open[next.slot][next.parent.id.bytes[15]] = false;
            uint32_t left = deps_close(&deps, child, &next.parent.id);
            for (uint32_t p = 1; p <= 8; p++)
                left -= open[next.slot][p];
            EXPECT_EQ(left, 0);
        }
    }
    free(memory);
}

TEST(deps, who_tells_of_a_parent_is_found_when_that_has_ended)
{
    struct deps deps;
    void *memory = make(&deps, CAP);
    uint32_t plain = deps_add_child(&deps, 6, ON_FAILURE_RUN);
    add(&deps, plain, 1, false);
    uint32_t child = deps_add_child(&deps, 7, ON_FAILURE_RUN);
    deps_set_telling(&deps, child);
    add(&deps, child, 1, true);
    struct id parent = id_of(1);
    EXPECT(deps_child_at(&deps, child)->tells && !deps_child_at(&deps, plain)->tells);
    EXPECT(id_equal(deps_parent_of(&deps, child), &parent));
    end(&deps, 1);
    struct dep_next next;
    EXPECT(deps_next(&deps, &next) && next.slot == 7);
    EXPECT_DIES(deps_set_telling(&deps, child)); // it has an edge already
    deps_drop_child(&deps, child);
    EXPECT(!deps_next(&deps, &next) && is_parent(&deps, 1));
    EXPECT_EQ(deps_child(&deps, 7), DEPS_NONE);
    free(memory);
}
