// One loop: fetch, ask the broker, settle. A row goes only after SUBMITTED, which the broker says when
// the job is flushed.

#include "outbox/shell/relay.h"

#include "lib/base/backoff.h"
#include "lib/base/check.h"
#include "lib/client/client.h"
#include "lib/link/curve.h"
#include "lib/sys/clock.h"
#include "lib/sys/failpoint.h"
#include "lib/sys/log.h"
#include "lib/sys/mint.h"
#include "lib/sys/signal.h"
#include "outbox/shell/relay_stats.h"
#include "outbox/source/source.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    SCAN_NAMES_MAX = 65536,
    ASK_MS = 2000, // for one answer; then the rows are given back, and asked for again
    PAUSE_FIRST_MS = 100,
    PAUSE_LONGEST_MS = 5000,
};

struct relay {
    const struct relay_options *options;
    struct client *client;
    err refusal;           // that was told
    struct source *source; // NULL: to be opened
    struct parked parked;
    struct relay_stats stats;
    int signals;
    bool is_stopping;
    bool was_ready;
    uint32_t failures; // of broker or database, in a row
    when_ms moved_at;  // when a row was settled last
    struct names_key *names;
    struct arena arena;
    struct source_rows rows;
    struct msg_submit_job jobs[SOURCE_ROWS_MAX];
    uint32_t places[SOURCE_ROWS_MAX]; // of each job's row
    uint32_t job_count;
    struct submit_fault faults[SOURCE_ROWS_MAX];
    struct source_verdict verdicts[SOURCE_ROWS_MAX];
    uint32_t verdict_count;
};

extern const uint8_t outbox_postgresql_sql[];
extern const size_t outbox_postgresql_sql_len;
extern const uint8_t outbox_sqlite_sql[];
extern const size_t outbox_sqlite_sql_len;

const struct relay_schema *relay_schema(const char *kind)
{
    static const struct relay_schema schemas[] = {
        {"postgresql", outbox_postgresql_sql, &outbox_postgresql_sql_len},
        {"sqlite", outbox_sqlite_sql, &outbox_sqlite_sql_len},
    };
    for (size_t i = 0; i < sizeof schemas / sizeof schemas[0]; i++)
        if (strcmp(schemas[i].kind, kind) == 0)
            return &schemas[i];
    return NULL;
}

// --- waiting ---

static void hear_signals(struct relay *relay)
{
    int number = 0;
    while ((number = signal_take(relay->signals)) != 0)
        relay->is_stopping = relay->is_stopping || number == SIGTERM || number == SIGINT;
}

static void pause_for(struct relay *relay, when_ms span)
{
    struct pollfd item = {.fd = relay->signals, .events = POLLIN};
    (void)poll(&item, 1, (int)span); // an early end is a round more
    hear_signals(relay);
}

// Broker or database is away: longer and longer, up to five seconds.
static void pause_failed(struct relay *relay)
{
    static const struct backoff rule = {PAUSE_FIRST_MS, PAUSE_LONGEST_MS, 2000};
    const struct id spread = {.bytes = {(uint8_t)(clock_mono_us() & 0xff)}};
    relay->failures++;
    pause_for(relay, backoff_ms(&rule, &spread, relay->failures));
}

static void lose_source(struct relay *relay)
{
    log_warn("outbox.database_lost", "why=%s", log_quote_text(source_problem(relay->source)).text);
    relay->stats.database_lost++;
    relay->stats.is_changed = true;
    source_close(relay->source);
    relay->source = NULL;
    pause_failed(relay);
}

// --- one batch ---

static void judge(struct relay *relay, uint32_t place, err error, struct slice detail)
{
    CHECK(relay->verdict_count < SOURCE_ROWS_MAX);
    relay->verdicts[relay->verdict_count++] = (struct source_verdict){
        .row_id = relay->rows.items[place].row_id, .error = error, .detail = detail};
    if (error == OK)
        return;
    relay->stats.refused++;
    log_warn("outbox.row_refused", "row=%" PRId64 " error=%s why=%s",
             relay->rows.items[place].row_id, err_slug(error), log_quote(detail).text);
}

