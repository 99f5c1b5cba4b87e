#pragma once

// `weft notify`: a duty (worker/duty) whose jobs are deliveries of webhooks, owned by its only thread.
// loop.c runs it, delivery.c knows the deliveries.
//
//   a lease ─▶ ASKING the broker for what it tells of ─▶ WAITING for its receiver's turn ─▶ SENDING
//          ─▶ FINISH: delivered, again at …, dead; or snoozed while the receiver is ill
//                                          410 ─▶ CLOSING its endpoint ─▶ FINISH: dead

#include "gateway/hooks/core/receivers.h"
#include "lib/post/post.h"
#include "lib/sys/seal.h"
#include "notify/figures.h"
#include "notify/manner.h"
#include "notify/parents.h"
#include "proto/hook.h"
#include "worker/duty/duty.h"

// Of an answer; what is behind it is not read. Receivers answer by status.
enum { NOTIFIER_ANSWER_BYTES_MAX = 64 * 1024 };

enum delivery_state {
    DELIVERY_NONE,
    DELIVERY_ASKING,
    DELIVERY_WAITING,
    DELIVERY_SENDING,
    DELIVERY_CLOSING,
};

// What belongs to the slot of the same number.
struct delivery {
    enum delivery_state state;
    uint64_t token;
    struct intent intent; // borrowed from the slot's job
    uint8_t *body;
    size_t body_len;
    uint32_t end_ms; // CLOSING: how long its attempt took
};

struct notifier {
    struct duty duty;
    const struct manner *manner;
    struct seal_key key;
    bool has_key;
    struct delivery *deliveries; // one for each slot
    uint64_t body_bytes;         // of all of them
    struct receivers receivers;
    struct post_pool *posts;
    struct parents *parents;
    struct figures *figures;
    int signal_fd;
};
