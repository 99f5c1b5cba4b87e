// Acts on many jobs: a head of fixed length, then texts. The id is the key. A filter with a tag makes
// version 2, whose rest it is; another tenant than the default one version 3, which has its name
// before that rest; a rate version 4, which has the name, be it empty, and the rate before it; one that
// was cancelled version 5, which has the name, the rate, be it 0, and who cancelled it before it.

#include "broker/store/store_record.h"

#include "broker/core/operations.h"
#include "broker/store/store_fields.h"
#include "lib/base/bytes.h"
#include "lib/base/origin.h"

static bool is_of_default(const struct operation_row *row)
{
    return origin_is_tenant(row->tenant, (struct slice){0});
}

static uint8_t version_of(const struct operation_row *row)
{
    if (operations_is_cancelled(row))
        return 5;
    if (row->rate > 0)
        return 4;
    if (!is_of_default(row))
        return 3;
    return row->filter.tag.len > 0 ? 2 : 1;
}

static struct slice tenant_of(const struct operation_row *row)
{
    return is_of_default(row) ? (struct slice){0} : row->tenant;
}

size_t store_record_operation_len(const struct operation_row *row)
{
    uint8_t version = version_of(row);
    size_t tenant_len = version >= 3 ? 1 + tenant_of(row).len : 0;
    size_t rate_len = version >= 4 ? sizeof row->rate : 0;
    size_t cancelled_len = version >= 5 ? 1 + row->cancelled_by.len : 0;
    return STORE_RECORD_OPERATION_HEAD_LEN + tenant_len + rate_len + cancelled_len +
           row->filter.queue.len + row->filter.type.len + row->actor.len + row->filter.tag.len +
           DISK_SEAL_LEN;
}

void store_record_put_operation(uint8_t *room, struct slice key, const struct operation_row *row)
{
    const struct msg_filter *filter = &row->filter;
    CHECK(filter->queue.len <= UINT8_MAX && filter->type.len <= UINT8_MAX);
    CHECK(row->actor.len <= UINT8_MAX && filter->states <= UINT16_MAX);
    CHECK(row->tenant.len <= UINT8_MAX && row->cancelled_by.len <= UINT8_MAX);
    uint8_t *at = room + DISK_SEAL_HEAD_LEN;
    fields_put_u8(&at, row->kind);
    fields_put_u32(&at, row->version);
    fields_put_when(&at, row->created_at);
    fields_put_when(&at, row->ended_at);
    fields_put_u64(&at, row->upto);
    fields_put_u64(&at, row->cursor);
    fields_put_u64(&at, row->matched);
    fields_put_u64(&at, row->done);
    fields_put_u16(&at, (uint16_t)filter->states);
    fields_put_when(&at, filter->created_after);
    fields_put_when(&at, filter->created_before);
    fields_put_id(&at, &filter->batch_id);
    fields_put_u8(&at, (uint8_t)filter->queue.len);
    fields_put_u8(&at, (uint8_t)filter->type.len);
    fields_put_u8(&at, (uint8_t)row->actor.len);
    CHECK(at == room + DISK_SEAL_HEAD_LEN + STORE_RECORD_OPERATION_HEAD_LEN);
    fields_put_bytes(&at, filter->queue);
    fields_put_bytes(&at, filter->type);
    fields_put_bytes(&at, row->actor);
    uint8_t version = version_of(row);
    if (version >= 3) {
        fields_put_u8(&at, (uint8_t)tenant_of(row).len);
        fields_put_bytes(&at, tenant_of(row));
    }
    if (version >= 4)
        fields_put_u32(&at, row->rate);
    if (version >= 5) {
        fields_put_u8(&at, (uint8_t)row->cancelled_by.len);
        fields_put_bytes(&at, row->cancelled_by);
    }
    fields_put_bytes(&at, filter->tag);
    disk_seal(room, version, STORE_RECORD_OPERATION, key,
              store_record_operation_len(row) - DISK_SEAL_LEN);
}

static struct slice get_text(struct bytes_in *in, size_t len, size_t max)
{
    struct slice text = bytes_get(in, len);
    in->bad = in->bad || len > max;
    return text;
}

static void get_filter(struct bytes_in *in, struct msg_filter *filter)
{
    filter->states = bytes_get_u16(in);
    filter->created_after = (when_ms)bytes_get_u64(in);
    filter->created_before = (when_ms)bytes_get_u64(in);
    struct slice id = bytes_get(in, sizeof filter->batch_id.bytes);
    if (id.len > 0)
        memcpy(filter->batch_id.bytes, id.data, id.len);
    in->bad = in->bad || filter->states >= 1u << JOB_STATES || filter->created_after < 0 ||
              filter->created_before < 0;
}

static void get_row(struct bytes_in *in, struct operation_row *row)
{
    row->kind = bytes_get_u8(in);
    row->version = bytes_get_u32(in);
    row->created_at = (when_ms)bytes_get_u64(in);
    row->ended_at = (when_ms)bytes_get_u64(in);
    row->upto = bytes_get_u64(in);
    row->cursor = bytes_get_u64(in);
    row->matched = bytes_get_u64(in);
    row->done = bytes_get_u64(in);
    get_filter(in, &row->filter);
    uint8_t queue_len = bytes_get_u8(in);
    uint8_t type_len = bytes_get_u8(in);
    uint8_t actor_len = bytes_get_u8(in);
    row->filter.queue = get_text(in, queue_len, MSG_NAME_LEN_MAX);
    row->filter.type = get_text(in, type_len, MSG_NAME_LEN_MAX);
    row->actor = get_text(in, actor_len, MSG_ACTOR_LEN_MAX);
}

err store_record_get_operation(struct slice record, struct slice key, struct operation_row *out_row)
{
    uint8_t version = 0;
    uint8_t kind = 0;
    struct bytes_in in = {0};
    struct operation_row row = {0};
    if (key.len != sizeof row.id.bytes ||
        disk_unseal(record, key, &version, &kind, &in.left) != OK || kind != STORE_RECORD_OPERATION)
        return ERR_DAMAGED;
    memcpy(row.id.bytes, key.data, key.len);
    get_row(&in, &row);
    if (version >= 3)
        row.tenant = get_text(&in, bytes_get_u8(&in), MSG_NAME_LEN_MAX);
    if (version >= 4)
        row.rate = bytes_get_u32(&in);
    if (version >= 5)
        row.cancelled_by = get_text(&in, bytes_get_u8(&in), MSG_ACTOR_LEN_MAX);
    row.filter.tag = get_text(&in, in.left.len, MSG_TAG_LEN_MAX);
    // What we would write otherwise is nothing that we wrote.
    in.bad = in.bad || version_of(&row) != version || !slice_equal(tenant_of(&row), row.tenant);
    bool is_kind = row.kind == ACT_CANCEL || row.kind == ACT_RETRY || row.kind == ACT_DELETE ||
                   row.kind == ACT_PURGE || row.kind == ACT_RUN_NOW;
    if (!bytes_is_whole(&in) || !is_kind || !operations_is_sound(&row))
        return ERR_DAMAGED;
    *out_row = row;
    return OK;
}