// Rows that are no job are refused here, in the words of the HTTP door.
static void read_rows(struct relay *relay)
{
    struct doc_room room = {
        .keys = relay->names, .key_cap = SCAN_NAMES_MAX, .arena = &relay->arena};
    const struct row_origin origin = {.tenant = slice_of_text(relay->options->tenant),
                                      .outbox_id = source_outbox_id(relay->source)};
    arena_reset(&relay->arena);
    relay->job_count = 0;
    relay->verdict_count = 0;
    for (uint32_t i = 0; i < relay->rows.count; i++) {
        struct msg_submit_job *job = &relay->jobs[relay->job_count];
        struct submit_fault *fault = &relay->faults[i];
        *fault = (struct submit_fault){.detail = ""};
        err e = row_read(&relay->rows.items[i], &origin, &room, job, fault);
        if (e != OK) {
            judge(relay, i, e, slice_of_text(fault->detail));
            continue;
        }
        const struct origin of = {origin_tenant(job->tenant), job->queue};
        job->job_id = mint_keyed(&of, job->key);
        relay->places[relay->job_count++] = i;
    }
}

static void take_answer(struct relay *relay, uint32_t i, const struct msg_submitted_job *said)
{
    uint32_t place = relay->places[i];
    struct slice detail =
        said->detail.len > 0 ? said->detail : slice_of_text(err_text(said->error));
    if (said->error == OK) {
        relay->stats.replayed += said->replayed ? 1 : 0;
        relay->stats.relayed += said->replayed ? 0 : 1;
        parked_took(&relay->parked, relay->jobs[i].queue);
    }
    if (said->error == OK || !err_may_retry(said->error))
        judge(relay, place, said->error, detail);
}

// After all that was taken: a queue that has become full within the message is to wait. ERR_FULL when
// more queues wait than there is room for: then all of them do.
static err park(struct relay *relay, const struct msg_submitted *said, when_ms now)
{
    err e = OK;
    for (uint32_t i = 0; i < said->count; i++) {
        const struct msg_submitted_job *one = &said->jobs[i];
        if (one->error == OK || !err_may_retry(one->error))
            continue;
        relay->stats.postponed++;
        if (parked_put(&relay->parked, relay->jobs[i].queue, &relay->jobs[i].job_id, now,
                       one->retry_after_ms) != OK)
            e = ERR_FULL;
    }
    return e;
}

// Of a refusal only once: it lasts until somebody does something.
static void tell_loss(struct relay *relay, err e)
{
    const struct relay_options *options = relay->options;
    bool is_refusal = e == ERR_NO_KEY || e == ERR_HANDSHAKE;
    if (is_refusal && e != relay->refusal)
        log_error("outbox.refused", "error=%s broker=%s fix=%s", err_slug(e), options->broker,
                  log_quote_text(curve_fix(e, options->curve)).text);
    if (!is_refusal)
        log_warn("outbox.broker_lost", "error=%s broker=%s", err_slug(e), options->broker);
    relay->refusal = is_refusal ? e : OK;
}

// ERR_FULL: nothing more can be asked until a parked queue is free; what was taken is settled first.
static err submit(struct relay *relay)
{
    struct msg question = {.kind = MSG_SUBMIT,
                           .submit = {.jobs = relay->jobs, .count = relay->job_count}};
    const struct client_patience patience = {.give_up_ms = ASK_MS};
    const struct msg *answer = NULL;
    if (relay->job_count == 0)
        return OK;
    err e = client_ask(relay->client, &question, &patience, &answer);
    if (e == OK && (answer->kind != MSG_SUBMITTED || answer->submitted.count != relay->job_count))
        e = ERR_MALFORMED;
    if (e != OK) {
        tell_loss(relay, e);
        relay->stats.broker_lost++;
        return ERR_NO_BROKER;
    }
    relay->refusal = OK;
    failpoint_hit("outbox.submitted");
    for (uint32_t i = 0; i < relay->job_count; i++)
        take_answer(relay, i, &answer->submitted.jobs[i]);
    return park(relay, &answer->submitted, clock_mono_ms());
}

static void settle(struct relay *relay)
{
    const struct source_verdicts verdicts = {relay->verdicts, relay->verdict_count};
    err e = verdicts.count > 0 ? source_settle(relay->source, &verdicts)
                               : source_release(relay->source);
    failpoint_hit("outbox.settled");
    if (e != OK) {
        lose_source(relay);
        return;
    }
    relay->failures = 0;
    if (verdicts.count > 0)
        relay->moved_at = clock_mono_ms();
}

static void take_batch(struct relay *relay)
{
    relay->stats.batches++;
    relay->stats.is_changed = true;
    read_rows(relay);
    failpoint_hit("outbox.fetched");
    err e = submit(relay);
    if (e == ERR_NO_BROKER) {
        if (source_release(relay->source) == OK)
            pause_failed(relay);
        else
            lose_source(relay);
        return;
    }
    settle(relay);
    when_ms now = clock_mono_ms();
    when_ms next = parked_next(&relay->parked, now);
    if (e == ERR_FULL && next != WHEN_NEVER)
        pause_for(relay, next - now);
}

