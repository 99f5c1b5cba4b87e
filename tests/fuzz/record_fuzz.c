// Records of the broker's store from anybody: as they come, and behind a valid seal, so that the
// fields are reached. What is read is written again as the same bytes.
//
// The first byte chooses the record, the rest is its content.
//
// links: weft_broker_store

#include "broker/store/store_record.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ROOM = 1 << 16, VERSIONS = 5 };

static uint8_t again[ROOM]; // what was read, written again

// Each reads `record`; when it can, writes what it has read to `again` and returns its length.
typedef size_t record_round(struct slice record, struct slice key);

static size_t origin(struct slice record, struct slice key)
{
    uint64_t lineage = 0;
    if (store_record_get_origin(record, key, &lineage) != OK)
        return 0;
    store_record_put_origin(again, key, lineage);
    return STORE_RECORD_ORIGIN_LEN + DISK_SEAL_LEN;
}

static size_t ledger(struct slice record, struct slice key)
{
    struct ledger_row row;
    if (store_record_get_ledger(record, key, &row) != OK)
        return 0;
    store_record_put_ledger(again, key, &row);
    return STORE_RECORD_LEDGER_LEN + DISK_SEAL_LEN;
}

static size_t job(struct slice record, struct slice key)
{
    struct job_row row;
    if (store_record_get_job(record, key, &row) != OK)
        return 0;
    (void)store_record_sweep_at(&row); // must know every state that is let in
    store_record_put_job(again, key, &row);
    return store_record_job_len(&row);
}

static size_t body(struct slice record, struct slice key)
{
    struct msg_submit_job job_read;
    if (store_record_get_body(record, key, &job_read) != OK)
        return 0;
    store_record_put_body(again, key, &job_read);
    return store_record_body_len(&job_read);
}

static size_t outcome(struct slice record, struct slice key)
{
    struct msg_finish_job finish;
    if (store_record_get_outcome(record, key, &finish) != OK)
        return 0;
    store_record_put_outcome(again, key, &finish);
    return store_record_outcome_len(&finish);
}

static size_t progress(struct slice record, struct slice key)
{
    struct msg_progress word;
    if (store_record_get_progress(record, key, &word) != OK)
        return 0;
    store_record_put_progress(again, key, &word);
    return store_record_progress_len(&word);
}

static size_t key_row(struct slice record, struct slice key)
{
    struct store_record_key value;
    if (store_record_get_key(record, key, &value) != OK)
        return 0;
    store_record_put_key(again, key, &value);
    return STORE_RECORD_KEY_LEN + DISK_SEAL_LEN;
}

static size_t segment(struct slice record, struct slice key)
{
    struct store_record_segment value;
    if (store_record_get_segment(record, key, &value) != OK)
        return 0;
    store_record_put_segment(again, key, &value);
    return STORE_RECORD_SEGMENT_LEN + DISK_SEAL_LEN;
}

static size_t queue(struct slice record, struct slice key)
{
    struct queue_row row;
    if (store_record_get_queue(record, key, &row) != OK)
        return 0;
    store_record_put_queue(again, key, &row);
    return store_record_queue_len(&row);
}

static size_t type_row(struct slice record, struct slice key)
{
    struct type_row row;
    if (store_record_get_type(record, key, &row) != OK)
        return 0;
    store_record_put_type(again, key, &row);
    return store_record_type_len(&row);
}

static size_t lane(struct slice record, struct slice key)
{
    struct lane_row row;
    if (store_record_get_lane(record, key, &row) != OK)
        return 0;
    store_record_put_lane(again, key, &row);
    return store_record_lane_len(&row);
}

static size_t policy(struct slice record, struct slice key)
{
    struct policy value;
    if (store_record_get_policy(record, key, &value) != OK)
        return 0;
    store_record_put_policy(again, key, &value);
    return store_record_policy_len(&value);
}

static size_t batch(struct slice record, struct slice key)
{
    struct batch_row row;
    if (store_record_get_batch(record, key, &row) != OK)
        return 0;
    store_record_put_batch(again, key, &row);
    return store_record_batch_len(&row);
}

static size_t event(struct slice record, struct slice key)
{
    struct event_row row;
    if (store_record_get_event(record, key, &row) != OK)
        return 0;
    store_record_put_event(again, key, &row);
    return store_record_event_len(&row);
}

