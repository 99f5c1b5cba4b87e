#pragma once

// Canonical bytes whose hashes identify a submission, the same at every door. Pure: the hash
// itself (BLAKE2b) is lib/sys/blake.h's.

#include "lib/base/bytes.h"
#include "proto/msg.h"

// What a derived id is the hash of: "weft/id/1", then tenant, queue, key, each with a u32
// length. The slot's hash is over "weft/slot/1", tenant, queue.
void identity_put_key(struct bytes_out *out, struct slice tenant, struct slice queue,
                      struct slice key);
void identity_put_slot(struct bytes_out *out, struct slice tenant, struct slice queue);

// What a fingerprint is the hash of, apart from the payload's bytes, which follow it: the given
// options in the order of weft.proto, each with its field number; no id, no traceparent, no
// batch, no applied defaults.
void identity_put_options(struct bytes_out *out, const struct msg_submit_job *job);

// Room enough for each of the above.
enum { IDENTITY_LEN_MAX = 1024 };
