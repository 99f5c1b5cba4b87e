// Short lists in a table that is searched from its beginning: there are never more receivers in use than
// deliveries in hand.

#include "gateway/hooks/core/receivers.h"

#include "lib/base/check.h"

#include <string.h>

size_t receivers_size(uint32_t slot_count)
{
    return 2 * slot_count * sizeof(struct receiver) + slot_count * sizeof(struct receivers_place);
}

void receivers_init(struct receivers *receivers, void *memory, uint32_t slot_count,
                    const struct receivers_rules *rules)
{
    CHECK(slot_count > 0 && slot_count <= RECEIVERS_SLOTS_MAX);
    CHECK(rules->running_max > 0 && rules->waiting_max > 0);
    memset(memory, 0, receivers_size(slot_count));
    *receivers = (struct receivers){
        .rules = *rules, .items = memory, .slot_count = slot_count, .cap = 2 * slot_count};
    receivers->places = (void *)(receivers->items + receivers->cap);
    for (uint32_t i = 0; i < slot_count; i++)
        receivers->places[i].receiver = RECEIVERS_NONE;
}

static bool is_idle(const struct receiver *receiver)
{
    return receiver->running == 0 && receiver->waiting == 0;
}

// Rather one that is well than one whose breaker would be forgotten; of those the longest unused.
static bool is_better_to_take(const struct receiver *a, const struct receiver *b)
{
    bool a_ill = a->breaker.state != BREAKER_CLOSED;
    bool b_ill = b->breaker.state != BREAKER_CLOSED;
    return a_ill != b_ill ? b_ill : a->used_at < b->used_at;
}

static uint32_t take_receiver(struct receivers *receivers, uint64_t key)
{
    uint32_t place = RECEIVERS_NONE;
    if (receivers->touched < receivers->cap) {
        place = receivers->touched++;
    } else {
        for (uint32_t i = 0; i < receivers->cap; i++) {
            if (is_idle(&receivers->items[i]) &&
                (place == RECEIVERS_NONE ||
                 is_better_to_take(&receivers->items[i], &receivers->items[place])))
                place = i;
        }
    }
    CHECK(place != RECEIVERS_NONE); // there are more receivers than slots
    receivers->items[place] = (struct receiver){.key = key, .first = RECEIVERS_NONE};
    return place;
}

static uint32_t find_receiver(struct receivers *receivers, uint64_t key)
{
    for (uint32_t i = 0; i < receivers->touched; i++) {
        if (receivers->items[i].key == key)
            return i;
    }
    return take_receiver(receivers, key);
}

void receivers_enter(struct receivers *receivers, when_ms now,
                     const struct receivers_arrival *arrival)
{
    CHECK(arrival->slot < receivers->slot_count);
    struct receivers_place *place = &receivers->places[arrival->slot];
    CHECK(place->receiver == RECEIVERS_NONE);
    uint32_t number = find_receiver(receivers, arrival->key);
    struct receiver *receiver = &receivers->items[number];
    *place = (struct receivers_place){.receiver = number, .event_at = arrival->event_at};
    uint32_t *link = &receiver->first;
    while (*link != RECEIVERS_NONE && receivers->places[*link].event_at <= place->event_at)
        link = &receivers->places[*link].next;
    place->next = *link;
    *link = arrival->slot;
    receiver->waiting++;
    receiver->used_at = now;
    receivers->held++;
}

// Out of the list of those that wait.
static void unlink_slot(struct receivers *receivers, struct receiver *receiver, uint32_t slot)
{
    uint32_t *link = &receiver->first;
    while (*link != slot) {
        CHECK(*link != RECEIVERS_NONE);
        link = &receivers->places[*link].next;
    }
    *link = receivers->places[slot].next;
    receiver->waiting--;
}

static struct receivers_order start(struct receivers *receivers, struct receiver *receiver,
                                    when_ms now)
{
    uint32_t slot = receiver->first;
    unlink_slot(receivers, receiver, slot);
    breaker_begin(&receiver->breaker, now);
    receivers->places[slot].is_running = true;
    receiver->running++;
    receiver->snoozed = 0;
    receiver->used_at = now;
    receiver->free_at = when_after(now, receivers->rules.gap_ms);
    return (struct receivers_order){.kind = RECEIVERS_START, .slot = slot};
}

