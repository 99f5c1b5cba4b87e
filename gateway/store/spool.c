// The writer. Tables as spool_record.h draws them.

#include "gateway/store/spool.h"

#include "gateway/store/spool_private.h"
#include "lib/sys/blake.h"
#include "lib/sys/failpoint.h"
#include "lib/sys/log.h"
#include "lib/sys/process.h"

#include <inttypes.h>
#include <stdlib.h>

enum {
    FORMAT = 1,
    GROW_TRIES = 8,
    AHEAD_BYTES = 16 * 1024 * 1024, // a full disk is met before a commit, and jobs can still leave
    MAP_SLACK_BYTES = 256 * 1024 * 1024,
    MAP_FACTOR = 4,     // pages that are half full, and those that wait to be used again
    DAMAGED_MAX = 1024, // set aside at one start
};

static const char *const tables[] = {
    [SPOOL_TABLE_WAITING] = "waiting", [SPOOL_TABLE_REFUSED] = "refused",
    [SPOOL_TABLE_IDS] = "ids",         [SPOOL_TABLE_TOTALS] = "totals",
    [SPOOL_TABLE_DAMAGED] = "damaged", [SPOOL_TABLE_BATCHES] = "batches"};

// --- one transaction: everything here changes the thread's `account` and `shares`, and is undone with them ---

static uint64_t hash(struct slice tenant)
{
    uint64_t value;
    uint8_t digest[16];
    blake_hash16(tenant, digest);
    memcpy(&value, digest, sizeof value);
    return value;
}

static struct slice id_slice(const struct id *id)
{
    return slice_of(id->bytes, sizeof id->bytes);
}

// The record of an id, borrowed. ERR_NOT_FOUND also when the id leads nowhere any more.
static err find(struct disk_txn *txn, const struct id *id, struct spool_mark *out_mark,
                struct slice *out_bytes)
{
    struct slice value;
    err e = disk_txn_get(txn, SPOOL_TABLE_IDS, id_slice(id), &value);
    if (e == OK && spool_record_decode_id(value, id_slice(id), out_mark) != OK)
        return ERR_NOT_FOUND; // it is written anew
    if (e != OK)
        return e;
    struct disk_key key = disk_key_of(out_mark->number);
    return disk_txn_get(txn, spool_table_of(out_mark->place), disk_key_slice(&key), out_bytes);
}

// Is the job here already? Then the item says what came of that.
static err compare(struct disk_txn *txn, struct spool_item *item)
{
    struct spool_mark mark;
    struct slice bytes;
    struct spool_record known;
    err e = find(txn, &item->record.id, &mark, &bytes);
    item->is_known = false;
    item->error = OK;
    if (e != OK)
        return e == ERR_NOT_FOUND ? OK : e;
    struct disk_key key = disk_key_of(mark.number);
    item->is_known = true;
    if (spool_record_decode(bytes, disk_key_slice(&key), &known) != OK) {
        item->error = ERR_DAMAGED;
    } else if (known.fingerprint != item->record.fingerprint ||
               !slice_equal(known.tenant, item->record.tenant)) {
        item->error = ERR_KEY_REUSED;
    } else {
        item->error = known.error;
        item->record.spooled_at = known.spooled_at;
    }
    return OK;
}

static err make_room(struct spool *spool, size_t len)
{
    if (len <= spool->room_len)
        return OK;
    uint8_t *room = realloc(spool->room, len);
    if (room == NULL)
        return ERR_NO_MEMORY;
    spool->room = room;
    spool->room_len = len;
    return OK;
}

static err write(struct spool *spool, struct disk_txn *txn, const struct spool_record *record)
{
    size_t len = spool_record_len(record);
    struct disk_key key = disk_key_of(record->number);
    uint8_t mark[SPOOL_ID_LEN];
    err e = make_room(spool, len);
    if (e != OK)
        return e;
    spool_record_encode(record, spool->room);
    e = disk_put(txn, spool_table_of(record->place), disk_key_slice(&key),
                 slice_of(spool->room, len));
    if (e != OK)
        return e;
    spool_record_encode_id((struct spool_mark){record->place, record->number}, &record->id, mark);
    return disk_put(txn, SPOOL_TABLE_IDS, id_slice(&record->id), slice_of(mark, sizeof mark));
}

