// Grants, ends and orders. The conversation is talk.c and talk_hear.c.

#include "worker/duty/duty.h"

#include "lib/base/check.h"
#include "lib/sys/blake.h"
#include "lib/sys/clock.h"
#include "lib/sys/failpoint.h"
#include "worker/core/control.h"
#include "worker/duty/duty_private.h"
#include "worker/duty/talk.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>

enum { TIMEOUT_DEFAULT_MS = 30000, CLEAR_COUNT = 256 };

// --- beginning and end of a worker ---

err duty_init(struct duty *duty, const struct duty_setup *setup, const struct duty_crew *crew)
{
    CHECK(setup->run_count <= setup->slot_count);
    duty->setup = *setup;
    if (setup->run_count == 0)
        duty->setup.run_count = setup->slot_count;
    duty->crew = *crew;
    duty->clear_at = WHEN_NEVER;
    duty->tell_at = WHEN_NEVER;
    blake_random(&duty->session, sizeof duty->session);
    duty->session |= 1; // 0 means none
    duty->phase.grace_ms = setup->grace_ms;
    duty->stats.is_changed = true;
    duty->room = malloc(sizeof *duty->room);
    uint32_t count = setup->slot_count + setup->simulation_count;
    duty->jobs = calloc(count, sizeof *duty->jobs);
    duty->logs = calloc(count, sizeof *duty->logs);
    duty->renewal.logs = duty->logs;
    struct slot *slots = calloc(count, sizeof *slots);
    if (slots != NULL) {
        slots_init(&duty->slots, slots, count, setup->kill_after_ms);
        slots_set_simulations(&duty->slots, setup->simulation_count);
    }
    bool made = slots != NULL && duty->room != NULL && duty->jobs != NULL && duty->logs != NULL;
    return made ? OK : ERR_NO_MEMORY;
}

err duty_recover(struct duty *duty, struct journal *journal, struct journal_loaded *out_loaded)
{
    uint32_t stored = 0;
    err counted = journal != NULL ? journal_count(journal, &stored) : OK;
    if (counted != OK)
        return counted;
    uint32_t cap = stored + 2 * duty->slots.count + DUTY_OUTBOX_SPARE;
    if (cap > OUTBOX_COUNT_MAX)
        cap = OUTBOX_COUNT_MAX;
    struct outbox_entry *entries = calloc(cap, sizeof *entries);
    if (entries == NULL)
        return ERR_NO_MEMORY;
    outbox_init(&duty->outbox, entries, cap);
    duty->journal = journal;
    *out_loaded = (struct journal_loaded){0};
    return journal != NULL ? journal_load(journal, &duty->outbox, out_loaded) : OK;
}

void duty_deinit(struct duty *duty)
{
    for (uint32_t i = 0; duty->jobs != NULL && i < duty->slots.count; i++)
        free(duty->jobs[i].memory);
    for (uint32_t i = 0; i < duty->outbox.touched; i++)
        free(duty->outbox.items[i].memory);
    free(duty->outbox.items);
    free(duty->logs);
    free(duty->jobs);
    free(duty->slots.items);
    free(duty->room);
}

void duty_log(struct duty *duty, enum log_level level, const char *event, const char *format, ...)
{
    if (duty->crew.log == NULL && !log_is_on(level))
        return;
    char text[LOG_LINE_LEN_MAX];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (duty->crew.log != NULL)
        duty->crew.log(duty->crew.ctx, level, event, text);
    else
        log_line(level, event, "%s", text);
}

_Noreturn void duty_die(struct duty *duty, const char *event, const char *why)
{
    duty->crew.die(duty->crew.ctx, event, why);
    UNREACHABLE();
}

static uint8_t *must_alloc(struct duty *duty, size_t len, const char *what_for)
{
    uint8_t *memory = malloc(len);
    if (memory == NULL)
        duty_die(duty, "worker.no_memory", what_for);
    return memory;
}

// --- the beginning of a job ---

static struct slice copy_slice(struct slice from, uint8_t **room)
{
    struct slice copy = slice_of(*room, from.len);
    if (from.len > 0)
        memcpy(*room, from.data, from.len);
    *room += from.len;
    return copy;
}

