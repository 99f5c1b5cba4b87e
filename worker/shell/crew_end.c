// Stopping handlers, and what their ends mean.

#include "lib/base/check.h"
#include "lib/sys/clock.h"
#include "lib/sys/log.h"
#include "worker/core/lines.h"
#include "worker/shell/crew_private.h"

#include <inttypes.h>

enum { DRAIN_READS_MAX = 64 };

// --- outcomes ---

static enum log_level importance(enum outcome outcome)
{
    if (outcome == OUTCOME_SUCCEEDED)
        return LOG_LEVEL_DEBUG;
    bool is_wanted = outcome == OUTCOME_INTERRUPTED || outcome == OUTCOME_CANCELLED;
    return is_wanted ? LOG_LEVEL_INFO : LOG_LEVEL_WARN;
}

static void tell_end(const struct worker *worker, uint32_t slot,
                     const struct outcome_report *report)
{
    enum log_level level = importance(report->outcome);
    if (!log_is_on(level))
        return;
    const struct place *place = &worker->places[slot];
    char id[ID_TEXT_LEN + 1];
    id_to_text(&report->job_id, id);
    log_line(level, "job.ended", "job=%s token=%" PRIu64 " ms=%" PRId64 " kind=%s message=%s", id,
             report->token, place->begun_at > 0 ? worker->now - place->begun_at : 0,
             report->outcome == OUTCOME_SUCCEEDED ? "succeeded" : log_quote(report->kind).text,
             log_quote(report->message).text);
}

static void forget_job(struct worker *worker, uint32_t slot)
{
    struct place *place = &worker->places[slot];
    free(place->job_memory);
    place->job_memory = NULL;
    place->begun_at = 0;
    slots_end(&worker->slots, slot);
}

// What an answer on stdout has overtaken.
static void read_overtaken(struct worker *worker, uint32_t slot)
{
    struct handler *handler = &worker->places[slot].handler;
    for (int which = HANDLER_ERRORS; which <= HANDLER_WORDS; which++) {
        enum handler_more more = handler->run != 0 ? HANDLER_MORE : HANDLER_OVER;
        for (int i = 0; i < DRAIN_READS_MAX && more == HANDLER_MORE; i++) {
            more = handler_read(handler, (enum handler_pipe)which);
            if (which == HANDLER_WORDS)
                crew_words(worker, slot);
        }
    }
}

static uint8_t *new_memory(struct worker *worker, size_t len)
{
    uint8_t *memory = malloc(len + 1);
    if (memory == NULL)
        crew_die(worker, "worker.no_memory", "for an outcome");
    return memory;
}

// The lines that the broker does not have, copied to the beginning of a new piece of memory, which
// has `len` bytes more behind them.
static uint8_t *copy_log(struct worker *worker, uint32_t slot, struct outcome_report *report,
                         size_t len, size_t *out_log_len)
{
    static struct msg_log_line lines[JOBLOG_LINES_MAX];
    struct joblog *log = &worker->logs[slot];
    joblog_end(log, clock_wall_ms());
    const struct msg_held held = {.job_id = report->job_id, .token = report->token};
    uint32_t count = joblog_fill(log, &held, lines, JOBLOG_LINES_MAX);
    uint8_t *memory = new_memory(worker, count * sizeof *lines + log->len + len);
    uint8_t *texts = memory + count * sizeof *lines;
    for (uint32_t i = 0; i < count; i++) {
        if (lines[i].text.len > 0)
            memcpy(texts, lines[i].text.data, lines[i].text.len);
        lines[i].text = slice_of(texts, lines[i].text.len);
        texts += lines[i].text.len;
    }
    if (count > 0)
        memcpy(memory, lines, count * sizeof *lines);
    report->log = (const struct msg_log_line *)(void *)memory;
    report->log_count = count;
    joblog_begin(log, 0);
    joblog_end(log, 0);
    *out_log_len = (size_t)(texts - memory);
    return memory;
}

