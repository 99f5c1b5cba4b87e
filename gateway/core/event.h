#pragma once

// Events of a stream as the WHATWG's HTML standard has them ("Server-sent events"). Pure.

#include "lib/base/slice.h"

// Begins every stream: how long a client waits before it asks again, in milliseconds.
#define EVENT_STREAM_HEAD "retry: 2000\n\n"
// Says that the stream lives; clients ignore it.
#define EVENT_COMMENT ":\n\n"

struct event {
    const char *name;
    uint32_t id;       // 0: none
    struct slice mark; // instead of the id
    struct slice data;
};

// Bytes that the event may take.
size_t event_len(const struct event *event);
// Writes it into `room` of event_len() bytes; returns the bytes used. Each line of the data, ended
// by CR, LF or both, becomes a line of the event.
size_t event_put(const struct event *event, uint8_t *room);