void duty_grant(struct duty *duty, uint32_t slot, const struct msg_job *job)
{
    struct duty_job *place = &duty->jobs[slot];
    CHECK(place->memory == NULL);
    size_t after_len = job->after.count * sizeof *job->after.items;
    uint8_t *room = must_alloc(duty,
                               after_len + job->type.len + job->queue.len + job->payload.bytes.len +
                                   job->traceparent.len + job->labels.len + job->intent.len + 1,
                               "for a job");
    place->memory = room;
    place->msg = *job;
    if (place->msg.timeout_ms == 0)
        place->msg.timeout_ms = TIMEOUT_DEFAULT_MS;
    // The ids first: they are aligned like the memory itself.
    place->msg.after.items =
        (const void *)copy_slice(slice_of(job->after.items, after_len), &room).data;
    place->msg.type = copy_slice(job->type, &room);
    place->msg.queue = copy_slice(job->queue, &room);
    place->msg.payload.bytes = copy_slice(job->payload.bytes, &room);
    place->msg.traceparent = copy_slice(job->traceparent, &room);
    place->msg.labels = copy_slice(job->labels, &room);
    place->msg.intent = copy_slice(job->intent, &room);
    place->sequence = ++duty->grant_count;
    slots_grant(&duty->slots, slot, &place->msg);
}

void duty_simulate(struct duty *duty, uint32_t slot, const struct msg_job *job, uint64_t number)
{
    CHECK(duty_is_simulation(duty, slot) && number != 0);
    duty_grant(duty, slot, job);
    duty->jobs[slot].simulation = number;
}

void duty_drop_simulations(struct duty *duty)
{
    for (uint32_t i = duty->slots.job_count; i < duty->slots.count; i++) {
        if (duty->slots.items[i].state != SLOT_FREE)
            duty_obey(duty, i, slots_stop(&duty->slots, i, duty->now, SLOT_STOP_LOST));
    }
}

// The one that waits longest beyond those that run.
static uint32_t find_advance(const struct duty *duty)
{
    uint32_t found = SLOTS_NONE;
    for (uint32_t i = duty->setup.run_count; i < duty->slots.job_count; i++) {
        if (duty->slots.items[i].state == SLOT_WAITING &&
            (found == SLOTS_NONE || duty->jobs[i].sequence < duty->jobs[found].sequence))
            found = i;
    }
    return found;
}

void duty_advance(struct duty *duty)
{
    uint32_t from = find_advance(duty);
    uint32_t to = slots_find_free(&duty->slots);
    while (from != SLOTS_NONE && to < duty->setup.run_count) {
        slots_move(&duty->slots, from, to);
        duty->jobs[to] = duty->jobs[from];
        duty->jobs[from] = (struct duty_job){.memory = NULL};
        from = find_advance(duty);
        to = slots_find_free(&duty->slots);
    }
}

static bool is_twin(const struct duty *duty, uint32_t slot)
{
    const struct slot *own = &duty->slots.items[slot];
    for (uint32_t i = 0; i < duty->slots.job_count; i++) {
        const struct slot *other = &duty->slots.items[i];
        if (i != slot && other->state != SLOT_FREE && other->state != SLOT_WAITING &&
            id_equal(&other->job_id, &own->job_id))
            return true;
    }
    return false;
}

bool duty_may_begin(const struct duty *duty, uint32_t slot)
{
    uint32_t held = slots_held_count(&duty->slots);
    if (duty_is_simulation(duty, slot))
        return duty->slots.items[slot].state == SLOT_WAITING;
    return slot < duty->setup.run_count && duty->slots.items[slot].state == SLOT_WAITING &&
           duty->outbox.count + held <= duty->outbox.cap && !is_twin(duty, slot);
}

void duty_begin(struct duty *duty, uint32_t slot)
{
    struct duty_job *place = &duty->jobs[slot];
    slots_begin(&duty->slots, slot, duty->now);
    place->begun_at = duty->now;
    joblog_begin(&duty->logs[slot], place->msg.log_count);
    duty->stats.executed += !duty_is_simulation(duty, slot);
    duty->stats.is_changed = true;
    if (duty->crew.log == NULL && !log_is_on(LOG_LEVEL_DEBUG))
        return;
    char id[ID_TEXT_LEN + 1];
    id_to_text(&place->msg.job_id, id);
    duty_log(duty, LOG_LEVEL_DEBUG, "job.started", "job=%s attempt=%" PRIu32 " token=%" PRIu64, id,
             place->msg.attempt, place->msg.token);
}

