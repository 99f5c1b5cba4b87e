// The auditor's thread: works for a moment, rests for a hundred times as long. It asks the link
// thread about memory through `ask`, which hands the fields beside it over.

#include "broker/shell/auditor.h"

#include "broker/store/store_audit.h"
#include "lib/base/check.h"
#include "lib/sys/clock.h"
#include "lib/sys/log.h"
#include "lib/sys/process.h"

#include <pthread.h>
#include <stdatomic.h>

enum {
    REST_MS = 4000,         // between two moments of work in a round
    WORK_US = 40 * 1000,    // of the processor, in one: a hundredth of a core
    READ_US = 200 * 1000,   // at most, waiting for the disk included
    QUIET_ASKS_MAX = 2,     // questions in one, when the link thread sleeps otherwise
    FIRST_AFTER_MS = 60000, // the start has other things to do
};

enum ask { ASK_NOTHING, ASK_SETTLED, ASK_WALK, ASK_ROWS, ASK_LANES };

struct auditor {
    struct auditor_options options;
    struct store_audit *audit;
    pthread_t thread;
    bool is_running;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    // Under the mutex.
    bool is_stopping;
    bool is_hurried;
    struct auditor_figures figures;
    // Single owner, handed over by `ask`: the auditor while it is ASK_NOTHING, else the link thread.
    atomic_int ask;
    struct core_audit_walk walk;
    bool is_walked; // memory is done
    struct violation_list walked;
    const struct job_row *rows;
    uint32_t row_count;
    enum violation verdicts[AUDITOR_ASK_MAX];
    struct lanes_carried carried;
    atomic_bool has_news;
    // The auditor's own.
    bool is_in_round;
    bool is_scanned; // the store is done
    when_ms began_at;
    uint64_t commit_count;         // at the last moment of work
    int32_t asks_left;             // in this one
    struct violation_list told;    // as it was last logged
    struct violation_list counted; // of this round, in the figures already
};

// --- telling ---

static bool is_first_alike(const struct violation_tally *a, const struct violation_tally *b)
{
    return a->count > 0 && b->count > 0 && a->no == b->no && id_equal(&a->id, &b->id);
}

static void tell(struct auditor *auditor, enum violation kind, const struct violation_tally *tally)
{
    char id[ID_TEXT_LEN + 1] = "none";
    if (!id_is_zero(&tally->id))
        id_to_text(&tally->id, id);
    log_error("audit.violation", "kind=%s count=%llu first=%llu id=%s what=%s fix=%s",
              violation_slug(kind), (unsigned long long)tally->count, (unsigned long long)tally->no,
              id, log_quote_text(violation_text(kind)).text,
              log_quote_text(violation_fix(kind)).text);
    auditor->told.of[kind] = *tally;
}

// A kind is told when it is first met, and at the end of a round when it was met more often; not
// again while it stays as it is.
static void tell_found(struct auditor *auditor, const struct violation_list *found, bool is_over)
{
    for (unsigned kind = 0; kind < VIOLATION_COUNT; kind++) {
        const struct violation_tally *now = &found->of[kind];
        struct violation_tally *told = &auditor->told.of[kind];
        bool is_new = now->count > 0 && !is_first_alike(now, told);
        bool is_other = is_over && now->count > 0 && now->count != told->count;
        if (is_new || is_other)
            tell(auditor, (enum violation)kind, now);
        else if (is_over && now->count == 0)
            *told = (struct violation_tally){0};
    }
}

static void count_found(struct auditor *auditor, const struct violation_list *found)
{
    (void)pthread_mutex_lock(&auditor->mutex);
    for (unsigned kind = 0; kind < VIOLATION_COUNT; kind++)
        auditor->figures.violations[kind] +=
            found->of[kind].count - auditor->counted.of[kind].count;
    (void)pthread_mutex_unlock(&auditor->mutex);
    if (violation_sum(found) != violation_sum(&auditor->counted))
        atomic_store(&auditor->has_news, true);
    auditor->counted = *found;
}

// Waits for the link thread's answer. False when it is time to go.
static bool ask(struct auditor *auditor, enum ask what)
{
    auditor->asks_left--;
    atomic_store(&auditor->ask, what);
    wake_ring(auditor->options.wake);
    (void)pthread_mutex_lock(&auditor->mutex);
    while (atomic_load(&auditor->ask) != ASK_NOTHING && !auditor->is_stopping)
        (void)pthread_cond_wait(&auditor->changed, &auditor->mutex);
    bool goes_on = !auditor->is_stopping;
    (void)pthread_mutex_unlock(&auditor->mutex);
    return goes_on;
}

