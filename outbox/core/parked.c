// A short table, looked through from the front.

#include "outbox/core/parked.h"

#include "lib/base/backoff.h"
#include "lib/base/check.h"

static struct parked_queue *find(struct parked *parked, struct slice queue)
{
    for (uint32_t i = 0; i < parked->count; i++)
        if (slice_is_text(queue, parked->items[i].name))
            return &parked->items[i];
    return NULL;
}

// One whose time is over may have no rows any more, and nobody says so: it gives its place.
static struct parked_queue *free_place(struct parked *parked, when_ms now)
{
    if (parked->count < PARKED_COUNT_MAX)
        return &parked->items[parked->count++];
    for (uint32_t i = 0; i < parked->count; i++)
        if (!parked_is(&parked->items[i], now))
            return &parked->items[i];
    return NULL;
}

static struct parked_queue *add(struct parked *parked, struct slice queue, when_ms now)
{
    struct parked_queue *item = free_place(parked, now);
    if (item == NULL)
        return NULL;
    *item = (struct parked_queue){.refusals = 0};
    bool fits = slice_to_text(queue, item->name, sizeof item->name);
    CHECK(fits);
    return item;
}

err parked_put(struct parked *parked, struct slice queue, const struct id *job_id, when_ms now,
               uint32_t retry_after_ms)
{
    static const struct backoff rule = {PARKED_FIRST_MS, PARKED_LONGEST_MS, 2000};
    struct parked_queue *item = find(parked, queue);
    if (item == NULL)
        item = add(parked, queue, now);
    if (item == NULL)
        return ERR_FULL;
    if (parked_is(item, now)) // another job of the same message
        return OK;
    item->refusals++;
    when_ms wait = backoff_ms(&rule, job_id, item->refusals);
    when_ms asked = retry_after_ms < PARKED_LONGEST_MS ? retry_after_ms : PARKED_LONGEST_MS;
    item->until = when_after(now, asked > wait ? asked : wait);
    return OK;
}

void parked_took(struct parked *parked, struct slice queue)
{
    struct parked_queue *item = find(parked, queue);
    if (item != NULL)
        *item = parked->items[--parked->count];
}

bool parked_is(const struct parked_queue *queue, when_ms now)
{
    return queue->until > now;
}

when_ms parked_next(const struct parked *parked, when_ms now)
{
    when_ms next = WHEN_NEVER;
    for (uint32_t i = 0; i < parked->count; i++) {
        const struct parked_queue *item = &parked->items[i];
        if (parked_is(item, now) && item->until < next)
            next = item->until;
    }
    return next;
}
