// Backoff: exact bounds, the same everywhere.

#include "broker/core/retry.h"

#include "lib/base/prng.h"
#include "tests/support/test.h"

static const struct policy rule = {
    .retry_first_ms = 1000, .retry_longest_ms = 60000, .retry_factor_milli = 2000};

static void expect_between(const struct policy *policy, uint32_t attempt, when_ms whole)
{
    struct prng prng = prng_of(test_seed());
    when_ms least = WHEN_NEVER;
    when_ms most = 0;
    for (unsigned i = 0; i < 2000; i++) {
        struct id id = id_v7(1000, 0, prng_next(&prng));
        when_ms delay = retry_delay_ms(policy, &id, attempt);
        least = delay < least ? delay : least;
        most = delay > most ? delay : most;
    }
    EXPECT(least >= whole - whole / 2 && most <= whole);
    // The whole range is used, or jobs that failed together would come back together.
    EXPECT(least <= whole - whole / 2 + whole / 20 && most >= whole - whole / 20);
}

TEST(retry, delays_double_and_are_held_at_the_longest)
{
    expect_between(&rule, 1, 1000);
    expect_between(&rule, 2, 2000);
    expect_between(&rule, 6, 32000);
    expect_between(&rule, 7, 60000);
    expect_between(&rule, 4000000000u, 60000);
}

TEST(retry, the_same_job_and_attempt_give_the_same_delay)
{
    struct id id = id_v7(5, 0, 7);
    EXPECT_EQ(retry_delay_ms(&rule, &id, 3), retry_delay_ms(&rule, &id, 3));
    struct id other = id_v7(5, 0, 8);
    EXPECT(retry_delay_ms(&rule, &id, 3) != retry_delay_ms(&rule, &other, 3));
}

TEST(retry, a_factor_that_does_not_grow_stands_still)
{
    struct policy flat = rule;
    flat.retry_factor_milli = 1000;
    expect_between(&flat, 1000000, 1000);
    flat.retry_factor_milli = 500;
    expect_between(&flat, 1000000, 1000);
}

TEST(retry, a_first_above_the_longest_is_held_at_the_longest)
{
    struct policy odd = {
        .retry_first_ms = UINT32_MAX, .retry_longest_ms = 500, .retry_factor_milli = UINT32_MAX};
    expect_between(&odd, 1, 500);
    odd.retry_longest_ms = UINT32_MAX;
    expect_between(&odd, 3, UINT32_MAX);
}

TEST(retry, nothing_is_nothing)
{
    struct policy none = {0};
    struct id id = id_v7(5, 0, 7);
    EXPECT_EQ(retry_delay_ms(&none, &id, 9), 0);
}

TEST(retry, it_is_over_at_exactly_its_limits)
{
    struct policy policy = {.max_attempts = 3, .max_crashes = 2};
    struct past past = {.errors = 1};
    struct job job = {.accepted_at = 1000};
    struct retry_case burnt = {.policy = &policy, .job = &job, .past = &past};
    EXPECT(!retry_is_over(&burnt));
    past.errors = 2;
    EXPECT(retry_is_over(&burnt));
    past = (struct past){.crashes = 1};
    EXPECT(!retry_is_over(&burnt));
    burnt.is_crash = true;
    EXPECT(retry_is_over(&burnt));
}

TEST(retry, it_is_over_when_the_next_attempt_would_begin_too_late)
{
    struct policy policy = {.max_attempts = 9, .max_crashes = 9, .retry_within_s = 2};
    struct past past = {0};
    struct job job = {.accepted_at = 1000};
    struct retry_case burnt = {.policy = &policy, .job = &job, .past = &past, .due_at = 3000};
    EXPECT(!retry_is_over(&burnt));
    burnt.due_at = 3001;
    EXPECT(retry_is_over(&burnt));
    policy.retry_within_s = 0;
    EXPECT(!retry_is_over(&burnt));
}
