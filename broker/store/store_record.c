// Records of fixed length.

#include "broker/store/store_record.h"

#include "broker/core/endpoints.h"
#include "broker/store/store_fields.h"
#include "lib/base/origin.h"

static_assert(DISK_SEAL_LEN == DISK_SEAL_HEAD_LEN + 4, "the checksum ends a record");

// The content of a record of this kind and length, or ERR_DAMAGED.
static err open_fixed(struct slice record, struct slice key, enum store_record_kind kind,
                      size_t content_len, const uint8_t **out_content)
{
    if (record.len != content_len + DISK_SEAL_LEN)
        return ERR_DAMAGED;
    uint8_t version = 0;
    uint8_t found = 0;
    struct slice content = {0};
    err e = disk_unseal(record, key, &version, &found, &content);
    if (e != OK || version != STORE_RECORD_VERSION || found != kind)
        return ERR_DAMAGED;
    *out_content = content.data;
    return OK;
}

static void close_fixed(uint8_t *room, const uint8_t *end, struct slice key,
                        enum store_record_kind kind, size_t content_len)
{
    CHECK(end == room + DISK_SEAL_HEAD_LEN + content_len);
    disk_seal(room, STORE_RECORD_VERSION, (uint8_t)kind, key, content_len);
}

// A record with fields behind its first version's: version 2 when they are there.
struct tailed {
    enum store_record_kind kind;
    size_t len;
    size_t tail_len;
};

static err open_tailed(struct slice record, struct slice key, const struct tailed *shape,
                       const uint8_t **out_content, bool *out_is_tailed)
{
    uint8_t version = 0;
    uint8_t found = 0;
    struct slice content = {0};
    err e = disk_unseal(record, key, &version, &found, &content);
    if (e != OK || found != shape->kind || (version != 1 && version != 2))
        return ERR_DAMAGED;
    bool is_tailed = version == 2;
    if (content.len != shape->len + (is_tailed ? shape->tail_len : 0))
        return ERR_DAMAGED;
    *out_content = content.data;
    *out_is_tailed = is_tailed;
    return OK;
}

static void close_tailed(uint8_t *room, const uint8_t *end, struct slice key,
                         enum store_record_kind kind, size_t len)
{
    size_t content_len = (size_t)(end - room) - DISK_SEAL_HEAD_LEN;
    disk_seal(room, content_len == len ? 1 : 2, (uint8_t)kind, key, content_len);
}

void store_record_put_origin(uint8_t *room, struct slice key, uint64_t lineage)
{
    uint8_t *at = room + DISK_SEAL_HEAD_LEN;
    fields_put_u64(&at, lineage);
    close_fixed(room, at, key, STORE_RECORD_ORIGIN, STORE_RECORD_ORIGIN_LEN);
}

err store_record_get_origin(struct slice record, struct slice key, uint64_t *out_lineage)
{
    const uint8_t *at = NULL;
    err e = open_fixed(record, key, STORE_RECORD_ORIGIN, STORE_RECORD_ORIGIN_LEN, &at);
    if (e == OK)
        *out_lineage = fields_get_u64(&at);
    return e;
}

void store_record_put_ledger(uint8_t *room, struct slice key, const struct ledger_row *row)
{
    uint8_t *at = room + DISK_SEAL_HEAD_LEN;
    fields_put_u32(&at, row->epoch);
    fields_put_u64(&at, row->token_counter);
    fields_put_u64(&at, row->job_no_next);
    fields_put_u64(&at, row->digest);
    fields_put_u64(&at, row->accepted);
    for (unsigned i = 0; i < JOB_STATES; i++)
        fields_put_u64(&at, row->counts[i]);
    fields_put_when(&at, row->store_time);
    close_fixed(room, at, key, STORE_RECORD_LEDGER, STORE_RECORD_LEDGER_LEN);
}

err store_record_get_ledger(struct slice record, struct slice key, struct ledger_row *out_row)
{
    const uint8_t *at = NULL;
    err e = open_fixed(record, key, STORE_RECORD_LEDGER, STORE_RECORD_LEDGER_LEN, &at);
    if (e != OK)
        return e;
    struct ledger_row row = {0};
    row.epoch = fields_get_u32(&at);
    row.token_counter = fields_get_u64(&at);
    row.job_no_next = fields_get_u64(&at);
    row.digest = fields_get_u64(&at);
    row.accepted = fields_get_u64(&at);
    for (unsigned i = 0; i < JOB_STATES; i++)
        row.counts[i] = fields_get_u64(&at);
    row.store_time = fields_get_when(&at);
    *out_row = row;
    return OK;
}

