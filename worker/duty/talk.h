#pragma once

// The conversation with the broker: HELLO, READY, JOBS, RENEW and FINISH over one DEALER. What is
// said again, and when, is lib/peer's to decide.

#include "worker/duty/duty.h"

// Connects.
//   ERR_BAD_FIELD, ERR_SYSTEM, ERR_NO_MEMORY
MUST_USE err talk_open(struct duty *duty);
void talk_close(struct duty *duty);

// Takes in what the broker has sent, at most a round's share.
void talk_listen(struct duty *duty);
// Says what is due.
void talk_speak(struct duty *duty);
// When talk_speak() has something to say by time alone, or WHEN_NEVER.
when_ms talk_next(const struct duty *duty);

// What became of a dry run. Said once: whoever misses it has stopped waiting.
void talk_simulated(struct duty *duty, uint64_t number, const struct outcome_report *report);

// BYE, and waits a moment for the proof that it has arrived.
void talk_leave(struct duty *duty);
