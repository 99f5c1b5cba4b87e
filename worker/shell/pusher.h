#pragma once

// The crew of `weft worker --http`: each job is an HTTP POST to the user's service, signed as webhooks
// are; its answer is the outcome. A service that cannot be reached costs no attempt: what waits is put
// off, and after a pause one job tries again.
//
//                      nobody takes a request
//   ─▶ all that begin ───────────────────────▶ none, for a pause ◀──────────┐
//           ▲                                          │                     │ nor that one: the pause
//           │ some answer                              ▼                     │ is twice as long
//           └────────────────────────────────── one at a time ───────────────┘

#include "worker/shell/worker.h"

// `worker->setup` and `worker->home` are there.
//   ERR_BAD_FIELD   the secret; `out_why` is a sentence, static
//   ERR_NO_MEMORY, ERR_SYSTEM, ERR_DISK
MUST_USE err pusher_open(struct worker *worker, struct pusher **out_pusher, const char **out_why);
void pusher_close(struct pusher *pusher); // NULL is fine; what is under way is given up

// Posts what waits, as far as it may.
void pusher_begin(struct worker *worker);
// Takes in answers.
void pusher_turn(struct worker *worker);
// The job of this slot is given up at once: its connection is closed.
void pusher_stop(struct worker *worker, uint32_t slot);
// A descriptor that is readable when pusher_turn() has something to do …
int pusher_fd(const struct pusher *pusher);
// … and when it or pusher_begin() has by time alone, or WHEN_NEVER.
when_ms pusher_next(const struct worker *worker);