// False when it is time to go.
static bool end_round(struct auditor *auditor, const struct violation_list *found)
{
    double seconds = (double)(clock_mono_ms() - auditor->began_at) / 1000;
    uint64_t rows = store_audit_row_count(auditor->audit);
    (void)pthread_mutex_lock(&auditor->mutex);
    auditor->figures.round_count++;
    auditor->figures.row_count = rows;
    auditor->figures.round_seconds = seconds;
    auditor->figures.ended_at = clock_wall_ms();
    (void)pthread_mutex_unlock(&auditor->mutex);
    atomic_store(&auditor->has_news, true);
    auditor->is_in_round = false;
    log_debug("audit.round", "rows=%llu violations=%llu seconds=%.1f", (unsigned long long)rows,
              (unsigned long long)violation_sum(found), seconds);
    memcpy(auditor->carried.bits, store_audit_lanes(auditor->audit), sizeof auditor->carried.bits);
    return ask(auditor, ASK_LANES);
}

// --- asking memory ---

static bool walk_memory(struct auditor *auditor)
{
    auditor->walked = (struct violation_list){0};
    bool goes_on = ask(auditor, ASK_WALK);
    if (goes_on)
        store_audit_merge(auditor->audit, &auditor->walked);
    return goes_on;
}

static bool compare_rows(struct auditor *auditor)
{
    uint32_t count = 0;
    const struct job_row *rows = store_audit_rows(auditor->audit, &count);
    bool goes_on = true;
    for (uint32_t done = 0; goes_on && done < count; done += auditor->row_count) {
        uint32_t left = count - done;
        auditor->rows = rows + done;
        auditor->row_count = left < AUDITOR_ASK_MAX ? left : AUDITOR_ASK_MAX;
        goes_on = ask(auditor, ASK_ROWS);
        for (uint32_t i = 0; goes_on && i < auditor->row_count; i++)
            store_audit_accuse(auditor->audit, auditor->verdicts[i], &rows[done + i]);
    }
    return goes_on;
}

// --- the thread ---

// One step of the round, in the store and in memory, whichever is not done. False when it is time
// to go, or nothing can be read.
static bool step(struct auditor *auditor)
{
    if (!auditor->is_scanned) {
        err e = store_audit_step(auditor->audit, &auditor->is_scanned);
        if (e != OK) {
            log_error("audit.read_failed", "error=%s", err_slug(e));
            return false;
        }
        if (!compare_rows(auditor))
            return false;
    }
    return auditor->is_walked || walk_memory(auditor);
}

// False when it is time to go.
static bool begin_round(struct auditor *auditor)
{
    auditor->is_in_round = true;
    auditor->began_at = clock_mono_ms();
    auditor->walk = (struct core_audit_walk){0};
    auditor->is_walked = false;
    auditor->is_scanned = false;
    auditor->counted = (struct violation_list){0};
    return ask(auditor, ASK_SETTLED);
}

// While nothing is committed the link thread sleeps, and is woken for few questions only.
static int32_t asks_allowed(struct auditor *auditor)
{
    struct store_figures store;
    store_figures(auditor->options.store, &store);
    bool is_quiet = store.commit_count == auditor->commit_count;
    auditor->commit_count = store.commit_count;
    return is_quiet ? QUIET_ASKS_MAX : INT32_MAX;
}

static void add_cpu(struct auditor *auditor, int64_t spent_us)
{
    (void)pthread_mutex_lock(&auditor->mutex);
    auditor->figures.cpu_seconds += (double)spent_us / 1e6;
    (void)pthread_mutex_unlock(&auditor->mutex);
    atomic_store(&auditor->has_news, true); // taken along when the link thread is awake anyway
}

static bool is_spent(const struct auditor *auditor, int64_t cpu_us, int64_t began_us)
{
    return cpu_us > WORK_US || clock_mono_us() - began_us > READ_US || auditor->asks_left <= 0;
}

// Works until the round is over or its share is used up. False when it is time to go.
static bool work(struct auditor *auditor)
{
    int64_t began_us = clock_mono_us();
    int64_t cpu_us = clock_cpu_us();
    int64_t spent_us = 0;
    bool goes_on = true;
    auditor->asks_left = asks_allowed(auditor);
    while (goes_on && auditor->is_in_round && !is_spent(auditor, spent_us, began_us)) {
        goes_on = step(auditor);
        const struct violation_list *found = store_audit_found(auditor->audit);
        bool is_over = auditor->is_scanned && auditor->is_walked;
        tell_found(auditor, found, is_over);
        count_found(auditor, found);
        if (is_over)
            goes_on = goes_on && end_round(auditor, found);
        spent_us = clock_cpu_us() - cpu_us;
    }
    if (atomic_load(&auditor->has_news))
        wake_ring(auditor->options.wake);
    add_cpu(auditor, spent_us);
    return goes_on;
}

// Until `until`, or until somebody is in a hurry. False when it is time to go.
static bool rest(struct auditor *auditor, when_ms until)
{
    struct timespec moment = {.tv_sec = (time_t)(until / 1000),
                              .tv_nsec = (long)(until % 1000) * 1000000};
    int waited = 0;
    (void)pthread_mutex_lock(&auditor->mutex);
    while (waited == 0 && !auditor->is_stopping && !auditor->is_hurried)
        waited = pthread_cond_timedwait(&auditor->changed, &auditor->mutex, &moment);
    bool goes_on = !auditor->is_stopping;
    auditor->is_hurried = false;
    (void)pthread_mutex_unlock(&auditor->mutex);
    return goes_on;
}

