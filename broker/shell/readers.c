// The reader thread: a ring of questions in, a ring of replies out. It stops taking questions
// while the ring of replies is full, so neither grows.

#include "broker/shell/readers.h"

#include "broker/core/operations.h"
#include "broker/shell/listing.h"
#include "broker/shell/readers_endpoints.h"
#include "broker/shell/readers_jobs.h"
#include "broker/shell/readers_queues.h"
#include "broker/shell/readers_schedules.h"
#include "lib/base/check.h"
#include "lib/sys/clock.h"
#include "lib/sys/log.h"
#include "lib/sys/memory.h"
#include "lib/sys/process.h"
#include "proto/wire.h"

#include <pthread.h>
#include <stdatomic.h>

enum {
    ASKS_MAX = 8192,
    REPLIES_MAX = 4096,
    ROUND_MAX = 64,                    // questions answered from one snapshot
    ROUND_BYTES_MAX = 4 * 1024 * 1024, // of replies, passed by one at most
    SWEEP_REST_MS = 1000,              // after a round
    SWEEP_PINNED_REST_MS = 10,         // after an answer of which nothing could be removed
};

struct readers {
    struct readers_options options;
    struct store_view *view;
    struct arena arena;
    struct readers_desk desk;
    struct readers_jobs jobs;
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    // Under the mutex.
    struct watch_question asks[ASKS_MAX];
    uint64_t ask_first, ask_end;
    struct readers_reply replies[REPLIES_MAX];
    uint64_t reply_first, reply_end;
    bool is_stopping;
    when_ms sweep_at; // mono: when to look for more; WHEN_NEVER until the last answer is settled
    bool is_step_wanted;
    struct id step_of; // the operation
    // The reader's while it is wanted, else the link thread's.
    struct operation_step step;
    atomic_bool is_step_found;
    // Single owner, handed over by `sweep_count`: the reader while it is 0, else the link thread.
    uint64_t sweep_job_nos[LIMITS_STEP_RECORDS_MAX];
    atomic_uint sweep_count;
    _Atomic when_ms store_ahead; // of the monotonic clock
};

// --- one question ---

// Copies the encoded message into memory of its own, because the arena serves the next question.
static bool keep(struct readers *readers, const struct msg *msg, struct readers_reply *reply)
{
    struct wire_frames frames;
    arena_reset(&readers->arena);
    if (wire_encode(msg, &readers->arena, &frames) != OK)
        return false;
    uint8_t *memory = malloc(frames.envelope.len + frames.block.len);
    if (memory == NULL)
        return false;
    memcpy(memory, frames.envelope.data, frames.envelope.len);
    if (frames.block.len > 0)
        memcpy(memory + frames.envelope.len, frames.block.data, frames.block.len);
    reply->memory = memory;
    reply->envelope = slice_of(memory, frames.envelope.len);
    reply->block = slice_of(memory + frames.envelope.len, frames.block.len);
    return true;
}

static when_ms now_of(const struct readers *readers)
{
    return clock_mono_ms() + atomic_load(&readers->store_ahead);
}

// The answer borrows from the question. False: it is none yet for somebody who waits for a change.
static bool look_up(struct readers *readers, const struct watch_question *question, struct msg *msg)
{
    struct readers_desk *desk = &readers->desk;
    if (question->schedules != NULL)
        readers_schedules_answer(question->schedules, readers->view, desk, now_of(readers), msg);
    else if (question->queues != NULL)
        readers_queues_answer(question->queues, readers->view, &desk->arena, msg);
    else if (question->endpoints != NULL)
        readers_endpoints_answer(question->endpoints, readers->view, &desk->arena, now_of(readers),
                                 msg);
    else
        return readers_jobs_answer(&readers->jobs, question, readers->view, &desk->arena, msg);
    return true;
}

static struct readers_reply answer(struct readers *readers, const struct watch_question *question)
{
    struct readers_reply reply = {.peer = question->peer, .watch = question->watch};
    struct msg msg = {0};
    arena_reset(&readers->desk.arena);
    bool is_news = look_up(readers, question, &msg);
    reply.is_not_yet = !is_news && !question->is_last && question->watch != WATCH_NONE;
    if (reply.is_not_yet)
        return reply;
    msg.corr = question->corr;
    if (!keep(readers, &msg, &reply))
        log_warn("status.dropped", "reason=memory"); // the asker repeats its question
    return reply;
}

static void drop_question(const struct watch_question *question)
{
    readers_schedules_free(question->schedules);
    readers_endpoints_free(question->endpoints);
    readers_queues_free(question->queues);
    listing_free(question->list);
}

// --- the thread ---

static uint32_t take_asks(struct readers *readers, struct watch_question *out_asks)
{
    uint32_t count = 0;
    uint64_t room = REPLIES_MAX - (readers->reply_end - readers->reply_first);
    while (count < ROUND_MAX && count < room && readers->ask_first < readers->ask_end)
        out_asks[count++] = readers->asks[readers->ask_first++ % ASKS_MAX];
    return count;
}

