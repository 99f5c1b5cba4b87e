// Looks, flights and watches.
//
// A flight is a question to the broker with those it answers. What is removed while it is under way
// may be in its answer all the same (the answer was read before), so it marks the flight, and a
// marked one is not kept.
//
// Two watches: one that waits, all the time, hears of each removal as it comes; the other does not
// wait, and is sent only when somebody looks: its answer says that there was nothing else by the
// time it was sent. Both go on from the same place; hearing of a removal twice does no harm.

#include "gateway/shell/statuses.h"

#include "gateway/core/answer.h"
#include "gateway/shell/courier.h"
#include "lib/base/check.h"
#include "lib/base/prng.h"
#include "lib/sys/clock.h"
#include "lib/sys/log.h"
#include "proto/wire.h"

#include <pthread.h>
#include <stdlib.h>

enum {
    WAIT_MS = 30000,
    RENEW_MS = STATUSES_TRUST_MS / 2, // a look at what is known for so long renews it
    AGAIN_MS = 1000,                  // after a refusal the next look asks again, not sooner
    BUCKETS = 4096,
    ARENA_LEN = 512 * 1024, // a value encoded, or decoded
    DECODED_LEN = 32 * 1024,
};

struct flight {
    struct ask ask; // first: the courier's pointer is ours
    struct statuses *statuses;
    struct flight *next; // in its bucket
    struct flight **link;
    uint64_t gaps;        // how many there had been when it began
    bool is_marked;       // its job was removed meanwhile
    bool is_kept;         // its answer may be kept
    struct ask_line asks; // those it answers
    struct ask_line late; // those that came when it had been sent
    char tenant[MSG_NAME_LEN_MAX];
};

struct watch {
    struct ask ask; // first: the courier's pointer is ours
    struct statuses *statuses;
    struct msg question;
    when_ms asked_at;
    bool is_out;
};

struct statuses {
    struct courier *courier;
    struct cache *cache;  // NULL: nothing is kept
    pthread_mutex_t lock; // all below
    struct flight *flights[BUCKETS];
    struct watch watches[2]; // the one that waits, and the other
    struct msg_place place;  // epoch 0: not known
    bool is_known;
    when_ms fresh_at;     // all that was removed by then has been heard of
    struct ask_line held; // looks that wait for the watch that does not
    when_ms refused_at;
    bool is_refused; // the log has it
    struct statuses_figures figures;
    struct arena encoding; // the courier's thread
};

static void watch_on(struct statuses *statuses, struct watch *watch);

// --- values ---

// Envelope and block as they came, but for the correlation. False when it is too large.
static bool encode(struct statuses *statuses, const struct flight *flight,
                   const struct msg_status_is *status, struct slice *out_value)
{
    struct msg msg = {.kind = MSG_STATUS_IS, .tenant = flight->ask.tenant, .status_is = *status};
    struct wire_frames frames;
    arena_reset(&statuses->encoding);
    if (wire_encode(&msg, &statuses->encoding, &frames) != OK)
        return false;
    size_t len = 4 + frames.envelope.len + frames.block.len;
    uint8_t *room = len <= CACHE_VALUE_LEN_MAX ? arena_take(&statuses->encoding, len) : NULL;
    if (room == NULL)
        return false;
    for (unsigned i = 0; i < 4; i++)
        room[i] = (uint8_t)(frames.envelope.len >> (24 - 8 * i));
    memcpy(room + 4, frames.envelope.data, frames.envelope.len);
    if (frames.block.len > 0)
        memcpy(room + 4 + frames.envelope.len, frames.block.data, frames.block.len);
    *out_value = slice_of(room, len);
    return true;
}

