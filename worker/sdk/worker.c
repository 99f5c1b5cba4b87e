// The loop: one thread for the duty, one for each slot's handlers.

#include "lib/base/check.h"
#include "lib/sys/blake.h"
#include "lib/sys/clock.h"
#include "proto/check.h"
#include "worker/duty/talk.h"
#include "worker/sdk/worker_private.h"

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

static void lock(struct weft_worker *worker)
{
    int rc = pthread_mutex_lock(&worker->lock);
    CHECK(rc == 0);
}

static void unlock(struct weft_worker *worker)
{
    int rc = pthread_mutex_unlock(&worker->lock);
    CHECK(rc == 0);
}

// --- new and free ---

static int open_data(struct weft_worker *worker, struct weft_error *error)
{
    char why[HOME_WHY_LEN];
    static_assert(sizeof why >= (size_t)JOURNAL_WHY_LEN, "both write there");
    err opened = home_open(worker->options.data, &worker->home, why);
    worker->has_home = opened == OK;
    if (opened == OK)
        opened = journal_open(worker->home.journal, "worker", &worker->journal, why);
    return opened == OK ? OK : weft_private_fail(error, opened, why);
}

static void make_id(struct weft_worker *worker)
{
    uint64_t random = 0;
    blake_random(&random, sizeof random);
    worker->home.worker_id = id_v7(clock_wall_ms(), (uint16_t)(random >> 52), random);
}

int weft_worker_new(const struct weft_worker_options *options, weft_worker **out_worker,
                    struct weft_error *error)
{
    struct weft_worker *worker = calloc(1, sizeof *worker);
    CHECK(worker != NULL);
    int rc = pthread_mutex_init(&worker->lock, NULL);
    CHECK(rc == 0);
    worker->bell.fd = -1;
    worker->process = getpid();
    const char *wrong = weft_private_read_options(worker, options);
    int result = wrong != NULL ? weft_private_fail(error, ERR_BAD_FIELD, wrong) : OK;
    if (result == OK && wake_open(&worker->bell) != OK)
        result = weft_private_fail(error, ERR_SYSTEM, "no descriptor is left; raise the limit");
    if (result == OK && worker->options.data != NULL)
        result = open_data(worker, error);
    if (result != OK) {
        weft_worker_free(worker);
        return result;
    }
    if (worker->options.data == NULL)
        make_id(worker);
    *out_worker = worker;
    return OK;
}

void weft_worker_free(weft_worker *worker)
{
    if (worker == NULL)
        return;
    CHECK(!atomic_load(&worker->is_running)); // as the header wants it
    journal_close(worker->journal);
    if (worker->has_home)
        home_close(&worker->home);
    if (worker->bell.fd >= 0)
        wake_close(&worker->bell);
    weft_private_free_options(worker);
    (void)pthread_mutex_destroy(&worker->lock); // nobody holds it
    free(worker);
}

static struct type_handler *find_type(weft_worker *worker, struct slice type)
{
    for (uint32_t i = 0; i < worker->type_count; i++) {
        if (slice_equal(worker->type_names[i], type))
            return &worker->types[i];
    }
    return NULL;
}

int weft_worker_handle(weft_worker *worker, const char *type, weft_handler *handler, void *ctx)
{
    if (atomic_load(&worker->has_run))
        return ERR_CONFLICT; // its thread reads the table
    if (type == NULL || handler == NULL || !check_name(slice_of_text(type)))
        return ERR_BAD_FIELD;
    if (find_type(worker, slice_of_text(type)) != NULL)
        return ERR_BAD_FIELD; // one of the two would never be called
    if (worker->type_count == MSG_TYPES_MAX)
        return ERR_FULL;
    struct type_handler *place = &worker->types[worker->type_count];
    *place = (struct type_handler){.handler = handler, .ctx = ctx};
    (void)slice_to_text(slice_of_text(type), place->type, sizeof place->type);
    worker->type_names[worker->type_count++] = slice_of_text(place->type);
    return OK;
}

int weft_worker_simulate(weft_worker *worker, const char *type, weft_handler *handler, void *ctx)
{
    if (atomic_load(&worker->has_run))
        return ERR_CONFLICT;
    struct type_handler *place = type != NULL ? find_type(worker, slice_of_text(type)) : NULL;
    if (place == NULL || handler == NULL)
        return ERR_BAD_FIELD;
    if (place->simulate == NULL)
        worker->simulates[worker->simulate_count++] = slice_of_text(place->type);
    place->simulate = handler;
    place->simulate_ctx = ctx;
    return OK;
}

