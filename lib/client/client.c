// The shell around lib/peer: one socket, one unanswered question, or the few of a dry run.

#include "lib/client/client.h"

#include "lib/link/link.h"
#include "lib/peer/peer.h"
#include "lib/sys/blake.h"
#include "lib/sys/clock.h"
#include "lib/sys/memory.h"
#include "proto/wire.h"

#include <stdlib.h>

struct client {
    char *endpoint;
    struct link_curve curve;
    bool has_curve;
    struct link_context *context;
    struct link *link;
    uint32_t connection_count; // as last seen
    struct peer peer;
    void *peer_memory;
    uint64_t session;
    struct arena out;
    struct arena in;
    struct link_message message; // the answer borrows from it
    bool has_message;
    struct msg answer;
    struct msg *questions[TRIALS_AT_ONCE_MAX]; // by the peer's `user`
    bool is_answered;                          // or refused: by `refusal`
    uint64_t answered;                         // which question
    struct slice tenant;
    bool was_welcomed; // since client_open()
    err refusal;
    struct slice detail;
};

static err connect_link(struct client *client)
{
    struct link_options options = {
        .kind = LINK_DEALER,
        .endpoint = client->endpoint,
        .message_bytes_max = MSG_BYTES_MAX,
        .curve = client->has_curve ? &client->curve : NULL,
    };
    err e = link_open(client->context, &options, &client->link);
    client->connection_count = 0;
    return e;
}

static err make_room(struct client *client)
{
    size_t len = wire_arena_size(MSG_BYTES_MAX);
    client->out = (struct arena){.data = memory_reserve(len), .cap = len};
    client->in = (struct arena){.data = memory_reserve(len), .cap = len};
    client->peer_memory = malloc(peer_size(TRIALS_AT_ONCE_MAX));
    bool made = client->out.data != NULL && client->in.data != NULL && client->peer_memory != NULL;
    return made ? OK : ERR_NO_MEMORY;
}

static void release_message(struct client *client)
{
    if (client->has_message)
        link_release(&client->message);
    client->has_message = false;
    client->detail = slice_of(NULL, 0);
}

void client_close(struct client *client)
{
    if (client == NULL)
        return;
    release_message(client);
    if (client->link != NULL)
        link_close(client->link);
    if (client->context != NULL)
        link_context_close(client->context);
    free(client->peer_memory);
    memory_release(client->in.data, client->in.cap);
    memory_release(client->out.data, client->out.cap);
    free(client->endpoint);
    free(client);
}

err client_open(const struct client_options *options, struct client **out_client)
{
    struct client *client = calloc(1, sizeof *client);
    if (client == NULL)
        return ERR_NO_MEMORY;
    client->tenant = options->tenant;
    client->has_curve = options->curve != NULL;
    if (client->has_curve)
        client->curve = *options->curve;
    client->endpoint = strdup(options->endpoint);
    err e = client->endpoint != NULL ? make_room(client) : ERR_NO_MEMORY;
    if (e == OK)
        e = link_context_open(&client->context);
    if (e == OK)
        e = connect_link(client);
    if (e != OK) {
        client_close(client);
        return e;
    }
    blake_random(&client->session, sizeof client->session);
    peer_init(&client->peer, client->peer_memory, TRIALS_AT_ONCE_MAX, client->session);
    *out_client = client;
    return OK;
}

static err send_message(struct client *client, const struct msg *msg)
{
    struct wire_frames frames;
    arena_reset(&client->out);
    err e = wire_encode(msg, &client->out, &frames);
    if (e != OK)
        return e;
    return link_send(client->link, slice_of(NULL, 0), frames.envelope, frames.block);
}

