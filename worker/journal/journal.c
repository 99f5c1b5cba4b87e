// Small transactions: the outcomes of one turn.

#include "worker/journal/journal.h"

#include "lib/base/check.h"
#include "lib/disk/disk.h"
#include "worker/journal/record.h"

enum { TABLE_OUTCOMES, TABLE_COUNT };
// What is allocated ahead lets work be finished while others fill the disk.
enum {
    FULL_TRIES_MAX = 8,
    START_BYTES = 16 * 1024 * 1024,
    AHEAD_BYTES = 8 * 1024 * 1024,
    FORMAT = 1
};
#define BYTES_MAX ((uint64_t)64 * 1024 * 1024 * 1024)

static const char *const tables[TABLE_COUNT] = {[TABLE_OUTCOMES] = "outcomes"};

static_assert((int)JOURNAL_WHY_LEN == (int)DISK_WHY_LEN, "it is lent on");

struct journal {
    struct disk *disk;
    struct disk_reader *reader;
};

err journal_open(const char *dir, const char *name, struct journal **out_journal,
                 char out_why[JOURNAL_WHY_LEN])
{
    struct journal *journal = calloc(1, sizeof *journal);
    const char *why = NULL;
    (void)snprintf(out_why, JOURNAL_WHY_LEN, "out of memory");
    if (journal == NULL)
        return ERR_NO_MEMORY;
    const struct disk_options options = {.dir = dir,
                                         .tables = tables,
                                         .table_count = TABLE_COUNT,
                                         .map_start_bytes = START_BYTES,
                                         .map_bytes_max = BYTES_MAX,
                                         .ahead_bytes = AHEAD_BYTES,
                                         .name = name,
                                         .format = FORMAT,
                                         .why = out_why};
    err opened = disk_open(&options, &journal->disk, &why);
    if (opened == OK)
        opened = disk_verdict(journal->disk, disk_reader_open(journal->disk, &journal->reader));
    if (opened != OK) {
        if (out_why[0] == '\0')
            (void)snprintf(out_why, JOURNAL_WHY_LEN, "%s", err_text(opened));
        journal_close(journal);
        return opened;
    }
    *out_journal = journal;
    return OK;
}

void journal_close(struct journal *journal)
{
    if (journal == NULL)
        return;
    if (journal->reader != NULL)
        disk_reader_close(journal->reader);
    if (journal->disk != NULL)
        disk_close(journal->disk);
    free(journal);
}

// Calls `visit` for each record; stops at its first error.
typedef err visitor(void *ctx, struct slice key, struct slice record);

static err walk(struct journal *journal, visitor *visit, void *ctx)
{
    err result = disk_read_begin(journal->reader);
    if (result != OK)
        return result;
    struct slice key;
    struct slice record;
    err found = disk_seek(journal->reader, TABLE_OUTCOMES, slice_of(NULL, 0), &key, &record);
    while (found == OK && result == OK) {
        result = visit(ctx, key, record);
        if (result == OK)
            found = disk_next(journal->reader, &key, &record);
    }
    disk_read_end(journal->reader);
    if (result == OK && found != ERR_NOT_FOUND)
        result = found;
    return result;
}

static err count_one(void *ctx, struct slice key, struct slice record)
{
    (void)key;
    (void)record;
    ++*(uint32_t *)ctx;
    return OK;
}

err journal_count(struct journal *journal, uint32_t *out_count)
{
    uint32_t count = 0;
    err walked = walk(journal, count_one, &count);
    if (walked == OK)
        *out_count = count;
    return walked;
}

struct load {
    struct outbox *outbox;
    struct journal_loaded loaded;
};

static err load_one(void *ctx, struct slice key, struct slice record)
{
    struct load *load = ctx;
    struct outcome_report report;
    if (load->outbox->count == load->outbox->cap)
        return OK;
    err decoded = record_decode(key, record, &report);
    if (decoded == ERR_DAMAGED) {
        load->loaded.damaged_count++;
        return OK;
    }
    if (decoded != OK)
        return decoded;
    void *memory = malloc(outcome_size(&report) + 1);
    if (memory == NULL)
        return ERR_NO_MEMORY;
    outcome_move_to(&report, memory);
    (void)outbox_add_recovered(load->outbox, &report, memory); // its place does not matter
    load->loaded.count++;
    return OK;
}

err journal_load(struct journal *journal, struct outbox *outbox, struct journal_loaded *out_loaded)
{
    struct load load = {.outbox = outbox};
    err walked = walk(journal, load_one, &load);
    if (walked == OK)
        *out_loaded = load.loaded;
    return walked;
}

// --- flush ---

static err drop_record(struct disk_txn *txn, const struct outbox_entry *entry)
{
    struct record_key key =
        record_key_of(&entry->report.job_id, entry->report.generation, entry->journaled_token);
    err dropped = disk_drop(txn, TABLE_OUTCOMES, slice_of(key.bytes, sizeof key.bytes));
    return dropped == ERR_NOT_FOUND ? OK : dropped;
}

static err put_record(struct disk_txn *txn, const struct outcome_report *report)
{
    struct record_key key = record_key_of(&report->job_id, report->generation, report->token);
    uint8_t *room = NULL;
    err reserved = disk_reserve(txn, TABLE_OUTCOMES, slice_of(key.bytes, sizeof key.bytes),
                                record_size(report), &room);
    if (reserved == OK)
        record_encode(report, room);
    return reserved;
}

static err write_entry(struct disk_txn *txn, const struct outbox_entry *entry)
{
    bool is_ended = entry->state == OUTBOX_ENDED;
    bool is_obsolete = entry->journaled_token != 0 &&
                       (entry->state == OUTBOX_SETTLED ||
                        (is_ended && entry->journaled_token != entry->report.token));
    err result = is_obsolete ? drop_record(txn, entry) : OK;
    if (result == OK && is_ended)
        result = put_record(txn, &entry->report);
    return result;
}

static err write_all(struct journal *journal, const struct outbox *outbox)
{
    struct disk_txn *txn = NULL;
    err result = disk_begin(journal->disk, &txn);
    if (result != OK)
        return result;
    for (uint32_t i = 0; i < outbox->touched && result == OK; i++)
        result = write_entry(txn, &outbox->items[i]);
    if (result != OK) {
        disk_abort(txn);
        return result;
    }
    return disk_commit(txn);
}

static void note_flushed(struct outbox *outbox)
{
    for (uint32_t i = 0; i < outbox->touched; i++) {
        enum outbox_state state = outbox->items[i].state;
        if (state == OUTBOX_ENDED)
            outbox_flushed(outbox, i);
        if (state == OUTBOX_SETTLED)
            free(outbox_remove(outbox, i));
    }
}

err journal_flush(struct journal *journal, struct outbox *outbox)
{
    err result = journal != NULL ? ERR_FULL : OK;
    for (int i = 0; i < FULL_TRIES_MAX && result == ERR_FULL; i++)
        result = write_all(journal, outbox); // a full map is larger at the next beginning
    if (result == OK)
        note_flushed(outbox);
    return result == ERR_FULL ? ERR_DISK : result;
}

const char *journal_fault(const struct journal *journal)
{
    return disk_fault(journal->disk);
}
