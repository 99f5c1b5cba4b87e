#pragma once

// Canonical bytes whose hash is a submission's fingerprint, the same at every door. Pure: the hash
// itself (BLAKE2b) is lib/sys/blake.h's. Derived ids come from lib/base/origin.h.

#include "lib/base/bytes.h"
#include "proto/msg.h"

// What a fingerprint is the hash of, apart from the payload's bytes, which follow it: the given
// options in the order of weft.proto, each with its field number; no id, no traceparent, no
// batch, no applied defaults.
void identity_put_options(struct bytes_out *out, const struct msg_submit_job *job);

// Room enough for it.
enum { IDENTITY_LEN_MAX = 1024 };