void duty_hear(struct duty *duty, uint32_t slot, struct slice word)
{
    struct control control;
    if (duty->slots.items[slot].state != SLOT_RUNNING)
        return;
    if (control_parse(word, &control) != OK) {
        duty_log(duty, LOG_LEVEL_WARN, "job.odd_word", "line=%s", log_quote(word).text);
    } else if (control.kind == CONTROL_EXTEND) {
        slots_extend(&duty->slots, slot, duty->now, control.extend_ms);
    } else if (control.kind == CONTROL_LOG) {
        joblog_say(&duty->logs[slot], clock_wall_ms(), control.text);
    } else {
        const struct msg_progress progress = {
            .done = control.done, .total = control.total, .text = control.text};
        slots_progress(&duty->slots, slot, &progress);
    }
}

// --- the end of a job ---

static enum log_level importance(enum outcome outcome)
{
    if (outcome == OUTCOME_SUCCEEDED)
        return LOG_LEVEL_DEBUG;
    bool is_wanted = outcome == OUTCOME_INTERRUPTED || outcome == OUTCOME_CANCELLED ||
                     outcome == OUTCOME_SNOOZED;
    return is_wanted ? LOG_LEVEL_INFO : LOG_LEVEL_WARN;
}

static void tell_end(struct duty *duty, uint32_t slot, const struct outcome_report *report)
{
    enum log_level level = importance(report->outcome);
    if (duty->crew.log == NULL && !log_is_on(level))
        return;
    const struct duty_job *place = &duty->jobs[slot];
    char id[ID_TEXT_LEN + 1];
    id_to_text(&report->job_id, id);
    duty_log(duty, level, "job.ended", "job=%s token=%" PRIu64 " ms=%" PRId64 " kind=%s message=%s",
             id, report->token, place->begun_at > 0 ? duty->now - place->begun_at : 0,
             report->outcome == OUTCOME_SUCCEEDED ? "succeeded" : log_quote(report->kind).text,
             log_quote(report->message).text);
}

static void forget_job(struct duty *duty, uint32_t slot)
{
    free(duty->jobs[slot].memory);
    duty->jobs[slot] = (struct duty_job){0};
    slots_end(&duty->slots, slot);
}

// The lines that the broker does not have, copied to the beginning of a new piece of memory, which
// has `len` bytes more behind them.
static uint8_t *copy_log(struct duty *duty, uint32_t slot, struct outcome_report *report,
                         size_t len, size_t *out_log_len)
{
    struct msg_log_line *lines = duty->room->lines;
    struct joblog *log = &duty->logs[slot];
    joblog_end(log, clock_wall_ms());
    const struct msg_held held = {.job_id = report->job_id, .token = report->token};
    uint32_t count = joblog_fill(log, &held, lines, JOBLOG_LINES_MAX);
    uint8_t *memory =
        must_alloc(duty, count * sizeof *lines + log->len + len + 1, "for an outcome");
    uint8_t *texts = memory + count * sizeof *lines;
    for (uint32_t i = 0; i < count; i++)
        lines[i].text = copy_slice(lines[i].text, &texts);
    if (count > 0)
        memcpy(memory, lines, count * sizeof *lines);
    report->log = (const struct msg_log_line *)(void *)memory;
    report->log_count = count;
    joblog_begin(log, 0);
    joblog_end(log, 0);
    *out_log_len = (size_t)(texts - memory);
    return memory;
}

// What its handler has logged is of no job.
static void end_simulation(struct duty *duty, uint32_t slot, const struct outcome_report *report)
{
    struct joblog *log = &duty->logs[slot];
    joblog_begin(log, 0);
    joblog_end(log, 0);
    if (duty->slots.items[slot].stop != SLOT_STOP_LOST)
        talk_simulated(duty, duty->jobs[slot].simulation, report);
    forget_job(duty, slot);
}

