// Records of the journal. The first byte of the input chooses: the bytes as they lie there, or the
// same with a right seal, so that what is behind the checksum is reached too. What decodes must
// encode to the same bytes.

// links: weft_disk

#include "lib/disk/disk.h"
#include "worker/journal/record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool fact)
{
    if (!fact)
        abort();
}

static void judge(struct slice key, struct slice record)
{
    struct outcome_report report;
    err decoded = record_decode(key, record, &report);
    must(decoded == OK || decoded == ERR_DAMAGED || decoded == ERR_UNSUPPORTED);
    if (decoded != OK)
        return;
    must(record_size(&report) == record.len);
    uint8_t *again = malloc(record.len);
    must(again != NULL);
    record_encode(&report, again);
    must(memcmp(again, record.data, record.len) == 0);
    free(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1 + RECORD_KEY_LEN)
        return 0;
    struct slice key = slice_of(data + 1, RECORD_KEY_LEN);
    struct slice rest = slice_of(data + 1 + RECORD_KEY_LEN, size - 1 - RECORD_KEY_LEN);
    if (data[0] % 2 == 0) {
        judge(key, rest);
        return 0;
    }
    uint8_t *room = malloc(rest.len + DISK_SEAL_LEN);
    must(room != NULL);
    if (rest.len > 0)
        memcpy(room + DISK_SEAL_HEAD_LEN, rest.data, rest.len);
    disk_seal(room, (uint8_t)(1 + data[0] / 64), RECORD_KIND, key, rest.len);
    judge(key, slice_of(room, rest.len + DISK_SEAL_LEN));
    free(room);
    return 0;
}
