// Sets of options: shared, counted, given back.

#include "broker/core/policies.h"

#include "lib/base/prng.h"
#include "tests/support/test.h"

#include <stdlib.h>

enum { CAP = 12, KINDS = 20 };

static struct policy policy_of(uint32_t kind)
{
    return (struct policy){.timeout_ms = 1000 + kind, .max_attempts = 3, .max_crashes = 2};
}

static void *make(struct policies *policies, uint32_t cap)
{
    void *memory = calloc(1, policies_size(cap));
    EXPECT(memory != NULL);
    policies_init(policies, memory, cap);
    return memory;
}

// Holds the set of this kind as a submission does. POLICIES_NONE when there is no room.
static uint32_t hold(struct policies *policies, uint32_t kind)
{
    struct policy policy = policy_of(kind);
    uint32_t no = policies_find(policies, &policy);
    if (no == POLICIES_NONE && !policies_has_room(policies))
        return POLICIES_NONE;
    if (no == POLICIES_NONE)
        no = policies_add(policies, &policy);
    policies_hold(policies, no);
    return no;
}

TEST(policies, agree_with_plain_counters)
{
    struct prng prng = prng_of(test_seed());
    struct policies policies;
    void *memory = make(&policies, CAP);
    uint32_t counts[KINDS] = {0};
    uint32_t numbers[KINDS] = {0};
    uint32_t known = 0;
    for (unsigned round = 0; round < 20000; round++) {
        uint32_t kind = (uint32_t)prng_below(&prng, KINDS);
        struct policy policy = policy_of(kind);
        EXPECT_EQ(policies_find(&policies, &policy) != POLICIES_NONE, counts[kind] > 0);
        if (counts[kind] > 0 && prng_chance(&prng, 60)) {
            EXPECT_EQ(policies_at(&policies, numbers[kind])->timeout_ms, policy.timeout_ms);
            policies_let_go(&policies, numbers[kind]);
            known -= --counts[kind] == 0;
            EXPECT_EQ(policies_is_known(&policies, numbers[kind]), counts[kind] > 0);
        } else {
            uint32_t no = hold(&policies, kind);
            EXPECT_EQ(no == POLICIES_NONE, counts[kind] == 0 && known == CAP);
            if (no == POLICIES_NONE)
                continue;
            EXPECT(counts[kind] == 0 || numbers[kind] == no);
            numbers[kind] = no;
            known += counts[kind]++ == 0;
        }
    }
    free(memory);
}

TEST(policies, a_difference_in_any_field_is_another_set)
{
    struct policies policies;
    void *memory = make(&policies, CAP);
    struct policy base = policy_of(0);
    uint32_t no = policies_add(&policies, &base);
    struct policy others[] = {base, base, base, base, base, base, base, base};
    others[0].timeout_ms++;
    others[1].retry_first_ms++;
    others[2].retry_longest_ms++;
    others[3].retry_factor_milli++;
    others[4].keep_s++;
    others[5].dedup_s++;
    others[6].max_attempts++;
    others[7].max_crashes++;
    for (unsigned i = 0; i < 8; i++)
        EXPECT_EQ(policies_find(&policies, &others[i]), POLICIES_NONE);
    EXPECT_EQ(policies_find(&policies, &base), no);
    free(memory);
}

TEST(policies, gaps_and_unheld_numbers_are_free_after_loading)
{
    struct policies policies;
    void *memory = make(&policies, 6);
    struct policy held = policy_of(1);
    struct policy unheld = policy_of(2);
    EXPECT_EQ(policies_load(&policies, 1, &held), OK);   // 0 is a gap
    EXPECT_EQ(policies_load(&policies, 4, &unheld), OK); // 2 and 3 are gaps
    EXPECT(!policies_is_known(&policies, 0) && !policies_is_known(&policies, 3));
    EXPECT_DIES(policies_hold(&policies, 2));
    policies_hold(&policies, 1);
    policies_hold(&policies, 1);
    policies_loaded(&policies);
    EXPECT_EQ(policies_find(&policies, &held), 1);
    EXPECT_EQ(policies_find(&policies, &unheld), POLICIES_NONE);
    EXPECT(!policies_is_known(&policies, 4));
    // Five are left: every number but 1, each once.
    bool seen[6] = {[1] = true};
    for (uint32_t i = 0; i < 5; i++) {
        uint32_t no = hold(&policies, 10 + i);
        EXPECT(no < 6 && !seen[no]);
        seen[no] = true;
    }
    EXPECT(!policies_has_room(&policies));
    policies_let_go(&policies, 1);
    EXPECT_EQ(policies_find(&policies, &held), 1);
    policies_let_go(&policies, 1);
    EXPECT_EQ(policies_find(&policies, &held), POLICIES_NONE);
    free(memory);
}

TEST(policies, the_same_set_may_be_stored_twice)
{
    // A set that lost its last job and came back under another number.
    struct policies policies;
    void *memory = make(&policies, 3);
    struct policy policy = policy_of(1);
    EXPECT_EQ(policies_load(&policies, 0, &policy), OK);
    EXPECT_EQ(policies_load(&policies, 1, &policy), OK);
    policies_hold(&policies, 1);
    policies_loaded(&policies);
    EXPECT_EQ(policies_find(&policies, &policy), 1);
    EXPECT_EQ(hold(&policies, 2), 0);
    free(memory);
}

TEST(policies, loading_refuses_what_does_not_fit)
{
    struct policies policies;
    void *memory = make(&policies, 2);
    struct policy policy = policy_of(1);
    EXPECT_EQ(policies_load(&policies, 2, &policy), ERR_FULL);
    EXPECT_EQ(policies_load(&policies, 1, &policy), OK);
    EXPECT_EQ(policies_load(&policies, 1, &policy), ERR_DAMAGED);
    EXPECT_EQ(policies_load(&policies, 0, &policy), ERR_DAMAGED);
    free(memory);
}

TEST(policies, misuse_stops_the_process)
{
    struct policies policies;
    void *memory = make(&policies, 1);
    struct policy policy = policy_of(1);
    struct policy other = policy_of(2);
    uint32_t no = policies_add(&policies, &policy);
    EXPECT_DIES(policies_let_go(&policies, no)); // nobody holds it
    EXPECT_DIES((void)policies_add(&policies, &other));
    EXPECT_DIES((void)policies_at(&policies, no + 1));
    free(memory);
}
