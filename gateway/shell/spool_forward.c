// The forwarder's thread.
//
//   wait ──▶ read a window ──▶ send it, a message a tenant ──▶ hear all answers ──▶ settle ──▶ …
//     ▲                                        │ no answer                   │ disk full
//     └────────────────────────────────────────┴─────── a pause ─────────────┘

#include "gateway/shell/spool_forward.h"

#include "gateway/core/spool_plan.h"
#include "gateway/shell/batch_seal.h"
#include "gateway/shell/gateway.h"
#include "gateway/shell/posting.h"
#include "gateway/shell/spool_pack.h"
#include "lib/sys/clock.h"
#include "lib/sys/failpoint.h"
#include "lib/sys/log.h"
#include "lib/sys/mint.h"
#include "lib/sys/process.h"
#include "proto/wire.h"

#include <pthread.h>
#include <stdlib.h>

// The largest record that spool_pack() makes fits behind a window that is all but full.
enum { ROOM_LEN = SPOOL_WINDOW_BYTES_MAX + MSG_PAYLOAD_LEN_MAX + 512 * 1024 };

enum { BATCHES_MAX = 256 }; // that are sealed at once; time seals what is beyond

// A job of the window, and what has been said of it.
struct parcel {
    struct spool_item item;
    struct msg_submit_job job;
    uint64_t lane;
    bool is_broken; // what is to be sent cannot be read: there is no `job`
    struct msg_submitted_job said;
    char detail[SPOOL_DETAIL_LEN_MAX + 1];
};

// The jobs of one tenant.
struct piece {
    struct ask ask; // first: the courier's pointer is ours
    struct msg question;
    struct spool_forward *forward;
    uint32_t first; // in `jobs` and `order`
    uint32_t count;
    err error;
};

// A batch of which a record was brought.
struct brought {
    struct id id;
    uint64_t fingerprint; // of its body, when it has a key
    when_ms dedup_until;  // the earliest among its jobs
    uint8_t tenant_len;
    uint8_t tenant[MSG_NAME_LEN_MAX];
};

struct spool_forward {
    const struct gateway *gateway;
    pthread_t thread;
    pthread_mutex_t lock; // what follows
    pthread_cond_t news;
    bool is_closing;
    bool has_news;
    bool has_broker;     // again
    uint32_t left_count; // messages without an answer
    bool is_settled;
    err settled;
    // The thread's.
    struct spool_plan plan;
    struct arena room;    // records of the window
    struct arena decoded; // their jobs
    struct parcel parcels[SPOOL_WINDOW_JOBS_MAX];
    uint32_t parcel_count;
    uint32_t looked_count;
    uint64_t next; // number behind the last job that was looked at
    struct piece pieces[SPOOL_WINDOW_JOBS_MAX];
    uint32_t piece_count;
    uint32_t order[SPOOL_WINDOW_JOBS_MAX]; // parcels, tenant by tenant
    struct msg_submit_job jobs[SPOOL_WINDOW_JOBS_MAX];
    struct spool_order settling;
    struct spool_item items[SPOOL_WINDOW_JOBS_MAX];
    struct brought batches[BATCHES_MAX];
    uint32_t batch_count;
};

// --- reading a window ---

static struct slice keep(struct arena *arena, struct slice bytes)
{
    uint8_t *room = arena_take(arena, bytes.len + 1);
    CHECK(room != NULL); // the window ends before
    if (bytes.len > 0)
        memcpy(room, bytes.data, bytes.len);
    return slice_of(room, bytes.len);
}

static uint64_t lane_of(const struct spool_record *record, const struct msg_submit_job *job)
{
    struct slice queue = job->queue.len > 0 ? job->queue : slice_of_text("default");
    return mint_concurrency(&(struct origin){record->tenant, queue}, slice_of_text("lane"));
}

// Is the window full with this record in it?
static bool is_full(const struct spool_forward *forward, const struct spool_record *record)
{
    if (forward->parcel_count == SPOOL_WINDOW_JOBS_MAX ||
        forward->looked_count == SPOOL_WINDOW_LOOK_MAX)
        return true;
    return forward->parcel_count > 0 &&
           forward->room.used + spool_record_len(record) > SPOOL_WINDOW_BYTES_MAX;
}

