// Looking back from now, further and further, until enough moments are found.

#include "broker/core/due.h"

#include "lib/base/check.h"
#include "lib/base/prng.h"

enum { LOOK_BACK_MS = 60 * 1000, LOOK_FURTHER = 4 };

static uint32_t wanted(enum catch_up catch_up)
{
    return catch_up == CATCH_UP_ALL ? MSG_CATCH_UP_MAX : 1;
}

// The last `cap` moments after `after`, up to now, into a ring; returns how many there were.
static uint64_t collect(const struct due_question *question, when_ms after, when_ms *ring,
                        uint32_t cap)
{
    uint64_t count = 0;
    when_ms at = cron_next(question->cron, question->zone, after);
    for (; at <= question->now; at = cron_next(question->cron, question->zone, at))
        ring[count++ % cap] = at;
    return count;
}

static void find_latest(const struct due_question *question, struct due *due)
{
    when_ms ring[MSG_CATCH_UP_MAX];
    uint32_t cap = wanted(question->catch_up);
    uint64_t count = 0;
    when_ms back = LOOK_BACK_MS;
    bool is_all = false;
    while (count < cap && !is_all) {
        is_all = back >= question->now - question->after;
        count = collect(question, is_all ? question->after : question->now - back, ring, cap);
        back *= LOOK_FURTHER;
    }
    due->count = count < cap ? (uint32_t)count : cap;
    for (uint32_t i = 0; i < due->count; i++)
        due->moments[i] = ring[(count - due->count + i) % cap];
}

void due_find(const struct due_question *question, struct due *out_due)
{
    CHECK(question->after >= 0 && question->after <= question->now);
    *out_due = (struct due){0};
    when_ms first = cron_next(question->cron, question->zone, question->after);
    out_due->next_at = first;
    if (first > question->now)
        return;
    find_latest(question, out_due);
    out_due->next_at = cron_next(question->cron, question->zone, question->now);
    if (question->catch_up == CATCH_UP_NONE && question->now - out_due->moments[0] > DUE_LATE_MS)
        out_due->count = 0;
}

uint64_t due_jitter_ms(struct slice schedule, when_ms moment, uint64_t jitter_ms)
{
    uint64_t hash = 0;
    for (size_t i = 0; i < schedule.len; i++)
        hash = (hash ^ schedule.data[i]) * 0x100000001b3u;
    return prng_mix(prng_mix(hash) ^ (uint64_t)moment) % (jitter_ms + 1);
}
