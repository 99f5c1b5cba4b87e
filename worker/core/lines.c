// Writing by hand, reading by worker/core/jsontext.h.

#include "worker/core/lines.h"

#include "lib/base/check.h"
#include "lib/base/duration.h"
#include "lib/base/utf8.h"
#include "worker/core/jsontext.h"

// --- the request ---

static void put_escaped(struct bytes_out *out, uint8_t byte)
{
    static const char hex[] = "0123456789abcdef";
    const char control[] = {'\\', 'u', '0', '0', hex[byte >> 4], hex[byte & 0xf]};
    if (byte == '"' || byte == '\\')
        bytes_put_u8(out, '\\');
    if (byte < 0x20)
        bytes_put(out, control, sizeof control);
    else
        bytes_put_u8(out, byte);
}

static void put_string(struct bytes_out *out, struct slice text)
{
    bytes_put_u8(out, '"');
    for (size_t i = 0; i < text.len; i++)
        put_escaped(out, text.data[i]);
    bytes_put_u8(out, '"');
}

static void put_base64(struct bytes_out *out, struct slice bytes)
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < bytes.len; i += 3) {
        size_t left = bytes.len - i;
        uint32_t group = (uint32_t)bytes.data[i] << 16;
        if (left > 1)
            group |= (uint32_t)bytes.data[i + 1] << 8;
        if (left > 2)
            group |= bytes.data[i + 2];
        const char four[] = {letters[group >> 18], letters[group >> 12 & 63],
                             left > 1 ? letters[group >> 6 & 63] : '=',
                             left > 2 ? letters[group & 63] : '='};
        bytes_put(out, four, sizeof four);
    }
}

static const char *content_type(enum content content)
{
    switch (content) {
    case CONTENT_JSON: return "application/json";
    case CONTENT_MSGPACK: return "application/msgpack";
    case CONTENT_TEXT: return "text/plain; charset=utf-8";
    case CONTENT_NONE:
    case CONTENT_BYTES: return "application/octet-stream";
    }
    UNREACHABLE();
}

// Inside of strings JSON has no raw line ends, so those that are there are blanks between values.
static void put_on_one_line(struct bytes_out *out, struct slice json)
{
    for (size_t i = 0; i < json.len; i++) {
        uint8_t byte = json.data[i];
        bytes_put_u8(out, byte == '\n' || byte == '\r' ? ' ' : byte);
    }
}

static void put_payload(struct bytes_out *out, const struct body *payload)
{
    if (payload->bytes.len == 0) {
        bytes_put_text(out, ",\"payload\":null");
    } else if (payload->content == CONTENT_JSON && jsontext_is_valid(payload->bytes)) {
        bytes_put_text(out, ",\"payload\":");
        put_on_one_line(out, jsontext_trim(payload->bytes));
    } else if (payload->content == CONTENT_TEXT &&
               utf8_valid_len(payload->bytes) == payload->bytes.len) {
        bytes_put_text(out, ",\"payload\":");
        put_string(out, payload->bytes);
    } else {
        bytes_put_text(out, ",\"payload_base64\":\"");
        put_base64(out, payload->bytes);
        bytes_put_text(out, "\",\"content_type\":");
        put_string(out, slice_of_text(content_type(payload->content)));
    }
}

static void put_after(struct bytes_out *out, const struct msg_ids *after)
{
    for (uint32_t i = 0; i < after->count; i++) {
        char id[ID_TEXT_LEN + 1];
        id_to_text(&after->items[i], id);
        bytes_put_text(out, i == 0 ? ",\"after\":[\"" : "\",\"");
        bytes_put_text(out, id);
    }
    if (after->count > 0)
        bytes_put_text(out, "\"]");
}

void lines_metadata(const struct labels *labels, struct bytes_out *out)
{
    bytes_put_u8(out, '{');
    for (uint32_t i = 0; i < labels->pair_count; i++) {
        if (i > 0)
            bytes_put_u8(out, ',');
        put_string(out, labels->pairs[i].name);
        bytes_put_u8(out, ':');
        put_string(out, labels->pairs[i].value);
    }
    bytes_put_u8(out, '}');
}

static void put_labels(struct bytes_out *out, struct slice packed)
{
    struct labels labels;
    const char *detail = NULL;
    if (labels_read(packed, &labels, &detail) != OK)
        return; // of a broker that allows more
    for (uint32_t i = 0; i < labels.tag_count; i++) {
        bytes_put_text(out, i == 0 ? ",\"tags\":[" : ",");
        put_string(out, labels.tags[i]);
    }
    if (labels.tag_count > 0)
        bytes_put_u8(out, ']');
    if (labels.pair_count == 0)
        return;
    bytes_put_text(out, ",\"metadata\":");
    lines_metadata(&labels, out);
}

size_t lines_request_size(const struct lines_job *job)
{
    enum { NAMES_AND_NUMBERS = 512, ESCAPE_LEN = 6 };
    // A label's bytes on the wire are more than its text and the marks around it.
    size_t texts = job->type.len + job->queue.len + job->traceparent.len + job->labels.len;
    if (job->payload.content == CONTENT_TEXT)
        texts += job->payload.bytes.len;
    return NAMES_AND_NUMBERS + (size_t)job->after.count * (ID_TEXT_LEN + 3) + ESCAPE_LEN * texts +
           job->payload.bytes.len / 3 * 4 + 4;
}

