#pragma once

// Questions that wait: STATUS and BATCH_STATUS with wait_ms, until the job's version passes the
// one the asker knows, the job has ended, or the time is over. The watches do not know versions;
// they know when the readers should look (again):
//
//      watch_add      watch_next           watch_answered
//     ───────────▶ DUE ─────────▶ ASKED ───────────────────▶ (free)
//                   ▲               │ watch_not_yet
//                   │               ▼
//                   └─────────── WAITING
//          watch_changed, watch_expire; while ASKED they are remembered
//
// The link thread owns it.

#include "broker/shell/peers.h"
#include "lib/base/id.h"

#define WATCH_NONE UINT32_MAX

struct readers_endpoints;
struct readers_queues;
struct readers_schedules;
enum watch_kind {
    WATCH_JOB,
    WATCH_BATCH,
    WATCH_OPERATION,
    WATCH_LIST,
    WATCH_COUNT, // as a list, but only how many fit
    WATCH_TIMELINE,
    WATCH_LOG,
    WATCH_OPERATIONS,
};

struct listing;

struct watch_question {
    enum watch_kind kind;
    bool is_last;        // answer whatever the version is
    struct slice tenant; // who asks; borrowed for ever
    struct id id;        // of the job, the batch, or the operation
    uint32_t version;
    enum waiting_on waiting_on; // WATCH_JOB: why it does not run, as memory knows it
    struct listing *list;       // WATCH_LIST, WATCH_COUNT: the readers' from readers_ask() on
    uint32_t after;             // WATCH_LOG: the line; WATCH_OPERATIONS: how many
    when_ms before;             // WATCH_OPERATIONS: begun before, or then with an id below `id`
    struct peers_ref peer;
    uint64_t corr;
    uint32_t watch;                      // WATCH_NONE: nothing waits behind it
    struct readers_schedules *schedules; // NULL: not about schedules
    struct readers_queues *queues;       // NULL: not about queues
    struct readers_endpoints *endpoints; // NULL: not about webhook endpoints
};

struct watches;

// NULL when there is no memory.
struct watches *watch_new(uint32_t count_max, uint64_t seed);
void watch_free(struct watches *watches);

// One question may wait so long.
enum { WATCH_WAIT_MS_MAX = 300 * 1000 };
static inline when_ms watch_until(when_ms now, uint32_t wait_ms)
{
    return when_after(now, wait_ms < WATCH_WAIT_MS_MAX ? wait_ms : WATCH_WAIT_MS_MAX);
}

// Takes a question in; watch_next() will give it out. The same question of the same peer (equal
// corr) that is waiting already is not taken twice.
//   ERR_FULL   count_max questions wait; answer at once, without waiting
MUST_USE err watch_add(struct watches *watches, const struct watch_question *question,
                       when_ms deadline);

// A settled batch has changed the job or batch.
void watch_changed(struct watches *watches, const struct id *id);
// Questions whose deadline has come become due for their last answer.
void watch_expire(struct watches *watches, when_ms now);

// The next question the readers should look at; false when none is due.
bool watch_next(struct watches *watches, struct watch_question *out_question);
// The readers took it not after all.
void watch_put_back(struct watches *watches, uint32_t watch);
// The readers found nothing new.
void watch_not_yet(struct watches *watches, uint32_t watch);
// The answer is on its way: the watch ends.
void watch_answered(struct watches *watches, uint32_t watch);

when_ms watch_deadline(const struct watches *watches);
uint32_t watch_count(const struct watches *watches);
