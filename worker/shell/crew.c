// Starting handlers and carrying their bytes.

#include "worker/shell/crew.h"

#include "lib/base/check.h"
#include "lib/sys/clock.h"
#include "lib/sys/log.h"
#include "proto/labels.h"
#include "worker/core/lines.h"
#include "worker/exec/leftover.h"
#include "worker/shell/crew_private.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <sys/epoll.h>
#include <unistd.h>

enum { VARIABLE_LEN_MAX = 192, CONGESTED_MS = 20 };

uint64_t crew_tag(enum crew_source source, uint32_t slot, enum handler_pipe which)
{
    return (uint64_t)slot << 16 | (uint64_t)which << 8 | (uint64_t)source;
}

enum crew_source crew_tag_source(uint64_t tag)
{
    return (enum crew_source)(tag & 0xff);
}

_Noreturn void crew_die(struct worker *worker, const char *event, const char *why)
{
    log_error(event, "why=%s", log_quote_text(why).text);
    // The spawner does this too, unless it is the one that died.
    for (uint32_t i = 0; i < worker->duty.slots.count; i++) {
        const struct running_process *process = &worker->places[i].process;
        if (process->pid != 0)
            (void)leftover_kill_group(process->pid, process->start_ticks); // may be gone already
    }
    _exit(1);
}

// --- starting a process ---

struct environment {
    char texts[SPAWNER_VARIABLES_MAX][VARIABLE_LEN_MAX];
    char after[24 + MSG_AFTER_MAX * (ID_TEXT_LEN + 1)];
    uint8_t tags[24 + MSG_TAGS_MAX * (MSG_TAG_LEN_MAX + 1)];
    uint8_t metadata[24 + LINES_METADATA_SIZE];
    struct slice slices[SPAWNER_VARIABLES_MAX];
    uint32_t count;
};

__attribute__((format(printf, 2, 3))) static void put_variable(struct environment *environment,
                                                               const char *format, ...)
{
    CHECK(environment->count < SPAWNER_VARIABLES_MAX);
    char *text = environment->texts[environment->count];
    va_list arguments;
    va_start(arguments, format);
    int len = vsnprintf(text, VARIABLE_LEN_MAX, format, arguments);
    va_end(arguments);
    CHECK(len > 0 && len < VARIABLE_LEN_MAX);
    environment->slices[environment->count++] = slice_of(text, (size_t)len);
}

static void put_name(struct environment *environment, const char *name, struct slice value)
{
    CHECK(value.len <= MSG_NAME_LEN_MAX);
    put_variable(environment, "%s=%.*s", name, (int)value.len,
                 value.len > 0 ? (const char *)value.data : "");
}

// Ids separated by blanks, as a shell likes them.
static void put_after(struct environment *environment, const struct msg_ids *after)
{
    static const char name[] = "WEFT_JOB_AFTER=";
    CHECK(environment->count < SPAWNER_VARIABLES_MAX && after->count <= MSG_AFTER_MAX);
    char *at = environment->after;
    memcpy(at, name, sizeof name - 1);
    at += sizeof name - 1;
    for (uint32_t i = 0; i < after->count; i++) {
        if (i > 0)
            *at++ = ' ';
        id_to_text(&after->items[i], at);
        at += ID_TEXT_LEN;
    }
    environment->slices[environment->count++] =
        slice_of(environment->after, (size_t)(at - environment->after));
}

static void put_made(struct environment *environment, const struct bytes_out *made)
{
    CHECK(environment->count < SPAWNER_VARIABLES_MAX && !made->full);
    environment->slices[environment->count++] = slice_of(made->data, made->len);
}

// Tags separated by blanks, which they have none of; metadata as JSON.
static void put_labels(struct environment *environment, struct slice packed)
{
    struct labels labels;
    const char *detail = NULL;
    if (labels_read(packed, &labels, &detail) != OK)
        labels = (struct labels){.tag_count = 0}; // of a broker that allows more
    struct bytes_out tags = {.data = environment->tags, .cap = sizeof environment->tags};
    bytes_put(&tags, "WEFT_JOB_TAGS=", 14);
    for (uint32_t i = 0; i < labels.tag_count; i++) {
        if (i > 0)
            bytes_put_u8(&tags, ' ');
        bytes_put(&tags, labels.tags[i].data, labels.tags[i].len);
    }
    put_made(environment, &tags);
    struct bytes_out metadata = {.data = environment->metadata,
                                 .cap = sizeof environment->metadata};
    bytes_put(&metadata, "WEFT_JOB_METADATA=", 18);
    lines_metadata(&labels, &metadata);
    put_made(environment, &metadata);
}

static void describe_job(const struct msg_job *job, struct environment *environment)
{
    char id[ID_TEXT_LEN + 1];
    id_to_text(&job->job_id, id);
    put_variable(environment, "WEFT_JOB_ID=%s", id);
    put_name(environment, "WEFT_JOB_TYPE", job->type);
    put_name(environment, "WEFT_JOB_QUEUE", job->queue);
    put_variable(environment, "WEFT_JOB_ATTEMPT=%" PRIu32, job->attempt);
    put_variable(environment, "WEFT_JOB_TOKEN=%" PRIu64, job->token);
    put_variable(environment, "WEFT_JOB_DEADLINE=%" PRId64, clock_wall_ms() + job->timeout_ms);
    put_name(environment, "TRACEPARENT", job->traceparent);
    put_after(environment, &job->after);
    put_labels(environment, job->labels);
}