static bool may_answer(const struct readers *readers)
{
    return readers->ask_first < readers->ask_end &&
           readers->reply_end - readers->reply_first < REPLIES_MAX;
}

// Waits for questions that may be answered, or until it is time to sweep. False when it is time to
// go.
static bool wait_for_asks(struct readers *readers, struct watch_question *out_asks,
                          uint32_t *out_count)
{
    (void)pthread_mutex_lock(&readers->mutex);
    while (!readers->is_stopping && !readers->is_step_wanted && !may_answer(readers) &&
           clock_mono_ms() < readers->sweep_at) {
        struct timespec until = {.tv_sec = (time_t)(readers->sweep_at / 1000),
                                 .tv_nsec = (long)(readers->sweep_at % 1000) * 1000000};
        (void)pthread_cond_timedwait(&readers->changed, &readers->mutex, &until);
    }
    *out_count = take_asks(readers, out_asks);
    bool goes_on = !readers->is_stopping;
    (void)pthread_mutex_unlock(&readers->mutex);
    return goes_on;
}

static void hand_over(struct readers *readers, const struct readers_reply *replies, uint32_t count)
{
    (void)pthread_mutex_lock(&readers->mutex);
    for (uint32_t i = 0; i < count; i++)
        readers->replies[readers->reply_end++ % REPLIES_MAX] = replies[i];
    CHECK(readers->reply_end - readers->reply_first <= REPLIES_MAX);
    (void)pthread_mutex_unlock(&readers->mutex);
    wake_ring(readers->options.wake);
}

static void answer_all(struct readers *readers, const struct watch_question *asks, uint32_t count)
{
    struct readers_reply replies[ROUND_MAX];
    uint32_t done = 0;
    while (done < count) {
        if (store_view_begin(readers->view) != OK) {
            log_error("store.read_failed", "reason=snapshot");
            abort(); // the store cannot be read any more: start again
        }
        uint32_t made = 0;
        uint64_t bytes = 0;
        while (done < count && bytes < ROUND_BYTES_MAX) {
            replies[made] = answer(readers, &asks[done]);
            drop_question(&asks[done++]); // the answer, which names what it names, is encoded
            bytes += replies[made].envelope.len + replies[made].block.len;
            made++;
        }
        store_view_end(readers->view);
        hand_over(readers, replies, made);
    }
}

static when_ms sweep_at(struct readers *readers)
{
    (void)pthread_mutex_lock(&readers->mutex);
    when_ms at = readers->sweep_at;
    (void)pthread_mutex_unlock(&readers->mutex);
    return at;
}

static void set_sweep_at(struct readers *readers, when_ms at)
{
    (void)pthread_mutex_lock(&readers->mutex);
    readers->sweep_at = at;
    (void)pthread_cond_signal(&readers->changed);
    (void)pthread_mutex_unlock(&readers->mutex);
}

static void sweep(struct readers *readers)
{
    set_sweep_at(readers, clock_mono_ms() + SWEEP_REST_MS);
    uint32_t count = 0;
    if (store_view_begin(readers->view) != OK)
        return; // the questions will notice
    when_ms now = now_of(readers);
    err e = store_view_sweep(readers->view, now, readers->sweep_job_nos, LIMITS_STEP_RECORDS_MAX,
                             &count);
    store_view_end(readers->view);
    if (e != OK)
        log_error("store.sweep_failed", "error=%s", err_slug(e));
    if (e != OK || count == 0)
        return;
    set_sweep_at(readers, WHEN_NEVER);
    atomic_store(&readers->sweep_count, count);
    wake_ring(readers->options.wake);
}

// What cannot be read is handed over as a step from nowhere.
static void find_step(struct readers *readers)
{
    (void)pthread_mutex_lock(&readers->mutex);
    bool is_wanted = readers->is_step_wanted;
    (void)pthread_mutex_unlock(&readers->mutex);
    if (!is_wanted)
        return;
    err e = store_view_begin(readers->view);
    if (e == OK) {
        e = store_view_operation_step(readers->view, &readers->step_of, &readers->step);
        store_view_end(readers->view);
    }
    if (e != OK) {
        log_error("operation.unreadable", "error=%s", err_slug(e));
        readers->step = (struct operation_step){.operation = readers->step_of};
    }
    (void)pthread_mutex_lock(&readers->mutex);
    readers->is_step_wanted = false;
    (void)pthread_mutex_unlock(&readers->mutex);
    atomic_store(&readers->is_step_found, true);
    wake_ring(readers->options.wake);
}

static void *run(void *ctx)
{
    struct readers *readers = ctx;
    process_name("readers");
    struct watch_question asks[ROUND_MAX];
    uint32_t count = 0;
    while (wait_for_asks(readers, asks, &count)) {
        answer_all(readers, asks, count);
        find_step(readers);
        if (clock_mono_ms() >= sweep_at(readers))
            sweep(readers);
    }
    return NULL;
}

// --- for the link thread ---

