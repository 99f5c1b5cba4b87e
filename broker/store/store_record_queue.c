// Queues: their jobs by state, what is set, and whose they are. The length is that of the names,
// so a changed one is written where it lies.

#include "broker/store/store_record.h"

#include "broker/store/store_fields.h"
#include "lib/base/bytes.h"

size_t store_record_queue_len(const struct queue_row *row)
{
    return DISK_SEAL_LEN + STORE_RECORD_QUEUE_HEAD_LEN + row->tenant.len + row->queue.len;
}

static void put_defaults(uint8_t **at, const struct msg_defaults *defaults)
{
    const uint32_t numbers[] = {defaults->timeout_ms,       defaults->max_attempts,
                                defaults->max_crashes,      defaults->retry_first_ms,
                                defaults->retry_longest_ms, defaults->retry_factor_milli,
                                defaults->retry_within_s,   defaults->keep_s};
    static_assert(sizeof numbers == sizeof *defaults, "all of it is written");
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        fields_put_u32(at, numbers[i]);
}

static void put_settings(uint8_t **at, const struct msg_queue_settings *settings)
{
    const uint32_t numbers[] = {settings->weight,         settings->open_max,
                                settings->running_max,    settings->key_running_max,
                                settings->rate.count,     settings->rate.per_ms,
                                settings->key_rate.count, settings->key_rate.per_ms};
    static_assert(sizeof numbers + sizeof settings->defaults == sizeof *settings,
                  "all of it is written");
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        fields_put_u32(at, numbers[i]);
    put_defaults(at, &settings->defaults);
}

void store_record_put_queue(uint8_t *room, struct slice key, const struct queue_row *row)
{
    CHECK(row->queue.len <= UINT8_MAX && row->tenant.len <= UINT8_MAX);
    uint8_t *at = room + DISK_SEAL_HEAD_LEN;
    fields_put_u64(&at, row->accepted);
    for (unsigned state = 0; state < JOB_STATES; state++)
        fields_put_u64(&at, row->counts[state]);
    put_settings(&at, &row->settings);
    fields_put_u8(&at, row->paused);
    fields_put_u8(&at, (uint8_t)row->tenant.len);
    fields_put_u8(&at, (uint8_t)row->queue.len);
    CHECK(at == room + DISK_SEAL_HEAD_LEN + STORE_RECORD_QUEUE_HEAD_LEN);
    fields_put_bytes(&at, row->tenant);
    fields_put_bytes(&at, row->queue);
    disk_seal(room, STORE_RECORD_VERSION, STORE_RECORD_QUEUE, key,
              store_record_queue_len(row) - DISK_SEAL_LEN);
}

static void get_defaults(struct bytes_in *in, struct msg_defaults *defaults)
{
    uint32_t *const numbers[] = {&defaults->timeout_ms,       &defaults->max_attempts,
                                 &defaults->max_crashes,      &defaults->retry_first_ms,
                                 &defaults->retry_longest_ms, &defaults->retry_factor_milli,
                                 &defaults->retry_within_s,   &defaults->keep_s};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        *numbers[i] = bytes_get_u32(in);
}

static void get_settings(struct bytes_in *in, struct msg_queue_settings *settings)
{
    uint32_t *const numbers[] = {&settings->weight,         &settings->open_max,
                                 &settings->running_max,    &settings->key_running_max,
                                 &settings->rate.count,     &settings->rate.per_ms,
                                 &settings->key_rate.count, &settings->key_rate.per_ms};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        *numbers[i] = bytes_get_u32(in);
    get_defaults(in, &settings->defaults);
}

