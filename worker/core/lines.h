#pragma once

// `--lines`: one JSON line for a job, one JSON line for its outcome. Pure.
//
//   ─▶ {"job_id":"…","token":"…","type":"…","queue":"…","attempt":1,"deadline":1767225600000,
//       "payload":…}                              deadline in Unix milliseconds
//   ◀─ {"job_id":"…","ok":true,"result":…}
//   ◀─ {"job_id":"…","ok":false,"kind":"…","message":"…","retry":false,"retry_after":"30s"}
//
//   ─▶ {"cancel":"…","token":"…"}              that job is to be stopped
//   ◀─ {"job_id":"…","ok":false,"cancelled":true}
//
// A payload that is JSON stands there as it was sent, on one line; one that is text is a string; any
// other is "payload_base64", with its "content_type". The token is a string because many languages cannot
// hold 64-bit numbers. Members that are not known are skipped, in both directions.

#include "lib/base/bytes.h"
#include "proto/labels.h"
#include "proto/msg.h"
#include "worker/core/outcome.h"

struct lines_job {
    struct id job_id;
    uint64_t token;
    struct slice type;
    struct slice queue;
    uint32_t attempt;
    when_ms deadline; // Unix milliseconds
    struct body payload;
    struct slice traceparent; // empty: not told
    struct msg_ids after;     // none: not told
    struct slice labels;      // the same
};

// The object of a job's metadata, {} when there is none; LINES_METADATA_SIZE bytes at most.
enum { LINES_METADATA_SIZE = 6 * MSG_METADATA_LEN_MAX + 6 * MSG_METADATA_MAX + 2 };
void lines_metadata(const struct labels *labels, struct bytes_out *out);

// Room that lines_request() needs at most.
size_t lines_request_size(const struct lines_job *job);
// Writes the line, its newline included.
void lines_request(const struct lines_job *job, struct bytes_out *out);

enum { LINES_CANCEL_SIZE = 96 };
// The line that asks to stop a job, its newline included; LINES_CANCEL_SIZE bytes at most.
void lines_cancel(const struct msg_held *held, struct bytes_out *out);

enum { LINES_ANSWER_LEN_MAX = MSG_RESULT_LEN_MAX + 64 * 1024, LINES_MEMBERS_MAX = 32 };

struct lines_answer {
    struct id job_id;
    bool ok;
    struct slice result; // JSON as written; empty when none or null
    bool retry;          // of a failure: true unless it said false
    bool cancelled;      // of a failure: it stopped because it was asked to
    uint32_t retry_after_ms;
    uint8_t kind[MSG_ERROR_KIND_LEN_MAX];
    uint32_t kind_len;
    uint8_t message[MSG_ERROR_MESSAGE_LEN_MAX];
    uint32_t message_len;
};

// `line` comes without its newline. The result borrows from it.
//   ERR_MALFORMED   no JSON object, or more than LINES_MEMBERS_MAX members
//   ERR_BAD_FIELD   job_id or ok is missing, or a known member is of the wrong kind
MUST_USE err lines_answer(struct slice line, struct lines_answer *out_answer);

// What it means for the job. The report borrows from `answer`, and from its line.
void lines_report(const struct lines_answer *answer, struct outcome_report *out_report);