static bool take(void *ctx, const struct spool_record *record)
{
    struct spool_forward *forward = ctx;
    struct parcel *parcel = &forward->parcels[forward->parcel_count];
    if (is_full(forward, record))
        return false;
    forward->looked_count++;
    forward->next = record->number + 1;
    size_t room_used = forward->room.used;
    size_t decoded_used = forward->decoded.used;
    struct spool_record copy = *record;
    copy.tenant = keep(&forward->room, record->tenant);
    copy.envelope = keep(&forward->room, record->envelope);
    copy.block = keep(&forward->room, record->block);
    parcel->is_broken = spool_pack_read(&copy, &forward->decoded, &parcel->job) != OK;
    if (!parcel->is_broken)
        parcel->lane = lane_of(&copy, &parcel->job);
    if (!parcel->is_broken && !spool_plan_may(&forward->plan, parcel->lane)) {
        forward->room.used = room_used;
        forward->decoded.used = decoded_used;
        return true;
    }
    parcel->item = (struct spool_item){.record = copy};
    if (!parcel->is_broken) {
        parcel->item.batch_id = parcel->job.batch_id;
        parcel->item.batch_fingerprint = parcel->job.batch_fingerprint;
    }
    forward->parcel_count++;
    return true;
}

static err read_window(struct spool_forward *forward)
{
    arena_reset(&forward->room);
    arena_reset(&forward->decoded);
    forward->parcel_count = 0;
    forward->looked_count = 0;
    forward->next = forward->plan.next;
    return spool_walk(forward->gateway->spool, SPOOL_WAITING, forward->plan.next, take, forward);
}

// --- sending it ---

// Verdicts are borrowed until this returns.
static void hear(const struct piece *piece, const struct msg_submitted *answer)
{
    struct spool_forward *forward = piece->forward;
    for (uint32_t i = 0; i < piece->count; i++) {
        struct parcel *parcel = &forward->parcels[forward->order[piece->first + i]];
        parcel->said = answer->jobs[i];
        parcel->said.detail = (struct slice){0};
        parcel->said.violations = (struct slice){0};
        parcel->detail[0] = '\0';
        (void)slice_to_text(answer->jobs[i].detail, parcel->detail, sizeof parcel->detail);
    }
}

// In the courier's thread.
static void answered(struct ask *ask, const struct ask_result *result)
{
    struct piece *piece = (struct piece *)ask;
    struct spool_forward *forward = piece->forward;
    const struct msg *answer = result->answer;
    piece->error = result->error;
    if (piece->error == OK &&
        (answer->kind != MSG_SUBMITTED || answer->submitted.count != piece->count))
        piece->error = ERR_MALFORMED;
    if (piece->error == OK)
        hear(piece, &answer->submitted);
    pthread_mutex_lock(&forward->lock);
    forward->left_count--;
    (void)pthread_cond_signal(&forward->news);
    pthread_mutex_unlock(&forward->lock);
}

// The parcels of the tenant of parcel `at`, in their order.
static void make_piece(struct spool_forward *forward, uint32_t at, bool *is_placed,
                       uint32_t *placed)
{
    struct slice tenant = forward->parcels[at].item.record.tenant;
    struct piece *piece = &forward->pieces[forward->piece_count++];
    *piece = (struct piece){.forward = forward, .first = *placed};
    for (uint32_t i = at; i < forward->parcel_count; i++) {
        if (is_placed[i] || !slice_equal(forward->parcels[i].item.record.tenant, tenant))
            continue;
        is_placed[i] = true;
        forward->order[*placed] = i;
        forward->jobs[(*placed)++] = forward->parcels[i].job;
        piece->count++;
    }
    piece->question = (struct msg){
        .kind = MSG_SUBMIT,
        .submit = {.jobs = forward->jobs + piece->first,
                   .count = piece->count,
                   .tenant_open_max = callers_open_max_of(forward->gateway->callers, tenant),
                   .spooled = true}};
    piece->ask = (struct ask){
        .kind = ASK_MSG, .tenant = tenant, .done = answered, .question = &piece->question};
}

