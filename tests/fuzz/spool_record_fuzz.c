// Records of the gateway's spool. The first byte of the input chooses: a job's bytes as they lie
// there, or the same with a right seal, so that what is behind the checksum is reached too; or an id
// or the totals. What decodes must encode to the same bytes.

// links: weft_gateway_store

#include "gateway/store/spool_record.h"

enum { KEY_LEN = 8, ID_LEN = 16 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool fact)
{
    if (!fact)
        abort();
}

static void judge(struct slice key, struct slice bytes)
{
    struct spool_record record;
    err decoded = spool_record_decode(bytes, key, &record);
    must(decoded == OK || decoded == ERR_DAMAGED);
    if (decoded != OK)
        return;
    must(spool_record_len(&record) == bytes.len);
    uint8_t *again = malloc(bytes.len);
    must(again != NULL);
    spool_record_encode(&record, again);
    must(memcmp(again, bytes.data, bytes.len) == 0);
    free(again);
}

static void judge_sealed(uint8_t choice, struct slice key, struct slice content)
{
    uint8_t *room = malloc(content.len + DISK_SEAL_LEN);
    must(room != NULL);
    if (content.len > 0)
        memcpy(room + DISK_SEAL_HEAD_LEN, content.data, content.len);
    disk_seal(room, (uint8_t)(1 + choice / 128), (uint8_t)(1 + choice / 2 % 4), key, content.len);
    judge(key, slice_of(room, content.len + DISK_SEAL_LEN));
    free(room);
}

static void judge_id(struct slice key, struct slice bytes)
{
    struct spool_mark mark;
    struct id id;
    uint8_t again[SPOOL_ID_LEN];
    if (id_from_bytes(key, &id) != OK || spool_record_decode_id(bytes, key, &mark) != OK)
        return;
    spool_record_encode_id(mark, &id, again);
    must(bytes.len == sizeof again && memcmp(again, bytes.data, bytes.len) == 0);
}

static void judge_totals(struct slice bytes)
{
    struct spool_account account = {0};
    uint8_t again[SPOOL_TOTALS_LEN];
    if (spool_record_decode_totals(bytes, &account) != OK)
        return;
    spool_record_encode_totals(&account, again);
    must(bytes.len == sizeof again && memcmp(again, bytes.data, bytes.len) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1 + KEY_LEN)
        return 0;
    struct slice key = slice_of(data + 1, KEY_LEN);
    struct slice rest = slice_of(data + 1 + KEY_LEN, size - 1 - KEY_LEN);
    if (data[0] % 2 == 1)
        judge_sealed(data[0], key, rest);
    else if (data[0] == 2 && size >= 1 + ID_LEN)
        judge_id(slice_of(data + 1, ID_LEN), slice_of(data + 1 + ID_LEN, size - 1 - ID_LEN));
    else if (data[0] == 4)
        judge_totals(rest);
    else
        judge(key, rest);
    return 0;
}
