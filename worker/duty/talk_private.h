#pragma once

// Shared by talk.c (sending) and talk_hear.c (receiving).

#include "worker/duty/talk.h"

// One message that arrived.
void talk_hear(struct duty *duty, const struct msg *msg);
// The place of the FINISH with this number, or NULL.
struct finish *talk_finish_of(struct duty *duty, uint64_t batch);
// It has been answered, or refused: forget its bytes.
void talk_finish_done(struct finish *finish);

// What peer requests carry as `user`; FINISH messages have their number, from 1 on.
#define TALK_USER_RENEW UINT64_MAX
