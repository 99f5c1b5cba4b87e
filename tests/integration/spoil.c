// Spoils a stopped broker's store on purpose, through the store's own record functions:
//
//     spoil DIR WHAT NUMBER
//
// NUMBER is a job's; the list of WHAT is the table at the end.

#include "broker/store/store_private.h"

#include <stdio.h>
#include <stdlib.h>

struct spoil {
    struct store *store;
    struct disk_txn *txn;
    uint64_t no;
    struct disk_key key;
    struct job_row row;
};

static void need(bool is_so, const char *what)
{
    if (is_so)
        return;
    (void)fprintf(stderr, "spoil: %s\n", what);
    exit(1);
}

static struct slice key_of(const struct spoil *spoil)
{
    return disk_key_slice(&spoil->key);
}

static struct slice id_of(const struct spoil *spoil)
{
    return slice_of(spoil->row.id.bytes, sizeof spoil->row.id.bytes);
}

static uint8_t *room(struct spoil *spoil, enum store_table table, struct slice key, size_t len)
{
    uint8_t *found = NULL;
    need(disk_reserve(spoil->txn, table, key, len, &found) == OK, "no room");
    return found;
}

static void put_row(struct spoil *spoil)
{
    size_t len = store_record_job_len(&spoil->row);
    store_record_put_job(room(spoil, TABLE_JOBS, key_of(spoil), len), key_of(spoil), &spoil->row);
}

static void drop_from(struct spoil *spoil, enum store_table table, struct slice key)
{
    need(disk_drop(spoil->txn, table, key) == OK, "it is not there");
}

// --- what can be spoiled ---

static void counter(struct spoil *spoil)
{
    struct disk_key number = disk_key_of(spoil->no / STORE_SEGMENT_JOBS);
    struct slice key = disk_key_slice(&number);
    struct slice record = {0};
    struct store_record_segment segment;
    need(disk_txn_get(spoil->txn, TABLE_SEGMENTS, key, &record) == OK, "no segment");
    need(store_record_get_segment(record, key, &segment) == OK, "damaged");
    segment.counts[JOB_SUCCEEDED]++;
    store_record_put_segment(
        room(spoil, TABLE_SEGMENTS, key, STORE_RECORD_SEGMENT_LEN + DISK_SEAL_LEN), key, &segment);
}

// Of its queue; 0 when the first job went there.
static void queue_counter(struct spoil *spoil)
{
    struct disk_key number = disk_key_of(0);
    struct slice key = disk_key_slice(&number);
    struct slice record = {0};
    struct queue_row row;
    need(disk_txn_get(spoil->txn, TABLE_QUEUES, key, &record) == OK, "no queue");
    uint8_t copy[512];
    need(record.len <= sizeof copy, "a long record");
    memcpy(copy, record.data, record.len);
    need(store_record_get_queue(slice_of(copy, record.len), key, &row) == OK, "damaged");
    row.counts[JOB_SUCCEEDED]++;
    store_record_put_queue(room(spoil, TABLE_QUEUES, key, store_record_queue_len(&row)), key, &row);
}

static void lost_row(struct spoil *spoil)
{
    drop_from(spoil, TABLE_JOBS, key_of(spoil));
}

static void lost_id(struct spoil *spoil)
{
    drop_from(spoil, TABLE_IDS, id_of(spoil));
}

static void swapped_id(struct spoil *spoil)
{
    struct disk_key other = disk_key_of(spoil->no + 1);
    need(disk_put(spoil->txn, TABLE_IDS, id_of(spoil), disk_key_slice(&other)) == OK, "no room");
}

static void lost_key(struct spoil *spoil)
{
    drop_from(spoil, TABLE_KEYS, key_of(spoil));
}

static void lost_body(struct spoil *spoil)
{
    drop_from(spoil, TABLE_BODIES, key_of(spoil));
}

static void doubled_finish(struct spoil *spoil)
{
    struct msg_finish_job finish = {.token = spoil->row.token + 1,
                                    .outcome = OUTCOME_SUCCEEDED,
                                    .result = {CONTENT_TEXT, slice_of_text("again")}};
    store_record_put_outcome(
        room(spoil, TABLE_OUTCOMES, key_of(spoil), store_record_outcome_len(&finish)),
        key_of(spoil), &finish);
}

static void lost_holder(struct spoil *spoil)
{
    spoil->row.worker = (struct id){{0}};
    spoil->row.state = JOB_RUNNING;
    put_row(spoil);
}

static void wrong_token(struct spoil *spoil)
{
    spoil->row.token |= UINT64_C(0xff) << 40;
    put_row(spoil);
}

static void wrong_lane(struct spoil *spoil)
{
    spoil->row.lane = 99;
    put_row(spoil);
}

static void wrong_time(struct spoil *spoil)
{
    spoil->row.remove_at = 1;
    put_row(spoil);
}

static void wrong_label(struct spoil *spoil)
{
    spoil->row.relations ^= RELATION_LABELS;
    put_row(spoil);
}

static void flipped_bit(struct spoil *spoil)
{
    struct slice record = {0};
    uint8_t copy[1024];
    need(disk_txn_get(spoil->txn, TABLE_BODIES, key_of(spoil), &record) == OK, "no body");
    need(record.len > 20 && record.len <= sizeof copy, "too long");
    memcpy(copy, record.data, record.len);
    copy[record.len - 6] ^= 1;
    need(disk_put(spoil->txn, TABLE_BODIES, key_of(spoil), slice_of(copy, record.len)) == OK,
         "no room");
}

static const struct {
    const char *name;
    void (*run)(struct spoil *spoil);
} ways[] = {
    {"counter", counter},         {"lost-row", lost_row},
    {"lost-id", lost_id},         {"swapped-id", swapped_id},
    {"lost-key", lost_key},       {"queue-counter", queue_counter},
    {"lost-body", lost_body},     {"doubled-finish", doubled_finish},
    {"lost-holder", lost_holder}, {"wrong-token", wrong_token},
    {"wrong-lane", wrong_lane},   {"wrong-time", wrong_time},
    {"flipped-bit", flipped_bit}, {"wrong-label", wrong_label},
};

// --- the program ---

static void read_row(struct spoil *spoil)
{
    struct slice record = {0};
    need(disk_txn_get(spoil->txn, TABLE_JOBS, key_of(spoil), &record) == OK, "no such job");
    need(store_record_get_job(record, key_of(spoil), &spoil->row) == OK, "damaged already");
}

int main(int argc, char **argv)
{
    need(argc == 4, "usage: spoil DIR WHAT NUMBER");
    struct store_options options = {.dir = argv[1], .allow_unsafe_place = true};
    struct spoil spoil = {.no = strtoull(argv[3], NULL, 10)};
    const char *why = NULL;
    bool is_known = false;
    need(store_open(&options, &spoil.store, &why) == OK, "the store cannot be opened");
    spoil.key = disk_key_of(spoil.no);
    need(disk_begin(spoil.store->disk, &spoil.txn) == OK, "no transaction");
    read_row(&spoil);
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        if (strcmp(argv[2], ways[i].name) != 0)
            continue;
        is_known = true;
        ways[i].run(&spoil);
    }
    need(is_known, "this cannot be spoiled");
    need(disk_commit(spoil.txn) == OK, "not committed");
    store_close(spoil.store);
    return 0;
}
