#pragma once

// Canonical bytes whose hash is a submission's fingerprint, the same at every door. Pure: the hash
// itself (BLAKE2b) is lib/sys/blake.h's. Derived ids come from lib/base/origin.h.
//
//   "weft/fingerprint/1", then each option that was given, in the order of weft.proto:
//   its field number as one byte, then a number as eight bytes (big-endian), a text as a u32
//   length and its bytes, or ids as their u32 count and their bytes; of labels the tags (29) as
//   their u32 count and each as a text, in the order of their bytes, then the metadata (30) as the
//   u32 count of its pairs, name and value of each as texts, in the order of the names; the webhook
//   as its url (130), endpoint (131) and events (132), defaults filled in
//
// Changing a byte of this makes every replay of a stored key a conflict: a new form needs a new
// label, and the old one stays for as long as keys live.

#include "lib/base/bytes.h"
#include "proto/msg.h"

// What a fingerprint is the hash of, apart from the payload's bytes, which follow it: the given
// options; no id and key (they say which submission it is, not what it asks), no traceparent, no
// batch, no applied defaults.
void identity_put_options(struct bytes_out *out, const struct msg_submit_job *job);

// The fingerprint of a submission that check_submit_job() lets pass: the hash of its options, and of
// the payload's bytes behind them. `hash` is blake_u64(), which is not pure code's to name.
typedef uint64_t identity_hash(struct slice options, struct slice payload);
uint64_t identity_fingerprint(const struct msg_submit_job *job, identity_hash *hash);

// What a schedule's fingerprint is the hash of, but for its job, whose own fingerprint follows as
// eight bytes: the given fields, defaults filled in; not whether it is paused.
void identity_put_schedule(struct bytes_out *out, const struct msg_schedule *given);

// Room enough for the options of every job that check_submit_job() lets pass.
// With labels each text has its length in four bytes instead of one or two.
enum {
    IDENTITY_LEN_MAX = 1024 + 16 * MSG_AFTER_MAX + MSG_LABELS_LEN_MAX + 4 * MSG_TAGS_MAX +
                       8 * MSG_METADATA_MAX + MSG_HOOK_LEN_MAX
};