// --- a job: its tail is there when it holds anything, and then the version is 2; what its endpoints
// need follows that in version 3 ---

enum { PROGRESS_BIT = 0x80 }; // of the place of the endpoint that its webhook names

static bool has_tail(const struct job_row *row)
{
    return row->act != 0 || row->key_hash != 0 || row->rank != 0 || row->log_count != 0 ||
           row->cost != 0 || row->event_count != 0 || row->order != 0 || row->cancel != 0 ||
           row->relations != 0 || row->extend_ms != 0;
}

static bool has_hooks(const struct job_row *row)
{
    return row->endpoints != 0 || row->endpoint != 0 || row->has_progress;
}

// The version that the row is spelt in, and its length.
static unsigned version_of_job(const struct job_row *row)
{
    CHECK_IMPLIES(has_hooks(row), has_tail(row));
    return 1u + has_tail(row) + has_hooks(row);
}

static size_t job_content_len(unsigned version)
{
    size_t len = STORE_RECORD_JOB_LEN;
    len += version >= 2 ? STORE_RECORD_JOB_TAIL_LEN : 0u;
    return len + (version >= 3 ? STORE_RECORD_JOB_HOOK_LEN : 0u);
}

static void put_job_numbers(uint8_t **at, const struct job_row *row)
{
    fields_put_u32(at, row->version);
    fields_put_u32(at, row->interruptions);
    fields_put_u32(at, row->batch);
    fields_put_u32(at, row->body_len);
    fields_put_u32(at, row->lease_ms | (uint32_t)row->outcome << ROW_LEASE_BITS);
    fields_put_u16(at, row->errors);
    fields_put_u16(at, row->crashes);
    fields_put_u16(at, row->lane);
    fields_put_u16(at, row->policy);
    fields_put_u8(at, row->state);
    fields_put_u8(at, row->ended_as);
    fields_put_u8(at, row->priority);
    fields_put_u8(at, row->token_use);
}

static void put_job_tail(uint8_t **at, const struct job_row *row)
{
    fields_put_u64(at, row->act);
    fields_put_u64(at, row->key_hash);
    fields_put_u64(at, row->rank);
    fields_put_u32(at, row->log_count);
    fields_put_u32(at, row->event_count);
    fields_put_u16(at, row->cost);
    fields_put_u8(at, row->order);
    fields_put_u8(at, row->cancel);
    fields_put_u8(at, row->relations);
    fields_put_u32(at, row->extend_ms);
}

size_t store_record_job_len(const struct job_row *row)
{
    return job_content_len(version_of_job(row)) + DISK_SEAL_LEN;
}

void store_record_put_job(uint8_t *room, struct slice key, const struct job_row *row)
{
    CHECK(row->state > JOB_NONE && row->state < JOB_STATES);
    uint8_t *at = room + DISK_SEAL_HEAD_LEN;
    fields_put_id(&at, &row->id);
    fields_put_u64(&at, row->token);
    fields_put_u64(&at, row->fingerprint);
    fields_put_when(&at, row->accepted_at);
    fields_put_when(&at, row->due_at);
    fields_put_when(&at, row->granted_at);
    fields_put_when(&at, row->ended_at);
    fields_put_when(&at, row->remove_at);
    fields_put_when(&at, row->dedup_until);
    fields_put_id(&at, &row->worker);
    put_job_numbers(&at, row);
    if (has_tail(row))
        put_job_tail(&at, row);
    if (has_hooks(row)) {
        fields_put_u16(&at, row->endpoints);
        fields_put_u8(&at, (uint8_t)(row->endpoint | (row->has_progress ? PROGRESS_BIT : 0u)));
    }
    size_t content_len = job_content_len(version_of_job(row));
    CHECK(at == room + DISK_SEAL_HEAD_LEN + content_len);
    disk_seal(room, (uint8_t)version_of_job(row), STORE_RECORD_JOB, key, content_len);
}

static void get_job_numbers(const uint8_t **at, struct job_row *row)
{
    row->version = fields_get_u32(at);
    row->interruptions = fields_get_u32(at);
    row->batch = fields_get_u32(at);
    row->body_len = fields_get_u32(at);
    uint32_t lease = fields_get_u32(at);
    row->lease_ms = lease & ROW_LEASE_MS_MAX;
    row->outcome = (uint8_t)(lease >> ROW_LEASE_BITS);
    row->errors = fields_get_u16(at);
    row->crashes = fields_get_u16(at);
    row->lane = fields_get_u16(at);
    row->policy = fields_get_u16(at);
    row->state = fields_get_u8(at);
    row->ended_as = fields_get_u8(at);
    row->priority = fields_get_u8(at);
    row->token_use = fields_get_u8(at);
}