void weft_worker_stop(weft_worker *worker)
{
    atomic_fetch_add(&worker->stops_asked, 1);
    wake_ring(&worker->bell);
}

void weft_worker_quiet(weft_worker *worker)
{
    atomic_store(&worker->quiet_asked, true);
    wake_ring(&worker->bell);
}

// --- for the duty ---

static void on_introduce(void *ctx)
{
    (void)ctx; // worker.welcome says as much
}

static void on_log(void *ctx, enum log_level level, const char *event, const char *text)
{
    const struct weft_worker *worker = ctx;
    if (worker->options.log != NULL)
        worker->options.log(worker->options.log_ctx, (enum weft_log_level)level, event, text);
}

static void on_die(void *ctx, const char *event, const char *why)
{
    on_log(ctx, LOG_LEVEL_ERROR, event, why);
    abort();
}

// What becomes of a job whose handler did not stop, or was told to and did what it liked.
static void report_stopped(enum slot_stop stop, struct outcome_report *report)
{
    const struct outcome_exit ended = {.stop = stop, .code = 1};
    const struct outcome_streams streams = {.is_cut = false};
    static_assert(SLOT_STOP_NONE == 0, "a stop has a reason");
    CHECK(stop != SLOT_STOP_NONE);
    uint8_t room[OUTCOME_ROOM];
    outcome_of_exit(&ended, &streams, room, report); // of a stop it says constant texts
}

// A thread cannot be killed: the broker is told, and no job comes here until its handler returns.
static void abandon(struct weft_worker *worker, uint32_t slot)
{
    struct outcome_report report;
    worker->jobs[slot].is_abandoned = true;
    duty_log(&worker->duty, LOG_LEVEL_ERROR, "job.abandoned",
             "job=%s now=\"its thread takes no job until the handler returns\"",
             worker->jobs[slot].id);
    report_stopped(worker->duty.slots.items[slot].stop, &report);
    duty_end(&worker->duty, slot, &report);
    duty_bar(&worker->duty, slot);
}

static void on_stop(void *ctx, uint32_t slot, enum slot_order order)
{
    struct weft_worker *worker = ctx;
    atomic_store_explicit(&worker->jobs[slot].must_stop, true, memory_order_relaxed);
    if (order == SLOT_ORDER_KILL)
        abandon(worker, slot);
}

// --- jobs ---

static void begin(struct weft_worker *worker, uint32_t slot)
{
    struct duty_job *granted = &worker->duty.jobs[slot];
    struct weft_job *job = &worker->jobs[slot];
    const struct type_handler *type = find_type(worker, granted->msg.type);
    job->is_dry_run = duty_is_simulation(&worker->duty, slot);
    weft_handler *handler = type == NULL ? NULL : job->is_dry_run ? type->simulate : type->handler;
    duty_begin(&worker->duty, slot);
    if (handler == NULL) {
        struct outcome_report report = {0};
        outcome_interrupted("this worker does not serve the type", &report);
        duty_end(&worker->duty, slot, &report);
        return;
    }
    weft_private_take_grant(job, &granted->msg, granted->memory);
    granted->memory = NULL; // an abandoned handler still reads it
    job->handler = handler;
    job->ctx = job->is_dry_run ? type->simulate_ctx : type->ctx;
    atomic_store_explicit(&job->must_stop, false, memory_order_relaxed);
    lock(worker);
    job->mail.has_progress = false;
    job->mail.extend_ms = job->mail.line_count = job->mail.dropped_count = 0;
    job->phase = JOB_GIVEN;
    (void)pthread_cond_signal(&job->given); // fails only when misused
    unlock(worker);
}

// Under the lock.
static void take_mail(struct weft_worker *worker, uint32_t slot)
{
    struct job_mail *mail = &worker->jobs[slot].mail;
    if (worker->duty.slots.items[slot].state == SLOT_FREE || worker->jobs[slot].is_abandoned)
        return;
    if (mail->has_progress)
        slots_progress(&worker->duty.slots, slot, &mail->progress);
    if (mail->extend_ms > 0)
        slots_extend(&worker->duty.slots, slot, worker->duty.now, mail->extend_ms);
    for (uint32_t i = 0; i < mail->line_count; i++)
        joblog_say(&worker->duty.logs[slot], mail->lines[i].at,
                   slice_of(mail->lines[i].text, mail->lines[i].len));
    if (mail->dropped_count > 0) {
        char text[64];
        int len = snprintf(text, sizeof text, "(%u lines came too fast and are left out)",
                           mail->dropped_count);
        joblog_say(&worker->duty.logs[slot], clock_wall_ms(), slice_of(text, (size_t)len));
    }
    mail->has_progress = false;
    mail->extend_ms = mail->line_count = mail->dropped_count = 0;
}

