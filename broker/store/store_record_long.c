// Records of varying length: bodies, outcomes, progress, lanes. Lengths were checked at the door
// (proto/check.h), so a value that does not fit its width here is a bug.

#include "broker/store/store_record.h"

#include "broker/store/store_fields.h"
#include "lib/base/bytes.h"
#include "lib/base/origin.h"

// Which of the optional fields of a body follow, in this order.
enum body_flag {
    BODY_DELAY = 1u << 0,
    BODY_RUN_AT = 1u << 1,
    BODY_TIMEOUT = 1u << 2,
    BODY_ATTEMPTS = 1u << 3,
    BODY_CRASHES = 1u << 4,
    BODY_RETRY_FIRST = 1u << 5,
    BODY_RETRY_LONGEST = 1u << 6,
    BODY_RETRY_FACTOR = 1u << 7,
    BODY_KEEP = 1u << 8,
    BODY_BATCH = 1u << 9,
    BODY_UNIQUE = 1u << 10,
    BODY_TTL = 1u << 11,
    BODY_RETRY_WITHIN = 1u << 12,
    BODY_AFTER = 1u << 13,
    BODY_SHARING = 1u << 14,
    BODY_LABELS = 1u << 15,
};

enum {
    BODY_HEAD_LEN = 2 + 1 + 1 + 4, // flags, content, priority, four lengths
    OUTCOME_HEAD_LEN = 1 + 1 + 1 + 8 + 1 + 2 + 2,
    PROGRESS_HEAD_LEN = 8 + 8 + 8,
    LANE_HEAD_LEN = 1,
    SHARING_HEAD_LEN = 1 + 1,    // order, length of the key
    LABELS_HAS_WEBHOOK = 0x8000, // a bit beside the length of labels: a webhook follows them
    SHARING_HAS_COST = 0x80,     // a bit beside the order: a cost follows the key
    UNIQUE_HEAD_LEN = 4 + 1 + 1, // span, whether while unfinished, length of the key
    // Beside what becomes of it when one of those fails: it waits for none, and tells of their progress.
    ON_FAILURE_TELLS = ON_FAILURE_RUN + 1,
};

static uint8_t spelling_of(enum on_failure on_failure, bool tells)
{
    CHECK_IMPLIES(tells, on_failure == ON_FAILURE_RUN);
    return tells ? (uint8_t)ON_FAILURE_TELLS : (uint8_t)on_failure;
}

// The record's version, or 0 when it is not whole or of another kind.
static uint8_t open_any(struct slice record, struct slice key, enum store_record_kind kind,
                        struct bytes_in *out_in)
{
    uint8_t version = 0;
    uint8_t found = 0;
    struct slice content = {0};
    if (disk_unseal(record, key, &version, &found, &content) != OK || found != kind)
        return 0;
    *out_in = (struct bytes_in){.left = content};
    return version;
}

static bool open_long(struct slice record, struct slice key, enum store_record_kind kind,
                      struct bytes_in *out_in)
{
    return open_any(record, key, kind, out_in) == STORE_RECORD_VERSION;
}

static void close_long(uint8_t *room, const uint8_t *end, struct slice key,
                       enum store_record_kind kind, size_t record_len)
{
    CHECK(end == room + record_len - (DISK_SEAL_LEN - DISK_SEAL_HEAD_LEN));
    disk_seal(room, STORE_RECORD_VERSION, (uint8_t)kind, key, record_len - DISK_SEAL_LEN);
}

// --- bodies ---

static void put_ids(uint8_t **at, const struct msg_ids *ids)
{
    fields_put_u8(at, (uint8_t)ids->count);
    for (uint32_t i = 0; i < ids->count; i++)
        fields_put_id(at, &ids->items[i]);
}

// Ids are bytes, so they are borrowed where they stand.
static struct msg_ids get_ids(struct bytes_in *in)
{
    static_assert(_Alignof(struct id) == 1 && sizeof(struct id) == 16, "an id is 16 bytes");
    uint8_t count = bytes_get_u8(in);
    struct slice bytes = bytes_get(in, (size_t)count * sizeof(struct id));
    in->bad = in->bad || count > MSG_AFTER_MAX;
    return (struct msg_ids){.items = (const void *)bytes.data, .count = count};
}