err store_record_get_queue(struct slice record, struct slice key, struct queue_row *out_row)
{
    uint8_t version = 0;
    uint8_t kind = 0;
    struct bytes_in in = {0};
    if (key.len != sizeof(struct disk_key) || disk_key_number(key) > UINT16_MAX ||
        disk_unseal(record, key, &version, &kind, &in.left) != OK ||
        version != STORE_RECORD_VERSION || kind != STORE_RECORD_QUEUE)
        return ERR_DAMAGED;
    struct queue_row row = {.no = (uint16_t)disk_key_number(key)};
    row.accepted = bytes_get_u64(&in);
    for (unsigned state = 0; state < JOB_STATES; state++)
        row.counts[state] = bytes_get_u64(&in);
    get_settings(&in, &row.settings);
    row.paused = bytes_get_u8(&in);
    uint8_t tenant_len = bytes_get_u8(&in);
    uint8_t queue_len = bytes_get_u8(&in);
    row.tenant = bytes_get(&in, tenant_len);
    row.queue = bytes_get(&in, queue_len);
    if (in.bad || in.left.len > 0 || row.paused > DIRECTION_BOTH || queue_len == 0 ||
        queue_len > MSG_NAME_LEN_MAX || tenant_len > MSG_NAME_LEN_MAX ||
        row.settings.weight > MSG_WEIGHT_MAX)
        return ERR_DAMAGED;
    *out_row = row;
    return OK;
}

// --- types ---

size_t store_record_type_len(const struct type_row *row)
{
    size_t names = STORE_RECORD_TYPE_HEAD_LEN + row->tenant.len + row->type.len;
    size_t schema = row->schema_hash != 0 ? sizeof row->schema_hash + row->schema.len : 0;
    return DISK_SEAL_LEN + names + schema;
}

void store_record_put_type(uint8_t *room, struct slice key, const struct type_row *row)
{
    CHECK(row->type.len <= UINT8_MAX && row->tenant.len <= UINT8_MAX);
    uint8_t *at = room + DISK_SEAL_HEAD_LEN;
    put_defaults(&at, &row->defaults);
    fields_put_u8(&at, (uint8_t)row->tenant.len);
    fields_put_u8(&at, (uint8_t)row->type.len);
    CHECK(at == room + DISK_SEAL_HEAD_LEN + STORE_RECORD_TYPE_HEAD_LEN);
    fields_put_bytes(&at, row->tenant);
    fields_put_bytes(&at, row->type);
    bool has_schema = row->schema_hash != 0;
    if (has_schema) {
        fields_put_u64(&at, row->schema_hash);
        fields_put_bytes(&at, row->schema);
    }
    disk_seal(room, has_schema ? STORE_RECORD_TYPE_SCHEMA : STORE_RECORD_VERSION, STORE_RECORD_TYPE,
              key, store_record_type_len(row) - DISK_SEAL_LEN);
}

err store_record_get_type(struct slice record, struct slice key, struct type_row *out_row)
{
    uint8_t version = 0;
    uint8_t kind = 0;
    struct bytes_in in = {0};
    if (key.len != sizeof(struct disk_key) || disk_key_number(key) > UINT16_MAX ||
        disk_unseal(record, key, &version, &kind, &in.left) != OK ||
        version > STORE_RECORD_TYPE_SCHEMA || kind != STORE_RECORD_TYPE)
        return ERR_DAMAGED;
    struct type_row row = {.no = (uint16_t)disk_key_number(key)};
    get_defaults(&in, &row.defaults);
    uint8_t tenant_len = bytes_get_u8(&in);
    uint8_t type_len = bytes_get_u8(&in);
    row.tenant = bytes_get(&in, tenant_len);
    row.type = bytes_get(&in, type_len);
    if (version == STORE_RECORD_TYPE_SCHEMA) {
        row.schema_hash = bytes_get_u64(&in);
        row.schema = bytes_get(&in, in.left.len);
    }
    bool has_schema = row.schema_hash != 0 && row.schema.len > 0;
    if (in.bad || in.left.len > 0 || type_len == 0 ||
        has_schema != (version == STORE_RECORD_TYPE_SCHEMA) || type_len > MSG_NAME_LEN_MAX ||
        tenant_len > MSG_NAME_LEN_MAX)
        return ERR_DAMAGED;
    *out_row = row;
    return OK;
}
