#pragma once

// Messages for the tests of the wire: one sample of each kind with every field set to something
// of its own, random ones within the limits, and the question whether two say the same.

#include "lib/base/arena.h"
#include "lib/base/prng.h"
#include "proto/msg.h"

enum { MESSAGES_KIND_FIRST = MSG_HELLO, MESSAGES_KIND_LAST = MSG_WEBHOOK_STATUS_IS };

// The next kind of message after `kind` (0: the first); 0 after the last. Numbers may have gaps.
enum msg_kind messages_next(unsigned kind);
#define MESSAGES_EACH(kind)                                                                        \
    (unsigned kind = messages_next(0); kind != 0; kind = messages_next(kind))

// Lives for ever.
const struct msg *messages_sample(enum msg_kind kind);

// A message whose lists have at most `count_max` elements; its bytes live in `arena`, which must
// be large enough. No two bodies share bytes.
struct msg messages_random(struct prng *prng, enum msg_kind kind, uint32_t count_max,
                           struct arena *arena);

// Field by field, bytes by content.
bool messages_equal(const struct msg *a, const struct msg *b);