void duty_end(struct duty *duty, uint32_t slot, struct outcome_report *report)
{
    if (duty_is_simulation(duty, slot)) {
        end_simulation(duty, slot, report);
        return;
    }
    const struct slot *held = &duty->slots.items[slot];
    bool is_lost = held->stop == SLOT_STOP_LOST;
    report->job_id = held->job_id;
    report->generation = held->generation;
    report->token = held->token;
    report->lineage = duty->lineage;
    report->progress = slots_untold(held);
    size_t len = outcome_size(report);
    size_t log_len = 0;
    struct slice *text = &report->progress.text;
    uint8_t *memory = copy_log(duty, slot, report, len + text->len, &log_len);
    outcome_move_to(report, memory + log_len);
    uint8_t *room = memory + log_len + len;
    *text = copy_slice(*text, &room);
    tell_end(duty, slot, report);
    stats_count_outcome(&duty->stats, report->outcome);
    // Nobody waits for the outcome of a lost lease; it is told only to get its credit back.
    if (is_lost)
        (void)outbox_add_volatile(&duty->outbox, report, memory);
    else
        (void)outbox_add(&duty->outbox, report, memory);
    forget_job(duty, slot);
}

static void end_waiting(struct duty *duty, uint32_t slot)
{
    enum slot_stop stop = duty->slots.items[slot].stop;
    struct outcome_report report = {0};
    if (stop == SLOT_STOP_CANCEL)
        outcome_cancelled(&report);
    else
        outcome_interrupted(
            stop == SLOT_STOP_LOST ? "the lease was lost" : "the worker was stopped", &report);
    duty_end(duty, slot, &report);
}

// --- slots that take nothing ---

// With no slot left that runs, what came in advance would wait for nothing.
static void give_back_stranded(struct duty *duty)
{
    for (uint32_t i = duty->setup.run_count; i < duty->slots.job_count; i++) {
        if (duty->slots.items[i].state != SLOT_WAITING)
            continue;
        struct outcome_report report = {0};
        outcome_interrupted("all that run jobs here are held by some that were given up", &report);
        duty_end(duty, i, &report);
    }
}

void duty_bar(struct duty *duty, uint32_t slot)
{
    slots_bar(&duty->slots, slot, true);
    duty->ready_due = true;
    if (slots_count_open(&duty->slots, 0, duty->setup.run_count) == 0)
        give_back_stranded(duty);
}

void duty_unbar(struct duty *duty, uint32_t slot)
{
    slots_bar(&duty->slots, slot, false);
    duty->ready_due = true;
}

// --- orders ---

void duty_obey(struct duty *duty, uint32_t slot, enum slot_order order)
{
    switch (order) {
    case SLOT_ORDER_NONE: return;
    case SLOT_ORDER_END: end_waiting(duty, slot); return;
    case SLOT_ORDER_TERM:
    case SLOT_ORDER_KILL: duty->crew.stop(duty->crew.ctx, slot, order); return;
    }
    UNREACHABLE();
}

void duty_due(struct duty *duty)
{
    for (uint32_t i = 0; i < duty->slots.count; i++)
        duty_obey(duty, i, slots_due(&duty->slots, i, duty->now));
}

void duty_lose(struct duty *duty, const struct msg_held_list *lost)
{
    for (uint32_t i = 0; i < lost->count; i++) {
        uint32_t slot = slots_find(&duty->slots, &lost->items[i]);
        if (slot == SLOTS_NONE || duty->slots.items[slot].stop == SLOT_STOP_LOST)
            continue;
        char id[ID_TEXT_LEN + 1];
        id_to_text(&lost->items[i].job_id, id);
        duty_log(duty, LOG_LEVEL_WARN, "job.lost", "job=%s token=%" PRIu64, id,
                 lost->items[i].token);
        duty->stats.lost++;
        duty_obey(duty, slot, slots_stop(&duty->slots, slot, duty->now, SLOT_STOP_LOST));
    }
}

