// Field by field.

#include "gateway/store/note.h"

#include "gateway/core/answer.h"
#include "lib/base/bytes.h"
#include "lib/base/check.h"

enum { VERSION = 1 };

void note_encode(const struct keys_note *note, uint64_t number, uint8_t out_record[NOTE_LEN])
{
    struct bytes_out out = {.data = out_record + DISK_SEAL_HEAD_LEN, .cap = NOTE_CONTENT_LEN};
    bytes_put_u64(&out, note->fingerprint);
    bytes_put_u64(&out, note->lineage);
    bytes_put_u64(&out, number);
    bytes_put_u8(&out, note->state);
    bytes_put_u32(&out, note->count);
    bytes_put_u64(&out, (uint64_t)note->created_at);
    bytes_put_u64(&out, (uint64_t)note->dedup_until);
    CHECK(!out.full && out.len == NOTE_CONTENT_LEN);
    disk_seal(out_record, VERSION, (uint8_t)note->kind, slice_of(note->id.bytes, 16), out.len);
}

err note_decode(struct slice record, struct slice key, struct keys_note *out_note,
                uint64_t *out_number)
{
    uint8_t version;
    uint8_t kind;
    struct slice content;
    err e = disk_unseal(record, key, &version, &kind, &content);
    if (e != OK || version != VERSION || (kind != KEYS_JOB && kind != KEYS_BATCH))
        return ERR_DAMAGED;
    struct bytes_in in = {.left = content};
    struct keys_note note = {.kind = (enum keys_kind)kind};
    note.fingerprint = bytes_get_u64(&in);
    note.lineage = bytes_get_u64(&in);
    uint64_t number = bytes_get_u64(&in);
    note.state = bytes_get_u8(&in);
    note.count = bytes_get_u32(&in);
    note.created_at = (when_ms)bytes_get_u64(&in);
    note.dedup_until = (when_ms)bytes_get_u64(&in);
    // An answer names the state, so one that is none must not come out of here.
    if (!bytes_is_whole(&in) || note.state >= JOB_STATES || id_from_bytes(key, &note.id) != OK)
        return ERR_DAMAGED;
    *out_note = note;
    *out_number = number;
    return OK;
}
