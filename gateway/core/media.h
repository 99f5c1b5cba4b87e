#pragma once

// Content types: what a body is, and what an answer may be. Pure.

#include "lib/base/slice.h"

enum media {
    MEDIA_NONE, // the header was not sent
    MEDIA_JSON,
    MEDIA_NDJSON,
    MEDIA_MSGPACK,
    MEDIA_MERGE_PATCH, // of JSON (RFC 7396), for a PATCH alone
    MEDIA_OTHER,
};

// Of a Content-Type header; `header.data` is NULL when it was not sent. A charset other than
// UTF-8 is MEDIA_OTHER.
enum media media_of(struct slice header);

// Which of JSON and MessagePack an Accept header prefers: the higher quality, JSON when both are
// alike or nothing is said. MEDIA_OTHER when it allows neither.
enum media media_wanted(struct slice accept);

// An Accept header that names text/event-stream.
bool media_wants_events(struct slice accept);
