#pragma once

// A client of one broker that asks one question at a time and waits for its answer. What it asks
// is repeated unchanged until it is answered, also by a broker that was restarted meanwhile. Not
// thread-safe.

#include "proto/msg.h"

struct client;

struct link_curve;

struct client_options {
    const char *endpoint;
    struct slice tenant;            // of all questions; borrowed
    const struct link_curve *curve; // copied; NULL: in the clear
};

// Makes the socket; connects in the background.
//   ERR_BAD_FIELD, ERR_NO_MEMORY, ERR_SYSTEM
MUST_USE err client_open(const struct client_options *options, struct client **out_client);
void client_close(struct client *client); // NULL is fine

struct client_patience {
    when_ms give_up_ms; // without an answer; on top of `answer_ms`
    when_ms answer_ms;  // how long the broker may rightly take (wait_ms of the question), else 0
    void (*on_silence)(
        void *context); // once, when no broker is known CLIENT_SILENCE_MS after asking; or NULL
    void *context;
};
enum { CLIENT_SILENCE_MS = 2000 };

// Asks `question` (corr is set here) and gives the answer, which is borrowed until the next call.
//   ERR_NO_KEY, ERR_HANDSHAKE   the broker does not let this key in; see link_refusal()
//   ERR_NO_BROKER   nobody has said WELCOME in time: nothing is known to be stored
//   ERR_TIMEOUT     the broker spoke, but not to the question
//   ERR_TOO_LARGE   the question does not fit into a message
//   any other       by which the broker refused; client_detail() may say more
MUST_USE err client_ask(struct client *client, struct msg *question,
                        const struct client_patience *patience, const struct msg **out_answer);

// What the broker said about its last refusal; empty when nothing. Borrowed like an answer.
struct slice client_detail(const struct client *client);