static size_t unique(struct slice record, struct slice key)
{
    struct unique_row row;
    if (store_record_get_unique(record, key, &row) != OK)
        return 0;
    store_record_put_unique(again, key, &row);
    return STORE_RECORD_UNIQUE_LEN + DISK_SEAL_LEN;
}

static size_t schedule(struct slice record, struct slice key)
{
    struct store_record_schedule value;
    if (store_record_get_schedule(record, key, &value) != OK)
        return 0;
    store_record_put_schedule(again, key, &value.row, &value.given);
    return store_record_schedule_len(&value.given);
}

static size_t dep(struct slice record, struct slice key)
{
    struct dep_row row;
    if (store_record_get_dep(record, key, &row) != OK)
        return 0;
    store_record_put_dep(again, key, &row);
    return store_record_dep_len(&row);
}

static size_t operation(struct slice record, struct slice key)
{
    struct operation_row row;
    if (store_record_get_operation(record, key, &row) != OK)
        return 0;
    store_record_put_operation(again, key, &row);
    return store_record_operation_len(&row);
}

// Kinds that are not written yet have none.
static size_t log_chunk(struct slice record, struct slice key)
{
    struct store_record_log log;
    const struct write_log none = {0};
    if (store_record_get_log(record, key, &log) != OK)
        return 0;
    store_record_put_log(again, key, &log, &none);
    return store_record_log_len(&log, &none);
}

static size_t endpoint(struct slice record, struct slice key)
{
    struct endpoint_row row;
    if (store_record_get_endpoint(record, key, &row) != OK)
        return 0;
    store_record_put_endpoint(again, key, &row);
    return store_record_endpoint_len(&row);
}

static struct slice key_of(uint8_t kind, struct disk_key *number, struct id *id)
{
    if (kind == STORE_RECORD_OPERATION)
        return slice_of(id->bytes, sizeof id->bytes);
    if (kind == STORE_RECORD_ENDPOINT)
        return slice_of_text("acme/ops");
    return disk_key_slice(number);
}

static record_round *const rounds[] = {
    [STORE_RECORD_ORIGIN] = origin,     [STORE_RECORD_LEDGER] = ledger,
    [STORE_RECORD_JOB] = job,           [STORE_RECORD_BODY] = body,
    [STORE_RECORD_OUTCOME] = outcome,   [STORE_RECORD_PROGRESS] = progress,
    [STORE_RECORD_KEY] = key_row,       [STORE_RECORD_SEGMENT] = segment,
    [STORE_RECORD_LANE] = lane,         [STORE_RECORD_POLICY] = policy,
    [STORE_RECORD_BATCH] = batch,       [STORE_RECORD_EVENT] = event,
    [STORE_RECORD_LOG] = log_chunk,     [STORE_RECORD_UNIQUE] = unique,
    [STORE_RECORD_SCHEDULE] = schedule, [STORE_RECORD_DEP] = dep,
    [STORE_RECORD_QUEUE] = queue,       [STORE_RECORD_OPERATION] = operation,
    [STORE_RECORD_TYPE] = type_row,     [STORE_RECORD_ENDPOINT] = endpoint,
};

enum { KINDS = sizeof rounds / sizeof rounds[0] - 1 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0 || size > ROOM - DISK_SEAL_LEN)
        return 0;
    struct disk_key number = disk_key_of(77);
    struct id id = {.bytes = {7}};
    uint8_t kind = (uint8_t)(data[0] % KINDS + 1);
    struct slice key = key_of(kind, &number, &id);
    if (rounds[kind] == NULL)
        return 0;
    (void)rounds[kind](slice_of(data + 1, size - 1), key); // its seal is hardly ever right
    size_t content_len = size - 1;
    // Exactly as long as the record, so that the sanitizer sees a read past its end.
    uint8_t *room = malloc(content_len + DISK_SEAL_LEN);
    CHECK(room != NULL);
    memcpy(room + DISK_SEAL_HEAD_LEN, data + 1, content_len);
    for (uint8_t version = 1; version <= VERSIONS; version++) {
        disk_seal(room, version, kind, key, content_len);
        size_t len = rounds[kind](slice_of(room, content_len + DISK_SEAL_LEN), key);
        CHECK(len == 0 || len == content_len + DISK_SEAL_LEN);
        CHECK(len == 0 || memcmp(room, again, len) == 0);
    }
    free(room);
    return 0;
}
