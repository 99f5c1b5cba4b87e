// Field by field.

#include "gateway/store/spool_record.h"

#include "lib/base/bytes.h"

enum { VERSION = 1, KIND_TOTALS = 1, KIND_BATCH = 1 };

size_t spool_record_len(const struct spool_record *record)
{
    return DISK_SEAL_LEN + SPOOL_RECORD_HEAD_LEN + record->detail.len + record->tenant.len +
           record->envelope.len + record->block.len;
}

static void put_slice(struct bytes_out *out, struct slice value)
{
    if (value.len > 0)
        bytes_put(out, value.data, value.len);
}

void spool_record_encode(const struct spool_record *record, uint8_t *room)
{
    size_t content_len = spool_record_len(record) - DISK_SEAL_LEN;
    struct bytes_out out = {.data = room + DISK_SEAL_HEAD_LEN, .cap = content_len};
    CHECK(record->tenant.len > 0 && record->tenant.len <= SPOOL_TENANT_LEN_MAX);
    CHECK(record->detail.len <= SPOOL_DETAIL_LEN_MAX);
    CHECK((record->place == SPOOL_REFUSED) == (record->error != OK));
    bytes_put(&out, record->id.bytes, sizeof record->id.bytes);
    bytes_put_u64(&out, record->fingerprint);
    bytes_put_u64(&out, (uint64_t)record->spooled_at);
    bytes_put_u32(&out, (uint32_t)record->error);
    bytes_put_u64(&out, (uint64_t)record->refused_at);
    bytes_put_u16(&out, (uint16_t)record->detail.len);
    bytes_put_u8(&out, (uint8_t)record->tenant.len);
    bytes_put_u32(&out, (uint32_t)record->envelope.len);
    put_slice(&out, record->detail);
    put_slice(&out, record->tenant);
    put_slice(&out, record->envelope);
    put_slice(&out, record->block);
    CHECK(!out.full && out.len == content_len);
    struct disk_key key = disk_key_of(record->number);
    disk_seal(room, VERSION, (uint8_t)record->place, disk_key_slice(&key), content_len);
}

// Is what the record says of a refusal as it must be of its place?
static bool is_sound(const struct spool_record *record, uint32_t error)
{
    if (record->place == SPOOL_WAITING)
        return error == 0 && record->refused_at == 0 && record->detail.len == 0;
    // The number of a later version is read as ERR_MALFORMED, and would be written as that.
    return record->place == SPOOL_REFUSED && error != 0 && (uint32_t)record->error == error;
}

err spool_record_decode(struct slice bytes, struct slice key, struct spool_record *out_record)
{
    uint8_t version;
    uint8_t kind;
    struct slice content;
    if (key.len != sizeof(uint64_t) || disk_unseal(bytes, key, &version, &kind, &content) != OK ||
        version != VERSION)
        return ERR_DAMAGED;
    struct bytes_in in = {.left = content};
    struct spool_record record = {.place = (enum spool_place)kind, .number = disk_key_number(key)};
    struct slice id = bytes_get(&in, sizeof record.id.bytes);
    record.fingerprint = bytes_get_u64(&in);
    record.spooled_at = (when_ms)bytes_get_u64(&in);
    uint32_t error = bytes_get_u32(&in);
    record.error = err_from_number(error);
    record.refused_at = (when_ms)bytes_get_u64(&in);
    size_t detail_len = bytes_get_u16(&in);
    size_t tenant_len = bytes_get_u8(&in);
    size_t envelope_len = bytes_get_u32(&in);
    record.detail = bytes_get(&in, detail_len);
    record.tenant = bytes_get(&in, tenant_len);
    record.envelope = bytes_get(&in, envelope_len);
    record.block = bytes_get(&in, in.left.len);
    if (!bytes_is_whole(&in) || id_from_bytes(id, &record.id) != OK || tenant_len == 0 ||
        tenant_len > SPOOL_TENANT_LEN_MAX || detail_len > SPOOL_DETAIL_LEN_MAX ||
        !is_sound(&record, error))
        return ERR_DAMAGED;
    *out_record = record;
    return OK;
}