static bool decode(struct slice value, struct arena *arena, struct msg *out_msg)
{
    if (value.len < 4)
        return false;
    size_t len = (size_t)value.data[0] << 24 | (size_t)value.data[1] << 16 |
                 (size_t)value.data[2] << 8 | value.data[3];
    if (len > value.len - 4)
        return false;
    struct slice envelope = slice_of(value.data + 4, len);
    struct slice block = slice_of(value.data + 4 + len, value.len - 4 - len);
    return wire_decode(envelope, block, arena, out_msg) == OK && out_msg->kind == MSG_STATUS_IS;
}

// What cannot change any more but by its removal, which the stream tells.
static bool is_lasting(const struct msg_status_is *status)
{
    return status->error == OK && (status->state == JOB_SUCCEEDED ||
                                   status->state == JOB_CANCELLED || status->state == JOB_EXPIRED);
}

// --- looks ---

static bool is_fresh(const struct statuses *statuses, when_ms now)
{
    return statuses->is_known && now - statuses->fresh_at < STATUSES_TRUST_MS;
}

// Under the lock: somebody looks. True: the second watch is to be sent.
static bool renews(struct statuses *statuses, when_ms now)
{
    bool is_due = !statuses->is_known || now - statuses->fresh_at >= RENEW_MS;
    if (!is_due || statuses->watches[1].is_out || now - statuses->refused_at < AGAIN_MS)
        return false;
    statuses->watches[1].is_out = true;
    return true;
}

// Answers from the cache. False when it cannot.
static bool answer(struct statuses *statuses, struct ask *ask)
{
    uint8_t *value = NULL;
    size_t len = 0;
    if (cache_get(statuses->cache, &ask->id, clock_wall_ms(), &value, &len) != OK)
        return false;
    struct arena arena = {.data = malloc(DECODED_LEN + 2 * len), .cap = DECODED_LEN + 2 * len};
    struct msg msg;
    bool is_theirs = arena.data != NULL && decode(slice_of(value, len), &arena, &msg) &&
                     slice_equal(msg.tenant, ask->tenant);
    if (is_theirs) {
        pthread_mutex_lock(&statuses->lock);
        statuses->figures.hits++;
        pthread_mutex_unlock(&statuses->lock);
        ask->done(ask, &(struct ask_result){.status = &msg.status_is});
    }
    free(arena.data);
    free(value);
    return is_theirs;
}

// --- flights ---

static struct flight **bucket_of(struct statuses *statuses, const struct id *id)
{
    return &statuses->flights[id_hash(id, 0) % BUCKETS];
}

static struct flight *find_flight(struct statuses *statuses, const struct ask *ask)
{
    struct flight *flight = *bucket_of(statuses, &ask->id);
    while (flight != NULL && (flight->ask.wait_ms > 0 || !id_equal(&flight->ask.id, &ask->id) ||
                              !slice_equal(flight->ask.tenant, ask->tenant)))
        flight = flight->next;
    return flight;
}

static void landed(struct ask *ask, const struct ask_result *result);

// Under the lock.
static void board(struct statuses *statuses, struct flight *flight)
{
    struct flight **bucket = bucket_of(statuses, &flight->ask.id);
    flight->next = *bucket;
    flight->link = bucket;
    if (flight->next != NULL)
        flight->next->link = &flight->next;
    *bucket = flight;
    flight->gaps = statuses->figures.gaps;
    flight->is_kept = statuses->cache != NULL && statuses->is_known;
    flight->is_marked = false;
    statuses->figures.misses++;
}

static void unboard(struct flight *flight)
{
    *flight->link = flight->next;
    if (flight->next != NULL)
        flight->next->link = flight->link;
}

static struct flight *flight_new(struct statuses *statuses, struct ask *ask)
{
    struct flight *flight = calloc(1, sizeof *flight);
    if (flight == NULL)
        return NULL;
    CHECK(ask->tenant.len > 0 && ask->tenant.len <= sizeof flight->tenant);
    memcpy(flight->tenant, ask->tenant.data, ask->tenant.len);
    flight->statuses = statuses;
    flight->ask = (struct ask){.kind = ASK_STATUS,
                               .tenant = slice_of(flight->tenant, ask->tenant.len),
                               .done = landed,
                               .id = ask->id,
                               .wait_ms = ask->wait_ms,
                               .version = ask->version};
    ask_put(&flight->asks, ask);
    return flight;
}