void crew_end(struct worker *worker, uint32_t slot, struct outcome_report *report)
{
    read_overtaken(worker, slot);
    const struct slot *held = &worker->slots.items[slot];
    bool is_lost = held->stop == SLOT_STOP_LOST;
    report->job_id = held->job_id;
    report->generation = held->generation;
    report->token = held->token;
    report->progress = slots_untold(held);
    size_t len = outcome_size(report);
    size_t log_len = 0;
    struct slice *text = &report->progress.text;
    uint8_t *memory = copy_log(worker, slot, report, len + text->len, &log_len);
    outcome_move_to(report, memory + log_len);
    if (text->len > 0)
        memcpy(memory + log_len + len, text->data, text->len);
    text->data = memory + log_len + len;
    tell_end(worker, slot, report);
    stats_count_outcome(&worker->stats, report->outcome);
    // Nobody waits for the outcome of a lost lease; it is told only to get its credit back.
    if (is_lost)
        (void)outbox_add_volatile(&worker->outbox, report, memory);
    else
        (void)outbox_add(&worker->outbox, report, memory);
    forget_job(worker, slot);
}

// --- orders ---

void crew_signal(struct worker *worker, uint32_t slot, int signo)
{
    struct place *place = &worker->places[slot];
    if (place->handler.run == 0)
        return;
    err sent = spawner_kill(&worker->spawner, place->handler.run, signo);
    if (sent == ERR_SYSTEM)
        crew_die(worker, "worker.spawner_lost", "the process that starts handlers is gone");
    place->signal_due = sent == OK ? 0 : signo;
}

static void end_waiting(struct worker *worker, uint32_t slot)
{
    enum slot_stop stop = worker->slots.items[slot].stop;
    struct outcome_report report = {0};
    if (stop == SLOT_STOP_CANCEL)
        outcome_cancelled(&report);
    else
        outcome_interrupted(
            stop == SLOT_STOP_LOST ? "the lease was lost" : "the worker was stopped", &report);
    crew_end(worker, slot, &report);
}

void crew_obey(struct worker *worker, uint32_t slot, enum slot_order order)
{
    switch (order) {
    case SLOT_ORDER_NONE: return;
    case SLOT_ORDER_END: end_waiting(worker, slot); return;
    case SLOT_ORDER_TERM: crew_signal(worker, slot, SIGTERM); return;
    case SLOT_ORDER_KILL: crew_signal(worker, slot, SIGKILL); return;
    }
    UNREACHABLE();
}

void crew_due(struct worker *worker)
{
    for (uint32_t i = 0; i < worker->slots.count; i++) {
        struct place *place = &worker->places[i];
        if (place->signal_due != 0)
            crew_signal(worker, i, place->signal_due);
        crew_obey(worker, i, slots_due(&worker->slots, i, worker->now));
    }
}

void crew_lose(struct worker *worker, const struct msg_held_list *lost)
{
    for (uint32_t i = 0; i < lost->count; i++) {
        uint32_t slot = slots_find(&worker->slots, &lost->items[i]);
        if (slot == SLOTS_NONE || worker->slots.items[slot].stop == SLOT_STOP_LOST)
            continue;
        char id[ID_TEXT_LEN + 1];
        id_to_text(&lost->items[i].job_id, id);
        log_warn("job.lost", "job=%s token=%" PRIu64, id, lost->items[i].token);
        worker->stats.lost++;
        crew_obey(worker, slot, slots_stop(&worker->slots, slot, worker->now, SLOT_STOP_LOST));
    }
}

static void cancel(struct worker *worker, uint32_t slot)
{
    const struct slot *held = &worker->slots.items[slot];
    char id[ID_TEXT_LEN + 1];
    id_to_text(&held->job_id, id);
    log_info("job.cancel", "job=%s token=%" PRIu64, id, held->token);
    enum slot_order order = slots_stop(&worker->slots, slot, worker->now, SLOT_STOP_CANCEL);
    // A child of --lines may stop the job and live on; SIGKILL follows like everywhere.
    if (order == SLOT_ORDER_TERM && worker->setup->is_lines)
        crew_tell_cancel(worker, slot);
    else
        crew_obey(worker, slot, order);
}

void crew_cancel(struct worker *worker, const struct msg_held_list *held)
{
    for (uint32_t i = 0; i < held->count; i++) {
        uint32_t slot = slots_find(&worker->slots, &held->items[i]);
        if (slot != SLOTS_NONE && worker->slots.items[slot].stop < SLOT_STOP_CANCEL)
            cancel(worker, slot);
    }
}

