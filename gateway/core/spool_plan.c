// Holds in a small table.

#include "gateway/core/spool_plan.h"

static uint32_t doubled(uint32_t first_ms, uint32_t times, uint32_t longest_ms)
{
    uint32_t ms = first_ms;
    for (uint32_t i = 0; i < times && ms < longest_ms; i++)
        ms *= 2;
    return ms < longest_ms ? ms : longest_ms;
}

static struct spool_plan_hold *find(struct spool_plan *plan, uint64_t lane)
{
    for (uint32_t i = 0; i < plan->hold_count; i++)
        if (plan->holds[i].lane == lane)
            return &plan->holds[i];
    return NULL;
}

static void drop(struct spool_plan *plan, struct spool_plan_hold *hold)
{
    *hold = plan->holds[--plan->hold_count];
}

static when_ms first_end(const struct spool_plan *plan)
{
    when_ms first = WHEN_NEVER;
    for (uint32_t i = 0; i < plan->hold_count; i++)
        if (!plan->holds[i].is_over)
            first = when_min(first, plan->holds[i].until);
    return first;
}

bool spool_plan_begin(struct spool_plan *plan, when_ms now)
{
    if (now < plan->pause_until)
        return false;
    if (now < first_end(plan))
        return !plan->is_full;
    for (uint32_t i = 0; i < plan->hold_count; i++)
        plan->holds[i].is_over = plan->holds[i].is_over || plan->holds[i].until <= now;
    plan->is_full = false;
    plan->next = 0;
    return true;
}

bool spool_plan_may(const struct spool_plan *plan, uint64_t lane)
{
    if (plan->is_full)
        return false;
    for (uint32_t i = 0; i < plan->hold_count; i++)
        if (plan->holds[i].lane == lane)
            return plan->holds[i].is_over;
    return true;
}

static void hold(struct spool_plan *plan, when_ms now, const struct spool_plan_answer *answer)
{
    struct spool_plan_hold *held = find(plan, answer->lane);
    if (held == NULL && plan->hold_count == SPOOL_PLAN_HOLDS_MAX) {
        plan->is_full = true;
        return;
    }
    if (held == NULL) {
        held = &plan->holds[plan->hold_count++];
        *held = (struct spool_plan_hold){.lane = answer->lane, .is_over = true};
    }
    if (!held->is_over)
        return; // another job of the same message has been heard of
    uint32_t ms = doubled(SPOOL_PLAN_HOLD_MS, held->tries++, SPOOL_PLAN_HOLD_LONGEST_MS);
    if (answer->wait_ms > ms)
        ms = doubled(answer->wait_ms, 0, SPOOL_PLAN_HOLD_LONGEST_MS);
    held->until = when_after(now, ms);
    held->is_over = false;
}

enum spool_plan_verdict spool_plan_hear(struct spool_plan *plan, when_ms now,
                                        const struct spool_plan_answer *answer)
{
    struct spool_plan_hold *held = find(plan, answer->lane);
    plan->failures = 0;
    if (answer->error != OK && err_may_retry(answer->error)) {
        hold(plan, now, answer);
        return SPOOL_PLAN_WAITS;
    }
    if (held != NULL && held->is_over)
        drop(plan, held);
    return answer->error == OK ? SPOOL_PLAN_FORWARDED : SPOOL_PLAN_REFUSED;
}

void spool_plan_advance(struct spool_plan *plan, uint64_t next)
{
    CHECK(next >= plan->next);
    plan->next = next;
}

void spool_plan_fail(struct spool_plan *plan, when_ms now)
{
    plan->pause_until =
        when_after(now, doubled(SPOOL_PLAN_PAUSE_MS, plan->failures, SPOOL_PLAN_PAUSE_LONGEST_MS));
    if (plan->failures < UINT32_MAX)
        plan->failures++;
}

void spool_plan_resume(struct spool_plan *plan)
{
    plan->failures = 0;
    plan->pause_until = 0;
}

when_ms spool_plan_wake(const struct spool_plan *plan, when_ms now)
{
    return now < plan->pause_until ? plan->pause_until : first_end(plan);
}