static bool watch(struct worker *worker, uint32_t slot, enum handler_pipe which, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.u64 = crew_tag(CREW_PIPE, slot, which)};
    int fd = worker->places[slot].handler.pipes[which];
    return fd < 0 || epoll_ctl(worker->epoll, EPOLL_CTL_ADD, fd, &event) == 0;
}

// stdin is watched only while something waits for it.
static void write_input(struct worker *worker, uint32_t slot)
{
    struct handler *handler = &worker->places[slot].handler;
    bool waits = handler_write(handler);
    int fd = handler->pipes[HANDLER_INPUT];
    if (fd < 0)
        return;
    struct epoll_event event = {.events = waits ? EPOLLOUT : 0,
                                .data.u64 = crew_tag(CREW_PIPE, slot, HANDLER_INPUT)};
    if (epoll_ctl(worker->epoll, EPOLL_CTL_MOD, fd, &event) != 0)
        crew_die(worker, "worker.system", strerror(errno));
}

static err ask_spawner(struct worker *worker, uint32_t slot, const int *far)
{
    struct place *place = &worker->places[slot];
    struct environment environment = {0};
    put_variable(&environment, LEFTOVER_VARIABLE "=%016" PRIx64, worker->duty.session);
    put_variable(&environment, "WEFT_JOB_DRY_RUN=%d", duty_is_simulation(&worker->duty, slot));
    if (!worker->setup->is_lines)
        describe_job(&worker->duty.jobs[slot].msg, &environment);
    struct spawner_run run = {.number = place->handler.run,
                              .variables = environment.slices,
                              .variable_count = environment.count};
    memcpy(run.descriptors, far, sizeof run.descriptors);
    return spawner_run(&worker->spawner, &run);
}

// OK, or ERR_AGAIN: the spawner has no room; or ERR_SYSTEM: there are no pipes to be had.
static err start_handler(struct worker *worker, uint32_t slot)
{
    struct handler *handler = &worker->places[slot].handler;
    int far[SPAWNER_DESCRIPTORS];
    size_t most =
        worker->setup->is_lines ? (size_t)LINES_ANSWER_LEN_MAX : (size_t)MSG_RESULT_LEN_MAX;
    err result = handler_open(handler, ++worker->run_count, most, far);
    if (result != OK)
        return result;
    handler->log = &worker->duty.logs[slot];
    result = ask_spawner(worker, slot, far);
    for (uint32_t i = 0; i < SPAWNER_DESCRIPTORS; i++)
        (void)close(far[i]);        // the spawner has its own, or nobody needs them
    CHECK(result != ERR_TOO_LARGE); // names are short
    if (result == ERR_SYSTEM)
        crew_die(worker, "worker.spawner_lost", "the process that starts handlers is gone");
    if (result == OK && watch(worker, slot, HANDLER_INPUT, 0) &&
        watch(worker, slot, HANDLER_OUTPUT, EPOLLIN) &&
        watch(worker, slot, HANDLER_ERRORS, EPOLLIN) && watch(worker, slot, HANDLER_WORDS, EPOLLIN))
        return OK;
    if (result == OK)
        crew_die(worker, "worker.system", strerror(errno));
    handler_close(handler);
    return result;
}

// --- beginning a job ---

static void feed_line(struct worker *worker, uint32_t slot)
{
    struct place *place = &worker->places[slot];
    const struct msg_job *job = &worker->duty.jobs[slot].msg;
    const struct lines_job line = {.job_id = job->job_id,
                                   .token = job->token,
                                   .type = job->type,
                                   .queue = job->queue,
                                   .attempt = job->attempt,
                                   .deadline = clock_wall_ms() + job->timeout_ms,
                                   .payload = job->payload,
                                   .traceparent = job->traceparent,
                                   .after = job->after,
                                   .labels = job->labels};
    struct bytes_out out = {.cap = lines_request_size(&line)};
    out.data = malloc(out.cap);
    if (out.data == NULL)
        crew_die(worker, "worker.no_memory", "for a job's line");
    lines_request(&line, &out);
    if (handler_feed(&place->handler, slice_of(out.data, out.len)) != OK)
        crew_die(worker, "worker.no_memory", "for a job's line");
    free(out.data);
}

void crew_tell_cancel(struct worker *worker, uint32_t slot)
{
    const struct slot *held = &worker->duty.slots.items[slot];
    uint8_t room[LINES_CANCEL_SIZE];
    struct bytes_out out = {.data = room, .cap = sizeof room};
    lines_cancel(&(struct msg_held){.job_id = held->job_id, .token = held->token}, &out);
    if (handler_feed(&worker->places[slot].handler, slice_of(out.data, out.len)) != OK)
        crew_die(worker, "worker.no_memory", "for a line");
    write_input(worker, slot);
}

