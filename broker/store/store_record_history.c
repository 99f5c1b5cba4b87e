// Records of a job's history: events of its timeline, chunks of its log. Lengths of texts were checked at the door
// (proto/check.h), so one that does not fit its width here is a bug.

#include "broker/store/store_record.h"

#include "broker/core/logs.h"
#include "broker/store/store_fields.h"
#include "lib/base/bytes.h"

static bool open_record(struct slice record, struct slice key, enum store_record_kind kind,
                        struct bytes_in *out_in)
{
    uint8_t version = 0;
    uint8_t found = 0;
    struct slice content = {0};
    if (disk_unseal(record, key, &version, &found, &content) != OK ||
        version != STORE_RECORD_VERSION || found != kind)
        return false;
    *out_in = (struct bytes_in){.left = content};
    return true;
}

static struct id get_id(struct bytes_in *in)
{
    struct id id = {{0}};
    struct slice bytes = bytes_get(in, sizeof id.bytes);
    if (bytes.len > 0)
        memcpy(id.bytes, bytes.data, bytes.len);
    return id;
}

size_t store_record_event_len(const struct event_row *row)
{
    return DISK_SEAL_LEN + STORE_RECORD_EVENT_HEAD_LEN + row->actor.len + row->reason.len +
           row->kind.len + row->message.len + row->detail.len;
}

static void put_event_head(uint8_t **at, const struct event_row *row)
{
    fields_put_u32(at, row->seq);
    fields_put_u32(at, row->version);
    fields_put_u32(at, row->attempt);
    fields_put_when(at, row->at);
    fields_put_when(at, row->granted_at);
    fields_put_when(at, row->due_at);
    fields_put_u64(at, row->token);
    fields_put_id(at, &row->worker);
    fields_put_u8(at, row->event);
    fields_put_u8(at, row->state);
    fields_put_u8(at, row->outcome);
    fields_put_u8(at, (uint8_t)row->actor.len);
    fields_put_u8(at, (uint8_t)row->kind.len);
    fields_put_u16(at, (uint16_t)row->reason.len);
    fields_put_u16(at, (uint16_t)row->message.len);
    fields_put_u16(at, (uint16_t)row->detail.len);
}

void store_record_put_event(uint8_t *room, struct slice key, const struct event_row *row)
{
    CHECK(row->actor.len <= UINT8_MAX && row->kind.len <= UINT8_MAX);
    CHECK(row->reason.len <= UINT16_MAX);
    CHECK(row->message.len <= UINT16_MAX && row->detail.len <= UINT16_MAX);
    uint8_t *at = room + DISK_SEAL_HEAD_LEN;
    put_event_head(&at, row);
    fields_put_bytes(&at, row->actor);
    fields_put_bytes(&at, row->kind);
    fields_put_bytes(&at, row->reason);
    fields_put_bytes(&at, row->message);
    fields_put_bytes(&at, row->detail);
    size_t len = store_record_event_len(row) - DISK_SEAL_LEN;
    CHECK(at == room + DISK_SEAL_HEAD_LEN + len);
    disk_seal(room, STORE_RECORD_VERSION, STORE_RECORD_EVENT, key, len);
}

static void get_event_head(struct bytes_in *in, struct event_row *row)
{
    row->seq = bytes_get_u32(in);
    row->version = bytes_get_u32(in);
    row->attempt = bytes_get_u32(in);
    row->at = (when_ms)bytes_get_u64(in);
    row->granted_at = (when_ms)bytes_get_u64(in);
    row->due_at = (when_ms)bytes_get_u64(in);
    row->token = bytes_get_u64(in);
    row->worker = get_id(in);
    row->event = bytes_get_u8(in);
    row->state = bytes_get_u8(in);
    row->outcome = bytes_get_u8(in);
}