static void get_job_tail(const uint8_t **at, struct job_row *row)
{
    row->act = fields_get_u64(at);
    row->key_hash = fields_get_u64(at);
    row->rank = fields_get_u64(at);
    row->log_count = fields_get_u32(at);
    row->event_count = fields_get_u32(at);
    row->cost = fields_get_u16(at);
    row->order = fields_get_u8(at);
    row->cancel = fields_get_u8(at);
    row->relations = fields_get_u8(at);
    row->extend_ms = fields_get_u32(at);
}

err store_record_get_job(struct slice record, struct slice key, struct job_row *out_row)
{
    uint8_t version = 0;
    uint8_t kind = 0;
    struct slice content = {0};
    if (key.len != sizeof(struct disk_key) ||
        disk_unseal(record, key, &version, &kind, &content) != OK || kind != STORE_RECORD_JOB ||
        version < 1 || version > 3 || content.len != job_content_len(version))
        return ERR_DAMAGED;
    const uint8_t *at = content.data;
    struct job_row row = {.no = disk_key_number(key)};
    row.id = fields_get_id(&at);
    row.token = fields_get_u64(&at);
    row.fingerprint = fields_get_u64(&at);
    row.accepted_at = fields_get_when(&at);
    row.due_at = fields_get_when(&at);
    row.granted_at = fields_get_when(&at);
    row.ended_at = fields_get_when(&at);
    row.remove_at = fields_get_when(&at);
    row.dedup_until = fields_get_when(&at);
    row.worker = fields_get_id(&at);
    get_job_numbers(&at, &row);
    if (version >= 2)
        get_job_tail(&at, &row);
    if (version >= 3) {
        row.endpoints = fields_get_u16(&at);
        uint8_t endpoint = fields_get_u8(&at);
        row.has_progress = (endpoint & PROGRESS_BIT) != 0;
        row.endpoint = endpoint & (PROGRESS_BIT - 1);
    }
    // Every row has one spelling.
    if (has_tail(&row) != (version >= 2) || has_hooks(&row) != (version >= 3) ||
        row.cancel > CANCEL_FORCED ||
        (row.endpoint > ENDPOINTS_OF_TENANT_MAX && row.endpoint != JOB_URL_GONE) ||
        row.endpoints >> ENDPOINTS_OF_TENANT_MAX != 0)
        return ERR_DAMAGED;
    if (row.state == JOB_NONE || row.state >= JOB_STATES || row.ended_as >= JOB_STATES ||
        row.token_use > TOKEN_FINISHED || row.outcome > OUTCOME_CANCELLED ||
        (row.outcome != OUTCOME_NONE && row.token_use != TOKEN_FINISHED))
        return ERR_DAMAGED;
    *out_row = row;
    return OK;
}

void store_record_put_key(uint8_t *room, struct slice key, const struct store_record_key *value)
{
    uint8_t *at = room + DISK_SEAL_HEAD_LEN;
    fields_put_id(&at, &value->id);
    fields_put_u64(&at, value->fingerprint);
    fields_put_when(&at, value->dedup_until);
    close_fixed(room, at, key, STORE_RECORD_KEY, STORE_RECORD_KEY_LEN);
}

err store_record_get_key(struct slice record, struct slice key, struct store_record_key *out_value)
{
    const uint8_t *at = NULL;
    err e = open_fixed(record, key, STORE_RECORD_KEY, STORE_RECORD_KEY_LEN, &at);
    if (e != OK)
        return e;
    struct store_record_key value = {0};
    value.id = fields_get_id(&at);
    value.fingerprint = fields_get_u64(&at);
    value.dedup_until = fields_get_when(&at);
    *out_value = value;
    return OK;
}

void store_record_put_segment(uint8_t *room, struct slice key,
                              const struct store_record_segment *segment)
{
    uint8_t *at = room + DISK_SEAL_HEAD_LEN;
    for (unsigned i = 0; i < JOB_STATES; i++)
        fields_put_u16(&at, segment->counts[i]);
    fields_put_when(&at, segment->earliest_at);
    close_fixed(room, at, key, STORE_RECORD_SEGMENT, STORE_RECORD_SEGMENT_LEN);
}

