// A small table; everything is found by walking it.

#include "worker/core/slots.h"

#include "lib/base/check.h"

enum slot_event { EVENT_GRANT, EVENT_BEGIN, EVENT_STOP, EVENT_END, EVENT_COUNT };

// 0 is "not allowed", so states are written one higher.
#define TO(state) ((state) + 1)

static const uint8_t next_state[SLOT_STATES][EVENT_COUNT] = {
    [SLOT_FREE] = {[EVENT_GRANT] = TO(SLOT_WAITING)},
    [SLOT_WAITING] = {[EVENT_BEGIN] = TO(SLOT_RUNNING), [EVENT_END] = TO(SLOT_FREE)},
    [SLOT_RUNNING] = {[EVENT_STOP] = TO(SLOT_STOPPING), [EVENT_END] = TO(SLOT_FREE)},
    [SLOT_STOPPING] = {[EVENT_END] = TO(SLOT_FREE)},
};

static void slot_move(struct slot *slot, enum slot_event event)
{
    uint8_t next = next_state[slot->state][event];
    CHECK(next != 0);
    slot->state = (enum slot_state)(next - 1);
}

static struct slot *at(const struct slots *slots, uint32_t slot)
{
    CHECK(slot < slots->count);
    return &slots->items[slot];
}

void slots_init(struct slots *slots, struct slot *items, uint32_t count, uint32_t kill_after_ms)
{
    CHECK(count > 0 && count <= SLOTS_MAX);
    *slots = (struct slots){
        .items = items, .count = count, .job_count = count, .kill_after_ms = kill_after_ms};
}

void slots_set_simulations(struct slots *slots, uint32_t count)
{
    CHECK(count < slots->count);
    slots->job_count = slots->count - count;
}

void slots_grant(struct slots *slots, uint32_t slot, const struct msg_job *job)
{
    struct slot *place = at(slots, slot);
    CHECK((job->token == 0) == (slot >= slots->job_count));
    CHECK(!place->is_barred);
    slot_move(place, EVENT_GRANT);
    place->job_id = job->job_id;
    place->token = job->token;
    place->generation = job->generation;
    place->attempt = job->attempt;
    place->timeout_ms = job->timeout_ms;
    place->deadline = WHEN_NEVER;
    place->kill_at = WHEN_NEVER;
}

void slots_move(struct slots *slots, uint32_t from, uint32_t to)
{
    CHECK(at(slots, from)->state == SLOT_WAITING && at(slots, to)->state == SLOT_FREE);
    CHECK(!at(slots, to)->is_barred);
    *at(slots, to) = *at(slots, from);
    *at(slots, from) = (struct slot){0};
}

void slots_begin(struct slots *slots, uint32_t slot, when_ms now)
{
    struct slot *place = at(slots, slot);
    slot_move(place, EVENT_BEGIN);
    place->deadline = when_after(now, place->timeout_ms);
}

void slots_extend(struct slots *slots, uint32_t slot, when_ms now, when_ms span_ms)
{
    struct slot *place = at(slots, slot);
    CHECK(span_ms >= 0);
    when_ms deadline = when_after(now, span_ms);
    if (place->state != SLOT_RUNNING || deadline <= place->deadline)
        return;
    when_ms extend_ms = when_after(place->extend_ms, deadline - place->deadline);
    place->extend_ms = (uint32_t)when_min(extend_ms, UINT32_MAX);
    place->deadline = deadline;
    place->progress.version++; // the broker must hear of it
}

void slots_progress(struct slots *slots, uint32_t slot, const struct msg_progress *progress)
{
    struct slot_progress *kept = &at(slots, slot)->progress;
    CHECK(progress->text.len <= sizeof kept->text);
    kept->done = progress->done;
    kept->total = progress->total;
    kept->text_len = (uint32_t)progress->text.len;
    if (progress->text.len > 0)
        memcpy(kept->text, progress->text.data, progress->text.len);
    kept->version++;
}

struct msg_progress slots_untold(const struct slot *slot)
{
    const struct slot_progress *kept = &slot->progress;
    if (kept->version == kept->told_version)
        return (struct msg_progress){0};
    return (struct msg_progress){
        .done = kept->done, .total = kept->total, .text = slice_of(kept->text, kept->text_len)};
}