void spool_record_encode_id(struct spool_mark mark, const struct id *id, uint8_t room[SPOOL_ID_LEN])
{
    struct bytes_out out = {.data = room + DISK_SEAL_HEAD_LEN, .cap = 8};
    bytes_put_u64(&out, mark.number);
    disk_seal(room, VERSION, (uint8_t)mark.place, slice_of(id->bytes, sizeof id->bytes), out.len);
}

err spool_record_decode_id(struct slice bytes, struct slice key, struct spool_mark *out_mark)
{
    uint8_t version;
    uint8_t kind;
    struct slice content;
    if (disk_unseal(bytes, key, &version, &kind, &content) != OK || version != VERSION ||
        (kind != SPOOL_WAITING && kind != SPOOL_REFUSED))
        return ERR_DAMAGED;
    struct bytes_in in = {.left = content};
    uint64_t number = bytes_get_u64(&in);
    if (!bytes_is_whole(&in))
        return ERR_DAMAGED;
    *out_mark = (struct spool_mark){.place = (enum spool_place)kind, .number = number};
    return OK;
}

void spool_record_encode_totals(const struct spool_account *account, uint8_t room[SPOOL_TOTALS_LEN])
{
    struct bytes_out out = {.data = room + DISK_SEAL_HEAD_LEN,
                            .cap = SPOOL_TOTALS_LEN - DISK_SEAL_LEN};
    bytes_put_u64(&out, account->accepted);
    bytes_put_u64(&out, account->forwarded);
    bytes_put_u64(&out, account->refused);
    bytes_put_u64(&out, account->damaged);
    bytes_put_u64(&out, account->deleted);
    CHECK(!out.full && out.len == SPOOL_TOTALS_LEN - DISK_SEAL_LEN);
    struct disk_key key = disk_key_of(0);
    disk_seal(room, VERSION, KIND_TOTALS, disk_key_slice(&key), out.len);
}

err spool_record_decode_totals(struct slice bytes, struct spool_account *account)
{
    uint8_t version;
    uint8_t kind;
    struct slice content;
    struct disk_key key = disk_key_of(0);
    if (disk_unseal(bytes, disk_key_slice(&key), &version, &kind, &content) != OK ||
        version != VERSION || kind != KIND_TOTALS)
        return ERR_DAMAGED;
    struct bytes_in in = {.left = content};
    struct spool_account read = *account;
    read.accepted = bytes_get_u64(&in);
    read.forwarded = bytes_get_u64(&in);
    read.refused = bytes_get_u64(&in);
    read.damaged = bytes_get_u64(&in);
    read.deleted = bytes_get_u64(&in);
    if (!bytes_is_whole(&in))
        return ERR_DAMAGED;
    *account = read;
    return OK;
}

void spool_record_encode_batch(const struct spool_batch *batch, const struct id *id,
                               uint8_t room[SPOOL_BATCH_LEN])
{
    struct bytes_out out = {.data = room + DISK_SEAL_HEAD_LEN,
                            .cap = SPOOL_BATCH_LEN - DISK_SEAL_LEN};
    bytes_put_u64(&out, batch->fingerprint);
    bytes_put_u64(&out, batch->waiting);
    disk_seal(room, VERSION, KIND_BATCH, slice_of(id->bytes, sizeof id->bytes), out.len);
}

err spool_record_decode_batch(struct slice bytes, struct slice key, struct spool_batch *out_batch)
{
    uint8_t version;
    uint8_t kind;
    struct slice content;
    if (disk_unseal(bytes, key, &version, &kind, &content) != OK || version != VERSION ||
        kind != KIND_BATCH)
        return ERR_DAMAGED;
    struct bytes_in in = {.left = content};
    struct spool_batch batch = {.fingerprint = bytes_get_u64(&in)};
    batch.waiting = bytes_get_u64(&in);
    if (!bytes_is_whole(&in))
        return ERR_DAMAGED;
    *out_batch = batch;
    return OK;
}