void duty_cancel(struct duty *duty, const struct msg_held_list *cancel)
{
    for (uint32_t i = 0; i < cancel->count; i++) {
        uint32_t slot = slots_find(&duty->slots, &cancel->items[i]);
        if (slot == SLOTS_NONE || duty->slots.items[slot].stop >= SLOT_STOP_CANCEL)
            continue;
        char id[ID_TEXT_LEN + 1];
        id_to_text(&cancel->items[i].job_id, id);
        duty_log(duty, LOG_LEVEL_INFO, "job.cancel", "job=%s token=%" PRIu64, id,
                 cancel->items[i].token);
        duty_obey(duty, slot, slots_stop(&duty->slots, slot, duty->now, SLOT_STOP_CANCEL));
    }
}

static void stop_all(struct duty *duty, enum phase_order order)
{
    for (uint32_t i = 0; i < duty->slots.count && order != PHASE_ORDER_NONE; i++) {
        if (duty->slots.items[i].state == SLOT_FREE)
            continue;
        duty_obey(duty, i,
                  order == PHASE_ORDER_TERM
                      ? slots_stop(&duty->slots, i, duty->now, SLOT_STOP_DRAIN)
                      : slots_kill(&duty->slots, i, SLOT_STOP_DRAIN));
    }
}

// --- leaving ---

// What came in advance begins sooner elsewhere.
static void give_back_advance(struct duty *duty)
{
    for (uint32_t i = duty->setup.run_count; i < duty->slots.job_count; i++) {
        if (duty->slots.items[i].state == SLOT_WAITING)
            duty_obey(duty, i, slots_stop(&duty->slots, i, duty->now, SLOT_STOP_DRAIN));
    }
}

void duty_quiet(struct duty *duty)
{
    if (!phase_quiet(&duty->phase))
        return;
    give_back_advance(duty);
    duty->ready_due = true;
    duty_log(duty, LOG_LEVEL_INFO, "worker.quiet", "held=%" PRIu32, slots_held_count(&duty->slots));
}

void duty_stop(struct duty *duty)
{
    enum phase_order order = phase_stop(&duty->phase, duty->now);
    give_back_advance(duty);
    duty->ready_due = true;
    duty_log(duty, LOG_LEVEL_INFO, "worker.stopping", "held=%" PRIu32 " at_once=%d",
             slots_held_count(&duty->slots), order == PHASE_ORDER_KILL);
    stop_all(duty, order);
}

void duty_take_drain(struct duty *duty)
{
    if (duty->drain == duty->drained)
        return;
    duty->drained = duty->drain;
    if (duty->drain == DRAIN_STOP && duty->phase.state < PHASE_DRAINING)
        duty_stop(duty);
    else
        duty_quiet(duty);
}

bool duty_move_on(struct duty *duty, uint32_t unfinished_count)
{
    const struct phase_load load = {
        .held_count = slots_held_count(&duty->slots),
        .unsettled_count =
            duty->outbox.count - outbox_count_of(&duty->outbox, OUTBOX_SETTLED) + unfinished_count};
    stop_all(duty, phase_tick(&duty->phase, duty->now, &load));
    return duty->phase.state >= PHASE_LEAVING;
}

bool duty_is_over(const struct duty *duty)
{
    return duty->phase.state == PHASE_GONE;
}

// --- durability ---

err duty_flush(struct duty *duty)
{
    bool has_ended = outbox_next(&duty->outbox, OUTBOX_ENDED, 0) != OUTBOX_NONE;
    // At the end all of it: what is settled need not be told again by the next one here.
    bool clears = duty->clear_at <= duty->now || duty_is_over(duty) ||
                  outbox_count_of(&duty->outbox, OUTBOX_SETTLED) >= CLEAR_COUNT;
    if (!has_ended && !clears)
        return OK;
    if (has_ended)
        failpoint_hit("worker.before_journal");
    err flushed = journal_flush(duty->journal, &duty->outbox);
    if (flushed != OK)
        return flushed;
    if (has_ended)
        failpoint_hit("worker.after_journal");
    duty->clear_at = WHEN_NEVER;
    return OK;
}

when_ms duty_next(const struct duty *duty)
{
    when_ms next = when_min(talk_next(duty), slots_next(&duty->slots));
    next = when_min(next, phase_next(&duty->phase));
    next = when_min(next, stats_next(&duty->stats));
    return when_min(next, duty->clear_at);
}