static unsigned body_flags(const struct msg_submit_job *job)
{
    unsigned flags = 0;
    flags |= job->delay_ms != 0 ? BODY_DELAY : 0u;
    flags |= job->run_at != 0 ? BODY_RUN_AT : 0u;
    flags |= job->timeout_ms != 0 ? BODY_TIMEOUT : 0u;
    flags |= job->max_attempts != 0 ? BODY_ATTEMPTS : 0u;
    flags |= job->max_crashes != 0 ? BODY_CRASHES : 0u;
    flags |= job->retry_first_ms != 0 ? BODY_RETRY_FIRST : 0u;
    flags |= job->retry_longest_ms != 0 ? BODY_RETRY_LONGEST : 0u;
    flags |= job->retry_factor_milli != 0 ? BODY_RETRY_FACTOR : 0u;
    flags |= job->keep_s != 0 ? BODY_KEEP : 0u;
    flags |= id_is_zero(&job->batch_id) ? 0u : BODY_BATCH;
    flags |= job->unique_key.len != 0 ? BODY_UNIQUE : 0u;
    flags |= job->ttl_ms != 0 ? BODY_TTL : 0u;
    flags |= job->retry_within_s != 0 ? BODY_RETRY_WITHIN : 0u;
    flags |= job->after.count != 0 ? BODY_AFTER : 0u;
    flags |= job->concurrency_key.len != 0 || job->cost != 0 ? BODY_SHARING : 0u;
    flags |= job->labels.len != 0 || job->webhook.len != 0 ? BODY_LABELS : 0u;
    return flags;
}

static size_t optional_len(const struct msg_submit_job *job, unsigned flags)
{
    size_t len = (flags & BODY_DELAY ? 8u : 0u) + (flags & BODY_RUN_AT ? 8u : 0u);
    len += flags & BODY_BATCH ? 20u : 0u;
    len += flags & BODY_UNIQUE ? UNIQUE_HEAD_LEN + job->unique_key.len : 0u;
    len += flags & BODY_SHARING ? SHARING_HEAD_LEN + job->concurrency_key.len : 0u;
    len += job->cost != 0 ? sizeof(uint16_t) : 0u;
    len += (flags & BODY_TTL ? 8u : 0u) + (flags & BODY_RETRY_WITHIN ? 4u : 0u);
    len += flags & BODY_AFTER ? 2u + job->after.count * sizeof job->after.items->bytes : 0u;
    len += flags & BODY_LABELS ? sizeof(uint16_t) + job->labels.len : 0u;
    len += job->webhook.len != 0 ? sizeof(uint16_t) + job->webhook.len : 0u;
    for (unsigned flag = BODY_TIMEOUT; flag <= BODY_KEEP; flag <<= 1)
        len += flags & flag ? 4u : 0u;
    return len;
}

size_t store_record_body_len(const struct msg_submit_job *job)
{
    return DISK_SEAL_LEN + BODY_HEAD_LEN + optional_len(job, body_flags(job)) + job->queue.len +
           job->type.len + job->key.len + job->traceparent.len + job->payload.bytes.len;
}

static void put_given(uint8_t **at, uint32_t value)
{
    if (value != 0)
        fields_put_u32(at, value);
}

static void put_sharing(uint8_t **at, const struct msg_submit_job *job)
{
    bool has_cost = job->cost != 0;
    fields_put_u8(at, (uint8_t)((unsigned)job->order | (has_cost ? SHARING_HAS_COST : 0u)));
    fields_put_u8(at, (uint8_t)job->concurrency_key.len);
    fields_put_bytes(at, job->concurrency_key);
    if (has_cost)
        fields_put_u16(at, (uint16_t)job->cost);
}

