// One page.

#include "worker/shell/round.h"

#include "lib/base/check.h"
#include "lib/sys/clock.h"
#include "lib/sys/log.h"
#include "worker/duty/talk.h"
#include "worker/shell/crew.h"
#include "worker/shell/crew_private.h"
#include "worker/shell/pusher.h"

#include <errno.h>
#include <inttypes.h>
#include <sys/epoll.h>

enum { EVENTS_MAX = 256 };

// --- signals ---

static void print_stats(struct worker *worker)
{
    char text[STATS_TEXT_MAX];
    stats_text(&worker->duty.stats, text);
    (void)printf("stats %s\n", text);
    (void)fflush(stdout); // whoever waits for the line sees it or is gone
    stats_write(&worker->duty.stats, worker->duty.now, true);
}

static void take_signals(struct worker *worker)
{
    for (int signo = signals_take(&worker->signals); signo != 0;
         signo = signals_take(&worker->signals)) {
        switch (signo) {
        case SIGTERM:
        case SIGINT: duty_stop(&worker->duty); break;
        case SIGTSTP:
        case SIGUSR1: duty_quiet(&worker->duty); break;
        case SIGUSR2: print_stats(worker); break;
        default: break; // a lost terminal does not concern a worker; the spawner tells of itself
        }
    }
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
        case CREW_PUSHER: break; // take_ends() looks in each round
        }
    }
    if (has_reports)
        crew_reports(worker);
}

static void take_ends(struct worker *worker)
{
    take_events(worker);
    if (worker->pusher != NULL)
        pusher_turn(worker);
    else
        crew_due(worker);
}

static void begin_jobs(struct worker *worker)
{
    if (worker->pusher != NULL)
        pusher_begin(worker);
    else
        crew_begin(worker);
}

static void flush(struct worker *worker)
{
    char why[160];
    if (duty_flush(&worker->duty) == OK)
        return;
    (void)snprintf(why, sizeof why, "%s: the journal cannot be written; look at --data",
                   journal_fault(worker->duty.journal)); // only a journal can fail
    crew_die(worker, "worker.journal_failed", why);
}

static void wait(struct worker *worker)
{
    struct link_wait items[] = {{.link = worker->duty.link}, {.fd = worker->epoll}};
    when_ms next = when_min(duty_next(&worker->duty),
                            worker->pusher != NULL ? pusher_next(worker) : crew_next(worker));
    when_ms timeout = next == WHEN_NEVER        ? -1
                      : next > worker->duty.now ? next - worker->duty.now
                                                : 0;
    if (link_wait(items, 2, timeout) != OK)
        crew_die(worker, "worker.system", strerror(errno));
    worker->duty.now = clock_mono_ms();
}

void round_run(struct worker *worker)
{
    struct duty *duty = &worker->duty;
    duty->now = clock_mono_ms();
    while (!duty_is_over(duty)) {
        talk_listen(duty);
        duty_take_drain(duty);
        take_ends(worker);
        duty_due(duty);
        begin_jobs(worker);
        // Children of --lines are waited for like answers: they may have something to close.
        if (duty_move_on(duty, crew_count(worker)))
            crew_dismiss(worker);
        flush(worker);
        talk_speak(duty);
        stats_write(&duty->stats, duty->now, false);
        if (!duty_is_over(duty))
            wait(worker);
    }
    flush(worker);
}