static err act(struct client *client, when_ms now, const struct peer_action *action)
{
    struct msg hello = {
        .kind = MSG_HELLO,
        .corr = action->corr,
        .tenant = client->tenant,
        .hello = {.role = ROLE_CLIENT, .name = slice_of_text("weft"), .session = client->session},
    };
    err e = OK;
    switch (action->kind) {
    case PEER_NOTHING: return OK;
    case PEER_GIVE_UP: return client->was_welcomed ? ERR_TIMEOUT : ERR_NO_BROKER;
    case PEER_RECONNECT:
        link_close(client->link);
        client->link = NULL;
        return connect_link(client);
    case PEER_HELLO: e = send_message(client, &hello); break;
    case PEER_SEND:
        client->questions[action->user]->corr = action->corr;
        e = send_message(client, client->questions[action->user]);
        break;
    }
    if (e == ERR_AGAIN) {
        peer_unsent(&client->peer, now, action);
        e = OK;
    }
    return e;
}

static void hear_error(struct client *client, when_ms now)
{
    const struct msg *msg = &client->answer;
    if (msg->error.error == ERR_UNKNOWN_PEER) {
        peer_unknown(&client->peer, now, msg->corr);
        return;
    }
    // Also a HELLO may be refused, by version or because there are too many peers.
    bool is_hello = msg->corr != 0 && msg->corr == client->peer.hello_corr &&
                    !peer_is_known(&client->peer) && !err_may_retry(msg->error.error);
    if (is_hello || peer_answered(&client->peer, msg->corr, &client->answered)) {
        client->refusal = msg->error.error != OK ? msg->error.error : ERR_MALFORMED;
        client->detail = msg->error.detail;
    }
}

static void hear(struct client *client, when_ms now)
{
    peer_heard(&client->peer);
    if (client->answer.kind == MSG_WELCOME) {
        if (peer_welcomed(&client->peer, now, client->answer.corr))
            client->was_welcomed = true;
    } else if (client->answer.kind == MSG_ERROR) {
        hear_error(client, now);
    } else if (peer_answered(&client->peer, client->answer.corr, &client->answered)) {
        client->is_answered = true;
    }
}

// Takes one message, if there is one. Bytes that are no message are passed over: whoever sent them
// does not speak this protocol, and the question will be repeated or given up.
static err receive(struct client *client, when_ms now, bool *out_more)
{
    release_message(client);
    err e = link_receive(client->link, &client->message);
    *out_more = e != ERR_AGAIN;
    if (e == ERR_AGAIN)
        return OK;
    if (e != OK && e != ERR_MALFORMED)
        return e;
    client->has_message = true;
    arena_reset(&client->in);
    if (e == OK && wire_decode(client->message.envelope, client->message.block, &client->in,
                               &client->answer) == OK)
        hear(client, now);
    return OK;
}

static err turn(struct client *client)
{
    when_ms now = clock_mono_ms();
    uint32_t count = link_connection_count(client->link);
    if (count != client->connection_count)
        peer_connected(&client->peer, now);
    client->connection_count = count;
    // A key that is not let in will not be by waiting.
    client->refusal = link_refusal(client->link);
    if (client->refusal != OK)
        return OK;
    struct peer_action action = peer_next(&client->peer, now);
    if (action.kind != PEER_NOTHING)
        return act(client, now, &action);
    struct link_wait wait = {.link = client->link, .fd = -1};
    err e = link_wait(&wait, 1, peer_wait_ms(&client->peer, now));
    bool more = true;
    while (e == OK && more && !client->is_answered && client->refusal == OK)
        e = receive(client, clock_mono_ms(), &more);
    return e;
}

// libzmq does not try a refused key again by itself, and it may be allowed by now.
static err retry_refused(struct client *client)
{
    struct link_wait wait = {.link = client->link};
    err e = link_wait(&wait, 1, 0); // what has come since the last question
    if (e != OK || link_refusal(client->link) == OK)
        return e;
    link_close(client->link);
    client->link = NULL;
    return connect_link(client);
}

