// The shell around lib/peer: the bytes of each question are kept as they were sent.

#include "mdp/shell/asker.h"

#include "lib/base/check.h"
#include "lib/link/curve.h"
#include "lib/peer/peer.h"
#include "lib/sys/blake.h"
#include "lib/sys/log.h"
#include "proto/wire.h"

#include <stdlib.h>

enum { RECEIVE_MAX = 256 }; // messages in one turn

struct parcel {
    struct parcel *next;
    struct parcel *before;
    uint64_t user;
    uint64_t corr;
    size_t envelope_len;
    size_t block_len;
    uint8_t bytes[];
};

struct asker {
    struct asker_setup setup;
    struct link_context *context;
    struct link *link;
    uint32_t connection_count;
    err refusal; // that was told
    struct peer peer;
    void *peer_memory;
    uint64_t session;
    struct parcel *parcels;
    struct arena in, out;
};

static err open_link(struct asker *asker)
{
    const struct link_options options = {.kind = LINK_DEALER,
                                         .curve = asker->setup.curve,
                                         .endpoint = asker->setup.broker,
                                         .message_bytes_max = MSG_BYTES_MAX};
    asker->connection_count = 0;
    return link_open(asker->context, &options, &asker->link);
}

err asker_open(const struct asker_setup *setup, struct asker **out_asker)
{
    struct asker *asker = calloc(1, sizeof *asker);
    if (asker == NULL)
        return ERR_NO_MEMORY;
    size_t cap = wire_arena_size(MSG_BYTES_MAX); // touched as it is used
    asker->setup = *setup;
    asker->peer_memory = malloc(peer_size(ASKER_QUESTIONS_MAX));
    asker->in = (struct arena){.data = malloc(cap), .cap = cap};
    asker->out = (struct arena){.data = malloc(cap), .cap = cap};
    bool made = asker->peer_memory != NULL && asker->in.data != NULL && asker->out.data != NULL;
    err e = made ? link_context_open(&asker->context) : ERR_NO_MEMORY;
    if (e == OK)
        e = open_link(asker);
    if (e != OK) {
        asker_close(asker);
        return e;
    }
    blake_random(&asker->session, sizeof asker->session);
    peer_init(&asker->peer, asker->peer_memory, ASKER_QUESTIONS_MAX, asker->session);
    *out_asker = asker;
    return OK;
}

static void drop(struct asker *asker, struct parcel *parcel)
{
    if (parcel->before != NULL)
        parcel->before->next = parcel->next;
    else
        asker->parcels = parcel->next;
    if (parcel->next != NULL)
        parcel->next->before = parcel->before;
    free(parcel);
}

void asker_close(struct asker *asker)
{
    if (asker == NULL)
        return;
    while (asker->parcels != NULL)
        drop(asker, asker->parcels);
    link_close(asker->link);
    link_context_close(asker->context);
    free(asker->peer_memory);
    free(asker->in.data);
    free(asker->out.data);
    free(asker);
}

static struct parcel *pack(struct asker *asker, const struct msg *msg, err *out_error)
{
    struct wire_frames frames;
    arena_reset(&asker->out);
    *out_error = wire_encode(msg, &asker->out, &frames);
    if (*out_error != OK)
        return NULL;
    struct parcel *parcel = malloc(sizeof *parcel + frames.envelope.len + frames.block.len);
    if (parcel == NULL) {
        *out_error = ERR_NO_MEMORY;
        return NULL;
    }
    *parcel = (struct parcel){.envelope_len = frames.envelope.len, .block_len = frames.block.len};
    memcpy(parcel->bytes, frames.envelope.data, frames.envelope.len);
    if (frames.block.len > 0)
        memcpy(parcel->bytes + frames.envelope.len, frames.block.data, frames.block.len);
    return parcel;
}

err asker_ask(struct asker *asker, when_ms now, const struct asker_question *question)
{
    struct peer_request request = {.deadline = when_after(now, question->give_up_ms),
                                   .patience = question->patience_ms};
    struct parcel *parcel = NULL;
    err e = OK;
    // The correlation number belongs to the bytes, and the bytes to the request: so it is found by it.
    question->msg->tenant = asker->setup.tenant;
    e = peer_ask(&asker->peer, now, &request, &question->msg->corr);
    if (e != OK)
        return e;
    parcel = pack(asker, question->msg, &e);
    if (parcel == NULL) {
        (void)peer_drop(&asker->peer, question->msg->corr);
        return e;
    }
    parcel->user = question->user;
    parcel->corr = question->msg->corr;
    parcel->next = asker->parcels;
    if (parcel->next != NULL)
        parcel->next->before = parcel;
    asker->parcels = parcel;
    return OK;
}

