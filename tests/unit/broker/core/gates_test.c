// Buckets: what they hold at the start, what they let through, and when they open. Against a plain
// list of what was taken.

#include "broker/core/gates.h"

#include "lib/base/prng.h"
#include "tests/support/test.h"

enum { QUEUES = 4, KEYS = 4, START = 5000 };

static struct gates gates;
static uint8_t *memory;

static void begin(void)
{
    struct limits limits = limits_default();
    limits.queue_count_max = QUEUES;
    limits.concurrency_key_count_max = KEYS;
    memory = calloc(1, gates_size(&limits));
    gates_init(&gates, memory, &limits);
    gates_start(&gates, START);
}

static struct gates_toll toll(uint32_t item, uint32_t cost, struct msg_rate rate, when_ms now)
{
    return (struct gates_toll){.item = item, .cost = cost, .rate = rate, .now = now};
}

static when_ms wait_for(struct gates_toll asked)
{
    return gates_wait(&gates, &asked);
}

static void pay(struct gates_toll asked)
{
    gates_pay(&gates, &asked);
}

static const struct msg_rate ten = {.count = 10, .per_ms = 1000};

TEST(gates, a_bucket_is_empty_at_the_start_and_fills_evenly)
{
    begin();
    EXPECT_EQ(wait_for(toll(1, 1, ten, START)), START + 100);
    EXPECT_EQ(wait_for(toll(1, 3, ten, START)), START + 300);
    EXPECT_EQ(wait_for(toll(1, 1, ten, START + 99)), START + 100);
    EXPECT_EQ(wait_for(toll(1, 1, ten, START + 100)), 0);
    EXPECT_EQ(wait_for(toll(1, 10, ten, START + 1000)), 0);
    free(memory);
}

TEST(gates, a_bucket_holds_its_count_and_no_more)
{
    begin();
    for (unsigned i = 0; i < 10; i++) {
        EXPECT_EQ(wait_for(toll(1, 1, ten, START + 90000)), 0);
        pay(toll(1, 1, ten, START + 90000));
    }
    EXPECT_EQ(wait_for(toll(1, 1, ten, START + 90000)), START + 90100);
    EXPECT_EQ(wait_for(toll(2, 1, ten, START + 90000)), 0); // another's
    EXPECT_EQ(wait_for(toll(gates_key(&gates, 1), 1, ten, START + 90000)), 0);
    free(memory);
}

TEST(gates, what_costs_more_than_the_bucket_holds_takes_all_of_it)
{
    begin();
    EXPECT_EQ(wait_for(toll(1, 50, ten, START + 999)), START + 1000);
    pay(toll(1, 50, ten, START + 1000));
    EXPECT_EQ(wait_for(toll(1, 1, ten, START + 1000)), START + 1100);
    struct gates_toll asked = toll(1, 1, ten, START + 1000);
    EXPECT_EQ(gates_full(&gates, &asked), START + 2000);
    asked.now = START + 2000;
    EXPECT_EQ(gates_full(&gates, &asked), 0);
    free(memory);
}

TEST(gates, another_rate_keeps_nobody_longer_than_its_own_bucket_takes_to_fill)
{
    begin();
    const struct msg_rate slow = {.count = 1, .per_ms = 3600 * 1000};
    pay(toll(1, 1, slow, START + 3600 * 1000));
    EXPECT_EQ(wait_for(toll(1, 1, slow, START + 3600 * 1000)), START + 2 * 3600 * 1000);
    EXPECT_EQ(wait_for(toll(1, 1, ten, START + 3600 * 1000)), START + 3600 * 1000 + 100);
    free(memory);
}

TEST(gates, the_largest_rates_do_not_overflow)
{
    begin();
    const struct msg_rate largest = {.count = MSG_RATE_COUNT_MAX, .per_ms = MSG_RATE_PER_MS_MAX};
    when_ms late = START + INT64_C(100) * 365 * 24 * 3600 * 1000;
    EXPECT_EQ(wait_for(toll(1, MSG_COST_MAX, largest, late)), 0);
    pay(toll(1, MSG_COST_MAX, largest, late));
    struct gates_toll asked = toll(1, 1, largest, late);
    EXPECT_EQ(gates_full(&gates, &asked), late + MSG_RATE_PER_MS_MAX / 100);
    free(memory);
}

TEST(gates, moments_come_in_their_order_and_once)
{
    begin();
    EXPECT_EQ(gates_deadline(&gates), WHEN_NEVER);
    gates_shut(&gates, 3, 300);
    gates_shut(&gates, 1, 100);
    gates_shut(&gates, 2, 200);
    gates_shut(&gates, 3, 50); // the last word holds
    gates_open(&gates, 2);
    EXPECT(gates_is_shut(&gates, 3) && gates_is_shut(&gates, 1) && !gates_is_shut(&gates, 2));
    EXPECT_EQ(gates_deadline(&gates), 50);
    EXPECT_EQ(gates_take(&gates, 49), GATES_NONE);
    EXPECT_EQ(gates_take(&gates, 100), 3);
    EXPECT_EQ(gates_take(&gates, 100), 1);
    EXPECT_EQ(gates_take(&gates, 1000), GATES_NONE);
    gates_shut(&gates, 1, 100);
    gates_forget(&gates, 1);
    EXPECT_EQ(gates_deadline(&gates), WHEN_NEVER);
    free(memory);
}

// Within any time t at most count * (1 + t / per), and count * t / per since the start.
TEST(gates, no_rate_is_passed_whatever_is_asked)
{
    enum { TAKEN = 400 };
    static struct {
        when_ms at;
        uint32_t cost;
    } taken[TAKEN];
    struct prng prng = prng_of(test_seed());
    begin();
    const struct msg_rate rate = {.count = 1 + (uint32_t)prng_below(&prng, 20),
                                  .per_ms = 1 + (uint32_t)prng_below(&prng, 3000)};
    when_ms now = START;
    for (unsigned count = 0; count < TAKEN;) {
        now += (when_ms)prng_below(&prng, 200);
        uint32_t cost = 1 + (uint32_t)prng_below(&prng, 5);
        when_ms opens_at = wait_for(toll(0, cost, rate, now));
        if (opens_at > 0) {
            EXPECT(opens_at > now && opens_at <= now + rate.per_ms);
            EXPECT_EQ(wait_for(toll(0, cost, rate, opens_at)), 0);
            continue;
        }
        pay(toll(0, cost, rate, now));
        taken[count].at = now;
        taken[count++].cost = cost < rate.count ? cost : rate.count;
        uint64_t sum = 0;
        for (unsigned i = count; i-- > 0;) {
            sum += taken[i].cost;
            EXPECT(sum * rate.per_ms <= rate.count * ((uint64_t)(now - taken[i].at) + rate.per_ms));
        }
        EXPECT(sum * rate.per_ms <= rate.count * (uint64_t)(now - START));
    }
    free(memory);
}
