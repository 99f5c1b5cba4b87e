#pragma once

// The conversation with the broker: HELLO, READY, JOBS, RENEW and FINISH over one DEALER. What is
// said again, and when, is lib/peer's to decide.

#include "worker/shell/worker.h"

// Connects.
//   ERR_BAD_FIELD, ERR_SYSTEM, ERR_NO_MEMORY
MUST_USE err talk_open(struct worker *worker);
void talk_close(struct worker *worker);

// Takes in what the broker has sent, at most a round's share.
void talk_listen(struct worker *worker);
// Says what is due.
void talk_speak(struct worker *worker);
// When talk_speak() has something to say by time alone, or WHEN_NEVER.
when_ms talk_next(const struct worker *worker);

// BYE, and waits a moment for the proof that it has arrived.
void talk_leave(struct worker *worker);