// --- the loop ---

static bool open_source(struct relay *relay, int *out_code)
{
    char problem[SOURCE_PROBLEM_LEN];
    err e = source_open(relay->options->database, &relay->source, problem);
    if (e == OK) {
        log_info("outbox.database_open", "outbox=%s", source_outbox_id(relay->source).data);
        if (!relay->was_ready)
            (void)printf("ready outbox=%s database=%s broker=%s\n",
                         (const char *)source_outbox_id(relay->source).data,
                         source_kind_name(relay->source), relay->options->broker);
        (void)fflush(stdout); // whoever waits for the line sees it or is gone
        relay->was_ready = true;
        return true;
    }
    relay->source = NULL;
    log_error("outbox.database_not_open", "error=%s why=%s", err_slug(e),
              log_quote_text(problem).text);
    if (e == ERR_NOT_FOUND) {
        relay->is_stopping = true;
        *out_code = RELAY_REFUSED;
    } else {
        pause_failed(relay);
    }
    return false;
}

// No open row is there for now.
static void rest(struct relay *relay, int *out_code)
{
    when_ms now = clock_mono_ms();
    when_ms next = parked_next(&relay->parked, now);
    when_ms span = relay->options->poll_ms;
    err e = source_release(relay->source);
    if (e == OK && relay->options->once && next == WHEN_NEVER) {
        relay->is_stopping = true;
        *out_code = relay->stats.refused > 0 ? RELAY_REFUSED : RELAY_DONE;
        return;
    }
    if (next != WHEN_NEVER && next - now < span)
        span = next - now;
    if (e == OK)
        e = source_wait(relay->source, relay->signals, span);
    if (e != OK)
        lose_source(relay);
    hear_signals(relay);
}

static void run_round(struct relay *relay, int *out_code)
{
    if (relay->source == NULL && !open_source(relay, out_code))
        return;
    if (source_fetch(relay->source, &relay->parked, clock_mono_ms(), &relay->rows) != OK)
        lose_source(relay);
    else if (relay->rows.count == 0)
        rest(relay, out_code);
    else
        take_batch(relay);
    hear_signals(relay);
}

static int run(struct relay *relay)
{
    int code = RELAY_DONE;
    relay->moved_at = clock_mono_ms();
    while (!relay->is_stopping) {
        run_round(relay, &code);
        when_ms now = clock_mono_ms();
        relay_stats_tell(&relay->stats, now, false);
        if (relay->options->once && !relay->is_stopping &&
            now - relay->moved_at > relay->options->give_up_ms) {
            log_error("outbox.given_up", "after_ms=%" PRId64, relay->options->give_up_ms);
            code = RELAY_UNKNOWN;
            break;
        }
    }
    relay_stats_tell(&relay->stats, clock_mono_ms(), true);
    return code;
}

static err open_all(struct relay *relay)
{
    size_t cap = (size_t)SOURCE_ROWS_MAX * ROW_ARENA_LEN;
    relay->signals = -1;
    relay->names = malloc(SCAN_NAMES_MAX * sizeof *relay->names);
    relay->arena = (struct arena){.data = malloc(cap), .cap = cap}; // touched as it is used
    if (relay->names == NULL || relay->arena.data == NULL)
        return ERR_NO_MEMORY;
    err e = signal_open(&relay->signals);
    if (e == OK)
        e = client_open(&(struct client_options){.endpoint = relay->options->broker,
                                                 .tenant = slice_of_text(relay->options->tenant),
                                                 .curve = relay->options->curve},
                        &relay->client);
    return e;
}

bool relay_is_database(const char *database)
{
    return source_is_database(database);
}

int relay_run(const struct relay_options *options)
{
    struct relay *relay = calloc(1, sizeof *relay);
    err e = ERR_NO_MEMORY;
    int code = RELAY_REFUSED;
    if (relay != NULL) {
        relay->options = options;
        relay->stats.path = options->stats;
        e = open_all(relay);
    }
    if (e == OK)
        code = run(relay);
    else
        log_error("outbox.cannot_start", "error=%s why=%s", err_slug(e),
                  log_quote_text(strerror(errno)).text);
    if (relay != NULL) {
        source_close(relay->source);
        client_close(relay->client);
        if (relay->signals >= 0)
            signal_close(relay->signals);
        free(relay->arena.data);
        free(relay->names);
    }
    free(relay);
    return code;
}