void crew_stop(struct worker *worker, enum phase_order order)
{
    for (uint32_t i = 0; i < worker->slots.count && order != PHASE_ORDER_NONE; i++) {
        if (worker->slots.items[i].state == SLOT_FREE)
            continue;
        crew_obey(worker, i,
                  order == PHASE_ORDER_TERM
                      ? slots_stop(&worker->slots, i, worker->now, SLOT_STOP_DRAIN)
                      : slots_kill(&worker->slots, i, SLOT_STOP_DRAIN));
    }
}

void crew_dismiss(struct worker *worker)
{
    for (uint32_t i = 0; i < worker->slots.count; i++) {
        struct handler *handler = &worker->places[i].handler;
        if (handler->run != 0 && worker->slots.items[i].state == SLOT_FREE)
            handler_end_input(handler);
    }
}

uint32_t crew_count(const struct worker *worker)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < worker->slots.count; i++)
        count += worker->places[i].handler.run != 0;
    return count;
}

// --- the end of a process ---

static void read_rest(struct worker *worker, uint32_t slot)
{
    struct handler *handler = &worker->places[slot].handler;
    for (int which = HANDLER_OUTPUT; which <= HANDLER_WORDS; which++) {
        enum handler_more more = HANDLER_MORE;
        for (int i = 0; i < DRAIN_READS_MAX && more == HANDLER_MORE; i++) {
            more = handler_read(handler, (enum handler_pipe)which);
            if (which == HANDLER_WORDS)
                crew_words(worker, slot);
        }
    }
}

// Nothing to run: no job shall suffer from that, and somebody must come and look.
void crew_go_quiet(struct worker *worker, const char *why)
{
    worker->exit_code = WORKER_EXIT_UNAVAILABLE;
    if (!phase_quiet(&worker->phase))
        return;
    worker->ready_due = true;
    log_error("worker.no_program",
              "program=%s why=%s fix=\"correct the command after -- and start the worker again\" "
              "now=\"quiet: no more jobs are taken\"",
              log_quote_text(worker->setup->program[0]).text, log_quote_text(why).text);
}

static void note_death(struct worker *worker, uint32_t slot, const struct outcome_exit *ended)
{
    struct place *place = &worker->places[slot];
    // By our will, or because its stdin has ended.
    if (ended->stop != SLOT_STOP_NONE || place->is_dying || place->handler.input_ends)
        return;
    log_warn("worker.child_died", "slot=%" PRIu32 " code=%u signal=%u", slot, ended->code,
             ended->signo);
    if (backoff_died(&place->backoff, worker->now))
        log_error("worker.child_keeps_dying", "slot=%" PRIu32 " pause_ms=%" PRId64, slot,
                  backoff_until(&place->backoff) - worker->now);
}

static void end_by_process(struct worker *worker, uint32_t slot, const struct outcome_exit *ended)
{
    uint8_t tail[MSG_ERROR_DETAIL_LEN_MAX];
    uint8_t room[OUTCOME_ROOM];
    const struct handler *handler = &worker->places[slot].handler;
    struct outcome_streams streams = {.output = handler_output(handler),
                                      .is_cut = handler->output_cut,
                                      .tail = handler_tail(handler, tail)};
    if (ended->is_lines)
        streams.output = slice_of(NULL, 0);
    struct outcome_report report;
    outcome_of_exit(ended, &streams, room, &report);
    crew_end(worker, slot, &report);
}

void crew_handler_ended(struct worker *worker, uint32_t slot, const struct spawner_report *report)
{
    struct place *place = &worker->places[slot];
    read_rest(worker, slot);
    if (worker->setup->is_lines && !place->is_dying)
        crew_answers(worker, slot); // it may have answered with its last breath
    const struct slot *held = &worker->slots.items[slot];
    bool is_ours =
        held->state == SLOT_STOPPING && (report->signalled || held->stop >= SLOT_STOP_CANCEL);
    const struct outcome_exit ended = {.code = report->code,
                                       .signo = report->signo,
                                       .stop = is_ours ? held->stop : SLOT_STOP_NONE,
                                       .is_lines = worker->setup->is_lines,
                                       .not_begun = report->not_begun};
    bool is_missing = outcome_is_missing(&ended);
    if (ended.is_lines)
        note_death(worker, slot, &ended);
    if (held->state == SLOT_RUNNING || held->state == SLOT_STOPPING)
        end_by_process(worker, slot, &ended);
    handler_close(&place->handler);
    place->is_dying = false;
    place->signal_due = 0;
    if (is_missing)
        crew_go_quiet(worker, "it could not be run");
}

