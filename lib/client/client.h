#pragma once

// A client of one broker that asks a question and waits for its answer. What it asks is repeated unchanged until it is answered, also by a broker that was restarted meanwhile. Not
// thread-safe.

#include "lib/client/opinion.h"
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

// A dry run of many, of which workers are to say what would become of each.
struct client_trial {
    struct msg_submit_job *jobs;
    uint8_t *states;          // by job: enum trial_state; see trials_init()
    struct opinion *opinions; // by job, zeroed: what workers say, or nothing
    uint32_t count;
    uint32_t for_ms; // after this nobody is asked any more
};
// Asks about each job that is wanted, as if it were sent alone, a few at once (lib/peer/trials.h). What nobody was
// asked about in time, or nobody answered, stays TRIAL_WANTED. Frees nothing.
void client_try(struct client *client, const struct client_trial *trial,
                const struct client_patience *patience);

// What the broker said about its last refusal; empty when nothing. Borrowed like an answer.
struct slice client_detail(const struct client *client);