static void *run(void *ctx)
{
    struct auditor *auditor = ctx;
    process_name("auditor");
    process_stand_back();
    when_ms every_ms = auditor->options.every_ms;
    when_ms due_at = clock_mono_ms() + when_min(every_ms, FIRST_AFTER_MS);
    while (rest(auditor, due_at)) {
        if (!auditor->is_in_round && !begin_round(auditor))
            break;
        if (!work(auditor))
            break;
        when_ms next_at = when_after(auditor->began_at, every_ms);
        when_ms rested_at = clock_mono_ms() + REST_MS;
        due_at = auditor->is_in_round || next_at < rested_at - REST_MS ? rested_at : next_at;
    }
    return NULL;
}

// --- for the link thread ---

static void answer_rows(struct auditor *auditor, const struct core *core)
{
    for (uint32_t i = 0; i < auditor->row_count; i++)
        auditor->verdicts[i] = core_audit_row(core, &auditor->rows[i]);
}

static void answered(struct auditor *auditor)
{
    (void)pthread_mutex_lock(&auditor->mutex);
    atomic_store(&auditor->ask, ASK_NOTHING);
    (void)pthread_cond_signal(&auditor->changed);
    (void)pthread_mutex_unlock(&auditor->mutex);
}

void auditor_serve(struct auditor *auditor, const struct core *core)
{
    switch (atomic_load(&auditor->ask)) {
    case ASK_SETTLED: auditor->carried.settled = core_last_settled(core); break;
    case ASK_ROWS: answer_rows(auditor, core); break;
    case ASK_WALK:
        auditor->is_walked =
            core_audit_some(core, &auditor->walk, AUDITOR_ASK_MAX, &auditor->walked);
        break;
    default: return; // nothing, or it is for auditor_peek_lanes()
    }
    answered(auditor);
}

const struct lanes_carried *auditor_peek_lanes(const struct auditor *auditor)
{
    return atomic_load(&auditor->ask) == ASK_LANES ? &auditor->carried : NULL;
}

void auditor_drop_lanes(struct auditor *auditor)
{
    CHECK(atomic_load(&auditor->ask) == ASK_LANES);
    answered(auditor);
}

void auditor_hurry(struct auditor *auditor)
{
    (void)pthread_mutex_lock(&auditor->mutex);
    auditor->is_hurried = true;
    (void)pthread_cond_signal(&auditor->changed);
    (void)pthread_mutex_unlock(&auditor->mutex);
}

bool auditor_has_news(const struct auditor *auditor)
{
    return atomic_load(&auditor->has_news);
}

void auditor_figures(struct auditor *auditor, struct auditor_figures *out_figures)
{
    atomic_store(&auditor->has_news, false);
    (void)pthread_mutex_lock(&auditor->mutex);
    *out_figures = auditor->figures;
    (void)pthread_mutex_unlock(&auditor->mutex);
}

static err start(struct auditor *auditor)
{
    struct store_audit_options options = {.has_keymap = true, .wants_rows = true};
    err e = store_audit_open(auditor->options.store, &options, &auditor->audit);
    if (e != OK || auditor->options.every_ms == 0)
        return e;
    auditor->is_running = pthread_create(&auditor->thread, NULL, run, auditor) == 0;
    return auditor->is_running ? OK : ERR_SYSTEM;
}

err auditor_open(const struct auditor_options *options, struct auditor **out_auditor)
{
    struct auditor *auditor = calloc(1, sizeof *auditor);
    if (auditor == NULL)
        return ERR_NO_MEMORY;
    auditor->options = *options;
    pthread_condattr_t monotonic;
    (void)pthread_condattr_init(&monotonic);
    (void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    (void)pthread_mutex_init(&auditor->mutex, NULL);
    (void)pthread_cond_init(&auditor->changed, &monotonic);
    (void)pthread_condattr_destroy(&monotonic);
    err e = start(auditor);
    if (e != OK) {
        auditor_close(auditor);
        return e;
    }
    *out_auditor = auditor;
    return OK;
}

void auditor_close(struct auditor *auditor)
{
    if (auditor == NULL)
        return;
    (void)pthread_mutex_lock(&auditor->mutex);
    auditor->is_stopping = true;
    (void)pthread_cond_signal(&auditor->changed);
    (void)pthread_mutex_unlock(&auditor->mutex);
    if (auditor->is_running)
        (void)pthread_join(auditor->thread, NULL);
    store_audit_close(auditor->audit);
    (void)pthread_cond_destroy(&auditor->changed);
    (void)pthread_mutex_destroy(&auditor->mutex);
    free(auditor);
}
