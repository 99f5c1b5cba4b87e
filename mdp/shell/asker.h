#pragma once

// A client of one broker with many questions at once: each is repeated unchanged until it is answered
// or given up. Not thread-safe.

#include "lib/link/link.h"
#include "proto/msg.h"

enum { ASKER_QUESTIONS_MAX = 2048 };

struct asker;

// `answer`: borrowed until the call returns; NULL: given up. Questions may be asked from within.
typedef void asker_answer(void *ctx, uint64_t user, const struct msg *answer);

struct asker_setup {
    const char *broker;             // borrowed
    struct slice tenant;            // borrowed
    const struct link_curve *curve; // borrowed; NULL: in the clear
    asker_answer *answer;
    void *ctx;
};

//   ERR_BAD_FIELD, ERR_NO_MEMORY, ERR_SYSTEM
MUST_USE err asker_open(const struct asker_setup *setup, struct asker **out_asker);
void asker_close(struct asker *asker); // NULL is fine; nobody is answered

struct asker_question {
    struct msg *msg; // its corr and tenant are set here
    uint64_t user;
    when_ms patience_ms; // how long the broker may rightly take
    when_ms give_up_ms;  // WHEN_NEVER: repeat for ever
};

//   ERR_FULL, ERR_NO_MEMORY, ERR_TOO_LARGE
MUST_USE err asker_ask(struct asker *asker, when_ms now, const struct asker_question *question);

// Takes in what has come and sends what is due.
void asker_turn(struct asker *asker, when_ms now);
struct link *asker_link(struct asker *asker);
when_ms asker_wait_ms(const struct asker *asker, when_ms now); // -1: until something comes