static void send_window(struct spool_forward *forward)
{
    bool is_placed[SPOOL_WINDOW_JOBS_MAX] = {0};
    uint32_t placed = 0;
    forward->piece_count = 0;
    for (uint32_t i = 0; i < forward->parcel_count; i++)
        is_placed[i] = forward->parcels[i].is_broken;
    for (uint32_t i = 0; i < forward->parcel_count; i++)
        if (!is_placed[i])
            make_piece(forward, i, is_placed, &placed);
    forward->left_count = forward->piece_count;
    for (uint32_t i = 0; i < forward->piece_count; i++)
        courier_ask(forward->gateway->courier, &forward->pieces[i].ask);
    pthread_mutex_lock(&forward->lock);
    while (forward->left_count > 0)
        (void)pthread_cond_wait(&forward->news, &forward->lock);
    pthread_mutex_unlock(&forward->lock);
}

// --- settling it ---

static void remember(const struct spool_forward *forward, const struct parcel *parcel)
{
    const struct msg_submitted_job *said = &parcel->said;
    if (parcel->job.key.len == 0)
        return;
    posting_remember(forward->gateway, &(struct keys_note){
                                           .id = said->job_id,
                                           .kind = KEYS_JOB,
                                           .fingerprint = parcel->item.record.fingerprint,
                                           .state = (uint8_t)said->state,
                                           .created_at = said->created_at,
                                           .dedup_until = said->dedup_until,
                                       });
}

static struct brought *find_batch(struct spool_forward *forward, const struct id *id,
                                  struct slice tenant)
{
    for (uint32_t i = forward->batch_count; i-- > 0;) {
        struct brought *known = &forward->batches[i];
        if (id_equal(&known->id, id) &&
            slice_equal(slice_of(known->tenant, known->tenant_len), tenant))
            return known;
    }
    return NULL;
}

static void note_batch(struct spool_forward *forward, const struct parcel *parcel)
{
    const struct id *id = &parcel->job.batch_id;
    struct slice tenant = parcel->item.record.tenant;
    if (id_is_zero(id))
        return;
    struct brought *batch = find_batch(forward, id, tenant);
    if (batch == NULL && forward->batch_count == BATCHES_MAX)
        return;
    if (batch == NULL) {
        batch = &forward->batches[forward->batch_count++];
        CHECK(tenant.len <= sizeof batch->tenant);
        *batch = (struct brought){.id = *id,
                                  .fingerprint = parcel->job.batch_fingerprint,
                                  .dedup_until = WHEN_NEVER,
                                  .tenant_len = (uint8_t)tenant.len};
        memcpy(batch->tenant, tenant.data, tenant.len);
    }
    if (parcel->said.dedup_until > 0)
        batch->dedup_until = when_min(batch->dedup_until, parcel->said.dedup_until);
}

// For the next time without a broker: that the key is taken, and by which body.
static void remember_batch(const struct spool_forward *forward, const struct brought *batch)
{
    if (batch->fingerprint == 0)
        return;
    posting_remember(forward->gateway, &(struct keys_note){.id = batch->id,
                                                           .kind = KEYS_BATCH,
                                                           .fingerprint = batch->fingerprint,
                                                           .created_at = clock_wall_ms(),
                                                           .dedup_until = batch->dedup_until});
}

// Nothing waits any more, so none of their records does: a batch is spooled whole.
static void seal_batches(struct spool_forward *forward)
{
    for (uint32_t i = 0; i < forward->batch_count; i++) {
        const struct brought *batch = &forward->batches[i];
        batch_seal_say(forward->gateway, slice_of(batch->tenant, batch->tenant_len), &batch->id);
        remember_batch(forward, batch);
    }
    forward->batch_count = 0;
}