// Is there room for what is new in it? Nothing is written yet.
static err judge(struct spool *spool, struct disk_txn *txn, struct spool_order *order)
{
    struct disk_usage usage;
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < order->count; i++) {
        err e = compare(txn, &order->items[i]);
        if (e == OK)
            e = spool_batch_judge(txn, &order->items[i]);
        if (e != OK)
            return e;
        bytes += order->items[i].is_known ? 0 : spool_record_len(&order->items[i].record);
    }
    disk_usage(spool->disk, &usage);
    if (bytes > 0 && usage.is_short)
        return ERR_DISK;
    if (bytes > 0 && !spool_account_fits(&spool->account, bytes, spool->bytes_max))
        return ERR_SPOOL_FULL;
    struct slice tenant = order->count > 0 ? order->items[0].record.tenant : (struct slice){0};
    bool fits = bytes == 0 ||
                spool_shares_fit(&spool->shares, hash(tenant), bytes, spool->tenant_bytes_max);
    return fits ? OK : ERR_SPOOL_SHARE;
}

static err take(struct spool *spool, struct disk_txn *txn, struct spool_item *item)
{
    // Once more: the same job may stand twice in one order.
    err e = compare(txn, item);
    if (e != OK || item->is_known)
        return e;
    item->record.place = SPOOL_WAITING;
    item->record.number = spool->number_next++;
    size_t len = spool_record_len(&item->record);
    spool_account_accept(&spool->account, len);
    spool_shares_add(&spool->shares, hash(item->record.tenant), len);
    e = spool_batch_join(txn, item);
    return e == OK ? write(spool, txn, &item->record) : e;
}

static err settle(struct spool *spool, struct disk_txn *txn, const struct spool_item *item)
{
    struct disk_key key = disk_key_of(item->record.number);
    struct spool_record waiting = item->record;
    waiting.detail = (struct slice){0};
    size_t len = spool_record_len(&waiting);
    err e = disk_drop(txn, SPOOL_TABLE_WAITING, disk_key_slice(&key));
    if (e == OK)
        e = spool_batch_leave(txn, item);
    if (e != OK)
        return e;
    spool->departed++;
    spool_shares_drop(&spool->shares, hash(item->record.tenant), len);
    if (item->record.place == SPOOL_REFUSED) {
        size_t refused_len = spool_record_len(&item->record);
        spool_account_refuse(&spool->account, len, refused_len);
        spool_shares_add(&spool->shares, hash(item->record.tenant), refused_len);
        return write(spool, txn, &item->record);
    }
    spool_account_forward(&spool->account, len);
    e = disk_drop(txn, SPOOL_TABLE_IDS, id_slice(&item->record.id));
    return e == ERR_NOT_FOUND ? OK : e;
}

static err delete (struct spool *spool, struct disk_txn *txn, struct spool_item *item)
{
    struct spool_mark mark = {0};
    struct slice bytes;
    struct spool_record record;
    err e = find(txn, &item->record.id, &mark, &bytes);
    item->error = e;
    if (e != OK)
        return e == ERR_NOT_FOUND ? OK : e;
    struct disk_key key = disk_key_of(mark.number);
    bool is_sound = spool_record_decode(bytes, disk_key_slice(&key), &record) == OK;
    if (is_sound && !slice_equal(record.tenant, item->record.tenant))
        item->error = ERR_NOT_FOUND;
    else if (mark.place == SPOOL_WAITING)
        item->error = ERR_CONFLICT;
    if (item->error != OK)
        return OK;
    spool_account_delete(&spool->account, bytes.len);
    spool_shares_drop(&spool->shares, hash(item->record.tenant), bytes.len);
    e = disk_drop(txn, SPOOL_TABLE_REFUSED, disk_key_slice(&key));
    return e == OK ? disk_drop(txn, SPOOL_TABLE_IDS, id_slice(&item->record.id)) : e;
}

static err carry_out(struct spool *spool, struct disk_txn *txn, struct spool_order *order)
{
    err e = OK;
    for (uint32_t i = 0; e == OK && i < order->count; i++) {
        struct spool_item *item = &order->items[i];
        switch (order->act) {
        case SPOOL_TAKE: e = take(spool, txn, item); break;
        case SPOOL_SETTLE: e = settle(spool, txn, item); break;
        case SPOOL_DELETE: e = delete (spool, txn, item); break;
        }
    }
    return e;
}