// False: another flight will answer.
static bool take_off(struct statuses *statuses, struct ask *ask, struct flight **out_flight)
{
    struct flight *other = ask->wait_ms == 0 ? find_flight(statuses, ask) : NULL;
    *out_flight = NULL;
    if (other != NULL) {
        ask_put(&other->late, ask);
        statuses->figures.shared++;
        return false;
    }
    *out_flight = flight_new(statuses, ask);
    if (*out_flight != NULL)
        board(statuses, *out_flight);
    return true;
}

static void ask_broker(struct statuses *statuses, struct ask *ask)
{
    struct flight *flight;
    pthread_mutex_lock(&statuses->lock);
    bool is_own = take_off(statuses, ask, &flight);
    pthread_mutex_unlock(&statuses->lock);
    if (is_own && flight != NULL)
        courier_put(statuses->courier, &flight->ask);
    else if (is_own)
        ask->done(ask, &(struct ask_result){.error = ERR_NO_MEMORY});
}

enum where { FROM_CACHE, FROM_BROKER, HELD };

// What is kept but stale is worth a watch, not a question of its own.
static enum where place_of(struct statuses *statuses, struct ask *ask, bool *out_renews)
{
    *out_renews = false;
    if (statuses->cache == NULL)
        return FROM_BROKER;
    enum where where = FROM_BROKER;
    pthread_mutex_lock(&statuses->lock);
    *out_renews = renews(statuses, clock_mono_ms());
    if (is_fresh(statuses, clock_mono_ms())) {
        where = FROM_CACHE;
    } else if (statuses->watches[1].is_out && cache_has(statuses->cache, &ask->id)) {
        ask_put(&statuses->held, ask);
        where = HELD;
    }
    pthread_mutex_unlock(&statuses->lock);
    return where;
}

void statuses_put(struct statuses *statuses, struct ask *ask)
{
    bool renews_it;
    CHECK(ask->kind == ASK_STATUS);
    enum where where = place_of(statuses, ask, &renews_it);
    if (renews_it)
        watch_on(statuses, &statuses->watches[1]);
    if (where == HELD || (where == FROM_CACHE && answer(statuses, ask)))
        return;
    ask_broker(statuses, ask);
}

// The second watch has been answered: those that were held are told, or ask the broker.
static void let_go(struct statuses *statuses, struct ask_line *held, err e)
{
    for (struct ask *ask = ask_take(held); ask != NULL; ask = ask_take(held)) {
        if (e == ERR_NO_BROKER)
            ask->done(ask, &(struct ask_result){.error = e});
        else if (e != OK || !answer(statuses, ask))
            ask_broker(statuses, ask);
    }
    courier_send(statuses->courier);
}

static void serve(struct ask_line *asks, const struct ask_result *result)
{
    for (struct ask *ask = ask_take(asks); ask != NULL; ask = ask_take(asks))
        ask->done(ask, result);
}

// Encoding needs no lock: only the courier's thread does it. What is put in is put in under the
// lock, so that no removal comes between the look at the mark and it.
static void keep(struct flight *flight, const struct msg_status_is *status)
{
    struct statuses *statuses = flight->statuses;
    struct slice value;
    struct msg msg;
    if (!encode(statuses, flight, status, &value))
        return;
    struct arena room = {.data = malloc(DECODED_LEN + 2 * value.len),
                         .cap = DECODED_LEN + 2 * value.len};
    bool is_good = room.data != NULL && decode(value, &room, &msg);
    free(room.data);
    pthread_mutex_lock(&statuses->lock);
    if (is_good && !flight->is_marked && flight->gaps == statuses->figures.gaps)
        cache_put(statuses->cache, &flight->ask.id, value, status->expires_at);
    pthread_mutex_unlock(&statuses->lock);
}