static void refuse(struct parcel *parcel)
{
    struct spool_record *record = &parcel->item.record;
    record->place = SPOOL_REFUSED;
    record->error = parcel->said.error;
    record->refused_at = clock_wall_ms();
    record->detail = slice_of_text(parcel->detail);
    char id[ID_TEXT_LEN + 1];
    id_to_text(&record->id, id);
    log_warn("gateway.spool_refusal", "id=%s error=%s", id, err_slug(record->error));
}

// Sound on the disk, and yet no message: nobody but its owner can do anything about it.
static void refuse_broken(struct spool_forward *forward)
{
    static const char why[] = "what was stored cannot be read any more; submit the job again";
    for (uint32_t i = 0; i < forward->parcel_count; i++) {
        struct parcel *parcel = &forward->parcels[i];
        if (!parcel->is_broken)
            continue;
        parcel->said = (struct msg_submitted_job){.error = ERR_DAMAGED};
        memcpy(parcel->detail, why, sizeof why);
        refuse(parcel);
        forward->items[forward->settling.count++] = parcel->item;
    }
}

static void judge(struct spool_forward *forward, struct parcel *parcel, when_ms now)
{
    const struct spool_plan_answer answer = {
        .lane = parcel->lane,
        .error = parcel->said.error,
        .wait_ms = parcel->said.retry_after_ms,
    };
    switch (spool_plan_hear(&forward->plan, now, &answer)) {
    case SPOOL_PLAN_WAITS: return;
    case SPOOL_PLAN_FORWARDED:
        remember(forward, parcel);
        note_batch(forward, parcel);
        break;
    case SPOOL_PLAN_REFUSED: refuse(parcel); break;
    }
    forward->items[forward->settling.count++] = parcel->item;
}

// In the spool's thread.
static void settled(struct spool_order *order, err e)
{
    struct spool_forward *forward =
        (struct spool_forward *)((char *)order - offsetof(struct spool_forward, settling));
    pthread_mutex_lock(&forward->lock);
    forward->settled = e;
    forward->is_settled = true;
    (void)pthread_cond_signal(&forward->news);
    pthread_mutex_unlock(&forward->lock);
}

static err settle(struct spool_forward *forward)
{
    if (forward->settling.count == 0)
        return OK;
    failpoint_hit("spool.after_submitted");
    forward->settling.act = SPOOL_SETTLE;
    forward->settling.items = forward->items;
    forward->settling.done = settled;
    forward->is_settled = false;
    spool_do(forward->gateway->spool, &forward->settling);
    pthread_mutex_lock(&forward->lock);
    while (!forward->is_settled)
        (void)pthread_cond_wait(&forward->news, &forward->lock);
    pthread_mutex_unlock(&forward->lock);
    failpoint_hit("spool.after_removal");
    return forward->settled;
}

// What has an answer is settled; a message without one makes the window come again.
static err hear_all(struct spool_forward *forward)
{
    err e = OK;
    when_ms now = clock_mono_ms();
    forward->settling.count = 0;
    for (uint32_t i = 0; i < forward->piece_count; i++) {
        const struct piece *piece = &forward->pieces[i];
        if (piece->error != OK)
            e = piece->error;
        for (uint32_t j = 0; piece->error == OK && j < piece->count; j++)
            judge(forward, &forward->parcels[forward->order[piece->first + j]], now);
    }
    refuse_broken(forward);
    err kept = settle(forward);
    return e == OK ? kept : e;
}

// --- the loop ---

// Nobody to send to is not worth a line each time; the courier has told.
static void pause_after(struct spool_forward *forward, err e)
{
    if (e != ERR_NO_BROKER)
        log_warn("gateway.spool_not_forwarded", "error=%s", err_slug(e));
    spool_plan_fail(&forward->plan, clock_mono_ms());
}

// True when it has looked at something.
static bool forward_window(struct spool_forward *forward)
{
    if (spool_waiting(forward->gateway->spool) == 0) {
        forward->plan = (struct spool_plan){0}; // nothing is held
        seal_batches(forward);
        return false;
    }
    if (!courier_is_ready(forward->gateway->courier) ||
        !spool_plan_begin(&forward->plan, clock_mono_ms()))
        return false;
    err e = read_window(forward);
    if (e == OK && forward->looked_count == 0)
        return false;
    if (e == OK && forward->parcel_count > 0) {
        send_window(forward);
        e = hear_all(forward);
    }
    if (e == OK)
        spool_plan_advance(&forward->plan, forward->next);
    else
        pause_after(forward, e);
    return true;
}

