// Schedules: a row of fixed length that each moment changes, then what was given, which stays.
// The job is a sealed body in itself, so that it is written and read as any other.

#include "broker/store/store_record.h"

#include "broker/core/schedules.h"
#include "broker/store/store_fields.h"
#include "lib/base/bytes.h"

// Behind the row: catch_up u8, jitter u64, lengths of expression and zone u8.
enum { GIVEN_HEAD_LEN = 1 + 8 + 1 + 1 };

static size_t job_at(const struct msg_schedule *given)
{
    return DISK_SEAL_HEAD_LEN + STORE_RECORD_SCHEDULE_STATE_LEN + GIVEN_HEAD_LEN + given->cron.len +
           given->zone.len;
}

size_t store_record_schedule_len(const struct msg_schedule *given)
{
    CHECK(given->job_count == 1);
    return job_at(given) + store_record_body_len(given->jobs) +
           (DISK_SEAL_LEN - DISK_SEAL_HEAD_LEN);
}

static void put_row(uint8_t **at, const struct schedule_row *row)
{
    const uint8_t *start = *at;
    const struct msg_schedule_state *state = &row->state;
    fields_put_u32(at, state->generation);
    fields_put_when(at, state->created_at);
    fields_put_when(at, state->since_at);
    fields_put_when(at, state->last_at);
    fields_put_when(at, state->held_at);
    fields_put_id(at, &state->last_job_id);
    fields_put_u64(at, state->fired_count);
    fields_put_u64(at, state->skipped_count);
    fields_put_u64(at, row->fingerprint);
    fields_put_u8(at, row->overlap);
    fields_put_u8(at, row->is_paused ? 1 : 0);
    CHECK(*at == start + STORE_RECORD_SCHEDULE_STATE_LEN);
}

void store_record_put_schedule(uint8_t *room, struct slice key, const struct schedule_row *row,
                               const struct msg_schedule *given)
{
    CHECK(given->cron.len <= UINT8_MAX && given->zone.len <= UINT8_MAX);
    uint8_t *at = room + DISK_SEAL_HEAD_LEN;
    put_row(&at, row);
    fields_put_u8(&at, (uint8_t)given->catch_up);
    fields_put_u64(&at, given->jitter_ms);
    fields_put_u8(&at, (uint8_t)given->cron.len);
    fields_put_u8(&at, (uint8_t)given->zone.len);
    fields_put_bytes(&at, given->cron);
    fields_put_bytes(&at, given->zone);
    CHECK(at == room + job_at(given));
    store_record_put_body(at, key, given->jobs);
    disk_seal(room, STORE_RECORD_VERSION, STORE_RECORD_SCHEDULE, key,
              store_record_schedule_len(given) - DISK_SEAL_LEN);
}

void store_record_put_schedule_row(uint8_t *room, struct slice key, const struct schedule_row *row,
                                   struct slice old)
{
    size_t kept_at = DISK_SEAL_HEAD_LEN + STORE_RECORD_SCHEDULE_STATE_LEN;
    CHECK(old.len > kept_at);
    uint8_t *at = room + DISK_SEAL_HEAD_LEN;
    put_row(&at, row);
    memcpy(at, old.data + kept_at, old.len - kept_at);
    disk_seal(room, STORE_RECORD_VERSION, STORE_RECORD_SCHEDULE, key, old.len - DISK_SEAL_LEN);
}

static struct id get_id(struct bytes_in *in)
{
    struct id id = {{0}};
    struct slice bytes = bytes_get(in, sizeof id.bytes);
    if (bytes.len > 0)
        memcpy(id.bytes, bytes.data, bytes.len);
    return id;
}

static when_ms get_when(struct bytes_in *in)
{
    return (when_ms)bytes_get_u64(in);
}

static bool get_row(struct bytes_in *in, struct schedule_row *row)
{
    struct msg_schedule_state *state = &row->state;
    state->generation = bytes_get_u32(in);
    state->created_at = get_when(in);
    state->since_at = get_when(in);
    state->last_at = get_when(in);
    state->held_at = get_when(in);
    state->last_job_id = get_id(in);
    state->fired_count = bytes_get_u64(in);
    state->skipped_count = bytes_get_u64(in);
    row->fingerprint = bytes_get_u64(in);
    row->overlap = bytes_get_u8(in);
    uint8_t paused = bytes_get_u8(in);
    row->is_paused = paused == 1;
    return row->overlap <= OVERLAP_REPLACE && paused <= 1 && state->created_at >= 0 &&
           state->since_at >= 0 && state->last_at >= 0 && state->held_at >= 0;
}

static bool get_given(struct bytes_in *in, struct slice key, struct store_record_schedule *out)
{
    struct msg_schedule *given = &out->given;
    unsigned catch_up = bytes_get_u8(in);
    given->jitter_ms = bytes_get_u64(in);
    uint8_t cron_len = bytes_get_u8(in);
    uint8_t zone_len = bytes_get_u8(in);
    given->cron = bytes_get(in, cron_len);
    given->zone = bytes_get(in, zone_len);
    if (in->bad || catch_up > CATCH_UP_ALL)
        return false;
    given->schedule_id = schedules_id(key);
    given->catch_up = (enum catch_up)catch_up;
    given->overlap = (enum overlap)out->row.overlap;
    given->paused = out->row.is_paused;
    given->fingerprint = out->row.fingerprint;
    if (store_record_get_body(in->left, key, &out->job) != OK)
        return false;
    out->job.tenant = schedules_tenant(key);
    return true;
}

err store_record_get_schedule(struct slice record, struct slice key,
                              struct store_record_schedule *out_schedule)
{
    uint8_t version = 0;
    uint8_t kind = 0;
    struct bytes_in in = {0};
    if (key.len == 0 || key.len > SCHEDULES_NAME_LEN_MAX ||
        disk_unseal(record, key, &version, &kind, &in.left) != OK ||
        version != STORE_RECORD_VERSION || kind != STORE_RECORD_SCHEDULE)
        return ERR_DAMAGED;
    struct store_record_schedule schedule = {.row = {.name = key}};
    if (!get_row(&in, &schedule.row) || in.bad || !get_given(&in, key, &schedule))
        return ERR_DAMAGED;
    *out_schedule = schedule;
    out_schedule->given.jobs = &out_schedule->job;
    out_schedule->given.job_count = 1;
    return OK;
}
