// A table of a few hundred entries, walked from its beginning.

#include "worker/core/outbox.h"

#include "lib/base/check.h"

enum outbox_event {
    EVENT_ADD,
    EVENT_KEEP,
    EVENT_FLUSH,
    EVENT_TELL,
    EVENT_ANSWER,
    EVENT_RETURN,
    EVENT_REKEY,
    EVENT_REMOVE,
    EVENT_FORGET,
    EVENT_COUNT
};

// 0 is "not allowed", so states are written one higher. EVENT_KEEP adds what needs no flush.
#define TO(state) ((state) + 1)

static const uint8_t next_state[OUTBOX_STATES][EVENT_COUNT] = {
    [OUTBOX_FREE] = {[EVENT_ADD] = TO(OUTBOX_ENDED), [EVENT_KEEP] = TO(OUTBOX_DURABLE)},
    [OUTBOX_ENDED] = {[EVENT_FLUSH] = TO(OUTBOX_DURABLE), [EVENT_REKEY] = TO(OUTBOX_ENDED)},
    [OUTBOX_DURABLE] = {[EVENT_TELL] = TO(OUTBOX_TOLD),
                        [EVENT_REKEY] = TO(OUTBOX_ENDED),
                        [EVENT_FORGET] = TO(OUTBOX_SETTLED)},
    [OUTBOX_TOLD] = {[EVENT_ANSWER] = TO(OUTBOX_SETTLED),
                     [EVENT_RETURN] = TO(OUTBOX_DURABLE),
                     [EVENT_REKEY] = TO(OUTBOX_ENDED)},
    [OUTBOX_SETTLED] = {[EVENT_REKEY] = TO(OUTBOX_ENDED), [EVENT_REMOVE] = TO(OUTBOX_FREE)},
};

static void outbox_move(struct outbox_entry *entry, enum outbox_event event)
{
    uint8_t next = next_state[entry->state][event];
    CHECK(next != 0);
    entry->state = (enum outbox_state)(next - 1);
}

static struct outbox_entry *at(const struct outbox *outbox, uint32_t entry)
{
    CHECK(entry < outbox->touched);
    return &outbox->items[entry];
}

void outbox_init(struct outbox *outbox, struct outbox_entry *items, uint32_t cap)
{
    CHECK(cap > 0 && cap <= OUTBOX_COUNT_MAX);
    *outbox = (struct outbox){.items = items, .cap = cap};
}

static uint32_t take_place(struct outbox *outbox)
{
    CHECK(outbox->count < outbox->cap);
    uint32_t place = outbox_next(outbox, OUTBOX_FREE, 0);
    if (place == OUTBOX_NONE)
        place = outbox->touched++;
    outbox->count++;
    return place;
}

static uint32_t add(struct outbox *outbox, const struct outcome_report *report, void *memory,
                    enum outbox_event event)
{
    uint32_t place = take_place(outbox);
    struct outbox_entry *entry = at(outbox, place);
    *entry = (struct outbox_entry){.report = *report, .memory = memory};
    outbox_move(entry, event);
    return place;
}

uint32_t outbox_add(struct outbox *outbox, const struct outcome_report *report, void *take_memory)
{
    return add(outbox, report, take_memory, EVENT_ADD);
}

uint32_t outbox_add_recovered(struct outbox *outbox, const struct outcome_report *report,
                              void *take_memory)
{
    uint32_t place = add(outbox, report, take_memory, EVENT_KEEP);
    outbox->items[place].journaled_token = report->token;
    outbox->items[place].resent = true;
    return place;
}

uint32_t outbox_add_volatile(struct outbox *outbox, const struct outcome_report *report,
                             void *take_memory)
{
    return add(outbox, report, take_memory, EVENT_KEEP);
}

uint32_t outbox_next(const struct outbox *outbox, enum outbox_state state, uint32_t from)
{
    for (uint32_t i = from; i < outbox->touched; i++) {
        if (outbox->items[i].state == state)
            return i;
    }
    return OUTBOX_NONE;
}

uint32_t outbox_count_of(const struct outbox *outbox, enum outbox_state state)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < outbox->touched; i++)
        count += outbox->items[i].state == state;
    return count;
}

void outbox_flushed(struct outbox *outbox, uint32_t entry)
{
    struct outbox_entry *item = at(outbox, entry);
    outbox_move(item, EVENT_FLUSH);
    item->journaled_token = item->report.token;
}