static struct parcel *find(struct asker *asker, uint64_t corr)
{
    struct parcel *parcel = asker->parcels;
    while (parcel != NULL && parcel->corr != corr)
        parcel = parcel->next;
    return parcel;
}

// --- what comes ---

static void end(struct asker *asker, uint64_t corr, const struct msg *answer)
{
    struct parcel *parcel = find(asker, corr);
    CHECK(parcel != NULL);
    uint64_t user = parcel->user;
    drop(asker, parcel);
    asker->setup.answer(asker->setup.ctx, user, answer);
}

static void hear(struct asker *asker, const struct msg *msg, when_ms now)
{
    uint64_t user = 0;
    peer_heard(&asker->peer);
    if (msg->kind == MSG_WELCOME)
        (void)peer_welcomed(&asker->peer, now, msg->corr); // a late one says nothing new
    else if (msg->kind == MSG_ERROR && msg->error.error == ERR_UNKNOWN_PEER)
        peer_unknown(&asker->peer, now, msg->corr);
    else if (msg->corr != 0 && peer_answered(&asker->peer, msg->corr, &user))
        end(asker, msg->corr, msg);
}

static void receive(struct asker *asker, when_ms now)
{
    for (int i = 0; i < RECEIVE_MAX; i++) {
        struct link_message message;
        struct msg msg;
        err e = link_receive(asker->link, &message);
        if (e == ERR_AGAIN)
            return;
        arena_reset(&asker->in);
        if (e == OK && wire_decode(message.envelope, message.block, &asker->in, &msg) == OK)
            hear(asker, &msg, now);
        link_release(&message);
    }
}

// --- what goes ---

static err send_hello(struct asker *asker, uint64_t corr)
{
    struct wire_frames frames;
    const struct msg msg = {
        .kind = MSG_HELLO,
        .corr = corr,
        .tenant = asker->setup.tenant,
        .hello = {.role = ROLE_CLIENT, .name = slice_of_text("mdp"), .session = asker->session}};
    arena_reset(&asker->out);
    err e = wire_encode(&msg, &asker->out, &frames);
    return e != OK ? e : link_send(asker->link, slice_of(NULL, 0), frames.envelope, frames.block);
}

static err send_parcel(struct asker *asker, uint64_t corr)
{
    const struct parcel *parcel = find(asker, corr);
    CHECK(parcel != NULL);
    return link_send(asker->link, slice_of(NULL, 0), slice_of(parcel->bytes, parcel->envelope_len),
                     slice_of(parcel->bytes + parcel->envelope_len, parcel->block_len));
}

static void act(struct asker *asker, const struct peer_action *action, when_ms now)
{
    err e = OK;
    switch (action->kind) {
    case PEER_NOTHING: return;
    case PEER_HELLO: e = send_hello(asker, action->corr); break;
    case PEER_SEND: e = send_parcel(asker, action->corr); break;
    case PEER_GIVE_UP: end(asker, action->corr, NULL); return;
    case PEER_RECONNECT:
        link_close(asker->link);
        asker->link = NULL;
        e = open_link(asker);
        CHECK(e == OK); // the endpoint was good before
        return;
    }
    if (e != OK)
        peer_unsent(&asker->peer, now, action);
}

static void notice_refusal(struct asker *asker, when_ms now)
{
    err refusal = link_refusal(asker->link);
    if (refusal != OK && refusal != asker->refusal)
        log_error("mdp.refused", "broker=%s error=%s fix=%s", asker->setup.broker,
                  err_slug(refusal), log_quote_text(curve_fix(refusal, asker->setup.curve)).text);
    if (refusal != OK)
        peer_unknown(&asker->peer, now, 0); // it tries again, also when nobody asks
    if (refusal != OK || link_is_connected(asker->link))
        asker->refusal = refusal;
}

void asker_turn(struct asker *asker, when_ms now)
{
    struct peer_action action;
    uint32_t count = link_connection_count(asker->link);
    if (count != asker->connection_count)
        peer_connected(&asker->peer, now);
    asker->connection_count = count;
    notice_refusal(asker, now);
    receive(asker, now);
    while ((action = peer_next(&asker->peer, now)).kind != PEER_NOTHING)
        act(asker, &action, now);
}

struct link *asker_link(struct asker *asker)
{
    return asker->link;
}

when_ms asker_wait_ms(const struct asker *asker, when_ms now)
{
    return peer_wait_ms(&asker->peer, now);
}
