#pragma once

// The messages between worker and spawner: one datagram each on a SEQPACKET socket pair, written
// field by field although both ends are the same program, so that nothing depends on padding.
//
//   run       u8 1 | number u64 | count u32 | count × (length u32, NAME=value)     + 4 descriptors
//   kill      u8 2 | number u64 | signal u8
//   started   u8 3 | number u64 | pid u32 | start u64
//   ended     u8 4 | number u64 | code u8 | signal u8 | signalled u8 | not begun u8
//
// Both ends belong to this folder; anything else that arrives is a bug.

#include "lib/base/bytes.h"
#include "worker/exec/spawner.h"

enum spawner_wire_kind {
    SPAWNER_WIRE_RUN = 1,
    SPAWNER_WIRE_KILL = 2,
    SPAWNER_WIRE_STARTED = 3,
    SPAWNER_WIRE_ENDED = 4,
};

struct spawner_wire_message {
    uint8_t bytes[SPAWNER_MESSAGE_MAX];
    size_t len;
    int descriptors[SPAWNER_DESCRIPTORS];
    uint32_t descriptor_count; // 0 or SPAWNER_DESCRIPTORS
};

//   ERR_AGAIN    would have to wait
//   ERR_SYSTEM   the other end is closed, or anything else; errno is kept
MUST_USE err spawner_wire_send(int socket, const struct spawner_wire_message *message, bool wait);
//   ERR_AGAIN       nothing is waiting
//   ERR_NOT_FOUND   the other end is closed
//   ERR_SYSTEM      anything else
MUST_USE err spawner_wire_receive(int socket, struct spawner_wire_message *out_message);

struct bytes_out spawner_wire_begin(struct spawner_wire_message *message,
                                    enum spawner_wire_kind kind, uint64_t number);
void spawner_wire_put_report(struct spawner_wire_message *message,
                             const struct spawner_report *report);
void spawner_wire_get_report(const struct spawner_wire_message *message,
                             struct spawner_report *out_report);