static err write_totals(const struct spool *spool, struct disk_txn *txn)
{
    uint8_t room[SPOOL_TOTALS_LEN];
    struct disk_key key = disk_key_of(0);
    spool_record_encode_totals(&spool->account, room);
    return disk_put(txn, SPOOL_TABLE_TOTALS, disk_key_slice(&key), slice_of(room, sizeof room));
}

// --- the thread ---

// Orders that are refused by themselves leave the line; what is left of it is in the transaction.
struct spool_line {
    struct spool_order *first;
    struct spool_order *last;
};

// What is refused, by why: it is not carried out, and the rest is.
enum { NO_ROOM, NO_SHARE, OTHER_BODY, NO_DISK, REASONS };
static const err reasons[REASONS] = {ERR_SPOOL_FULL, ERR_SPOOL_SHARE, ERR_KEY_REUSED, ERR_DISK};

static uint32_t reason_of(err verdict)
{
    uint32_t reason = 0;
    while (reason < NO_DISK && reasons[reason] != verdict)
        reason++;
    return reason;
}

static void put(struct spool_line *line, struct spool_order *order)
{
    order->next = NULL;
    if (line->last != NULL)
        line->last->next = order;
    else
        line->first = order;
    line->last = order;
}

static void tell_all(struct spool_line *line, err e)
{
    for (struct spool_order *order = line->first; order != NULL;) {
        struct spool_order *next = order->next; // the owner may free it
        order->done(order, e);
        order = next;
    }
    *line = (struct spool_line){0};
}

// Leaves in `line` what is carried out; what is not goes to `refused`. Any error ends the try.
static err fill(struct spool *spool, struct disk_txn *txn, struct spool_line *line,
                struct spool_line refused[REASONS])
{
    struct spool_line kept = {0};
    err e = OK;
    for (struct spool_order *order = line->first; order != NULL;) {
        struct spool_order *next = order->next;
        bool is_asked = e == OK && order->act == SPOOL_TAKE;
        err verdict = is_asked ? judge(spool, txn, order) : OK;
        if (verdict == OK && e == OK)
            e = carry_out(spool, txn, order);
        put(verdict == OK ? &kept : &refused[reason_of(verdict)], order);
        order = next;
    }
    *line = kept;
    return e == OK ? write_totals(spool, txn) : e;
}

static void publish(struct spool *spool)
{
    pthread_mutex_lock(&spool->lock);
    spool->books = spool->account;
    pthread_mutex_unlock(&spool->lock);
    // In this order: see spool_departures().
    (void)atomic_fetch_add(&spool->departures, spool->departed);
    atomic_store(&spool->waiting, spool->account.waiting);
}

// ERR_FULL: the map was; the next try has a larger one. `line` is what was carried out.
static err attempt(struct spool *spool, struct spool_line *line, struct spool_line refused[REASONS])
{
    struct disk_txn *txn;
    struct spool_account before = spool->account;
    uint64_t number_before = spool->number_next;
    spool->before = spool->shares;
    spool->departed = 0;
    err e = disk_begin(spool->disk, &txn);
    if (e != OK)
        return e;
    e = fill(spool, txn, line, refused);
    if (e == OK && line->first != NULL) {
        failpoint_hit("spool.before_flush");
        e = disk_commit(txn);
        if (e == ERR_DISK) {
            // As everywhere: a disk that refuses ends the process, the supervisor starts it anew.
            log_error("gateway.spool_not_written", "fault=%s",
                      log_quote_text(disk_fault(spool->disk)).text);
            _Exit(EXIT_FAILURE);
        }
    } else {
        disk_abort(txn);
    }
    if (e == OK && line->first != NULL) {
        publish(spool);
        return OK;
    }
    spool->account = before;
    spool->shares = spool->before;
    spool->number_next = number_before;
    return e;
}

static void serve(struct spool *spool, struct spool_line *line)
{
    struct spool_line refused[REASONS] = {0};
    err e = ERR_FULL;
    for (unsigned try = 0; e == ERR_FULL && try < GROW_TRIES; try++)
        e = attempt(spool, line, refused);
    if (e == OK && line->first != NULL)
        failpoint_hit("spool.after_flush");
    if (e != OK)
        log_warn("gateway.spool_refused", "error=%s fault=%s", err_slug(e),
                 log_quote_text(disk_fault(spool->disk)).text);
    tell_all(line, e == ERR_FULL ? ERR_DISK : e);
    for (uint32_t i = 0; i < REASONS; i++)
        tell_all(&refused[i], reasons[i]);
}

