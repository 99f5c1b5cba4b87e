#pragma once

// The stream of events as JSON, and its places as text: what GET /v1/events and `weft tail` print.
// Pure.

#include "gateway/core/out.h"
#include "lib/base/err.h"
#include "proto/msg.h"

// "LINEAGE-EPOCH-POSITION-INDEX", the first in 16 hexadecimal digits. Clients give it back as it is.
enum { FEED_PLACE_LEN = 16 + 1 + 10 + 1 + 20 + 1 + 10 };
void feed_place_put(const struct msg_place *place, char out_text[FEED_PLACE_LEN + 1]);
//   ERR_BAD_FIELD   not a place that feed_place_put() has written
MUST_USE err feed_place_read(struct slice text, struct msg_place *out_place);

// Where `event` of `told` stands; where everything is still known from.
struct msg_place feed_place_of(const struct msg_event *told, const struct msg_job_event *event);
struct msg_place feed_oldest(const struct msg_event *told);

// One object each, of at most so many bytes.
enum { FEED_EVENT_LEN_MAX = 1024 };
void feed_event(struct out *out, const struct msg_event *told, const struct msg_job_event *event);
void feed_gap(struct out *out, const struct msg_event *told);
