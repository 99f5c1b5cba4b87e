// Notes of the gateway's record. The first byte of the input chooses: the bytes as they lie there,
// or the same with a right seal, so that what is behind the checksum is reached too. What decodes
// must encode to the same bytes.

// links: weft_gateway_store

#include "gateway/store/note.h"

enum { KEY_LEN = 16 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool fact)
{
    if (!fact)
        abort();
}

static void judge(struct slice key, struct slice record)
{
    struct keys_note note;
    uint64_t number = 0;
    uint8_t again[NOTE_LEN];
    err decoded = note_decode(record, key, &note, &number);
    must(decoded == OK || decoded == ERR_DAMAGED);
    if (decoded != OK)
        return;
    must(record.len == NOTE_LEN);
    note_encode(&note, number, again);
    must(memcmp(again, record.data, NOTE_LEN) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1 + KEY_LEN)
        return 0;
    struct slice key = slice_of(data + 1, KEY_LEN);
    struct slice rest = slice_of(data + 1 + KEY_LEN, size - 1 - KEY_LEN);
    if (data[0] % 2 == 0) {
        judge(key, rest);
        return 0;
    }
    uint8_t *room = malloc(rest.len + DISK_SEAL_LEN);
    must(room != NULL);
    if (rest.len > 0)
        memcpy(room + DISK_SEAL_HEAD_LEN, rest.data, rest.len);
    disk_seal(room, (uint8_t)(1 + data[0] / 128), (uint8_t)(data[0] / 2 % 4), key, rest.len);
    judge(key, slice_of(room, rest.len + DISK_SEAL_LEN));
    free(room);
    return 0;
}
