// The list in memory, held by the requests that use it.

#include "gateway/shell/callers.h"

#include "gateway/shell/token_file.h"
#include "lib/base/check.h"
#include "lib/base/meter.h"
#include "lib/sys/blake.h"
#include "lib/sys/clock.h"
#include "lib/sys/log.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

// What is left of a tenant's quotas, by CALLER_REQUESTS and so on.
struct allowance {
    struct meter meters[CALLER_QUOTAS]; // under the roll's lock
    uint32_t open_max;
    struct roll *roll;
};

static const char *const quota_names[CALLER_QUOTAS] = {
    [CALLER_REQUESTS] = "requests",
    [CALLER_BYTES] = "bytes",
};

// A list as it was read. Freed by whoever gives it up last.
struct roll {
    _Atomic uint32_t holders;
    struct token_list list;
    struct caller *callers;       // of the same place
    struct allowance *allowances; // of the same place as the quotas
    pthread_mutex_t lock;         // theirs
};

struct callers {
    char *dir;
    pthread_mutex_t lock; // all below
    struct token_stamp stamp;
    struct roll *roll; // NULL: none that is good
    bool need_tokens;
    err told; // the last that went wrong with it, which the log has
};

static const struct caller everybody = {
    .tenant = {(const uint8_t *)"default", 7},
    .name = {(const uint8_t *)"http", 4},
    .scopes = SCOPE_ALL,
    .expires_at = WHEN_NEVER,
};

// --- rolls ---

static void roll_drop(struct roll *roll)
{
    if (roll == NULL)
        return;
    uint32_t before = atomic_fetch_sub(&roll->holders, 1);
    CHECK(before > 0);
    if (before > 1)
        return;
    token_file_free(&roll->list);
    (void)pthread_mutex_destroy(&roll->lock);
    free(roll->callers);
    free(roll->allowances);
    free(roll);
}

// NULL: it has no quota. There are few tenants with one, and lists are read seldom.
static struct allowance *allowance_of(const struct roll *roll, struct slice tenant)
{
    for (uint32_t i = 0; roll != NULL && i < roll->list.quota_count; i++) {
        if (slice_equal(roll->list.quotas[i].tenant, tenant))
            return &roll->allowances[i];
    }
    return NULL;
}

// What was used under the former list stays used.
static void fill_allowances(struct roll *roll, struct roll *former, when_ms now)
{
    for (uint32_t i = 0; i < roll->list.quota_count; i++) {
        const struct token_quota *quota = &roll->list.quotas[i];
        struct allowance *old = allowance_of(former, quota->tenant);
        uint64_t counts[CALLER_QUOTAS] = {
            [CALLER_REQUESTS] = quota->requests, [CALLER_BYTES] = quota->bytes};
        if (old != NULL)
            pthread_mutex_lock(&former->lock);
        for (uint32_t at = 0; at < CALLER_QUOTAS; at++)
            roll->allowances[i].meters[at] =
                meter_of(counts[at], old != NULL ? &old->meters[at] : NULL, now);
        if (old != NULL)
            pthread_mutex_unlock(&former->lock);
        roll->allowances[i].open_max = (uint32_t)quota->open;
        roll->allowances[i].roll = roll;
    }
}

static err roll_read(const char *dir, struct roll *former, struct roll **out_roll)
{
    struct roll *roll = calloc(1, sizeof *roll);
    if (roll == NULL)
        return ERR_NO_MEMORY;
    atomic_init(&roll->holders, 1);
    (void)pthread_mutex_init(&roll->lock, NULL);
    err e = token_file_read(dir, &roll->list);
    if (e == OK) {
        roll->callers = calloc(roll->list.count + 1, sizeof *roll->callers);
        roll->allowances = calloc(roll->list.quota_count + 1, sizeof *roll->allowances);
        e = roll->callers != NULL && roll->allowances != NULL ? OK : ERR_NO_MEMORY;
    }
    if (e != OK) {
        roll_drop(roll);
        return e;
    }
    fill_allowances(roll, former, clock_mono_ms());
    for (uint32_t i = 0; i < roll->list.count; i++) {
        const struct token *token = &roll->list.items[i];
        roll->callers[i] = (struct caller){.tenant = token->tenant,
                                           .name = token->name,
                                           .scopes = token->scopes,
                                           .expires_at = token->expires_at,
                                           .roll = roll,
                                           .allowance = allowance_of(roll, token->tenant)};
    }
    *out_roll = roll;
    return OK;
}

