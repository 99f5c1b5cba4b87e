// The list in memory, held by the requests that use it.

#include "gateway/shell/callers.h"

#include "gateway/shell/token_file.h"
#include "lib/base/check.h"
#include "lib/sys/blake.h"
#include "lib/sys/log.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

// A list as it was read. Freed by whoever gives it up last.
struct roll {
    _Atomic uint32_t holders;
    struct token_list list;
    struct caller *callers; // of the same place
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
    free(roll->callers);
    free(roll);
}

static err roll_read(const char *dir, struct roll **out_roll)
{
    struct roll *roll = calloc(1, sizeof *roll);
    if (roll == NULL)
        return ERR_NO_MEMORY;
    atomic_init(&roll->holders, 1);
    err e = token_file_read(dir, &roll->list);
    if (e == OK) {
        roll->callers = calloc(roll->list.count + 1, sizeof *roll->callers);
        e = roll->callers != NULL ? OK : ERR_NO_MEMORY;
    }
    if (e != OK) {
        roll_drop(roll);
        return e;
    }
    for (uint32_t i = 0; i < roll->list.count; i++) {
        const struct token *token = &roll->list.items[i];
        roll->callers[i] = (struct caller){.tenant = token->tenant,
                                           .name = token->name,
                                           .scopes = token->scopes,
                                           .expires_at = token->expires_at,
                                           .roll = roll};
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
    err e = roll_read(callers->dir, &roll);
    if (e != OK)
        return e;
    forget(callers, roll);
    log_info("gateway.tokens_read", "count=%u", roll->list.count);
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

void callers_give(const struct caller *caller)
{
    if (caller->roll != NULL)
        roll_drop(caller->roll);
}
