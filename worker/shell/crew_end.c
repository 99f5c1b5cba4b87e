// Stopping handlers, and what their ends mean.

#include "lib/base/check.h"
#include "lib/sys/clock.h"
#include "lib/sys/log.h"
#include "worker/core/lines.h"
#include "worker/shell/crew_private.h"

#include <inttypes.h>

enum { DRAIN_READS_MAX = 64 };

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

void crew_end(struct worker *worker, uint32_t slot, struct outcome_report *report)
{
    read_overtaken(worker, slot);
    duty_end(&worker->duty, slot, report);
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

// A child of --lines may stop the job and live on when it is cancelled; SIGKILL follows like
// everywhere.
void crew_stop(struct worker *worker, uint32_t slot, enum slot_order order)
{
    bool is_cancel = worker->duty.slots.items[slot].stop == SLOT_STOP_CANCEL;
    if (order == SLOT_ORDER_KILL)
        crew_signal(worker, slot, SIGKILL);
    else if (is_cancel && worker->setup->is_lines)
        crew_tell_cancel(worker, slot);
    else
        crew_signal(worker, slot, SIGTERM);
}

void crew_due(struct worker *worker)
{
    for (uint32_t i = 0; i < worker->duty.slots.count; i++) {
        struct place *place = &worker->places[i];
        if (place->signal_due != 0)
            crew_signal(worker, i, place->signal_due);
    }
}

void crew_dismiss(struct worker *worker)
{
    for (uint32_t i = 0; i < worker->duty.slots.count; i++) {
        struct handler *handler = &worker->places[i].handler;
        if (handler->run != 0 && worker->duty.slots.items[i].state == SLOT_FREE)
            handler_end_input(handler);
    }
}

uint32_t crew_count(const struct worker *worker)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < worker->duty.slots.count; i++)
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
    if (!phase_quiet(&worker->duty.phase))
        return;
    worker->duty.ready_due = true;
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
    if (backoff_died(&place->backoff, worker->duty.now))
        log_error("worker.child_keeps_dying", "slot=%" PRIu32 " pause_ms=%" PRId64, slot,
                  backoff_until(&place->backoff) - worker->duty.now);
}

static void end_by_process(struct worker *worker, uint32_t slot, const struct outcome_exit *ended)
{
    uint8_t tail[MSG_ERROR_DETAIL_LEN_MAX];
    uint8_t room[OUTCOME_ROOM];
    const struct handler *handler = &worker->places[slot].handler;
    struct outcome_streams streams = {.output = handler_output(handler),
                                      .is_cut = handler->output_cut,
                                      .is_lost = handler->output_lost,
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
    const struct slot *held = &worker->duty.slots.items[slot];
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
    if (worker->duty.slots.items[slot].state == SLOT_RUNNING) {
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

// The answer cannot be read, nor what follows it.
static void end_by_loss(struct worker *worker, uint32_t slot)
{
    struct outcome_report report = {0};
    outcome_put_off("there was no memory for the answer", &report);
    crew_end(worker, slot, &report);
    worker->places[slot].is_dying = true;
    crew_signal(worker, slot, SIGKILL);
}

static void end_by_answer(struct worker *worker, uint32_t slot, const struct lines_answer *answer)
{
    bool was_cancelled = worker->duty.slots.items[slot].stop == SLOT_STOP_CANCEL;
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
    const struct slot *held = &worker->duty.slots.items[slot];
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
    bool is_lost = place->handler.output_lost;
    handler_drop_output(&place->handler, done);
    if (is_lost && worker->duty.slots.items[slot].state == SLOT_RUNNING)
        end_by_loss(worker, slot);
    else if (is_too_long && done == 0 && worker->duty.slots.items[slot].state == SLOT_RUNNING)
        end_by_size(worker, slot);
    else if (is_too_long && !place->is_dying)
        end_by_nonsense(worker, slot, "more output than one answer");
}
