// A sorted table, made anew with every reading.

#include "broker/shell/keyring.h"

#include "lib/base/check.h"
#include "lib/base/meter.h"
#include "lib/base/scope.h"
#include "lib/sys/dirwatch.h"
#include "lib/sys/log.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

// What all keys of a tenant may do together.
struct allowance {
    char tenant[CERT_WORD_LEN_MAX + 1];
    struct meter requests;
    struct meter bytes;
    uint32_t open;
};

struct table {
    struct holder *holders; // by key
    uint32_t count;
    struct allowance *allowances;
    uint32_t allowance_count;
    uint32_t skipped_count; // files that count for nothing
    char skipped[CERT_WORD_LEN_MAX + 1];
};

struct keyring {
    const char *dir;
    struct cert own;
    struct dirwatch watch;
    struct table table;
    bool is_read;                        // `table` is that of the directory
    char (*listeners)[LINK_KEY_LEN + 1]; // who might hear the tail at the last look
    uint32_t listener_count;
};

static uint32_t find_allowance(const struct table *table, const char *tenant)
{
    uint32_t at = 0;
    while (at < table->allowance_count && strcmp(table->allowances[at].tenant, tenant) != 0)
        at++;
    return at < table->allowance_count ? at : KEYRING_NONE;
}

static int by_key(const void *a, const void *b)
{
    return strcmp(((const struct holder *)a)->key, ((const struct holder *)b)->key);
}

// What was used under the former quotas stays used.
static void fill_allowances(struct table *table, const struct key_list *list,
                            const struct table *former, when_ms mono)
{
    for (uint32_t i = 0; i < list->quota_count; i++) {
        const struct key_quota *quota = &list->quotas[i];
        struct allowance *allowance = &table->allowances[i];
        uint32_t at = find_allowance(former, quota->tenant);
        const struct allowance *old = at != KEYRING_NONE ? &former->allowances[at] : NULL;
        memcpy(allowance->tenant, quota->tenant, sizeof allowance->tenant);
        allowance->requests = meter_of(quota->requests, old != NULL ? &old->requests : NULL, mono);
        allowance->bytes = meter_of(quota->bytes, old != NULL ? &old->bytes : NULL, mono);
        allowance->open = (uint32_t)quota->open;
    }
    table->allowance_count = list->quota_count;
}

// A key of all tenants belongs to whoever speaks for them, and counts by himself.
static void fill_holders(struct table *table, const struct key_list *list)
{
    for (uint32_t i = 0; i < list->count; i++) {
        const struct cert *cert = &list->items[i];
        struct holder *holder = &table->holders[i];
        memcpy(holder->key, cert->public_key, sizeof holder->key);
        memcpy(holder->name, cert->name, sizeof holder->name);
        memcpy(holder->tenant, cert->tenant, sizeof holder->tenant);
        holder->is_of_all = strcmp(cert->tenant, KEY_DIR_EVERY_TENANT) == 0;
        bool is_good = scope_read(slice_of_text(cert->scopes), &holder->scopes);
        CHECK(is_good); // key_dir_read() has judged it
        holder->expires_at = cert->expires_at;
        holder->quota = holder->is_of_all ? KEYRING_NONE : find_allowance(table, cert->tenant);
        if (holder->quota != KEYRING_NONE)
            holder->open_max = table->allowances[holder->quota].open;
    }
    table->count = list->count;
    qsort(table->holders, table->count, sizeof *table->holders, by_key);
}

static void table_free(struct table *table)
{
    free(table->holders);
    free(table->allowances);
    *table = (struct table){0};
}

static bool is_same_allowance(const struct allowance *a, const struct allowance *b)
{
    return strcmp(a->tenant, b->tenant) == 0 && a->requests.count == b->requests.count &&
           a->bytes.count == b->bytes.count && a->open == b->open;
}

// Both were born zero, so that bytes may be compared.
static bool is_same(const struct table *a, const struct table *b)
{
    if (a->count != b->count || a->allowance_count != b->allowance_count ||
        a->skipped_count != b->skipped_count || strcmp(a->skipped, b->skipped) != 0)
        return false;
    for (uint32_t i = 0; i < a->allowance_count; i++) {
        if (!is_same_allowance(&a->allowances[i], &b->allowances[i]))
            return false;
    }
    return a->count == 0 || memcmp(a->holders, b->holders, a->count * sizeof *a->holders) == 0;
}

// A change by 'weft key' is several in the directory, with that of its lock; it is told once.
static void tell(const struct keyring *keyring, const struct table *table)
{
    if (keyring->is_read && is_same(table, &keyring->table))
        return;
    if (table->skipped_count > 0)
        log_error(
            "keys.skipped", "count=%u last=%s fix=%s", table->skipped_count,
            log_quote_text(table->skipped).text,
            log_quote_text("not a certificate that 'weft key' has written, or a key twice").text);
    log_info("keys.read", "count=%u quotas=%u", table->count, table->allowance_count);
}

static err read_table(struct keyring *keyring, when_ms mono)
{
    struct key_list list;
    err e = key_dir_read(keyring->dir, &list);
    if (e != OK)
        return e;
    struct table table = {
        .holders = calloc(list.count + 1, sizeof *table.holders),
        .allowances = calloc(list.quota_count + 1, sizeof *table.allowances),
    };
    if (table.holders == NULL || table.allowances == NULL) {
        table_free(&table);
        key_dir_free(&list);
        return ERR_NO_MEMORY;
    }
    fill_allowances(&table, &list, &keyring->table, mono);
    fill_holders(&table, &list);
    table.skipped_count = list.skipped_count;
    memcpy(table.skipped, list.skipped, sizeof table.skipped);
    key_dir_free(&list);
    tell(keyring, &table);
    table_free(&keyring->table);
    keyring->table = table;
    keyring->is_read = true;
    return OK;
}