// What has come meanwhile; false when nothing will.
static bool wait_for_orders(struct spool *spool, struct spool_line *out_line)
{
    pthread_mutex_lock(&spool->lock);
    while (spool->first == NULL && !spool->is_closing)
        (void)pthread_cond_wait(&spool->news, &spool->lock);
    *out_line = (struct spool_line){spool->first, spool->last};
    spool->first = NULL;
    spool->last = NULL;
    pthread_mutex_unlock(&spool->lock);
    return out_line->first != NULL;
}

static void *run(void *ctx)
{
    struct spool *spool = ctx;
    struct spool_line line;
    process_name("spool");
    while (wait_for_orders(spool, &line))
        serve(spool, &line);
    return NULL;
}

void spool_do(struct spool *spool, struct spool_order *order)
{
    CHECK(order->count > 0);
    pthread_mutex_lock(&spool->lock);
    bool is_closing = spool->is_closing;
    if (!is_closing) {
        struct spool_line line = {spool->first, spool->last};
        put(&line, order);
        spool->first = line.first;
        spool->last = line.last;
        (void)pthread_cond_signal(&spool->news);
    }
    pthread_mutex_unlock(&spool->lock);
    if (is_closing)
        order->done(order, ERR_SHUTTING_DOWN);
}

// --- opening ---

struct survey {
    struct spool_account account;
    uint64_t number_last;
    uint64_t damaged[DAMAGED_MAX];
    uint32_t damaged_count;
};

static err survey_table(struct spool *spool, enum spool_place place, struct survey *survey)
{
    struct slice key;
    struct slice value;
    struct spool_record record;
    const struct disk_key first = disk_key_of(0);
    err e = disk_seek(spool->reader, spool_table_of(place), disk_key_slice(&first), &key, &value);
    for (; e == OK; e = disk_next(spool->reader, &key, &value)) {
        bool is_sound = spool_record_decode(value, key, &record) == OK && record.place == place;
        uint64_t number = disk_key_number(key);
        survey->number_last = number > survey->number_last ? number : survey->number_last;
        if (!is_sound && place == SPOOL_WAITING && survey->damaged_count < DAMAGED_MAX) {
            survey->damaged[survey->damaged_count++] = number;
            continue;
        }
        survey->account.waiting += place == SPOOL_WAITING;
        survey->account.kept += place == SPOOL_REFUSED;
        survey->account.bytes += value.len;
        if (is_sound)
            spool_shares_add(&spool->shares, hash(record.tenant), value.len);
    }
    return e == ERR_NOT_FOUND ? OK : e;
}

static err read_all(struct spool *spool, struct survey *survey)
{
    struct slice totals;
    struct disk_key key = disk_key_of(0);
    err e = disk_read_begin(spool->reader);
    if (e != OK)
        return e;
    e = disk_get(spool->reader, SPOOL_TABLE_TOTALS, disk_key_slice(&key), &totals);
    if (e == OK)
        e = spool_record_decode_totals(totals, &survey->account);
    if (e == OK || e == ERR_NOT_FOUND)
        e = survey_table(spool, SPOOL_WAITING, survey);
    if (e == OK)
        e = survey_table(spool, SPOOL_REFUSED, survey);
    disk_read_end(spool->reader);
    return e;
}

// A damaged job cannot be forwarded; its bytes are kept for whoever looks at them.
static err set_aside(struct spool *spool, struct disk_txn *txn, uint64_t number)
{
    struct disk_key key = disk_key_of(number);
    struct slice bytes;
    err e = disk_txn_get(txn, SPOOL_TABLE_WAITING, disk_key_slice(&key), &bytes);
    if (e == OK)
        e = make_room(spool, bytes.len);
    if (e != OK)
        return e;
    size_t len = bytes.len;
    if (len > 0)
        memcpy(spool->room, bytes.data, len);
    e = disk_put(txn, SPOOL_TABLE_DAMAGED, disk_key_slice(&key), slice_of(spool->room, len));
    if (e == OK)
        e = disk_drop(txn, SPOOL_TABLE_WAITING, disk_key_slice(&key));
    spool_account_damage(&spool->account);
    log_error("gateway.spool_damaged", "number=%" PRIu64, number);
    return e;
}

