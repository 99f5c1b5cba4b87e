#pragma once

// Canonical bytes whose hashes are derived ids and partition slots, the same at every door and in
// every language; docs/protocol.md has test vectors. Pure: the hash itself (BLAKE2b) is
// lib/sys/blake.h's, and lib/sys/mint.h puts both together.
//
//   id:    "weft/id/1"   tenant queue key     each of the three as a u32 length and its bytes
//   slot:  "weft/slot/1" tenant queue
//   unique: "weft/unique/1" tenant queue key
//   concurrency: "weft/concurrency/1" tenant queue key
//   content: "weft/content/1" queue type, the kind of the payload as one byte (0 none, 1 bytes, 2
//            JSON, 3 MessagePack, 4 text), and the 16-byte hash of its bytes
//   moment of a schedule: "weft/moment/1" tenant schedule, and the moment as eight bytes
//
// Changing a byte of this makes every stored key unknown: a new form needs a new label.

#include "lib/base/bytes.h"
#include "lib/base/when.h"

// Whose job it is. A key and a slot mean something only inside their tenant and queue.
struct origin {
    struct slice tenant;
    struct slice queue;
};

// A tenant by its full name: one that is not given is "default".
struct slice origin_tenant(struct slice tenant);
bool origin_is_tenant(struct slice tenant, struct slice other);

// Room enough for each, as long as tenant, queue and key have at most 300 bytes each.
enum { ORIGIN_LEN_MAX = 1024 };

void origin_put_key(struct bytes_out *out, const struct origin *origin, struct slice key);
void origin_put_concurrency(struct bytes_out *out, const struct origin *origin, struct slice key);
void origin_put_unique(struct bytes_out *out, const struct origin *origin, struct slice key);
// `moment` is in milliseconds since 1970. No key can make the same bytes.
void origin_put_moment(struct bytes_out *out, const struct origin *origin, struct slice schedule,
                       when_ms moment);
// What a submission is about, whoever's it is: its key's hash is made of it. `kind` is an enum content.
void origin_put_content(struct bytes_out *out, struct slice queue, struct slice type, uint8_t kind,
                        const uint8_t payload_hash[16]);
void origin_put_slot(struct bytes_out *out, const struct origin *origin);