void lines_request(const struct lines_job *job, struct bytes_out *out)
{
    char id[ID_TEXT_LEN + 1];
    id_to_text(&job->job_id, id);
    bytes_put_text(out, "{\"job_id\":\"");
    bytes_put_text(out, id);
    bytes_put_text(out, "\",\"token\":\"");
    bytes_put_decimal(out, job->token);
    bytes_put_text(out, "\",\"type\":");
    put_string(out, job->type);
    bytes_put_text(out, ",\"queue\":");
    put_string(out, job->queue);
    bytes_put_text(out, ",\"attempt\":");
    bytes_put_decimal(out, job->attempt);
    bytes_put_text(out, ",\"deadline\":");
    bytes_put_decimal(out, (uint64_t)job->deadline);
    if (job->traceparent.len > 0) {
        bytes_put_text(out, ",\"traceparent\":");
        put_string(out, job->traceparent);
    }
    put_after(out, &job->after);
    put_labels(out, job->labels);
    put_payload(out, &job->payload);
    bytes_put_text(out, "}\n");
    CHECK(!out->full);
}

void lines_cancel(const struct msg_held *held, struct bytes_out *out)
{
    char id[ID_TEXT_LEN + 1];
    id_to_text(&held->job_id, id);
    bytes_put_text(out, "{\"cancel\":\"");
    bytes_put_text(out, id);
    bytes_put_text(out, "\",\"token\":\"");
    bytes_put_decimal(out, held->token);
    bytes_put_text(out, "\"}\n");
    CHECK(!out->full);
}

// --- the answer ---

static err read_bool(struct slice value, bool *out_bool)
{
    if (!slice_is_text(value, "true") && !slice_is_text(value, "false"))
        return ERR_BAD_FIELD;
    *out_bool = *value.data == 't';
    return OK;
}

static err read_id(struct slice value, struct id *out_id)
{
    uint8_t room[ID_TEXT_LEN + 1];
    struct slice text;
    if (jsontext_string(value, room, sizeof room, &text) != OK)
        return ERR_BAD_FIELD;
    return id_from_text(text, out_id) == OK ? OK : ERR_BAD_FIELD;
}

static err read_text(struct slice value, uint8_t *room, size_t cap, uint32_t *out_len)
{
    struct slice text;
    if (jsontext_string(value, room, cap, &text) != OK)
        return ERR_BAD_FIELD;
    *out_len = (uint32_t)text.len;
    return OK;
}

static err read_span(struct slice value, uint32_t *out_ms)
{
    uint8_t room[32];
    struct slice text;
    when_ms span = 0;
    if (jsontext_string(value, room, sizeof room, &text) != OK || duration_parse(text, &span) != OK)
        return ERR_BAD_FIELD;
    *out_ms = (uint32_t)when_min(span, UINT32_MAX);
    return OK;
}

struct seen {
    bool id;
    bool ok;
};

static err read_member(const struct jsontext_member *member, struct lines_answer *answer,
                       struct seen *seen)
{
    struct slice value = member->value;
    if (slice_is_text(member->name, "job_id")) {
        seen->id = true;
        return read_id(value, &answer->job_id);
    }
    if (slice_is_text(member->name, "ok")) {
        seen->ok = true;
        return read_bool(value, &answer->ok);
    }
    if (slice_is_text(member->name, "result"))
        answer->result = slice_is_text(value, "null") ? slice_of(NULL, 0) : value;
    if (slice_is_text(value, "null"))
        return OK; // the same as not given
    if (slice_is_text(member->name, "kind"))
        return read_text(value, answer->kind, sizeof answer->kind, &answer->kind_len);
    if (slice_is_text(member->name, "message"))
        return read_text(value, answer->message, sizeof answer->message, &answer->message_len);
    if (slice_is_text(member->name, "retry"))
        return read_bool(value, &answer->retry);
    if (slice_is_text(member->name, "cancelled"))
        return read_bool(value, &answer->cancelled);
    if (slice_is_text(member->name, "retry_after"))
        return read_span(value, &answer->retry_after_ms);
    return OK;
}

err lines_answer(struct slice line, struct lines_answer *out_answer)
{
    struct jsontext_member members[LINES_MEMBERS_MAX];
    uint32_t count = 0;
    if (jsontext_members(line, members, LINES_MEMBERS_MAX, &count) != OK)
        return ERR_MALFORMED;
    struct lines_answer answer = {.retry = true};
    struct seen seen = {0};
    for (uint32_t i = 0; i < count; i++) {
        err result = read_member(&members[i], &answer, &seen);
        if (result != OK)
            return result;
    }
    if (!seen.id || !seen.ok)
        return ERR_BAD_FIELD;
    *out_answer = answer;
    return OK;
}

static void report_failure(const struct lines_answer *answer, struct outcome_report *report)
{
    report->outcome = answer->retry ? OUTCOME_FAILED : OUTCOME_DEAD;
    report->kind = slice_of(answer->kind, answer->kind_len);
    if (report->kind.len == 0)
        report->kind = slice_of_text("error");
    report->message = slice_of(answer->message, answer->message_len);
    if (answer->retry)
        report->retry_after_ms = answer->retry_after_ms;
}

void lines_report(const struct lines_answer *answer, struct outcome_report *out_report)
{
    struct outcome_report report = {0};
    if (!answer->ok && answer->cancelled) {
        outcome_cancelled(&report);
    } else if (!answer->ok) {
        report_failure(answer, &report);
    } else if (answer->result.len > MSG_RESULT_LEN_MAX) {
        report.outcome = OUTCOME_DEAD;
        report.kind = slice_of_text("result-too-large");
        report.message = slice_of_text(
            "the result is longer than 1 MiB; store it elsewhere and answer with its name");
    } else {
        report.outcome = OUTCOME_SUCCEEDED;
        if (answer->result.len > 0)
            report.result = (struct body){.content = CONTENT_JSON, .bytes = answer->result};
    }
    *out_report = report;
}