static struct receivers_order snooze(struct receivers *receivers, struct receiver *receiver,
                                     uint32_t slot, when_ms wait)
{
    unlink_slot(receivers, receiver, slot);
    receivers->places[slot].receiver = RECEIVERS_NONE;
    receivers->held--;
    when_ms pause = when_after(wait, (when_ms)receiver->snoozed++ * RECEIVERS_STEP_MS);
    return (struct receivers_order){.kind = RECEIVERS_SNOOZE, .slot = slot, .pause_ms = pause};
}

// A quarter of the slots is not for those that wait, or a few slow receivers would fill them all.
static bool is_crowded(const struct receivers *receivers, const struct receiver *receiver)
{
    return receiver->waiting > receivers->rules.waiting_max ||
           receivers->held > receivers->slot_count - receivers->slot_count / 4;
}

// Behind the waiting_max that may stay, or the last one.
static uint32_t find_crowded(const struct receivers *receivers, const struct receiver *receiver)
{
    uint32_t slot = receiver->first;
    for (uint32_t i = 0; i < receivers->rules.waiting_max && i + 1 < receiver->waiting; i++)
        slot = receivers->places[slot].next;
    return slot;
}

static struct receivers_order next_of(struct receivers *receivers, struct receiver *receiver,
                                      when_ms now)
{
    if (receiver->waiting == 0)
        return (struct receivers_order){.kind = RECEIVERS_NOTHING};
    bool is_open =
        receiver->breaker.state == BREAKER_OPEN && !breaker_lets(&receiver->breaker, now);
    if (is_open)
        return snooze(receivers, receiver, receiver->first,
                      breaker_wait_ms(&receiver->breaker, now));
    if (receiver->running < receivers->rules.running_max && now >= receiver->free_at &&
        breaker_lets(&receiver->breaker, now))
        return start(receivers, receiver, now);
    if (is_crowded(receivers, receiver))
        return snooze(receivers, receiver, find_crowded(receivers, receiver), RECEIVERS_CROWDED_MS);
    return (struct receivers_order){.kind = RECEIVERS_NOTHING};
}

struct receivers_order receivers_next(struct receivers *receivers, when_ms now)
{
    for (uint32_t i = 0; i < receivers->touched; i++) {
        uint32_t number = (receivers->turn + i) % receivers->touched;
        struct receivers_order order = next_of(receivers, &receivers->items[number], now);
        if (order.kind == RECEIVERS_NOTHING)
            continue;
        receivers->turn = (number + 1) % receivers->touched;
        return order;
    }
    return (struct receivers_order){.kind = RECEIVERS_NOTHING};
}

// Only the pace of a receiver makes one wait for time alone: an open breaker sends all away.
when_ms receivers_due(const struct receivers *receivers, when_ms now)
{
    when_ms due = WHEN_NEVER;
    for (uint32_t i = 0; i < receivers->touched; i++) {
        const struct receiver *receiver = &receivers->items[i];
        bool waits = receiver->waiting > 0 && receiver->running < receivers->rules.running_max &&
                     receiver->breaker.state != BREAKER_HALF;
        if (waits)
            due = when_min(due, receiver->free_at > now ? receiver->free_at : now);
    }
    return due;
}

void receivers_end(struct receivers *receivers, when_ms now, uint32_t slot,
                   enum receivers_outcome outcome)
{
    CHECK(slot < receivers->slot_count);
    struct receivers_place *place = &receivers->places[slot];
    CHECK(place->receiver != RECEIVERS_NONE);
    struct receiver *receiver = &receivers->items[place->receiver];
    if (place->is_running) {
        CHECK(receiver->running > 0);
        receiver->running--;
        if (outcome == RECEIVERS_VOID)
            breaker_void(&receiver->breaker, now);
        else
            breaker_end(&receiver->breaker, now, outcome == RECEIVERS_FAULT);
    } else {
        unlink_slot(receivers, receiver, slot);
    }
    *place = (struct receivers_place){.receiver = RECEIVERS_NONE};
    receivers->held--;
}

uint32_t receivers_ill_count(const struct receivers *receivers)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < receivers->touched; i++)
        count += receivers->items[i].breaker.state != BREAKER_CLOSED;
    return count;
}