static err set_all_aside(struct spool *spool, const struct survey *survey)
{
    struct disk_txn *txn;
    if (survey->damaged_count == 0)
        return OK;
    err e = disk_begin(spool->disk, &txn);
    if (e != OK)
        return e;
    for (uint32_t i = 0; e == OK && i < survey->damaged_count; i++)
        e = set_aside(spool, txn, survey->damaged[i]);
    if (e == OK)
        e = write_totals(spool, txn);
    if (e == OK)
        return disk_commit(txn);
    disk_abort(txn);
    return e;
}

static err begin(struct spool *spool)
{
    struct survey *survey = calloc(1, sizeof *survey);
    if (survey == NULL)
        return ERR_NO_MEMORY;
    err e = read_all(spool, survey);
    spool->account = survey->account;
    uint64_t accepted = survey->account.accepted;
    spool->number_next = 1 + (accepted > survey->number_last ? accepted : survey->number_last);
    if (e == OK)
        e = set_all_aside(spool, survey);
    if (e == OK && spool->account.waiting == 0)
        e = spool_batch_clear(spool);
    free(survey);
    if (e == OK)
        publish(spool);
    return e;
}

static err make(struct spool *spool, const struct spool_options *options, const char **out_why)
{
    static char why[DISK_WHY_LEN]; // a gateway has one
    const struct disk_options disk = {
        .dir = options->dir,
        .tables = tables,
        .table_count = sizeof tables / sizeof tables[0],
        .map_start_bytes = 16u << 20,
        .map_bytes_max = options->bytes_max * MAP_FACTOR + MAP_SLACK_BYTES,
        .ahead_bytes = AHEAD_BYTES,
        .name = "gateway-spool",
        .format = FORMAT,
        .reader_count_max = 8,
        .why = why,
    };
    err e = disk_open(&disk, &spool->disk, out_why);
    if (e != OK)
        return e;
    const char *warning = *out_why;
    *out_why = "the spool of accepted jobs cannot be read; see docs/disk-format.md";
    e = disk_reader_open(spool->disk, &spool->reader);
    if (e == OK)
        e = begin(spool);
    e = disk_verdict(spool->disk, e);
    if (e == OK && pthread_create(&spool->thread, NULL, run, spool) != 0)
        e = ERR_SYSTEM;
    if (e == OK)
        *out_why = warning;
    if (e == ERR_NO_MEMORY || e == ERR_SYSTEM)
        *out_why = e == ERR_SYSTEM ? "no thread could be started" : err_text(e);
    return e;
}

static void unmake(struct spool *spool)
{
    if (spool->reader != NULL)
        disk_reader_close(spool->reader);
    if (spool->disk != NULL)
        disk_close(spool->disk);
    (void)pthread_cond_destroy(&spool->news);
    (void)pthread_mutex_destroy(&spool->lock);
    (void)pthread_mutex_destroy(&spool->reading);
    free(spool->room);
    free(spool);
}

err spool_open(const struct spool_options *options, struct spool **out_spool, const char **out_why)
{
    struct spool *spool = calloc(1, sizeof *spool);
    *out_why = "out of memory";
    if (spool == NULL)
        return ERR_NO_MEMORY;
    spool->bytes_max = options->bytes_max;
    spool->tenant_bytes_max = options->tenant_bytes_max;
    (void)pthread_mutex_init(&spool->lock, NULL);
    (void)pthread_mutex_init(&spool->reading, NULL);
    (void)pthread_cond_init(&spool->news, NULL);
    err e = make(spool, options, out_why);
    if (e == OK)
        *out_spool = spool;
    else
        unmake(spool);
    return e;
}

void spool_stop(struct spool *spool)
{
    if (spool->is_stopped)
        return;
    pthread_mutex_lock(&spool->lock);
    spool->is_closing = true;
    (void)pthread_cond_signal(&spool->news);
    pthread_mutex_unlock(&spool->lock);
    (void)pthread_join(spool->thread, NULL);
    spool->is_stopped = true;
}

void spool_close(struct spool *spool)
{
    if (spool == NULL)
        return;
    spool_stop(spool);
    unmake(spool);
}