// A success counts whenever it comes before the deadline's end or in spite of a cancel; otherwise a
// stop says what the end means.
static void end(struct weft_worker *worker, uint32_t slot)
{
    struct outcome_report report;
    enum slot_stop stop = worker->duty.slots.items[slot].stop;
    const struct job_ending ending = {.is_asked = stop != SLOT_STOP_NONE,
                                      .is_leaving = phase_is_quiet(&worker->duty.phase)};
    weft_private_outcome(&worker->jobs[slot], &ending, &report);
    bool is_good = report.outcome == OUTCOME_SUCCEEDED && stop <= SLOT_STOP_CANCEL;
    bool is_own =
        stop == SLOT_STOP_NONE || (stop == SLOT_STOP_TIMEOUT && report.outcome == OUTCOME_DEAD);
    if (!is_good && !is_own)
        report_stopped(stop, &report);
    duty_end(&worker->duty, slot, &report);
}

static void take_from_threads(struct weft_worker *worker)
{
    for (uint32_t i = 0; i < worker->duty.slots.count; i++) {
        struct weft_job *job = &worker->jobs[i];
        lock(worker);
        take_mail(worker, i);
        bool has_ended = job->phase == JOB_ENDED;
        unlock(worker);
        if (!has_ended)
            continue;
        if (job->is_abandoned)
            duty_unbar(&worker->duty, i);
        else
            end(worker, i);
        weft_private_forget(job);
        lock(worker);
        job->phase = JOB_IDLE;
        unlock(worker);
    }
}

static void begin_all(struct weft_worker *worker)
{
    duty_advance(&worker->duty);
    for (uint32_t i = 0; i < worker->duty.slots.count; i++) {
        lock(worker);
        bool is_idle = worker->jobs[i].phase == JOB_IDLE;
        unlock(worker);
        if (is_idle && duty_may_begin(&worker->duty, i))
            begin(worker, i);
    }
}

static uint32_t count_abandoned(const struct weft_worker *worker)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < worker->duty.slots.count; i++)
        count += worker->jobs[i].is_abandoned;
    return count;
}

// --- threads ---

// The host's signals are the host's threads' business.
static bool start_thread(struct weft_job *job)
{
    sigset_t all;
    sigset_t kept;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &kept); // fails only when misused
    job->has_thread = pthread_create(&job->thread, NULL, weft_private_serve, job) == 0;
    (void)pthread_sigmask(SIG_SETMASK, &kept, NULL);
    return job->has_thread;
}

static int start_threads(struct weft_worker *worker, struct weft_error *error)
{
    const struct duty *duty = &worker->duty;
    for (uint32_t i = 0; i < duty->slots.count; i++) {
        struct weft_job *job = &worker->jobs[i];
        if (i >= duty->setup.run_count && !duty_is_simulation(duty, i))
            continue; // where jobs wait that came in advance
        job->worker = worker;
        job->slot = i;
        int rc = pthread_cond_init(&job->given, NULL);
        CHECK(rc == 0);
        if (!start_thread(job))
            return weft_private_fail(error, ERR_SYSTEM,
                                     "no thread could be started; lower concurrency");
    }
    return OK;
}

static void end_threads(struct weft_worker *worker)
{
    lock(worker);
    worker->is_leaving = true;
    for (uint32_t i = 0; i < worker->duty.slots.count; i++) {
        if (!worker->jobs[i].has_thread)
            continue;
        atomic_store_explicit(&worker->jobs[i].must_stop, true, memory_order_relaxed);
        (void)pthread_cond_signal(&worker->jobs[i].given); // fails only when misused
    }
    unlock(worker);
    for (uint32_t i = 0; i < worker->duty.slots.count; i++) {
        struct weft_job *job = &worker->jobs[i];
        if (!job->has_thread)
            continue;
        (void)pthread_join(job->thread, NULL); // fails only when misused
        (void)pthread_cond_destroy(&job->given);
        weft_private_forget(job);
    }
}

// --- the loop ---

static void take_wishes(struct weft_worker *worker)
{
    wake_clear(&worker->bell);
    if (atomic_exchange(&worker->quiet_asked, false))
        duty_quiet(&worker->duty);
    for (; worker->stops_done < atomic_load(&worker->stops_asked); worker->stops_done++)
        duty_stop(&worker->duty);
}

