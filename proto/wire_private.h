#pragma once

// The contract as data: where each field of a generated struct goes in its plain struct, and
// what it may hold. Encoding and decoding walk the same rows, so they cannot drift apart. Only
// for proto/wire_*.c.
//
// The build lets protoc-c read the contract with `bytes` in the place of `string`, which are the
// same on the wire: a slice has no terminating zero, and a zero inside a name must not cut it.

#include "proto/msg.h"

#include <protobuf-c/protobuf-c.h>

enum wire_kind {
    WIRE_U32,
    WIRE_U64, // and when_ms
    WIRE_BOOL,
    WIRE_ENUM,     // 0 … max
    WIRE_ERR,      // an error number
    WIRE_ID,       // 16 bytes, or none: the zero id
    WIRE_NAME,     // valid UTF-8 of at most max bytes
    WIRE_BYTES,    // at most max
    WIRE_TEXT,     // for people; at most max bytes, repaired when it is not UTF-8
    WIRE_PRIORITY, // a one-member oneof
    WIRE_FAILURE,  // a Worked
    WIRE_COUNTS,   // repeated uint32, at most max
    WIRE_IDS,      // repeated ids, none of them zero, at most max
    WIRE_VERSIONS, // the versions spoken here, in an ERROR that says so; only written
};

struct wire_field {
    enum wire_kind kind;
    uint32_t max;
    uint16_t wire_at; // offset in the generated struct
    uint16_t msg_at;  // offset in the plain struct
};

// A repeated message, or repeated names when `of` is NULL.
struct wire_list {
    const struct wire_shape *of;
    uint32_t max; // elements
    uint16_t wire_at;
    uint16_t wire_count_at;
    uint16_t msg_at;
    uint16_t msg_count_at;
};

// A Part and its body; max is 0 when the message has none.
struct wire_place {
    uint32_t max; // bytes
    uint16_t wire_at;
    uint16_t msg_at;
};

struct wire_shape {
    const ProtobufCMessageDescriptor *descriptor;
    const struct wire_field *fields;
    const struct wire_list *lists;
    struct wire_place body;
    uint16_t wire_size;
    uint16_t msg_size;
    uint8_t field_count;
    uint8_t list_count;
};

// A job as it is submitted, alone and in a schedule.
extern const struct wire_shape wire_shapes_submit_job;
// Of the kinds that wire_shapes.c does not have; NULL when there is no such kind.
const struct wire_shape *wire_shapes_ask_of(uint32_t kind);
// The shape of a kind of message, or NULL when there is no such kind.
const struct wire_shape *wire_shape_of(uint32_t kind);

// --- wire_shapes_history.c ---
extern const struct wire_shape wire_shapes_history_log_line;
extern const struct wire_shape wire_shapes_history_timeline;
extern const struct wire_shape wire_shapes_history_timeline_is;
extern const struct wire_shape wire_shapes_history_log;
extern const struct wire_shape wire_shapes_history_log_is;

// --- wire_shapes_watch.c ---
extern const struct wire_shape wire_shapes_watch;
extern const struct wire_shape wire_shapes_watch_event;

// --- wire_shapes_queue.c ---
extern const struct wire_shape wire_shapes_queue_forecast;
extern const struct wire_shape wire_shapes_queue_set;
extern const struct wire_shape wire_shapes_queue_status;
extern const struct wire_shape wire_shapes_queue_status_is;
extern const struct wire_shape wire_shapes_queue_type_set;
extern const struct wire_shape wire_shapes_queue_type_status;
extern const struct wire_shape wire_shapes_queue_type_status_is;

// --- wire_shapes_hook.c ---
extern const struct wire_shape wire_shapes_hook_set;
extern const struct wire_shape wire_shapes_hook_status;
extern const struct wire_shape wire_shapes_hook_status_is;