static void put_labels(uint8_t **at, const struct msg_submit_job *job)
{
    bool has_webhook = job->webhook.len != 0;
    fields_put_u16(at, (uint16_t)(job->labels.len | (has_webhook ? LABELS_HAS_WEBHOOK : 0u)));
    fields_put_bytes(at, job->labels);
    if (!has_webhook)
        return;
    fields_put_u16(at, (uint16_t)job->webhook.len);
    fields_put_bytes(at, job->webhook);
}

static void put_optional(uint8_t **at, const struct msg_submit_job *job, unsigned flags)
{
    if (flags & BODY_DELAY)
        fields_put_u64(at, job->delay_ms);
    if (flags & BODY_RUN_AT)
        fields_put_when(at, job->run_at);
    put_given(at, job->timeout_ms);
    put_given(at, job->max_attempts);
    put_given(at, job->max_crashes);
    put_given(at, job->retry_first_ms);
    put_given(at, job->retry_longest_ms);
    put_given(at, job->retry_factor_milli);
    put_given(at, job->keep_s);
    if (flags & BODY_BATCH) {
        fields_put_id(at, &job->batch_id);
        fields_put_u32(at, job->batch_index);
    }
    if (flags & BODY_UNIQUE) {
        fields_put_u32(at, job->unique_for_s);
        fields_put_u8(at, job->unique_while_unfinished ? 1 : 0);
        fields_put_u8(at, (uint8_t)job->unique_key.len);
        fields_put_bytes(at, job->unique_key);
    }
    if (flags & BODY_TTL)
        fields_put_u64(at, job->ttl_ms);
    put_given(at, job->retry_within_s);
    if (flags & BODY_AFTER) {
        fields_put_u8(at, spelling_of(job->on_dependency_failure, job->tells));
        put_ids(at, &job->after);
    }
    if (flags & BODY_SHARING)
        put_sharing(at, job);
    if (flags & BODY_LABELS)
        put_labels(at, job);
}

void store_record_put_body(uint8_t *room, struct slice key, const struct msg_submit_job *job)
{
    CHECK(job->queue.len <= UINT8_MAX && job->type.len <= UINT8_MAX);
    CHECK(job->key.len <= UINT8_MAX && job->traceparent.len <= UINT8_MAX);
    CHECK(job->labels.len <= MSG_LABELS_LEN_MAX && job->webhook.len <= MSG_HOOK_LEN_MAX);
    unsigned flags = body_flags(job);
    uint8_t *at = room + DISK_SEAL_HEAD_LEN;
    fields_put_u16(&at, (uint16_t)flags);
    fields_put_u8(&at, (uint8_t)job->payload.content);
    fields_put_u8(&at, job->priority);
    fields_put_u8(&at, (uint8_t)job->queue.len);
    fields_put_u8(&at, (uint8_t)job->type.len);
    fields_put_u8(&at, (uint8_t)job->key.len);
    fields_put_u8(&at, (uint8_t)job->traceparent.len);
    put_optional(&at, job, flags);
    fields_put_bytes(&at, job->queue);
    fields_put_bytes(&at, job->type);
    fields_put_bytes(&at, job->key);
    fields_put_bytes(&at, job->traceparent);
    fields_put_bytes(&at, job->payload.bytes);
    close_long(room, at, key, STORE_RECORD_BODY, store_record_body_len(job));
}

static uint32_t get_given(struct bytes_in *in, unsigned flags, unsigned flag)
{
    return flags & flag ? bytes_get_u32(in) : 0;
}

static void get_sharing(struct bytes_in *in, struct msg_submit_job *job)
{
    uint8_t head = bytes_get_u8(in);
    unsigned order = head & ~(unsigned)SHARING_HAS_COST;
    job->order = (enum job_order)(order <= ORDER_FIFO_SKIP ? order : 0);
    job->concurrency_key = bytes_get(in, bytes_get_u8(in));
    job->cost = head & SHARING_HAS_COST ? bytes_get_u16(in) : 0;
    bool is_odd = job->order != ORDER_NONE && job->concurrency_key.len == 0;
    bool is_zero = (head & SHARING_HAS_COST) && job->cost == 0;
    in->bad = in->bad || order > ORDER_FIFO_SKIP || job->cost > MSG_COST_MAX || is_odd || is_zero;
}