static void give_up_begin(struct worker *worker, uint32_t slot)
{
    struct outcome_report report = {0};
    log_error("worker.no_pipes", "why=%s", log_quote_text(strerror(errno)).text);
    outcome_put_off("the worker could not make pipes; see its log", &report);
    crew_end(worker, slot, &report);
}

// True when the handler of this slot is there to be given the job.
static bool has_handler(struct worker *worker, uint32_t slot)
{
    struct place *place = &worker->places[slot];
    if (place->handler.run != 0)
        return worker->setup->is_lines && !place->is_dying;
    if (backoff_until(&place->backoff) > worker->duty.now)
        return false;
    err started = start_handler(worker, slot);
    worker->is_congested |= started == ERR_AGAIN;
    if (started == ERR_SYSTEM)
        give_up_begin(worker, slot);
    return started == OK;
}

static void begin(struct worker *worker, uint32_t slot)
{
    if (!has_handler(worker, slot))
        return;
    struct place *place = &worker->places[slot];
    if (worker->setup->is_lines) {
        feed_line(worker, slot);
    } else {
        if (handler_feed(&place->handler, worker->duty.jobs[slot].msg.payload.bytes) != OK)
            crew_die(worker, "worker.no_memory", "for a payload");
        handler_end_input(&place->handler);
    }
    duty_begin(&worker->duty, slot);
    write_input(worker, slot);
}

void crew_begin(struct worker *worker)
{
    worker->is_congested = false;
    duty_advance(&worker->duty);
    for (uint32_t i = 0; i < worker->duty.slots.count; i++) {
        if (duty_may_begin(&worker->duty, i))
            begin(worker, i);
    }
}

// --- bytes ---

void crew_words(struct worker *worker, uint32_t slot)
{
    struct slice line;
    while (handler_next_word(&worker->places[slot].handler, &line))
        duty_hear(&worker->duty, slot, line);
}

void crew_pipe(struct worker *worker, uint64_t tag)
{
    uint32_t slot = (uint32_t)(tag >> 16);
    enum handler_pipe which = (enum handler_pipe)(tag >> 8 & 0xff);
    struct handler *handler = &worker->places[slot].handler;
    if (handler->run == 0 || handler->pipes[which] < 0)
        return; // closed earlier in this round
    if (which == HANDLER_INPUT) {
        // Told although nothing waits: the handler has closed its end.
        if (handler->input_at == handler->input_len)
            handler_drop_input(handler);
        write_input(worker, slot);
        return;
    }
    (void)handler_read(handler, which); // epoll tells again
    if (which == HANDLER_WORDS)
        crew_words(worker, slot);
    if (which == HANDLER_OUTPUT && worker->setup->is_lines)
        crew_answers(worker, slot);
}

// --- the spawner's word ---

static uint32_t slot_of_run(const struct worker *worker, uint64_t run)
{
    for (uint32_t i = 0; i < worker->duty.slots.count; i++) {
        if (worker->places[i].handler.run == run)
            return i;
    }
    return SLOTS_NONE;
}

static void note_process(struct worker *worker, uint32_t slot, pid_t pid, uint64_t start_ticks)
{
    struct running_process *process = &worker->places[slot].process;
    *process = (struct running_process){.pid = pid, .start_ticks = start_ticks};
    if (running_set(&worker->running, slot, process) != OK)
        log_warn("worker.running_not_written", "why=%s", log_quote_text(strerror(errno)).text);
}

static void take_report(struct worker *worker, const struct spawner_report *report)
{
    uint32_t slot = slot_of_run(worker, report->number);
    CHECK(slot != SLOTS_NONE); // runs are forgotten only when they have ended
    if (report->kind == SPAWNER_STARTED) {
        note_process(worker, slot, report->pid, report->start_ticks);
        return;
    }
    note_process(worker, slot, 0, 0);
    crew_handler_ended(worker, slot, report);
}

void crew_reports(struct worker *worker)
{
    struct spawner_report report;
    err received = OK;
    // Bounded, so that the broker is heard as well; what is left is told by epoll again.
    for (uint32_t i = 0; i < 2 * SLOTS_MAX && received == OK; i++) {
        received = spawner_receive(&worker->spawner, &report);
        if (received == OK)
            take_report(worker, &report);
    }
    if (received == ERR_SYSTEM)
        crew_die(worker, "worker.spawner_lost", "the process that starts handlers is gone");
}

when_ms crew_next(const struct worker *worker)
{
    when_ms next = WHEN_NEVER;
    bool is_busy = worker->is_congested;
    for (uint32_t i = 0; i < worker->duty.slots.count; i++) {
        const struct place *place = &worker->places[i];
        is_busy |= place->signal_due != 0;
        if (worker->duty.slots.items[i].state == SLOT_WAITING && place->handler.run == 0 &&
            backoff_until(&place->backoff) > worker->duty.now)
            next = when_min(next, backoff_until(&place->backoff));
    }
    return is_busy ? when_min(next, worker->duty.now + CONGESTED_MS) : next;
}