static void landed(struct ask *ask, const struct ask_result *result)
{
    struct flight *flight = (struct flight *)ask;
    struct statuses *statuses = flight->statuses;
    bool is_told = result->error == OK;
    bool is_lasting_end = is_told && is_lasting(result->status);
    if (is_lasting_end && flight->is_kept)
        keep(flight, result->status);
    pthread_mutex_lock(&statuses->lock);
    unboard(flight);
    struct ask_line asks = flight->asks;
    struct ask_line late = flight->late;
    // An end is the same for who asked later; anything else may be older than what they know of.
    bool again = is_told && !is_lasting_end && late.first != NULL;
    flight->asks = late;
    flight->late = (struct ask_line){0};
    if (again)
        board(statuses, flight);
    pthread_mutex_unlock(&statuses->lock);
    serve(&asks, result);
    if (again) {
        courier_ask(statuses->courier, &flight->ask);
        return;
    }
    serve(&late, result);
    free(flight);
}

// Under the lock.
static void forget(struct statuses *statuses, const struct id *id)
{
    struct flight *flight = *bucket_of(statuses, id);
    for (; flight != NULL; flight = flight->next)
        flight->is_marked = flight->is_marked || id_equal(&flight->ask.id, id);
    cache_drop(statuses->cache, id);
}

void statuses_forget(struct statuses *statuses, const struct id *id)
{
    if (statuses->cache == NULL)
        return;
    pthread_mutex_lock(&statuses->lock);
    forget(statuses, id);
    pthread_mutex_unlock(&statuses->lock);
}

// --- watches ---

static void heard(struct ask *ask, const struct ask_result *result);

static void watch_on(struct statuses *statuses, struct watch *watch)
{
    bool waits = watch == &statuses->watches[0];
    pthread_mutex_lock(&statuses->lock);
    uint32_t wait_ms = waits && statuses->is_known ? WAIT_MS : 0;
    watch->question = (struct msg){.kind = MSG_WATCH,
                                   .watch = {.since = statuses->place,
                                             .limit = MSG_WATCHED_MAX,
                                             .wait_ms = wait_ms,
                                             .states = 1u << JOB_REMOVED,
                                             .all_tenants = true}};
    watch->ask = (struct ask){.kind = ASK_MSG,
                              .tenant = slice_of_text("default"),
                              .done = heard,
                              .question = &watch->question,
                              .wait_ms = wait_ms};
    watch->asked_at = clock_mono_ms();
    watch->is_out = true;
    pthread_mutex_unlock(&statuses->lock);
    courier_ask(statuses->courier, &watch->ask);
}

static bool is_ahead(const struct msg_place *place, const struct msg_place *other)
{
    return place->position > other->position ||
           (place->position == other->position && place->index > other->index);
}

// Under the lock.
static void lose(struct statuses *statuses)
{
    statuses->figures.gaps++;
    cache_drop_all(statuses->cache);
}

// Under the lock. What the stream says, in the order in which it came.
static void take(struct statuses *statuses, const struct watch *watch, const struct msg_event *told)
{
    const struct msg_place *since = &watch->question.watch.since;
    bool is_elsewhere =
        told->next.lineage != statuses->place.lineage || told->next.epoch != statuses->place.epoch;
    // An answer to an older question than that which found the stream to be another one.
    if (since->epoch != statuses->place.epoch || since->lineage != statuses->place.lineage)
        return;
    if (told->gap || since->epoch == 0 || is_elsewhere)
        lose(statuses);
    for (uint32_t i = 0; i < told->count; i++)
        forget(statuses, &told->events[i].job_id);
    statuses->figures.removals += told->count;
    if (told->gap || is_elsewhere || is_ahead(&told->next, &statuses->place)) {
        statuses->place = told->next;
        cache_set_place(statuses->cache, &statuses->place);
    }
    statuses->is_known = true;
    if (!told->more && watch->asked_at > statuses->fresh_at)
        statuses->fresh_at = watch->asked_at;
}