static void get_labels(struct bytes_in *in, struct msg_submit_job *job)
{
    unsigned head = bytes_get_u16(in);
    bool has_webhook = (head & LABELS_HAS_WEBHOOK) != 0;
    job->labels = bytes_get(in, head & ~(unsigned)LABELS_HAS_WEBHOOK);
    if (has_webhook)
        job->webhook = bytes_get(in, bytes_get_u16(in));
    bool is_odd = has_webhook && job->webhook.len == 0;
    in->bad = in->bad || is_odd || job->labels.len > MSG_LABELS_LEN_MAX ||
              job->webhook.len > MSG_HOOK_LEN_MAX;
}

static void get_optional(struct bytes_in *in, unsigned flags, struct msg_submit_job *job)
{
    job->delay_ms = flags & BODY_DELAY ? bytes_get_u64(in) : 0;
    job->run_at = flags & BODY_RUN_AT ? (when_ms)bytes_get_u64(in) : 0;
    job->timeout_ms = get_given(in, flags, BODY_TIMEOUT);
    job->max_attempts = get_given(in, flags, BODY_ATTEMPTS);
    job->max_crashes = get_given(in, flags, BODY_CRASHES);
    job->retry_first_ms = get_given(in, flags, BODY_RETRY_FIRST);
    job->retry_longest_ms = get_given(in, flags, BODY_RETRY_LONGEST);
    job->retry_factor_milli = get_given(in, flags, BODY_RETRY_FACTOR);
    job->keep_s = get_given(in, flags, BODY_KEEP);
    if (flags & BODY_BATCH) {
        struct slice id = bytes_get(in, sizeof job->batch_id.bytes);
        if (id.len > 0)
            memcpy(job->batch_id.bytes, id.data, id.len);
        job->batch_index = bytes_get_u32(in);
    }
    if (flags & BODY_UNIQUE) {
        job->unique_for_s = bytes_get_u32(in);
        uint8_t is_while = bytes_get_u8(in);
        job->unique_while_unfinished = is_while == 1;
        in->bad = in->bad || is_while > 1;
        job->unique_key = bytes_get(in, bytes_get_u8(in));
    }
    job->ttl_ms = flags & BODY_TTL ? bytes_get_u64(in) : 0;
    job->retry_within_s = get_given(in, flags, BODY_RETRY_WITHIN);
    if (flags & BODY_AFTER) {
        uint8_t on_failure = bytes_get_u8(in);
        job->tells = on_failure == ON_FAILURE_TELLS;
        job->on_dependency_failure = job->tells ? ON_FAILURE_RUN : (enum on_failure)on_failure;
        job->after = get_ids(in);
        in->bad = in->bad || on_failure > ON_FAILURE_TELLS;
    }
    if (flags & BODY_SHARING)
        get_sharing(in, job);
    if (flags & BODY_LABELS)
        get_labels(in, job);
}

err store_record_get_body(struct slice record, struct slice key, struct msg_submit_job *out_job)
{
    struct bytes_in in;
    if (!open_long(record, key, STORE_RECORD_BODY, &in))
        return ERR_DAMAGED;
    struct msg_submit_job job = {0};
    unsigned flags = bytes_get_u16(&in);
    unsigned content = bytes_get_u8(&in);
    job.priority = bytes_get_u8(&in);
    uint8_t lens[4] = {0};
    for (unsigned i = 0; i < 4; i++)
        lens[i] = bytes_get_u8(&in);
    get_optional(&in, flags, &job);
    job.queue = bytes_get(&in, lens[0]);
    job.type = bytes_get(&in, lens[1]);
    job.key = bytes_get(&in, lens[2]);
    job.traceparent = bytes_get(&in, lens[3]);
    // A field that is said to be given and is zero would be written back differently.
    if (in.bad || flags != body_flags(&job) || content > CONTENT_TEXT)
        return ERR_DAMAGED;
    job.payload = (struct body){.content = (enum content)content, .bytes = in.left};
    *out_job = job;
    return OK;
}