err store_record_get_segment(struct slice record, struct slice key,
                             struct store_record_segment *out_segment)
{
    const uint8_t *at = NULL;
    err e = open_fixed(record, key, STORE_RECORD_SEGMENT, STORE_RECORD_SEGMENT_LEN, &at);
    if (e != OK)
        return e;
    struct store_record_segment segment = {0};
    for (unsigned i = 0; i < JOB_STATES; i++)
        segment.counts[i] = fields_get_u16(&at);
    segment.earliest_at = fields_get_when(&at);
    *out_segment = segment;
    return OK;
}

static bool has_policy_tail(const struct policy *policy)
{
    return policy->retry_within_s != 0 || policy->ttl_ms != 0;
}

size_t store_record_policy_len(const struct policy *policy)
{
    size_t tail_len = has_policy_tail(policy) ? STORE_RECORD_POLICY_TAIL_LEN : 0;
    return STORE_RECORD_POLICY_LEN + tail_len + DISK_SEAL_LEN;
}

void store_record_put_policy(uint8_t *room, struct slice key, const struct policy *policy)
{
    uint8_t *at = room + DISK_SEAL_HEAD_LEN;
    fields_put_u32(&at, policy->timeout_ms);
    fields_put_u32(&at, policy->retry_first_ms);
    fields_put_u32(&at, policy->retry_longest_ms);
    fields_put_u32(&at, policy->retry_factor_milli);
    fields_put_u32(&at, policy->keep_s);
    fields_put_u32(&at, policy->dedup_s);
    fields_put_u16(&at, policy->max_attempts);
    fields_put_u16(&at, policy->max_crashes);
    if (has_policy_tail(policy)) {
        fields_put_u32(&at, policy->retry_within_s);
        fields_put_u64(&at, policy->ttl_ms);
    }
    close_tailed(room, at, key, STORE_RECORD_POLICY, STORE_RECORD_POLICY_LEN);
}

err store_record_get_policy(struct slice record, struct slice key, struct policy *out_policy)
{
    const uint8_t *at = NULL;
    bool is_tailed = false;
    err e = open_tailed(record, key,
                        &(struct tailed){.kind = STORE_RECORD_POLICY,
                                         .len = STORE_RECORD_POLICY_LEN,
                                         .tail_len = STORE_RECORD_POLICY_TAIL_LEN},
                        &at, &is_tailed);
    if (e != OK)
        return e;
    struct policy policy = {0};
    policy.timeout_ms = fields_get_u32(&at);
    policy.retry_first_ms = fields_get_u32(&at);
    policy.retry_longest_ms = fields_get_u32(&at);
    policy.retry_factor_milli = fields_get_u32(&at);
    policy.keep_s = fields_get_u32(&at);
    policy.dedup_s = fields_get_u32(&at);
    policy.max_attempts = fields_get_u16(&at);
    policy.max_crashes = fields_get_u16(&at);
    if (is_tailed) {
        policy.retry_within_s = fields_get_u32(&at);
        policy.ttl_ms = fields_get_u64(&at);
    }
    if (has_policy_tail(&policy) != is_tailed)
        return ERR_DAMAGED;
    *out_policy = policy;
    return OK;
}

// Version 2 has a tail, version 3 a tail and a tenant, which is another than the default one, version
// 4 a tail, a fingerprint and any tenant.
static uint8_t batch_version(const struct batch_row *row)
{
    if (row->fingerprint != 0)
        return 4;
    if (!origin_is_tenant(row->tenant, (struct slice){0}))
        return 3;
    bool has_tail = row->first_no != 0 || row->last_no != 0 || row->sealed_at != 0 ||
                    row->finished_at != 0 || row->failed_removed != 0;
    return has_tail ? 2 : 1;
}

// Without the tenant's name.
static size_t batch_content_len(uint8_t version)
{
    size_t len = STORE_RECORD_BATCH_LEN;
    if (version > 1)
        len += STORE_RECORD_BATCH_TAIL_LEN;
    if (version > 3)
        len += STORE_RECORD_BATCH_PRINT_LEN;
    return len;
}

size_t store_record_batch_len(const struct batch_row *row)
{
    uint8_t version = batch_version(row);
    return batch_content_len(version) + (version > 2 ? row->tenant.len : 0) + DISK_SEAL_LEN;
}

