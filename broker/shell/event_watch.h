#pragma once

// WATCH questions that wait for an event that fits. Each is one credit: it is answered once, with
// at most as many events as it asked for, and nothing is kept for who does not ask again.
//
//     event_watch_add      found something, or its time is over
//    ─────────────────▶ LOOKING ──────────────────────────────▶ (answered)
//                        ▲    │ nothing up to the end of the log
//            a new event │    ▼
//            or its time └─ RESTING
//
// Looking is paid from a budget, in turns, so that no number of watchers can slow the broker: one
// that is too slow for the stream finds a gap. The link thread owns it.

#include "broker/shell/event_log.h"
#include "broker/shell/peers.h"

enum {
    EVENT_WATCH_WAIT_MS_MAX = 60 * 1000,
    EVENT_WATCH_BUDGET = 4096, // events looked at in one round of the broker, over all watches
    EVENT_WATCH_TELL_COST = 8, // telling one costs as much as looking at so many
};

static inline when_ms event_watch_until(when_ms now, uint32_t wait_ms)
{
    return when_after(now, wait_ms < EVENT_WATCH_WAIT_MS_MAX ? wait_ms : EVENT_WATCH_WAIT_MS_MAX);
}

struct event_watches;

// NULL when there is no memory.
struct event_watches *event_watch_new(uint32_t count_max, uint64_t seed);
void event_watch_free(struct event_watches *watches);

struct event_watch_question {
    struct peers_ref peer;
    uint64_t corr;
    struct slice tenant; // who asks; borrowed for ever
    struct msg_watch asked;
    uint64_t from; // number of the first event that counts
};

// Copies. The same question of the same peer (equal corr) that waits already is not taken twice.
//   ERR_FULL   count_max questions wait
MUST_USE err event_watch_add(struct event_watches *watches,
                             const struct event_watch_question *question, when_ms deadline);

// Those whose deadline has come are answered with what there is.
void event_watch_expire(struct event_watches *watches, when_ms now);

struct event_watch_answer {
    struct peers_ref peer;
    uint64_t corr;
    struct msg_event event; // borrowed until the next call
};
// The next answer; false when there is none now, or `budget` is used up.
bool event_watch_next(struct event_watches *watches, const struct event_log *log, uint32_t *budget,
                      struct event_watch_answer *out_answer);

// Would event_watch_next() with a new budget have something to do?
bool event_watch_has_more(const struct event_watches *watches, const struct event_log *log);
when_ms event_watch_deadline(const struct event_watches *watches);
uint32_t event_watch_count(const struct event_watches *watches);

// What is said of a place where events may have been missed.
struct msg_event event_watch_gap(const struct event_log *log);