enum slot_order slots_stop(struct slots *slots, uint32_t slot, when_ms now, enum slot_stop reason)
{
    struct slot *place = at(slots, slot);
    CHECK(place->state != SLOT_FREE && reason != SLOT_STOP_NONE);
    if (place->state == SLOT_STOPPING) {
        if (reason > place->stop)
            place->stop = reason;
        return SLOT_ORDER_NONE;
    }
    place->stop = reason;
    if (place->state == SLOT_WAITING)
        return SLOT_ORDER_END;
    slot_move(place, EVENT_STOP);
    place->kill_at = when_after(now, slots->kill_after_ms);
    return SLOT_ORDER_TERM;
}

enum slot_order slots_kill(struct slots *slots, uint32_t slot, enum slot_stop reason)
{
    enum slot_order order = slots_stop(slots, slot, 0, reason);
    if (order == SLOT_ORDER_END)
        return order;
    at(slots, slot)->kill_at = WHEN_NEVER;
    return SLOT_ORDER_KILL;
}

enum slot_order slots_due(struct slots *slots, uint32_t slot, when_ms now)
{
    struct slot *place = at(slots, slot);
    if (place->state == SLOT_RUNNING && place->deadline <= now)
        return slots_stop(slots, slot, now, SLOT_STOP_TIMEOUT);
    if (place->state != SLOT_STOPPING || place->kill_at > now)
        return SLOT_ORDER_NONE;
    place->kill_at = WHEN_NEVER;
    return SLOT_ORDER_KILL;
}

when_ms slots_next(const struct slots *slots)
{
    when_ms next = WHEN_NEVER;
    for (uint32_t i = 0; i < slots->count; i++) {
        const struct slot *place = &slots->items[i];
        if (place->state == SLOT_RUNNING)
            next = when_min(next, place->deadline);
        if (place->state == SLOT_STOPPING)
            next = when_min(next, place->kill_at);
    }
    return next;
}

void slots_end(struct slots *slots, uint32_t slot)
{
    struct slot *place = at(slots, slot);
    slot_move(place, EVENT_END);
    *place = (struct slot){0};
}

void slots_bar(struct slots *slots, uint32_t slot, bool is_barred)
{
    struct slot *place = at(slots, slot);
    CHECK(place->state == SLOT_FREE && place->is_barred != is_barred);
    place->is_barred = is_barred;
}

uint32_t slots_count_open(const struct slots *slots, uint32_t from, uint32_t count)
{
    CHECK(from <= slots->count && count <= slots->count - from);
    uint32_t open = 0;
    for (uint32_t i = from; i < from + count; i++)
        open += !slots->items[i].is_barred;
    return open;
}

static uint32_t find_free(const struct slots *slots, uint32_t from, uint32_t to)
{
    for (uint32_t i = from; i < to; i++) {
        if (slots->items[i].state == SLOT_FREE && !slots->items[i].is_barred)
            return i;
    }
    return SLOTS_NONE;
}

uint32_t slots_find_free(const struct slots *slots)
{
    return find_free(slots, 0, slots->job_count);
}

uint32_t slots_find_free_simulation(const struct slots *slots)
{
    return find_free(slots, slots->job_count, slots->count);
}

uint32_t slots_find_job(const struct slots *slots, const struct id *job_id)
{
    for (uint32_t i = 0; i < slots->job_count; i++) {
        if (slots->items[i].state != SLOT_FREE && id_equal(&slots->items[i].job_id, job_id))
            return i;
    }
    return SLOTS_NONE;
}

uint32_t slots_find(const struct slots *slots, const struct msg_held *held)
{
    for (uint32_t i = 0; i < slots->job_count; i++) {
        const struct slot *place = &slots->items[i];
        if (place->state != SLOT_FREE && place->token == held->token &&
            id_equal(&place->job_id, &held->job_id))
            return i;
    }
    return SLOTS_NONE;
}

uint32_t slots_held_count(const struct slots *slots)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < slots->job_count; i++)
        count += slots->items[i].state != SLOT_FREE;
    return count;
}
