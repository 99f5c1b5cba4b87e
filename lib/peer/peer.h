#pragma once

// One connection to one broker, seen from the other end: HELLO and WELCOME, correlation numbers,
// the table of unanswered requests, when to repeat, when to give up, when to connect anew. Shared
// by gateway, worker, SDK and command. Pure. Not thread-safe.
//
//                 peer_connected, peer_unknown, too long silent
//            ┌──────────────────────────────────────────────────┐
//            ▼             sent                 peer_welcomed    │
//   ─▶ PEER_STRANGER ─────────────▶ PEER_GREETING ─────────▶ PEER_KNOWN
//            ▲   (new corr)    │  (HELLO repeated, same corr)
//            └─────────────────┘  peer_connected
//
// The shell keeps the bytes of each request under its `user` number and runs:
//
//     while ((action = peer_next(&peer, now)).kind != PEER_NOTHING)
//         do it; if the link did not take the message: peer_unsent(&peer, now, &action)
//     wait for the link, at most peer_wait_ms(&peer, now)
//     for each message received: peer_heard(), then by kind peer_welcomed(), peer_unknown() or
//         peer_answered()
//
// Requests are held while the broker does not know the peer, and all of them are sent again, in the
// order in which they were asked, as soon as it does. A broker that left a repetition unanswered is
// asked for a sign of life (HELLO, later a new connection) until it gives one, also when the request
// has been given up meanwhile. `now` is monotonic and never goes back.

#include "lib/base/check.h"
#include "lib/base/err.h"
#include "lib/base/heap.h"
#include "lib/base/when.h"

#include <stdbool.h>
#include <stddef.h>

enum {
    PEER_ASKS_MAX = 1 << 20,     // the largest ask_count_max
    PEER_REPEAT_FIRST_MS = 1000, // then twice that, then
    PEER_REPEAT_LATER_MS = 5000,
    PEER_UNSENT_MS = 100,   // pause after the link did not take a message
    PEER_SILENCE_MS = 4000, // repeating and nothing heard for so long: HELLO again
    PEER_DEAF_MS = 15000,   // for so long: connect anew
};

enum peer_state { PEER_STRANGER, PEER_GREETING, PEER_KNOWN };

struct peer_ask; // one unanswered request

struct peer {
    enum peer_state state;
    struct peer_ask *asks; // ask_count_max places
    struct heap due;       // of requests that were sent: the next time
    struct heap deadlines; // of requests that have one
    uint32_t ask_count;
    uint32_t ask_count_max;
    uint32_t touched; // places ever used
    uint32_t spare;   // first of those that are free again, or none
    uint32_t oldest;  // requests in the order in which they were asked
    uint32_t newest;
    uint32_t walk;     // first of those not sent since the last WELCOME, or none
    uint64_t sequence; // of correlation numbers
    uint64_t seed;     // of jitter
    uint64_t greeting; // counts WELCOMEs
    uint64_t hello_corr;
    uint32_t hello_count; // how often it was sent with this corr
    when_ms hello_due;
    when_ms blocked_until; // the link did not take a message
    when_ms silent_since;  // first repetition after the last word from the broker, or never
    when_ms deaf_since;    // the same, but not ended by saying HELLO again
};

// Bytes of memory for `ask_count_max` unanswered requests.
size_t peer_size(uint32_t ask_count_max);

// `memory` is peer_size(ask_count_max) bytes, aligned to 16, and stays the caller's. `seed`
// differs between peers (the session number will do), so that they do not repeat in step. HELLO
// is due at once.
void peer_init(struct peer *peer, void *memory, uint32_t ask_count_max, uint64_t seed);

struct peer_request {
    uint64_t user;    // whatever finds the bytes again
    when_ms deadline; // PEER_GIVE_UP then; WHEN_NEVER: repeat for ever
    when_ms patience; // how long the broker may rightly take (STATUS with wait_ms), else 0: counts
                      // before the first repetition
};

// Takes in a request; peer_next() says when to send it, at once if the broker knows the peer.
//   ERR_FULL   ask_count_max requests are unanswered
MUST_USE err peer_ask(struct peer *peer, when_ms now, const struct peer_request *request,
                      uint64_t *out_corr);
// Forgets a request; an answer to it will not be known. False when it was not there.
bool peer_drop(struct peer *peer, uint64_t corr);

enum peer_kind {
    PEER_NOTHING,
    PEER_HELLO,     // send HELLO with `corr`
    PEER_SEND,      // send the bytes of `user` with `corr`
    PEER_GIVE_UP,   // the deadline of `user` has passed; its corr is forgotten already
    PEER_RECONNECT, // close and open the link; HELLO follows
};

struct peer_action {
    enum peer_kind kind;
    uint64_t corr;
    uint64_t user;
    uint32_t sent_count; // of PEER_HELLO and PEER_SEND: how often before
};

// What to do now. The action counts as done unless peer_unsent() follows.
struct peer_action peer_next(struct peer *peer, when_ms now);
// The link took the message of `action` (PEER_HELLO, PEER_SEND) not: there is no connection, or
// its queue is full. It is due again after PEER_UNSENT_MS; nothing else is sent before that.
void peer_unsent(struct peer *peer, when_ms now, const struct peer_action *action);
// How long peer_next() will have nothing; 0: it has something; -1: until something arrives.
when_ms peer_wait_ms(const struct peer *peer, when_ms now);

// The link has made a connection (first or again): to the broker this is a new peer. Told before
// peer_next(), so that a HELLO already on its way is not said twice.
void peer_connected(struct peer *peer, when_ms now);
// Any message has arrived.
void peer_heard(struct peer *peer);
// WELCOME. True when it answers the HELLO of this greeting: the broker knows the peer from now
// on. False for one that is late or doubled.
bool peer_welcomed(struct peer *peer, when_ms now, uint64_t corr);
// ERROR with ERR_UNKNOWN_PEER: HELLO is due, then all requests. Ignored when `corr` was last sent
// before the last WELCOME, because then it speaks of the past; 0 (a message that is not a request)
// is taken as of now.
void peer_unknown(struct peer *peer, when_ms now, uint64_t corr);
// The answer to `corr`: the request is done. False when it is not (or no longer) waited for.
bool peer_answered(struct peer *peer, uint64_t corr, uint64_t *out_user);

// Requests go out now: WELCOME was the last word about it.
bool peer_is_known(const struct peer *peer);