static struct msg_finish_job job_of(const struct outbox_entry *entry)
{
    const struct outcome_report *report = &entry->report;
    return (struct msg_finish_job){.job_id = report->job_id,
                                   .token = report->token,
                                   .outcome = report->outcome,
                                   .result = report->result,
                                   .error_kind = report->kind,
                                   .error_message = report->message,
                                   .error_detail = report->detail,
                                   .retry_after_ms = report->retry_after_ms,
                                   .resent = entry->resent,
                                   .progress = report->progress};
}

uint32_t outbox_pick(struct outbox *outbox, uint64_t batch, struct msg_finish_job *jobs,
                     uint32_t cap, size_t bytes_max)
{
    enum { OVERHEAD = 128 }; // ids, numbers and the heads of fields
    uint32_t count = 0;
    size_t len = 0;
    bool is_closed = false;
    for (uint32_t i = 0; i < outbox->touched && count < cap && !is_closed; i++) {
        struct outbox_entry *entry = &outbox->items[i];
        bool is_due = entry->state == OUTBOX_DURABLE && !entry->is_held;
        if (!is_due || (entry->is_alone && count > 0))
            continue;
        size_t more = outcome_size(&entry->report) + OVERHEAD;
        if (count > 0 && len + more > bytes_max)
            continue;
        len += more;
        jobs[count++] = job_of(entry);
        outbox_move(entry, EVENT_TELL);
        entry->batch = batch;
        is_closed = entry->is_alone;
    }
    return count;
}

uint32_t outbox_answer(struct outbox *outbox, const struct msg_finished_job *verdict)
{
    struct msg_held held = {.job_id = verdict->job_id, .token = verdict->token};
    uint32_t place = outbox_find(outbox, &held);
    if (place == OUTBOX_NONE || outbox->items[place].state != OUTBOX_TOLD)
        return OUTBOX_NONE;
    outbox_move(&outbox->items[place], EVENT_ANSWER);
    return place;
}

uint32_t outbox_close(struct outbox *outbox, uint64_t batch)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < outbox->touched; i++) {
        struct outbox_entry *entry = &outbox->items[i];
        if (entry->state != OUTBOX_TOLD || entry->batch != batch)
            continue;
        outbox_move(entry, EVENT_RETURN);
        entry->is_alone = true;
        count++;
    }
    return count;
}

void outbox_hold(struct outbox *outbox, uint64_t batch)
{
    for (uint32_t i = 0; i < outbox->touched; i++) {
        struct outbox_entry *entry = &outbox->items[i];
        entry->is_held |= entry->state == OUTBOX_DURABLE && entry->batch == batch;
    }
}

void outbox_unhold(struct outbox *outbox)
{
    for (uint32_t i = 0; i < outbox->touched; i++)
        outbox->items[i].is_held = false;
}

static bool is_of(const struct outcome_report *report, const struct outbox_job *job)
{
    return report->generation == job->generation && id_equal(&report->job_id, &job->id) &&
           (report->lineage == 0 || report->lineage == job->lineage);
}

uint32_t outbox_find_success(const struct outbox *outbox, const struct outbox_job *job)
{
    for (uint32_t i = 0; i < outbox->touched; i++) {
        const struct outbox_entry *entry = &outbox->items[i];
        if (entry->state != OUTBOX_FREE && entry->report.outcome == OUTCOME_SUCCEEDED &&
            is_of(&entry->report, job))
            return i;
    }
    return OUTBOX_NONE;
}

uint32_t outbox_find(const struct outbox *outbox, const struct msg_held *held)
{
    for (uint32_t i = 0; i < outbox->touched; i++) {
        const struct outbox_entry *entry = &outbox->items[i];
        if (entry->state != OUTBOX_FREE && entry->report.token == held->token &&
            id_equal(&entry->report.job_id, &held->job_id))
            return i;
    }
    return OUTBOX_NONE;
}

void outbox_rekey(struct outbox *outbox, uint32_t entry, uint64_t token)
{
    struct outbox_entry *item = at(outbox, entry);
    outbox_move(item, EVENT_REKEY);
    item->report.token = token;
    item->report.log_count = 0; // they are of the lease that was
    item->resent = true;
    item->is_alone = false;
    item->is_held = false;
}

void outbox_forget(struct outbox *outbox, uint32_t entry)
{
    outbox_move(at(outbox, entry), EVENT_FORGET);
}

void *outbox_remove(struct outbox *outbox, uint32_t entry)
{
    struct outbox_entry *item = at(outbox, entry);
    void *memory = item->memory;
    outbox_move(item, EVENT_REMOVE);
    *item = (struct outbox_entry){0};
    outbox->count--;
    return memory;
}
