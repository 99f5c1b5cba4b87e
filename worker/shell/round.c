// One page.

#include "worker/shell/round.h"

#include "lib/base/check.h"
#include "lib/sys/clock.h"
#include "lib/sys/failpoint.h"
#include "lib/sys/log.h"
#include "worker/shell/crew.h"
#include "worker/shell/crew_private.h"
#include "worker/shell/talk.h"

#include <errno.h>
#include <inttypes.h>
#include <sys/epoll.h>

enum { EVENTS_MAX = 256, CLEAR_COUNT = 256 };

// --- signals ---

static void print_stats(struct worker *worker)
{
    char text[STATS_TEXT_MAX];
    stats_text(&worker->stats, text);
    (void)printf("stats %s\n", text);
    (void)fflush(stdout); // whoever waits for the line sees it or is gone
    stats_write(&worker->stats, worker->now, true);
}

static void go_quiet(struct worker *worker)
{
    if (!phase_quiet(&worker->phase))
        return;
    worker->ready_due = true;
    log_info("worker.quiet", "held=%" PRIu32, slots_held_count(&worker->slots));
}

static void stop(struct worker *worker)
{
    enum phase_order order = phase_stop(&worker->phase, worker->now);
    worker->ready_due = true;
    log_info("worker.stopping", "held=%" PRIu32 " at_once=%d", slots_held_count(&worker->slots),
             order == PHASE_ORDER_KILL);
    crew_stop(worker, order);
}

static void take_signals(struct worker *worker)
{
    for (int signo = signals_take(&worker->signals); signo != 0;
         signo = signals_take(&worker->signals)) {
        switch (signo) {
        case SIGTERM:
        case SIGINT: stop(worker); break;
        case SIGTSTP:
        case SIGUSR1: go_quiet(worker); break;
        case SIGUSR2: print_stats(worker); break;
        default: break; // a lost terminal does not concern a worker; the spawner tells of itself
        }
    }
}

// What the broker has asked for, once each: it says it again with every answer.
static void take_drain(struct worker *worker)
{
    if (worker->drain == worker->drained)
        return;
    worker->drained = worker->drain;
    if (worker->drain == DRAIN_STOP && worker->phase.state < PHASE_DRAINING)
        stop(worker);
    else
        go_quiet(worker);
}

// --- the steps of a round ---

static void take_events(struct worker *worker)
{
    struct epoll_event events[EVENTS_MAX];
    int count = epoll_wait(worker->epoll, events, EVENTS_MAX, 0);
    CHECK(count >= 0 || errno == EINTR);
    bool has_reports = false;
    for (int i = 0; i < count; i++) {
        switch (crew_tag_source(events[i].data.u64)) {
        case CREW_PIPE: crew_pipe(worker, events[i].data.u64); break;
        case CREW_SPAWNER: has_reports = true; break;
        case CREW_SIGNALS: take_signals(worker); break;
        }
    }
    if (has_reports)
        crew_reports(worker);
}

static void flush(struct worker *worker)
{
    bool has_ended = outbox_next(&worker->outbox, OUTBOX_ENDED, 0) != OUTBOX_NONE;
    bool clears = worker->clear_at <= worker->now ||
                  outbox_count_of(&worker->outbox, OUTBOX_SETTLED) >= CLEAR_COUNT;
    if (!has_ended && !clears)
        return;
    if (has_ended)
        failpoint_hit("worker.before_journal");
    if (journal_flush(worker->journal, &worker->outbox) != OK)
        crew_die(worker, "worker.journal_failed",
                 "the journal cannot be written; look at the disk of --data");
    if (has_ended)
        failpoint_hit("worker.after_journal");
    worker->clear_at = WHEN_NEVER;
}

static void move_on(struct worker *worker)
{
    // Children of --lines are waited for like answers: they may have something to close.
    const struct phase_load load = {
        .held_count = slots_held_count(&worker->slots),
        .unsettled_count = worker->outbox.count - outbox_count_of(&worker->outbox, OUTBOX_SETTLED) +
                           crew_count(worker)};
    crew_stop(worker, phase_tick(&worker->phase, worker->now, &load));
    if (worker->phase.state == PHASE_LEAVING)
        crew_dismiss(worker);
}

static when_ms next_moment(const struct worker *worker)
{
    when_ms next = when_min(talk_next(worker), crew_next(worker));
    next = when_min(next, phase_next(&worker->phase));
    next = when_min(next, stats_next(&worker->stats));
    return when_min(next, worker->clear_at);
}

static void wait(struct worker *worker)
{
    struct link_wait items[] = {{.link = worker->link}, {.fd = worker->epoll}};
    when_ms next = next_moment(worker);
    when_ms timeout = next == WHEN_NEVER ? -1 : next > worker->now ? next - worker->now : 0;
    if (link_wait(items, 2, timeout) != OK)
        crew_die(worker, "worker.system", strerror(errno));
    worker->now = clock_mono_ms();
}

void round_run(struct worker *worker)
{
    worker->now = clock_mono_ms();
    while (worker->phase.state != PHASE_GONE) {
        talk_listen(worker);
        take_drain(worker);
        take_events(worker);
        crew_due(worker);
        crew_begin(worker);
        move_on(worker);
        flush(worker);
        talk_speak(worker);
        stats_write(&worker->stats, worker->now, false);
        if (worker->phase.state != PHASE_GONE)
            wait(worker);
    }
    // What is settled need not be told again by the next one here.
    worker->clear_at = worker->now;
    flush(worker);
}
