// What to say is read from the tables at the moment of saying it.

#include "worker/core/renewal.h"

#include "lib/base/check.h"

void renewal_start(struct renewal *renewal, when_ms now, uint32_t renew_ms)
{
    CHECK(renew_ms > 0);
    renewal->renew_ms = renew_ms;
    renewal->sent_at = now;
    renewal->is_due = false;
}

static bool has_news(const struct renewal *renewal, const struct slots *slots)
{
    for (uint32_t i = 0; i < slots->job_count; i++) {
        const struct slot *slot = &slots->items[i];
        if (slot->state == SLOT_FREE)
            continue;
        if (renewal->logs != NULL && joblog_has_news(&renewal->logs[i]))
            return true;
        if (slot->progress.version != slot->progress.sent_version)
            return true;
    }
    return false;
}

when_ms renewal_next(const struct renewal *renewal, const struct slots *slots)
{
    if (renewal->renew_ms == 0)
        return WHEN_NEVER;
    if (renewal->is_due)
        return renewal->sent_at;
    when_ms due = when_after(renewal->sent_at, renewal->renew_ms);
    if (has_news(renewal, slots))
        due = when_min(due, when_after(renewal->sent_at, RENEWAL_GAP_MS));
    return due;
}

void renewal_hurry(struct renewal *renewal)
{
    renewal->is_due = true;
}

struct msg_held_list renewal_held(const struct slots *slots, const struct outbox *outbox,
                                  struct renewal_room *room)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < slots->job_count; i++) {
        const struct slot *slot = &slots->items[i];
        bool is_held = slot->state != SLOT_FREE && slot->stop != SLOT_STOP_LOST;
        if (is_held)
            room->held[count++] = (struct msg_held){.job_id = slot->job_id, .token = slot->token};
    }
    for (uint32_t i = 0; i < outbox->touched; i++) {
        const struct outbox_entry *entry = &outbox->items[i];
        if (entry->state == OUTBOX_FREE || entry->state == OUTBOX_SETTLED)
            continue;
        room->held[count++] =
            (struct msg_held){.job_id = entry->report.job_id, .token = entry->report.token};
    }
    CHECK(count <= RENEWAL_HELD_MAX);
    return (struct msg_held_list){.items = room->held, .count = count};
}

static uint32_t fill_progress(struct slots *slots, struct renewal_room *room)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < slots->job_count; i++) {
        struct slot *slot = &slots->items[i];
        struct slot_progress *progress = &slot->progress;
        if (slot->state == SLOT_FREE || progress->version == progress->told_version)
            continue;
        progress->sent_version = progress->version;
        room->progress[count++] =
            (struct msg_progress){.job_id = slot->job_id,
                                  .token = slot->token,
                                  .done = progress->done,
                                  .total = progress->total,
                                  .text = slice_of(progress->text, progress->text_len),
                                  .extend_ms = slot->extend_ms};
    }
    return count;
}

// Lines of all slots, as far as one message takes them: the first ones first, for who is left out
// has not been sent and comes to the front as the others are told.
static uint32_t fill_log(const struct renewal *renewal, const struct slots *slots,
                         struct renewal_room *room)
{
    uint32_t count = 0;
    size_t bytes = 0;
    for (uint32_t i = 0; i < slots->job_count && renewal->logs != NULL; i++) {
        const struct slot *slot = &slots->items[i];
        struct joblog *log = &renewal->logs[i];
        bool fits = bytes + log->len <= RENEWAL_LOG_BYTES_MAX && slot->state != SLOT_FREE;
        const struct msg_held held = {.job_id = slot->job_id, .token = slot->token};
        uint32_t cap = fits ? MSG_LOG_LINES_MAX - count : 0;
        uint32_t filled = joblog_fill(log, &held, room->lines + count, cap);
        count += filled;
        bytes += filled > 0 ? log->len : 0;
    }
    return count;
}

struct msg_renew renewal_fill(struct renewal *renewal, when_ms now, struct slots *slots,
                              const struct outbox *outbox, struct renewal_room *room)
{
    renewal->sent_at = now;
    struct msg_renew renew = {.running = renewal_held(slots, outbox, room),
                              .progress = room->progress,
                              .log = room->lines};
    renew.progress_count = fill_progress(slots, room);
    renew.log_count = fill_log(renewal, slots, room);
    return renew;
}

void renewal_answered(const struct renewal *renewal, struct slots *slots)
{
    for (uint32_t i = 0; i < slots->count; i++) {
        slots->items[i].progress.told_version = slots->items[i].progress.sent_version;
        if (renewal->logs != NULL)
            joblog_told(&renewal->logs[i]);
    }
}