err store_record_get_event(struct slice record, struct slice key, struct event_row *out_row)
{
    struct bytes_in in;
    if (!open_record(record, key, STORE_RECORD_EVENT, &in))
        return ERR_DAMAGED;
    struct event_row row = {0};
    get_event_head(&in, &row);
    uint8_t actor_len = bytes_get_u8(&in);
    uint8_t kind_len = bytes_get_u8(&in);
    uint16_t reason_len = bytes_get_u16(&in);
    uint16_t message_len = bytes_get_u16(&in);
    uint16_t detail_len = bytes_get_u16(&in);
    row.actor = bytes_get(&in, actor_len);
    row.kind = bytes_get(&in, kind_len);
    row.reason = bytes_get(&in, reason_len);
    row.message = bytes_get(&in, message_len);
    row.detail = bytes_get(&in, detail_len);
    if (!bytes_is_whole(&in) || row.seq == 0 || row.state == JOB_NONE || row.state >= JOB_STATES ||
        row.outcome >= OUTCOMES)
        return ERR_DAMAGED;
    *out_row = row;
    return OK;
}

// --- logs ---

size_t store_record_log_len(const struct store_record_log *old, const struct write_log *write)
{
    size_t len = DISK_SEAL_LEN + STORE_RECORD_LOG_HEAD_LEN + old->lines.len;
    for (uint32_t i = 0; i < write->count; i++)
        len += STORE_RECORD_LOG_LINE_LEN + write->lines[i].text.len;
    return len;
}

// A worker's clock is not ours: what it does not say, or says of the future, is as of now.
static when_ms moment_of(const struct msg_log_line *line, when_ms now)
{
    return line->at > 0 && line->at < now ? line->at : now;
}

void store_record_put_log(uint8_t *room, struct slice key, const struct store_record_log *old,
                          const struct write_log *write)
{
    uint8_t *at = room + DISK_SEAL_HEAD_LEN;
    fields_put_u32(&at, old->count > 0 ? old->first : write->first);
    fields_put_bytes(&at, old->lines);
    for (uint32_t i = 0; i < write->count; i++) {
        const struct msg_log_line *line = &write->lines[i];
        CHECK(line->text.len <= UINT16_MAX);
        fields_put_when(&at, moment_of(line, write->at));
        fields_put_u64(&at, line->token);
        fields_put_u16(&at, (uint16_t)line->text.len);
        fields_put_bytes(&at, line->text);
    }
    size_t len = store_record_log_len(old, write) - DISK_SEAL_LEN;
    CHECK(at == room + DISK_SEAL_HEAD_LEN + len);
    disk_seal(room, STORE_RECORD_VERSION, STORE_RECORD_LOG, key, len);
}

bool store_record_next_line(struct store_record_log *log, struct msg_log_line *out_line)
{
    if (log->count == 0)
        return false;
    struct bytes_in in = {.left = log->lines};
    struct msg_log_line line = {.seq = log->first};
    line.at = (when_ms)bytes_get_u64(&in);
    line.token = bytes_get_u64(&in);
    line.text = bytes_get(&in, bytes_get_u16(&in));
    CHECK(!in.bad);
    *log = (struct store_record_log){
        .first = log->first + 1, .count = log->count - 1, .lines = in.left};
    *out_line = line;
    return true;
}

err store_record_get_log(struct slice record, struct slice key, struct store_record_log *out_log)
{
    struct bytes_in in;
    if (!open_record(record, key, STORE_RECORD_LOG, &in))
        return ERR_DAMAGED;
    struct store_record_log log = {.first = bytes_get_u32(&in)};
    log.lines = in.left;
    while (!in.bad && in.left.len > 0) {
        (void)bytes_get_u64(&in); // when
        (void)bytes_get_u64(&in); // token
        struct slice text = bytes_get(&in, bytes_get_u16(&in));
        log.count++;
        if (text.len > MSG_LOG_TEXT_LEN_MAX || log.count > LOGS_CHUNK_LINES)
            return ERR_DAMAGED;
    }
    if (in.bad || log.first == 0 || log.count == 0)
        return ERR_DAMAGED;
    *out_log = log;
    return OK;
}