// --- outcomes ---

size_t store_record_outcome_len(const struct msg_finish_job *finish)
{
    return DISK_SEAL_LEN + OUTCOME_HEAD_LEN + finish->error_kind.len + finish->error_message.len +
           finish->error_detail.len + finish->result.bytes.len;
}

void store_record_put_outcome(uint8_t *room, struct slice key, const struct msg_finish_job *finish)
{
    CHECK(finish->error_kind.len <= UINT8_MAX);
    CHECK(finish->error_message.len <= UINT16_MAX && finish->error_detail.len <= UINT16_MAX);
    uint8_t *at = room + DISK_SEAL_HEAD_LEN;
    fields_put_u8(&at, (uint8_t)finish->outcome);
    fields_put_u8(&at, (uint8_t)finish->result.content);
    fields_put_u8(&at, finish->resent ? 1 : 0);
    fields_put_u64(&at, finish->token);
    fields_put_u8(&at, (uint8_t)finish->error_kind.len);
    fields_put_u16(&at, (uint16_t)finish->error_message.len);
    fields_put_u16(&at, (uint16_t)finish->error_detail.len);
    fields_put_bytes(&at, finish->error_kind);
    fields_put_bytes(&at, finish->error_message);
    fields_put_bytes(&at, finish->error_detail);
    fields_put_bytes(&at, finish->result.bytes);
    close_long(room, at, key, STORE_RECORD_OUTCOME, store_record_outcome_len(finish));
}

err store_record_get_outcome(struct slice record, struct slice key,
                             struct msg_finish_job *out_finish)
{
    struct bytes_in in;
    if (!open_long(record, key, STORE_RECORD_OUTCOME, &in))
        return ERR_DAMAGED;
    struct msg_finish_job finish = {0};
    unsigned outcome = bytes_get_u8(&in);
    unsigned content = bytes_get_u8(&in);
    unsigned resent = bytes_get_u8(&in);
    finish.token = bytes_get_u64(&in);
    uint8_t kind_len = bytes_get_u8(&in);
    uint16_t message_len = bytes_get_u16(&in);
    uint16_t detail_len = bytes_get_u16(&in);
    finish.error_kind = bytes_get(&in, kind_len);
    finish.error_message = bytes_get(&in, message_len);
    finish.error_detail = bytes_get(&in, detail_len);
    if (in.bad || outcome >= OUTCOMES || content > CONTENT_TEXT || resent > 1)
        return ERR_DAMAGED;
    finish.outcome = (enum outcome)outcome;
    finish.resent = resent == 1;
    finish.result = (struct body){.content = (enum content)content, .bytes = in.left};
    *out_finish = finish;
    return OK;
}

// --- progress ---

size_t store_record_progress_len(const struct msg_progress *progress)
{
    return DISK_SEAL_LEN + PROGRESS_HEAD_LEN + progress->text.len;
}

void store_record_put_progress(uint8_t *room, struct slice key, const struct msg_progress *progress)
{
    uint8_t *at = room + DISK_SEAL_HEAD_LEN;
    fields_put_u64(&at, progress->token);
    fields_put_u64(&at, progress->done);
    fields_put_u64(&at, progress->total);
    fields_put_bytes(&at, progress->text);
    close_long(room, at, key, STORE_RECORD_PROGRESS, store_record_progress_len(progress));
}

err store_record_get_progress(struct slice record, struct slice key,
                              struct msg_progress *out_progress)
{
    struct bytes_in in;
    if (!open_long(record, key, STORE_RECORD_PROGRESS, &in))
        return ERR_DAMAGED;
    struct msg_progress progress = {0};
    progress.token = bytes_get_u64(&in);
    progress.done = bytes_get_u64(&in);
    progress.total = bytes_get_u64(&in);
    if (in.bad)
        return ERR_DAMAGED;
    progress.text = in.left;
    *out_progress = progress;
    return OK;
}