// Takes in the question at a free place.
static err begin(struct client *client, uint64_t place, const struct client_patience *patience,
                 uint64_t *out_corr)
{
    when_ms now = clock_mono_ms();
    const struct peer_request request = {
        .user = place,
        .deadline = when_after(now, when_after(patience->give_up_ms, patience->answer_ms)),
        .patience = patience->answer_ms,
    };
    client->is_answered = false;
    client->refusal = OK;
    return peer_ask(&client->peer, now, &request, out_corr);
}

err client_ask(struct client *client, struct msg *question, const struct client_patience *patience,
               const struct msg **out_answer)
{
    CHECK(client->peer.ask_count == 0);
    when_ms now = clock_mono_ms();
    uint64_t corr = 0;
    client->questions[0] = question;
    bool is_told = patience->on_silence == NULL;
    err e = retry_refused(client);
    if (e != OK)
        return e;
    e = begin(client, 0, patience, &corr);
    while (e == OK && !client->is_answered && client->refusal == OK) {
        e = turn(client);
        if (is_told || e != OK || peer_is_known(&client->peer) ||
            clock_mono_ms() - now < CLIENT_SILENCE_MS)
            continue;
        patience->on_silence(patience->context);
        is_told = true;
    }
    if (e == OK && !client->is_answered)
        e = client->refusal;
    if (e != OK)
        (void)peer_drop(&client->peer, corr); // it is not there when it was answered or given up
    else
        *out_answer = &client->answer;
    return e;
}

struct slice client_detail(const struct client *client)
{
    return client->detail;
}

// --- a dry run of many ---

// The questions under way.
struct flight {
    struct msg msgs[TRIALS_AT_ONCE_MAX];
    uint64_t corrs[TRIALS_AT_ONCE_MAX]; // 0: a free place
    uint32_t jobs[TRIALS_AT_ONCE_MAX];
    struct trials trials;
    when_ms ends_at;
};

static bool ask_next(struct client *client, struct flight *flight, const struct client_trial *trial,
                     const struct client_patience *patience)
{
    uint32_t job;
    if (clock_mono_ms() >= flight->ends_at || !trials_take(&flight->trials, &job))
        return false;
    uint32_t place = 0;
    while (flight->corrs[place] != 0)
        place++;
    CHECK(place < TRIALS_AT_ONCE_MAX); // the window is no wider
    flight->jobs[place] = job;
    flight->msgs[place] = (struct msg){
        .kind = MSG_SUBMIT, .submit = {.jobs = trial->jobs + job, .count = 1, .dry_run = true}};
    client->questions[place] = &flight->msgs[place];
    err full = begin(client, place, patience, &flight->corrs[place]);
    CHECK(full == OK); // as many places here as there
    return true;
}

// What does not come back is forgotten: it counts as lost.
static void drop_all(struct client *client, struct flight *flight)
{
    for (uint32_t i = 0; i < TRIALS_AT_ONCE_MAX; i++) {
        if (flight->corrs[i] == 0)
            continue;
        (void)peer_drop(&client->peer, flight->corrs[i]);
        trials_heard(&flight->trials, flight->jobs[i], TRIAL_LOST);
    }
}

void client_try(struct client *client, const struct client_trial *trial,
                const struct client_patience *patience)
{
    CHECK(client->peer.ask_count == 0);
    struct flight flight = {.ends_at = when_after(clock_mono_ms(), trial->for_ms)};
    size_t kept = 0;
    err e = OK;
    trials_init(&flight.trials, trial->states, trial->count);
    for (;;) {
        while (ask_next(client, &flight, trial, patience))
            continue;
        if (flight.trials.flight == 0)
            break;
        client->is_answered = false;
        e = turn(client);
        if (e != OK || client->refusal != OK)
            break;
        if (!client->is_answered)
            continue;
        uint64_t place = client->answered;
        uint32_t job = flight.jobs[place];
        flight.corrs[place] = 0;
        trials_heard(&flight.trials, job,
                     opinion_take(&trial->opinions[job], &client->answer, &kept));
    }
    drop_all(client, &flight);
    release_message(client);
}