// --- answers of --lines ---

// A child that does not keep to the protocol is of no use any more.
static void end_by_nonsense(struct worker *worker, uint32_t slot, const char *why)
{
    struct place *place = &worker->places[slot];
    log_warn("worker.odd_answer", "slot=%" PRIu32 " why=%s", slot, log_quote_text(why).text);
    if (worker->slots.items[slot].state == SLOT_RUNNING) {
        struct outcome_report report = {.outcome = OUTCOME_CRASHED,
                                        .kind = slice_of_text("protocol"),
                                        .message = slice_of_text(why)};
        crew_end(worker, slot, &report);
    }
    place->is_dying = true;
    crew_signal(worker, slot, SIGKILL);
}

static void end_by_size(struct worker *worker, uint32_t slot)
{
    struct outcome_report report = {
        .outcome = OUTCOME_DEAD,
        .kind = slice_of_text("result-too-large"),
        .message = slice_of_text("the answer's line is too long; store the result elsewhere")};
    crew_end(worker, slot, &report);
    worker->places[slot].is_dying = true;
    crew_signal(worker, slot, SIGKILL);
}

static void end_by_answer(struct worker *worker, uint32_t slot, const struct lines_answer *answer)
{
    bool was_cancelled = worker->slots.items[slot].stop == SLOT_STOP_CANCEL;
    struct outcome_report report;
    lines_report(answer, &report);
    if (was_cancelled && !answer->ok) {
        report = (struct outcome_report){0};
        outcome_cancelled(&report);
    }
    backoff_worked(&worker->places[slot].backoff);
    crew_end(worker, slot, &report);
    // One that does not say so may not have read that line yet, and would take it for a job.
    if (!was_cancelled || answer->cancelled)
        return;
    worker->places[slot].is_dying = true;
    crew_signal(worker, slot, SIGKILL);
}

static bool may_answer(const struct slot *held)
{
    return held->state == SLOT_RUNNING ||
           (held->state == SLOT_STOPPING && held->stop == SLOT_STOP_CANCEL);
}

static void take_answer(struct worker *worker, uint32_t slot, struct slice line)
{
    struct lines_answer answer;
    const struct slot *held = &worker->slots.items[slot];
    err read = lines_answer(line, &answer);
    if (read != OK) {
        end_by_nonsense(worker, slot,
                        read == ERR_MALFORMED
                            ? "an answer is not a JSON object on one line"
                            : "an answer lacks job_id or ok, or has a wrong value");
    } else if (may_answer(held) && id_equal(&answer.job_id, &held->job_id)) {
        end_by_answer(worker, slot, &answer);
    } else if (held->state != SLOT_STOPPING) {
        end_by_nonsense(worker, slot, "an answer is for a job that was not asked");
    }
}

void crew_answers(struct worker *worker, uint32_t slot)
{
    struct place *place = &worker->places[slot];
    size_t done = 0;
    while (!place->is_dying) {
        struct slice all = handler_output(&place->handler);
        struct slice rest = slice_of(all.data + done, all.len - done);
        const uint8_t *end = rest.len > 0 ? memchr(rest.data, '\n', rest.len) : NULL;
        if (end == NULL)
            break;
        struct slice line = slice_of(rest.data, (size_t)(end - rest.data));
        done += line.len + 1;
        if (line.len > 0)
            take_answer(worker, slot, line);
    }
    bool is_too_long = place->handler.output_cut;
    handler_drop_output(&place->handler, done);
    if (is_too_long && done == 0 && worker->slots.items[slot].state == SLOT_RUNNING)
        end_by_size(worker, slot);
    else if (is_too_long && !place->is_dying)
        end_by_nonsense(worker, slot, "more output than one answer");
}
