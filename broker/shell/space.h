#pragma once

// Room on the disk: when new work is refused, and which outcomes what is left must hold. Figures are
// those of the last settled batch; what has been taken in since is added.

#include "broker/shell/broker.h"

// What is said of what is refused then.
#define SPACE_SHORT_DETAIL "the disk is nearly full"

// Is there no room but for outcomes? Looks anew at most once a second.
bool space_is_short(struct broker *broker);

// The bytes that a FINISH puts into the store, without its log.
uint64_t space_of_finish(const struct msg_finish *finish);
// While it is short: may so much more be stored? The first half of what is left is for all outcomes,
// then a quarter for those of at most SPACE_SMALL_BYTES; the rest is for those that bring nothing,
// so that a commit does not meet the end.
enum { SPACE_SMALL_BYTES = 4096 };
bool space_has_room(const struct broker *broker, uint64_t bytes, uint32_t job_count);