static err make_pair(struct keyring *keyring)
{
    int lock = -1;
    err e = key_dir_lock(keyring->dir, &lock);
    if (e != OK)
        return e;
    e = key_dir_own(keyring->dir, &keyring->own);
    key_dir_unlock(lock);
    return e;
}

static err watch(struct keyring *keyring)
{
    char peers[PATH_MAX];
    int len = snprintf(peers, sizeof peers, "%s/peers", keyring->dir);
    if (len <= 0 || len >= PATH_MAX)
        return ERR_SYSTEM;
    err e = dirwatch_open(&keyring->watch);
    if (e == OK)
        e = dirwatch_add(&keyring->watch, keyring->dir);
    return e == OK ? dirwatch_add(&keyring->watch, peers) : e;
}

err keyring_open(const char *dir, struct keyring **out_keyring, const char **out_why)
{
    struct keyring *keyring = calloc(1, sizeof *keyring);
    *out_why = "out of memory";
    if (keyring == NULL)
        return ERR_NO_MEMORY;
    keyring->watch.fd = -1;
    keyring->dir = dir;
    *out_why = "--keys: the directory, or the broker's own pair in it, cannot be read or made";
    err e = make_pair(keyring);
    if (e == OK)
        e = watch(keyring); // before the first reading, so that no change is missed
    if (e == OK)
        e = read_table(keyring, 0);
    if (e == OK)
        *out_keyring = keyring;
    else
        keyring_close(keyring);
    return e;
}

void keyring_close(struct keyring *keyring)
{
    if (keyring == NULL)
        return;
    dirwatch_close(&keyring->watch);
    table_free(&keyring->table);
    free(keyring->listeners);
    free(keyring);
}

const struct cert *keyring_own(const struct keyring *keyring)
{
    return &keyring->own;
}

int keyring_fd(const struct keyring *keyring)
{
    return keyring->watch.fd;
}

bool keyring_refresh(struct keyring *keyring, when_ms mono)
{
    if (!dirwatch_take(&keyring->watch))
        return false;
    err e = read_table(keyring, mono);
    if (e != OK)
        log_error("keys.unread", "dir=%s error=%s", log_quote_text(keyring->dir).text, err_slug(e));
    return e == OK;
}

uint32_t keyring_count(const struct keyring *keyring)
{
    return keyring->table.count;
}

const struct holder *keyring_find(const struct keyring *keyring, struct slice key, when_ms wall)
{
    struct holder wanted;
    if (key.len != LINK_KEY_LEN)
        return NULL;
    (void)slice_to_text(key, wanted.key, sizeof wanted.key); // of its length
    const struct holder *holder =
        bsearch(&wanted, keyring->table.holders, keyring->table.count, sizeof wanted, by_key);
    return holder != NULL && holder->expires_at > wall ? holder : NULL;
}

bool keyring_hears_all(const struct holder *holder)
{
    return holder != NULL && holder->is_of_all && (holder->scopes & SCOPE_READ) != 0;
}

bool keyring_lost_a_listener(struct keyring *keyring, when_ms wall)
{
    const struct table *table = &keyring->table;
    bool is_lost = false;
    for (uint32_t i = 0; i < keyring->listener_count; i++) {
        struct slice key = slice_of_text(keyring->listeners[i]);
        is_lost = is_lost || !keyring_hears_all(keyring_find(keyring, key, wall));
    }
    char(*listeners)[LINK_KEY_LEN + 1] = calloc(table->count + 1, sizeof *listeners);
    if (listeners == NULL)
        return is_lost; // those of before are looked at again
    free(keyring->listeners);
    keyring->listeners = listeners;
    keyring->listener_count = 0;
    for (uint32_t i = 0; i < table->count; i++) {
        const struct holder *holder = &table->holders[i];
        if (keyring_hears_all(holder) && holder->expires_at > wall)
            memcpy(listeners[keyring->listener_count++], holder->key, sizeof holder->key);
    }
    return is_lost;
}

when_ms keyring_deadline(const struct keyring *keyring, when_ms wall)
{
    when_ms at = WHEN_NEVER;
    for (uint32_t i = 0; i < keyring->table.count; i++) {
        if (keyring->table.holders[i].expires_at > wall)
            at = when_min(at, keyring->table.holders[i].expires_at);
    }
    return at;
}

bool keyring_charge(struct keyring *keyring, const struct holder *holder, uint64_t bytes,
                    when_ms mono, when_ms *out_wait_ms)
{
    if (holder->quota == KEYRING_NONE)
        return true;
    struct allowance *allowance = &keyring->table.allowances[holder->quota];
    bool has_request = meter_has(&allowance->requests, 1, mono);
    if (!has_request || !meter_has(&allowance->bytes, bytes, mono)) {
        *out_wait_ms = has_request ? meter_wait(&allowance->bytes, bytes)
                                   : meter_wait(&allowance->requests, 1);
        return false;
    }
    meter_take(&allowance->requests, 1);
    meter_take(&allowance->bytes, bytes);
    return true;
}