// The search goes by the first bytes of a hash, of which nobody knows anything who does not know
// the token; all bytes are compared in one time.
static const struct caller *roll_find(const struct roll *roll, const uint8_t hash[TOKEN_HASH_LEN])
{
    uint32_t low = 0;
    uint32_t high = roll->list.count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (memcmp(roll->list.items[middle].hash, hash, sizeof(uint64_t)) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    bool is_same =
        low < roll->list.count && blake_is_same(roll->list.items[low].hash, hash, TOKEN_HASH_LEN);
    return is_same ? &roll->callers[low] : NULL;
}

// --- the newest list; under the lock ---

static void forget(struct callers *callers, struct roll *roll)
{
    roll_drop(callers->roll);
    callers->roll = roll;
}

static err read_list(struct callers *callers)
{
    struct roll *roll = NULL;
    callers->need_tokens = true;
    err e = roll_read(callers->dir, callers->roll, &roll);
    if (e != OK)
        return e;
    forget(callers, roll);
    log_info("gateway.tokens_read", "count=%u quotas=%u", roll->list.count, roll->list.quota_count);
    return OK;
}

static err refresh(struct callers *callers)
{
    struct token_stamp stamp = {0};
    err e = token_file_look(callers->dir, &stamp);
    if (e != OK && e != ERR_NOT_FOUND)
        return e; // what was read still holds
    if (memcmp(&stamp, &callers->stamp, sizeof stamp) == 0)
        return OK;
    callers->stamp = stamp;
    if (e == OK)
        return read_list(callers);
    forget(callers, NULL);
    log_warn("gateway.tokens_gone", "dir=%s", log_quote_text(callers->dir).text);
    return OK;
}

static void refresh_and_tell(struct callers *callers)
{
    err e = refresh(callers);
    if (e != OK && e != callers->told)
        log_error("gateway.tokens_unread", "dir=%s error=%s", log_quote_text(callers->dir).text,
                  err_slug(e));
    callers->told = e;
}

// --- for others ---

err callers_open(const char *dir, struct callers **out_callers, const char **out_why)
{
    struct callers *callers = calloc(1, sizeof *callers);
    *out_why = "out of memory";
    if (callers == NULL)
        return ERR_NO_MEMORY;
    (void)pthread_mutex_init(&callers->lock, NULL);
    callers->dir = strdup(dir);
    err e = callers->dir != NULL ? OK : ERR_NO_MEMORY;
    if (e == OK) {
        *out_why = "--tokens: the list cannot be read, or 'weft token' has not written it";
        e = refresh(callers);
    }
    if (e == OK)
        *out_callers = callers;
    else
        callers_close(callers);
    return e;
}

void callers_close(struct callers *callers)
{
    if (callers == NULL)
        return;
    roll_drop(callers->roll);
    (void)pthread_mutex_destroy(&callers->lock);
    free(callers->dir);
    free(callers);
}

bool callers_need_tokens(struct callers *callers)
{
    pthread_mutex_lock(&callers->lock);
    bool need = callers->need_tokens;
    pthread_mutex_unlock(&callers->lock);
    return need;
}

const struct caller *callers_take(struct callers *callers, struct slice header, when_ms wall)
{
    uint8_t hash[TOKEN_HASH_LEN];
    struct slice text = token_bearer(header);
    if (text.len > 0)
        blake_hash32(text, hash);
    const struct caller *caller = NULL;
    pthread_mutex_lock(&callers->lock);
    refresh_and_tell(callers);
    if (!callers->need_tokens)
        caller = &everybody;
    else if (text.len > 0 && callers->roll != NULL)
        caller = roll_find(callers->roll, hash);
    if (caller != NULL && caller->expires_at <= wall)
        caller = NULL;
    if (caller != NULL && caller->roll != NULL)
        (void)atomic_fetch_add(&caller->roll->holders, 1);
    pthread_mutex_unlock(&callers->lock);
    return caller;
}

bool callers_is_anybody(const struct caller *caller)
{
    return caller == &everybody;
}

void callers_give(const struct caller *caller)
{
    if (caller->roll != NULL)
        roll_drop(caller->roll);
}

// --- quotas ---

static struct caller_quota quota_of(const struct meter *meter, uint32_t at, uint64_t amount)
{
    if (meter->count == 0)
        return (struct caller_quota){0};
    return (struct caller_quota){.name = quota_names[at],
                                 .count = meter->count,
                                 .left = meter_left(meter),
                                 .full_ms = meter_full(meter),
                                 .wait_ms = meter_wait(meter, amount)};
}

bool callers_charge(const struct caller *caller, uint64_t bytes, when_ms mono,
                    struct caller_quota *out_short)
{
    struct allowance *allowance = caller->allowance;
    const uint64_t amounts[CALLER_QUOTAS] = {[CALLER_REQUESTS] = 1, [CALLER_BYTES] = bytes};
    bool is_there = true;
    if (allowance == NULL)
        return true;
    pthread_mutex_lock(&allowance->roll->lock);
    for (uint32_t at = 0; at < CALLER_QUOTAS && is_there; at++) {
        is_there = meter_has(&allowance->meters[at], amounts[at], mono);
        if (!is_there)
            *out_short = quota_of(&allowance->meters[at], at, amounts[at]);
    }
    for (uint32_t at = 0; at < CALLER_QUOTAS && is_there; at++)
        meter_take(&allowance->meters[at], amounts[at]);
    pthread_mutex_unlock(&allowance->roll->lock);
    return is_there;
}

void callers_charge_more(const struct caller *caller, uint64_t bytes)
{
    if (caller->allowance == NULL)
        return;
    pthread_mutex_lock(&caller->allowance->roll->lock);
    meter_take(&caller->allowance->meters[CALLER_BYTES], bytes);
    pthread_mutex_unlock(&caller->allowance->roll->lock);
}

uint32_t callers_open_max(const struct caller *caller)
{
    return caller->allowance != NULL ? caller->allowance->open_max : 0;
}

uint32_t callers_open_max_of(struct callers *callers, struct slice tenant)
{
    pthread_mutex_lock(&callers->lock);
    refresh_and_tell(callers);
    const struct allowance *allowance = allowance_of(callers->roll, tenant);
    uint32_t open_max = allowance != NULL ? allowance->open_max : 0;
    pthread_mutex_unlock(&callers->lock);
    return open_max;
}

bool callers_quotas(const struct caller *caller, struct caller_quota out_quotas[CALLER_QUOTAS])
{
    struct allowance *allowance = caller->allowance;
    if (allowance == NULL)
        return false;
    when_ms now = clock_mono_ms();
    pthread_mutex_lock(&allowance->roll->lock);
    for (uint32_t at = 0; at < CALLER_QUOTAS; at++) {
        (void)meter_has(&allowance->meters[at], 0, now); // as of now
        out_quotas[at] = quota_of(&allowance->meters[at], at, 0);
    }
    pthread_mutex_unlock(&allowance->roll->lock);
    return true;
}