// --- lanes ---

// Version 2 begins with a tenant, which is another than the default one.
static bool has_tenant(struct slice tenant)
{
    return !origin_is_tenant(tenant, (struct slice){0});
}

size_t store_record_lane_len(const struct lane_row *row)
{
    size_t tenant_len = has_tenant(row->tenant) ? 1 + row->tenant.len : 0;
    return DISK_SEAL_LEN + tenant_len + LANE_HEAD_LEN + row->queue.len + row->type.len;
}

void store_record_put_lane(uint8_t *room, struct slice key, const struct lane_row *row)
{
    CHECK(row->queue.len <= UINT8_MAX && row->tenant.len <= UINT8_MAX);
    bool is_tenanted = has_tenant(row->tenant);
    size_t content_len = store_record_lane_len(row) - DISK_SEAL_LEN;
    uint8_t *at = room + DISK_SEAL_HEAD_LEN;
    if (is_tenanted) {
        fields_put_u8(&at, (uint8_t)row->tenant.len);
        fields_put_bytes(&at, row->tenant);
    }
    fields_put_u8(&at, (uint8_t)row->queue.len);
    fields_put_bytes(&at, row->queue);
    fields_put_bytes(&at, row->type);
    CHECK(at == room + DISK_SEAL_HEAD_LEN + content_len);
    disk_seal(room, is_tenanted ? 2 : 1, STORE_RECORD_LANE, key, content_len);
}

err store_record_get_lane(struct slice record, struct slice key, struct lane_row *out_row)
{
    struct bytes_in in;
    if (key.len != sizeof(struct disk_key) || disk_key_number(key) > UINT16_MAX)
        return ERR_DAMAGED;
    uint8_t version = open_any(record, key, STORE_RECORD_LANE, &in);
    if (version != 1 && version != 2)
        return ERR_DAMAGED;
    struct lane_row row = {.no = (uint16_t)disk_key_number(key)};
    if (version == 2)
        row.tenant = bytes_get(&in, bytes_get_u8(&in));
    row.queue = bytes_get(&in, bytes_get_u8(&in));
    if (in.bad || has_tenant(row.tenant) != (version == 2))
        return ERR_DAMAGED;
    row.type = in.left;
    *out_row = row;
    return OK;
}

// --- what a job waits for ---

size_t store_record_dep_len(const struct dep_row *row)
{
    return DISK_SEAL_LEN + STORE_RECORD_DEP_HEAD_LEN +
           row->parents.count * sizeof row->parents.items->bytes;
}

void store_record_put_dep(uint8_t *room, struct slice key, const struct dep_row *row)
{
    CHECK(row->parents.count <= MSG_AFTER_MAX);
    uint8_t *at = room + DISK_SEAL_HEAD_LEN;
    fields_put_id(&at, &row->job_id);
    fields_put_u8(&at, spelling_of(row->on_failure, row->tells));
    put_ids(&at, &row->parents);
    close_long(room, at, key, STORE_RECORD_DEP, store_record_dep_len(row));
}

err store_record_get_dep(struct slice record, struct slice key, struct dep_row *out_row)
{
    struct bytes_in in;
    if (key.len != sizeof(struct disk_key) || !open_long(record, key, STORE_RECORD_DEP, &in))
        return ERR_DAMAGED;
    struct dep_row row = {.no = disk_key_number(key)};
    struct slice id = bytes_get(&in, sizeof row.job_id.bytes);
    unsigned on_failure = bytes_get_u8(&in);
    row.parents = get_ids(&in);
    if (in.bad || in.left.len > 0 || row.parents.count == 0 || on_failure == ON_FAILURE_NONE ||
        on_failure > ON_FAILURE_TELLS)
        return ERR_DAMAGED;
    memcpy(row.job_id.bytes, id.data, sizeof row.job_id.bytes);
    row.tells = on_failure == ON_FAILURE_TELLS;
    row.on_failure = row.tells ? ON_FAILURE_RUN : (enum on_failure)on_failure;
    *out_row = row;
    return OK;
}