static err start(struct readers *readers)
{
    err e = store_view_open(readers->options.store, &readers->view);
    if (e != OK)
        return e;
    size_t arena_len = wire_arena_size(MSG_BYTES_MAX);
    readers->arena = (struct arena){.data = memory_reserve(arena_len), .cap = arena_len};
    if (readers->arena.data == NULL || readers_jobs_init(&readers->jobs) != OK ||
        readers_schedules_init(&readers->desk) != OK)
        return ERR_NO_MEMORY;
    pthread_condattr_t monotonic;
    (void)pthread_condattr_init(&monotonic);
    (void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    (void)pthread_mutex_init(&readers->mutex, NULL);
    (void)pthread_cond_init(&readers->changed, &monotonic);
    (void)pthread_condattr_destroy(&monotonic);
    return pthread_create(&readers->thread, NULL, run, readers) == 0 ? OK : ERR_SYSTEM;
}

static void give_up(struct readers *readers)
{
    if (readers->view != NULL)
        store_view_close(readers->view);
    readers_schedules_deinit(&readers->desk);
    readers_jobs_deinit(&readers->jobs);
    memory_release(readers->arena.data, readers->arena.cap);
    free(readers);
}

err readers_open(const struct readers_options *options, struct readers **out_readers)
{
    struct readers *readers = calloc(1, sizeof *readers);
    if (readers == NULL)
        return ERR_NO_MEMORY;
    readers->options = *options;
    readers->sweep_at = clock_mono_ms() + SWEEP_REST_MS;
    err e = start(readers);
    if (e == OK)
        *out_readers = readers;
    else
        give_up(readers);
    return e;
}

void readers_close(struct readers *readers)
{
    if (readers == NULL)
        return;
    (void)pthread_mutex_lock(&readers->mutex);
    readers->is_stopping = true;
    (void)pthread_cond_signal(&readers->changed);
    (void)pthread_mutex_unlock(&readers->mutex);
    (void)pthread_join(readers->thread, NULL);
    for (; readers->ask_first < readers->ask_end; readers->ask_first++)
        drop_question(&readers->asks[readers->ask_first % ASKS_MAX]);
    struct readers_reply reply;
    while (readers_take(readers, &reply))
        readers_drop(&reply);
    (void)pthread_cond_destroy(&readers->changed);
    (void)pthread_mutex_destroy(&readers->mutex);
    give_up(readers);
}

bool readers_ask(struct readers *readers, const struct core *core, struct watch_question *question)
{
    if (question->kind == WATCH_JOB)
        question->waiting_on = core_waiting_on(core, &question->id);
    (void)pthread_mutex_lock(&readers->mutex);
    bool has_room = readers->ask_end - readers->ask_first < ASKS_MAX;
    if (has_room) {
        readers->asks[readers->ask_end++ % ASKS_MAX] = *question;
        (void)pthread_cond_signal(&readers->changed);
    }
    (void)pthread_mutex_unlock(&readers->mutex);
    return has_room;
}

bool readers_take(struct readers *readers, struct readers_reply *out_reply)
{
    (void)pthread_mutex_lock(&readers->mutex);
    bool is_there = readers->reply_first < readers->reply_end;
    if (is_there) {
        bool was_full = readers->reply_end - readers->reply_first == REPLIES_MAX;
        *out_reply = readers->replies[readers->reply_first++ % REPLIES_MAX];
        if (was_full)
            (void)pthread_cond_signal(&readers->changed);
    }
    (void)pthread_mutex_unlock(&readers->mutex);
    return is_there;
}

void readers_drop(struct readers_reply *reply)
{
    free(reply->memory);
    *reply = (struct readers_reply){0};
}

void readers_set_time(struct readers *readers, struct now now)
{
    atomic_store_explicit(&readers->store_ahead, now.store - now.mono, memory_order_relaxed);
}

bool readers_has_sweep(const struct readers *readers)
{
    return atomic_load(&readers->sweep_count) > 0;
}

uint32_t readers_take_sweep(struct readers *readers, uint64_t *out_job_nos)
{
    uint32_t count = atomic_load(&readers->sweep_count);
    memcpy(out_job_nos, readers->sweep_job_nos, count * sizeof *out_job_nos);
    atomic_store(&readers->sweep_count, 0);
    return count;
}

void readers_swept(struct readers *readers, bool has_removed)
{
    set_sweep_at(readers, clock_mono_ms() + (has_removed ? 0 : SWEEP_PINNED_REST_MS));
}

void readers_want_step(struct readers *readers, const struct id *operation)
{
    CHECK(!atomic_load(&readers->is_step_found));
    (void)pthread_mutex_lock(&readers->mutex);
    CHECK(!readers->is_step_wanted);
    readers->is_step_wanted = true;
    readers->step_of = *operation;
    (void)pthread_cond_signal(&readers->changed);
    (void)pthread_mutex_unlock(&readers->mutex);
}

const struct operation_step *readers_peek_step(struct readers *readers)
{
    return atomic_load(&readers->is_step_found) ? &readers->step : NULL;
}

void readers_drop_step(struct readers *readers)
{
    CHECK(atomic_load(&readers->is_step_found));
    atomic_store(&readers->is_step_found, false);
}
