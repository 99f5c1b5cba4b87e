// The whole schedule of 75 hours, in virtual time.

#include "gateway/hooks/core/verdict.h"

#include "tests/support/test.h"

#define SECOND ((when_ms)1000)
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)

static const struct id delivery = {.bytes = {1, 2, 3}};

static struct verdict answered(unsigned status, when_ms retry_after_ms, uint32_t attempt)
{
    const struct verdict_seen seen = {.end = EXCHANGE_ANSWERED,
                                      .status = status,
                                      .retry_after_ms = retry_after_ms,
                                      .attempt = attempt};
    return verdict_of(&seen, &delivery);
}

TEST(verdict, the_schedule_is_the_printed_one)
{
    static const when_ms printed[] = {5 * SECOND, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR,
                                      10 * HOUR,  14 * HOUR,  20 * HOUR,   24 * HOUR};
    when_ms least = 0;
    when_ms now = 0;
    for (uint32_t attempt = 1;; attempt++) {
        struct verdict verdict = answered(500, 0, attempt);
        if (verdict.kind == VERDICT_DEAD) {
            EXPECT_EQ(attempt, VERDICT_ATTEMPTS);
            break;
        }
        EXPECT_EQ(verdict.kind, VERDICT_AGAIN);
        EXPECT(verdict.pause_ms >= printed[attempt - 1]);
        EXPECT(verdict.pause_ms <= printed[attempt - 1] + printed[attempt - 1] / 10);
        least += printed[attempt - 1];
        now += verdict.pause_ms;
    }
    EXPECT_EQ(least, 75 * HOUR + 35 * MINUTE + 5 * SECOND);
    EXPECT(now >= least && now <= least + least / 10);
}

TEST(verdict, progress_is_not_worth_hours)
{
    static const when_ms printed[] = {5 * SECOND, 15 * SECOND, 30 * SECOND, 60 * SECOND};
    for (uint32_t attempt = 1; attempt < VERDICT_SHORT_ATTEMPTS; attempt++) {
        const struct verdict_seen seen = {
            .end = EXCHANGE_TIMEOUT, .attempt = attempt, .course = VERDICT_SHORT};
        struct verdict verdict = verdict_of(&seen, &delivery);
        EXPECT_EQ(verdict.kind, VERDICT_AGAIN);
        EXPECT(verdict.pause_ms >= printed[attempt - 1]);
        EXPECT(verdict.pause_ms <= printed[attempt - 1] + printed[attempt - 1] / 10);
    }
    const struct verdict_seen last = {
        .end = EXCHANGE_TIMEOUT, .attempt = VERDICT_SHORT_ATTEMPTS, .course = VERDICT_SHORT};
    EXPECT_EQ(verdict_of(&last, &delivery).kind, VERDICT_DEAD);
}

TEST(verdict, jitter_differs_and_repeats)
{
    struct id other = {.bytes = {9}};
    EXPECT_EQ(verdict_pause_ms(VERDICT_LONG, 4, &delivery),
              verdict_pause_ms(VERDICT_LONG, 4, &delivery));
    EXPECT(verdict_pause_ms(VERDICT_LONG, 4, &delivery) !=
           verdict_pause_ms(VERDICT_LONG, 4, &other));
    EXPECT_EQ(verdict_pause_ms(VERDICT_LONG, VERDICT_ATTEMPTS, &delivery), WHEN_NEVER);
    EXPECT_EQ(verdict_pause_ms(VERDICT_LONG, 99, &delivery), WHEN_NEVER);
}

TEST(verdict, each_status_has_its_consequence)
{
    EXPECT_EQ(answered(200, 0, 1).kind, VERDICT_DELIVERED);
    EXPECT_EQ(answered(204, 0, 10).kind, VERDICT_DELIVERED);
    EXPECT_EQ(answered(299, 0, 1).kind, VERDICT_DELIVERED);
    EXPECT_EQ(answered(301, 0, 1).kind, VERDICT_AGAIN);
    EXPECT_EQ(answered(307, 0, 10).kind, VERDICT_DEAD);
    EXPECT_EQ(answered(400, 0, 1).kind, VERDICT_AGAIN);
    EXPECT_EQ(answered(410, 0, 1).kind, VERDICT_GONE);
    EXPECT_EQ(answered(410, 0, 10).kind, VERDICT_GONE);
    EXPECT_EQ(answered(999, 0, 1).kind, VERDICT_AGAIN);
    EXPECT_STR(answered(302, 0, 1).word, "http_3xx");
    EXPECT_STR(answered(404, 0, 1).word, "http_4xx");
    EXPECT_STR(answered(502, 0, 1).word, "http_5xx");
    EXPECT_STR(answered(100, 0, 1).word, "http_other");
}

TEST(verdict, only_illness_counts_for_the_breaker)
{
    EXPECT(!answered(200, 0, 1).is_fault);
    EXPECT(!answered(301, 0, 1).is_fault);
    EXPECT(!answered(404, 0, 1).is_fault);
    EXPECT(!answered(410, 0, 1).is_fault);
    EXPECT(answered(429, 0, 1).is_fault);
    EXPECT(answered(500, 0, 1).is_fault);
    for (enum exchange_end end = EXCHANGE_BAD_URL; end < EXCHANGE_ENDS; end++) {
        const struct verdict_seen seen = {.end = end, .attempt = 1};
        struct verdict verdict = verdict_of(&seen, &delivery);
        EXPECT_EQ(verdict.is_fault, end > EXCHANGE_FORBIDDEN);
        EXPECT_EQ(verdict.kind, end == EXCHANGE_BAD_URL ? VERDICT_DEAD : VERDICT_AGAIN);
    }
}

TEST(verdict, a_wish_to_wait_is_obeyed_from_429_and_503_only)
{
    EXPECT_EQ(answered(503, HOUR, 1).pause_ms, HOUR);
    EXPECT_EQ(answered(429, HOUR, 2).pause_ms, HOUR);
    EXPECT(answered(500, HOUR, 1).pause_ms < MINUTE);
    EXPECT(answered(301, HOUR, 1).pause_ms < MINUTE);
    EXPECT(answered(503, SECOND, 3).pause_ms >= 30 * MINUTE); // never sooner than the schedule
    EXPECT_EQ(answered(503, 99 * HOUR, 1).pause_ms, EXCHANGE_WISH_MS_MAX);
    EXPECT_EQ(answered(503, HOUR, 10).kind, VERDICT_DEAD);
}

TEST(verdict, an_attempt_counts_from_one)
{
    EXPECT_DIES((void)verdict_pause_ms(VERDICT_LONG, 0, &delivery));
}