void store_record_put_batch(uint8_t *room, struct slice key, const struct batch_row *row)
{
    uint8_t *at = room + DISK_SEAL_HEAD_LEN;
    fields_put_id(&at, &row->id);
    fields_put_u32(&at, row->version);
    fields_put_when(&at, row->created_at);
    for (unsigned i = 0; i < JOB_STATES; i++)
        fields_put_u32(&at, row->counts[i]);
    uint8_t version = batch_version(row);
    if (version > 1) {
        fields_put_u64(&at, row->first_no);
        fields_put_u64(&at, row->last_no);
        fields_put_when(&at, row->sealed_at);
        fields_put_when(&at, row->finished_at);
        fields_put_u32(&at, row->failed_removed);
    }
    if (version > 3) {
        fields_put_u64(&at, row->fingerprint);
        fields_put_when(&at, row->dedup_until);
    }
    if (version > 2)
        fields_put_bytes(&at, row->tenant);
    disk_seal(room, version, STORE_RECORD_BATCH, key, (size_t)(at - room) - DISK_SEAL_HEAD_LEN);
}

err store_record_get_batch(struct slice record, struct slice key, struct batch_row *out_row)
{
    uint8_t version = 0;
    uint8_t kind = 0;
    struct slice content = {0};
    if (key.len != sizeof(struct disk_key) || disk_key_number(key) > UINT32_MAX ||
        disk_unseal(record, key, &version, &kind, &content) != OK || kind != STORE_RECORD_BATCH)
        return ERR_DAMAGED;
    size_t len = batch_content_len(version);
    if (content.len < len || (content.len > len && version < 3))
        return ERR_DAMAGED;
    const uint8_t *at = content.data;
    struct batch_row row = {.no = (uint32_t)disk_key_number(key)};
    row.id = fields_get_id(&at);
    row.version = fields_get_u32(&at);
    row.created_at = fields_get_when(&at);
    for (unsigned i = 0; i < JOB_STATES; i++)
        row.counts[i] = fields_get_u32(&at);
    if (version > 1) {
        row.first_no = fields_get_u64(&at);
        row.last_no = fields_get_u64(&at);
        row.sealed_at = fields_get_when(&at);
        row.finished_at = fields_get_when(&at);
        row.failed_removed = fields_get_u32(&at);
    }
    if (version > 3) {
        row.fingerprint = fields_get_u64(&at);
        row.dedup_until = fields_get_when(&at);
    }
    row.tenant = slice_of(at, content.len - len);
    if (row.tenant.len > MSG_NAME_LEN_MAX || batch_version(&row) != version)
        return ERR_DAMAGED;
    *out_row = row;
    return OK;
}

void store_record_put_unique(uint8_t *room, struct slice key, const struct unique_row *row)
{
    uint8_t *at = room + DISK_SEAL_HEAD_LEN;
    fields_put_id(&at, &row->job_id);
    fields_put_id(&at, &row->hash);
    fields_put_when(&at, row->until);
    fields_put_u8(&at, row->waits_end ? 1 : 0);
    close_fixed(room, at, key, STORE_RECORD_UNIQUE, STORE_RECORD_UNIQUE_LEN);
}

err store_record_get_unique(struct slice record, struct slice key, struct unique_row *out_row)
{
    const uint8_t *at = NULL;
    if (key.len != sizeof(struct disk_key))
        return ERR_DAMAGED;
    err e = open_fixed(record, key, STORE_RECORD_UNIQUE, STORE_RECORD_UNIQUE_LEN, &at);
    if (e != OK)
        return e;
    struct unique_row row = {.no = disk_key_number(key)};
    row.job_id = fields_get_id(&at);
    row.hash = fields_get_id(&at);
    row.until = fields_get_when(&at);
    uint8_t waits_end = fields_get_u8(&at);
    if (waits_end > 1)
        return ERR_DAMAGED;
    row.waits_end = waits_end == 1;
    *out_row = row;
    return OK;
}

when_ms store_record_sweep_at(const struct job_row *row)
{
    switch ((enum job_state)row->state) {
    case JOB_SUCCEEDED:
    case JOB_DEAD:
    case JOB_CANCELLED:
    case JOB_EXPIRED: return row->remove_at;
    case JOB_REMOVED: return row->dedup_until;
    case JOB_NONE:
    case JOB_SCHEDULED:
    case JOB_QUEUED:
    case JOB_RUNNING:
    case JOB_RETRYING: return WHEN_NEVER;
    }
    UNREACHABLE();
}