// Without a broker the question has waited long enough for one; a refusal is not repeated at once.
static bool take_refusal(struct statuses *statuses, err e)
{
    if (e == ERR_TIMEOUT)
        return true;
    statuses->refused_at = clock_mono_ms();
    if (e != ERR_NO_BROKER && !statuses->is_refused)
        log_warn("gateway.cache_off", "error=%s", err_slug(e));
    statuses->is_refused = e != ERR_NO_BROKER;
    return false;
}

static void heard(struct ask *ask, const struct ask_result *result)
{
    struct watch *watch = (struct watch *)ask;
    struct statuses *statuses = watch->statuses;
    err e = result->error;
    if (e == OK && result->answer->kind != MSG_EVENT)
        e = ERR_MALFORMED;
    pthread_mutex_lock(&statuses->lock);
    bool goes_on = e != OK && take_refusal(statuses, e);
    if (e == OK) {
        take(statuses, watch, &result->answer->event);
        statuses->is_refused = false;
        goes_on = true;
    }
    watch->is_out = false;
    struct ask_line held = {0};
    if (watch == &statuses->watches[1]) {
        held = statuses->held;
        statuses->held = (struct ask_line){0};
    }
    // The one that waits goes on; the other one brings it back after a refusal.
    goes_on = goes_on && !statuses->watches[0].is_out;
    if (goes_on)
        statuses->watches[0].is_out = true;
    pthread_mutex_unlock(&statuses->lock);
    let_go(statuses, &held, e);
    if (goes_on)
        watch_on(statuses, &statuses->watches[0]);
}

// --- life ---

err statuses_open(const struct statuses_options *options, struct statuses **out_statuses,
                  const char **out_why)
{
    *out_why = "there is not enough memory";
    struct statuses *statuses = calloc(1, sizeof *statuses);
    if (statuses == NULL)
        return ERR_NO_MEMORY;
    statuses->courier = options->courier;
    (void)pthread_mutex_init(&statuses->lock, NULL);
    err e = OK;
    if (options->count_max > 0) {
        const struct cache_options cache = {
            .dir = options->dir, .count_max = options->count_max, .bytes_max = STATUSES_BYTES_MAX};
        statuses->encoding = (struct arena){.data = malloc(ARENA_LEN), .cap = ARENA_LEN};
        e = statuses->encoding.data != NULL ? cache_open(&cache, &statuses->cache, out_why)
                                            : ERR_NO_MEMORY;
    }
    if (e != OK) {
        statuses_close(statuses);
        return e;
    }
    *out_statuses = statuses;
    if (statuses->cache == NULL)
        return OK;
    statuses->place = cache_place(statuses->cache);
    statuses->refused_at = -AGAIN_MS;
    for (unsigned i = 0; i < 2; i++)
        statuses->watches[i].statuses = statuses;
    watch_on(statuses, &statuses->watches[0]);
    return OK;
}

void statuses_close(struct statuses *statuses)
{
    if (statuses == NULL)
        return;
    for (unsigned i = 0; i < BUCKETS; i++)
        CHECK(statuses->flights[i] == NULL);
    cache_close(statuses->cache);
    (void)pthread_mutex_destroy(&statuses->lock);
    free(statuses->encoding.data);
    free(statuses);
}

void statuses_figures(struct statuses *statuses, struct statuses_figures *out_figures)
{
    pthread_mutex_lock(&statuses->lock);
    *out_figures = statuses->figures;
    out_figures->is_fresh = statuses->cache != NULL && is_fresh(statuses, clock_mono_ms());
    pthread_mutex_unlock(&statuses->lock);
    if (statuses->cache != NULL)
        cache_figures(statuses->cache, &out_figures->cache);
}