static int fail_journal(const struct duty *duty, struct weft_error *error)
{
    char why[160];
    (void)snprintf(why, sizeof why, "%s: the journal cannot be written; look at the disk of data",
                   journal_fault(duty->journal)); // only a journal can fail
    return weft_private_fail(error, ERR_DISK, why);
}

static int serve(struct weft_worker *worker, struct weft_error *error)
{
    struct duty *duty = &worker->duty;
    duty->now = clock_mono_ms();
    while (!duty_is_over(duty)) {
        take_wishes(worker);
        talk_listen(duty);
        duty_take_drain(duty);
        take_from_threads(worker);
        duty_due(duty);
        begin_all(worker);
        (void)duty_move_on(duty, count_abandoned(worker));
        if (duty_flush(duty) != OK)
            return fail_journal(duty, error);
        talk_speak(duty);
        if (duty_is_over(duty))
            break;
        struct link_wait items[] = {{.link = duty->link}, {.fd = worker->bell.fd}};
        when_ms next = duty_next(duty);
        when_ms timeout = next == WHEN_NEVER ? -1 : next > duty->now ? next - duty->now : 0;
        if (link_wait(items, 2, timeout) != OK)
            return weft_private_fail(error, ERR_SYSTEM, NULL);
        duty->now = clock_mono_ms();
    }
    talk_leave(duty);
    return duty_flush(duty) == OK ? OK : fail_journal(duty, error);
}

static uint32_t simulation_count_of(const struct weft_worker *worker)
{
    return worker->simulate_count > 0 ? worker->options.simulations : 0;
}

static err prepare(struct weft_worker *worker)
{
    const struct weft_worker_options *options = &worker->options;
    uint32_t simulation_count = simulation_count_of(worker);
    const struct duty_setup setup = {.broker = options->broker,
                                     .curve = worker->has_curve ? &worker->curve : NULL,
                                     .tenant = slice_of_text(options->tenant),
                                     .name = slice_of_text(options->name),
                                     .types = worker->type_names,
                                     .type_count = worker->type_count,
                                     .queues = worker->queue_names,
                                     .queue_count = (uint32_t)options->queue_count,
                                     .slot_count = options->concurrency + options->prefetch,
                                     .run_count = options->concurrency,
                                     .simulation_count = simulation_count,
                                     .simulates = worker->simulates,
                                     .simulate_count = worker->simulate_count,
                                     .grace_ms = options->grace_ms,
                                     .kill_after_ms = options->abandon_ms,
                                     .worker_id = worker->home.worker_id};
    const struct duty_crew crew = {
        .ctx = worker, .stop = on_stop, .introduce = on_introduce, .die = on_die, .log = on_log};
    struct journal_loaded loaded;
    worker->jobs =
        calloc(options->concurrency + options->prefetch + simulation_count, sizeof *worker->jobs);
    CHECK(worker->jobs != NULL);
    err made = duty_init(&worker->duty, &setup, &crew);
    if (made == OK)
        made = duty_recover(&worker->duty, worker->journal, &loaded);
    return made == OK ? talk_open(&worker->duty) : made;
}

int weft_worker_run(weft_worker *worker, struct weft_error *error)
{
    const struct weft_worker_options *options = &worker->options;
    if (worker->type_count == 0)
        return weft_private_fail(error, ERR_BAD_FIELD,
                                 "no type has a handler: weft_worker_handle()");
    if (options->concurrency + options->prefetch + simulation_count_of(worker) > SLOTS_MAX)
        return weft_private_fail(error, ERR_BAD_FIELD, WORKER_TOO_MANY_SLOTS);
    if (worker->process != getpid())
        return weft_private_fail(error, ERR_CONFLICT,
                                 "this worker was made before fork(); the child makes its own");
    if (atomic_exchange(&worker->has_run, true))
        return weft_private_fail(error, ERR_CONFLICT, "a worker runs once: weft_worker_new()");
    atomic_store(&worker->is_running, true);
    err prepared = prepare(worker);
    int result =
        prepared == OK
            ? start_threads(worker, error)
            : weft_private_fail(error, prepared,
                                prepared == ERR_BAD_FIELD ? "broker is tcp://HOST:PORT" : NULL);
    if (result == OK)
        result = serve(worker, error);
    end_threads(worker);
    talk_close(&worker->duty);
    duty_deinit(&worker->duty);
    free(worker->jobs);
    worker->jobs = NULL;
    atomic_store(&worker->is_running, false);
    return result;
}
