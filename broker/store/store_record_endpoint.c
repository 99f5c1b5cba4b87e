// Webhook endpoints: where each stands, then its texts.

#include "broker/store/store_record.h"

#include "broker/core/endpoints.h"
#include "broker/store/store_fields.h"
#include "lib/base/bytes.h"
#include "lib/base/origin.h"

struct slice store_record_endpoint_key(struct slice tenant, struct slice id,
                                       uint8_t room[STORE_RECORD_ENDPOINT_KEY_LEN_MAX])
{
    struct bytes_out out = {.data = room, .cap = STORE_RECORD_ENDPOINT_KEY_LEN_MAX};
    struct slice name = origin_tenant(tenant);
    bytes_put(&out, name.data, name.len);
    bytes_put_u8(&out, '/');
    bytes_put(&out, id.data, id.len);
    CHECK(!out.full);
    return slice_of(room, out.len);
}

// The texts behind the numbers, in this order; tenant and id are the key.
static size_t texts_len(const struct endpoint_row *row)
{
    const struct msg_webhook *given = &row->given;
    return given->url.len + given->types.len + given->tags.len + given->headers.len +
           row->secret.len + row->secret_before.len + row->reason.len;
}

size_t store_record_endpoint_len(const struct endpoint_row *row)
{
    return DISK_SEAL_LEN + STORE_RECORD_ENDPOINT_HEAD_LEN + texts_len(row);
}

static void put_len(uint8_t **at, struct slice text)
{
    CHECK(text.len <= UINT16_MAX);
    fields_put_u16(at, (uint16_t)text.len);
}

static void put_lens(uint8_t **at, const struct endpoint_row *row)
{
    put_len(at, row->given.url);
    put_len(at, row->given.types);
    put_len(at, row->given.tags);
    put_len(at, row->given.headers);
    put_len(at, row->secret);
    put_len(at, row->secret_before);
    put_len(at, row->reason);
}

static void put_texts(uint8_t **at, const struct endpoint_row *row)
{
    fields_put_bytes(at, row->given.url);
    fields_put_bytes(at, row->given.types);
    fields_put_bytes(at, row->given.tags);
    fields_put_bytes(at, row->given.headers);
    fields_put_bytes(at, row->secret);
    fields_put_bytes(at, row->secret_before);
    fields_put_bytes(at, row->reason);
}

void store_record_put_endpoint(uint8_t *room, struct slice key, const struct endpoint_row *row)
{
    uint8_t *at = room + DISK_SEAL_HEAD_LEN;
    fields_put_u32(&at, row->generation);
    fields_put_u32(&at, row->given.events);
    fields_put_u8(&at, row->place);
    fields_put_u8(&at, row->is_disabled ? 1 : 0);
    fields_put_u64(&at, row->since_no);
    fields_put_when(&at, row->created_at);
    fields_put_when(&at, row->rotated_at);
    fields_put_when(&at, row->before_until);
    put_lens(&at, row);
    CHECK(at == room + DISK_SEAL_HEAD_LEN + STORE_RECORD_ENDPOINT_HEAD_LEN);
    put_texts(&at, row);
    size_t content_len = (size_t)(at - room) - DISK_SEAL_HEAD_LEN;
    disk_seal(room, STORE_RECORD_VERSION, STORE_RECORD_ENDPOINT, key, content_len);
}

static bool get_names(struct slice key, struct endpoint_row *row)
{
    const uint8_t *slash = key.len > 0 ? memchr(key.data, '/', key.len) : NULL;
    if (slash == NULL || key.len > STORE_RECORD_ENDPOINT_KEY_LEN_MAX)
        return false;
    row->tenant = slice_of(key.data, (size_t)(slash - key.data));
    row->given.webhook_id = slice_of(slash + 1, key.len - row->tenant.len - 1);
    bool is_whole = row->tenant.len > 0 && row->given.webhook_id.len > 0;
    if (origin_is_tenant(row->tenant, (struct slice){0}))
        row->tenant = (struct slice){0};
    return is_whole;
}

static bool get_texts(struct bytes_in *in, struct endpoint_row *row)
{
    struct slice *const texts[] = {&row->given.url,     &row->given.types, &row->given.tags,
                                   &row->given.headers, &row->secret,      &row->secret_before,
                                   &row->reason};
    enum { TEXTS = sizeof texts / sizeof texts[0] };
    uint16_t lens[TEXTS];
    for (unsigned i = 0; i < TEXTS; i++)
        lens[i] = bytes_get_u16(in);
    for (unsigned i = 0; i < TEXTS; i++)
        *texts[i] = bytes_get(in, lens[i]);
    return !in->bad && in->left.len == 0;
}

err store_record_get_endpoint(struct slice record, struct slice key, struct endpoint_row *out_row)
{
    uint8_t version = 0;
    uint8_t kind = 0;
    struct bytes_in in = {0};
    struct endpoint_row row = {0};
    if (disk_unseal(record, key, &version, &kind, &in.left) != OK ||
        version != STORE_RECORD_VERSION || kind != STORE_RECORD_ENDPOINT || !get_names(key, &row))
        return ERR_DAMAGED;
    row.generation = bytes_get_u32(&in);
    row.given.events = bytes_get_u32(&in);
    row.place = bytes_get_u8(&in);
    unsigned disabled = bytes_get_u8(&in);
    row.is_disabled = disabled == 1;
    row.since_no = bytes_get_u64(&in);
    row.created_at = (when_ms)bytes_get_u64(&in);
    row.rotated_at = (when_ms)bytes_get_u64(&in);
    row.before_until = (when_ms)bytes_get_u64(&in);
    if (!get_texts(&in, &row) || disabled > 1 || row.place >= ENDPOINTS_OF_TENANT_MAX ||
        row.created_at < 0 || row.rotated_at < 0 || row.before_until < 0 || row.generation == 0)
        return ERR_DAMAGED;
    *out_row = row;
    return OK;
}
