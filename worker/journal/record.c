// Field by field, then the seal.

#include "worker/journal/record.h"

#include "lib/base/bytes.h"
#include "lib/disk/disk.h"

enum { FIXED_LEN = 1 + 1 + 4 + 4 * 4, LINEAGE_LEN = 8 };

struct record_key record_key_of(const struct id *job_id, uint64_t generation, uint64_t token)
{
    struct record_key key;
    struct bytes_out out = {.data = key.bytes, .cap = sizeof key.bytes};
    bytes_put(&out, job_id->bytes, sizeof job_id->bytes);
    bytes_put_u64(&out, generation);
    bytes_put_u64(&out, token);
    CHECK(!out.full && out.len == RECORD_KEY_LEN);
    return key;
}

size_t record_size(const struct outcome_report *report)
{
    size_t lineage_len = report->lineage != 0 ? LINEAGE_LEN : 0;
    return DISK_SEAL_LEN + lineage_len + FIXED_LEN + outcome_size(report);
}

void record_encode(const struct outcome_report *report, uint8_t *room)
{
    size_t len = record_size(report) - DISK_SEAL_LEN;
    struct bytes_out out = {.data = room + DISK_SEAL_HEAD_LEN, .cap = len};
    if (report->lineage != 0)
        bytes_put_u64(&out, report->lineage);
    bytes_put_u8(&out, (uint8_t)report->outcome);
    bytes_put_u8(&out, (uint8_t)report->result.content);
    bytes_put_u32(&out, report->retry_after_ms);
    bytes_put_slice(&out, report->result.bytes);
    bytes_put_slice(&out, report->kind);
    bytes_put_slice(&out, report->message);
    bytes_put_slice(&out, report->detail);
    CHECK(!out.full && out.len == len);
    struct record_key key = record_key_of(&report->job_id, report->generation, report->token);
    uint8_t version = report->lineage != 0 ? RECORD_VERSION : 1;
    disk_seal(room, version, RECORD_KIND, slice_of(key.bytes, sizeof key.bytes), len);
}

static err read_content(struct slice content, uint8_t version, struct outcome_report *out_report)
{
    struct bytes_in in = {.left = content};
    struct outcome_report report = *out_report;
    if (version > 1)
        report.lineage = bytes_get_u64(&in);
    if (version > 1 && report.lineage == 0) // each outcome has one spelling
        return ERR_DAMAGED;
    uint8_t outcome = bytes_get_u8(&in);
    uint8_t type = bytes_get_u8(&in);
    report.retry_after_ms = bytes_get_u32(&in);
    report.result.bytes = bytes_get_slice(&in);
    report.kind = bytes_get_slice(&in);
    report.message = bytes_get_slice(&in);
    report.detail = bytes_get_slice(&in);
    if (!bytes_is_whole(&in) || outcome == OUTCOME_NONE || outcome >= OUTCOMES ||
        type > CONTENT_TEXT)
        return ERR_DAMAGED;
    report.outcome = (enum outcome)outcome;
    report.result.content = (enum content)type;
    *out_report = report;
    return OK;
}

err record_decode(struct slice key, struct slice record, struct outcome_report *out_report)
{
    uint8_t version = 0;
    uint8_t kind = 0;
    struct slice content;
    if (key.len != RECORD_KEY_LEN || disk_unseal(record, key, &version, &kind, &content) != OK)
        return ERR_DAMAGED;
    if (version > RECORD_VERSION)
        return ERR_UNSUPPORTED;
    if (version == 0 || kind != RECORD_KIND)
        return ERR_DAMAGED;
    struct outcome_report report = {0};
    struct bytes_in in = {.left = key};
    memcpy(report.job_id.bytes, bytes_get(&in, sizeof report.job_id.bytes).data,
           sizeof report.job_id.bytes);
    report.generation = bytes_get_u64(&in);
    report.token = bytes_get_u64(&in);
    err read = read_content(content, version, &report);
    if (read != OK)
        return read;
    *out_report = report;
    return OK;
}