// Until there may be something to do: not before there is a broker. False: the end.
static bool rest(struct spool_forward *forward, bool is_busy)
{
    when_ms now = clock_mono_ms();
    bool is_alone = !courier_is_ready(forward->gateway->courier);
    when_ms wake = is_alone ? WHEN_NEVER : spool_plan_wake(&forward->plan, now);
    struct timespec until = {.tv_sec = wake / 1000, .tv_nsec = wake % 1000 * 1000000};
    pthread_mutex_lock(&forward->lock);
    int waited = 0;
    while (!is_busy && !forward->has_news && !forward->is_closing && waited == 0) {
        if (wake == WHEN_NEVER)
            (void)pthread_cond_wait(&forward->news, &forward->lock);
        else
            waited = pthread_cond_timedwait(&forward->news, &forward->lock, &until);
    }
    if (forward->has_broker)
        spool_plan_resume(&forward->plan);
    forward->has_news = false;
    forward->has_broker = false;
    bool goes_on = !forward->is_closing;
    pthread_mutex_unlock(&forward->lock);
    return goes_on;
}

static void *run(void *ctx)
{
    struct spool_forward *forward = ctx;
    process_name("forwarder");
    bool is_busy = true;
    while (rest(forward, is_busy))
        is_busy = forward_window(forward);
    return NULL;
}

void spool_forward_wake(struct spool_forward *forward)
{
    pthread_mutex_lock(&forward->lock);
    forward->has_news = true;
    (void)pthread_cond_signal(&forward->news);
    pthread_mutex_unlock(&forward->lock);
}

// In the courier's thread.
static void broker_returned(void *ctx)
{
    struct spool_forward *forward = ctx;
    pthread_mutex_lock(&forward->lock);
    forward->has_news = true;
    forward->has_broker = true;
    (void)pthread_cond_signal(&forward->news);
    pthread_mutex_unlock(&forward->lock);
}

static void unmake(struct spool_forward *forward)
{
    (void)pthread_cond_destroy(&forward->news);
    (void)pthread_mutex_destroy(&forward->lock);
    free(forward->room.data);
    free(forward->decoded.data);
    free(forward);
}

err spool_forward_open(const struct gateway *gateway, struct spool_forward **out_forward)
{
    struct spool_forward *forward = calloc(1, sizeof *forward);
    if (forward == NULL)
        return ERR_NO_MEMORY;
    pthread_condattr_t attributes;
    (void)pthread_condattr_init(&attributes);
    (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&forward->news, &attributes);
    (void)pthread_condattr_destroy(&attributes);
    (void)pthread_mutex_init(&forward->lock, NULL);
    forward->gateway = gateway;
    size_t decoded_len = wire_arena_size(ROOM_LEN) + SPOOL_WINDOW_JOBS_MAX * (size_t)65536;
    forward->room = (struct arena){.data = malloc(ROOM_LEN), .cap = ROOM_LEN};
    forward->decoded = (struct arena){.data = malloc(decoded_len), .cap = decoded_len};
    err e = forward->room.data == NULL || forward->decoded.data == NULL ? ERR_NO_MEMORY : OK;
    if (e == OK && pthread_create(&forward->thread, NULL, run, forward) != 0)
        e = ERR_SYSTEM;
    if (e != OK) {
        unmake(forward);
        return e;
    }
    courier_on_return(gateway->courier, broker_returned, forward);
    broker_returned(forward); // one may have come before that
    *out_forward = forward;
    return OK;
}

void spool_forward_close(struct spool_forward *forward)
{
    if (forward == NULL)
        return;
    pthread_mutex_lock(&forward->lock);
    forward->is_closing = true;
    (void)pthread_cond_signal(&forward->news);
    pthread_mutex_unlock(&forward->lock);
    (void)pthread_join(forward->thread, NULL);
    unmake(forward);
}
