// One round after another.

#include "broker/shell/turn.h"

#include "broker/shell/chores.h"
#include "broker/shell/doors.h"
#include "broker/shell/events.h"
#include "broker/shell/intake.h"
#include "broker/shell/release.h"
#include "lib/base/check.h"
#include "lib/sys/log.h"
#include "lib/sys/signal.h"

#include <signal.h>

enum { REPLIES_PER_ROUND = 256, FAREWELL_MS = 50 };

// The batch that has become durable since the last round, or NULL. Its ended jobs leave memory
// now, so the core's next questions need a newer snapshot.
static struct batch *take_settled(struct broker *broker)
{
    struct batch *batch = commit_take(broker->commit);
    if (batch == NULL)
        return NULL;
    CHECK(batch == broker->committing);
    broker->committing = NULL;
    broker_view_end(broker);
    core_settled(broker->core, batch->number);
    if (batch->figures.violations > broker->space.violations)
        auditor_hurry(broker->auditor);
    broker->space = batch->figures;
    return batch;
}

// Ends the batch being filled, if it is worth it and nothing is in flight. One with writes goes
// to the commit thread; one without is settled already and returned.
static struct batch *close_filled(struct broker *broker)
{
    struct batch *batch = broker->filling;
    bool is_wanted = batch->command_count > 0 || core_has_more(broker->core);
    if (broker->committing != NULL || !is_wanted)
        return NULL;
    (void)broker_view(broker);
    batch->number = core_close(broker->core, broker->now, &batch->effects);
    CHECK(broker->spare_count > 0);
    broker->filling = broker->spare[--broker->spare_count];
    if (batch->effects.write_count == 0) {
        core_settled(broker->core, batch->number);
        return batch;
    }
    broker->committing = batch;
    commit_begin(broker->commit, batch);
    return NULL;
}

// Gives the readers what is due, as long as they take it.
static void ask_readers(struct broker *broker)
{
    struct watch_question question;
    while (watch_next(broker->watches, &question)) {
        if (!readers_ask(broker->readers, broker->core, &question)) {
            watch_put_back(broker->watches, question.watch);
            return; // they ring when they have answered some
        }
    }
}

static void pass_on(struct broker *broker, const struct readers_reply *reply)
{
    if (reply->is_not_yet) {
        watch_not_yet(broker->watches, reply->watch);
        return;
    }
    metrics_mark(broker->metrics);
    if (reply->watch != WATCH_NONE)
        watch_answered(broker->watches, reply->watch);
    if (reply->envelope.len == 0 || !peers_is_here(broker->peers, reply->peer))
        return;
    struct slice route = peers_route(broker->peers, reply->peer.number);
    err e = link_send(broker->router, route, reply->envelope, reply->block);
    if (e == OK)
        return;
    broker->counters.answers_dropped++;
    if (e == ERR_NOT_FOUND)
        peers_leave(broker->peers, reply->peer.number);
}

// True when there may be more.
static bool pass_replies_on(struct broker *broker)
{
    struct readers_reply reply;
    for (uint32_t i = 0; i < REPLIES_PER_ROUND; i++) {
        if (!readers_take(broker->readers, &reply))
            return false;
        pass_on(broker, &reply);
        readers_drop(&reply);
    }
    return true;
}

static void copy_figures(struct broker *broker)
{
    if (auditor_has_news(broker->auditor)) {
        auditor_figures(broker->auditor, &broker->audited);
        metrics_mark(broker->metrics);
    }
    metrics_copy(
        broker->metrics,
        &(struct metrics_source){.core = broker->core,
                                 .counters = &broker->counters,
                                 .store = &broker->space,
                                 .audited = &broker->audited,
                                 .is_short = broker->is_short,
                                 .now = broker->now,
                                 .peer_count = peers_count(broker->peers),
                                 .watch_count = watch_count(broker->watches),
                                 .event_watch_count = event_watch_count(broker->event_watches)});
}

// Everything after the messages have been taken. True when there is more to do at once.
static bool finish_round(struct broker *broker, struct batch *settled)
{
    struct batch *empty = close_filled(broker);
    if (settled != NULL)
        release_batch(broker, settled);
    if (empty != NULL)
        release_batch(broker, empty);
    bool more = pass_replies_on(broker);
    more = events_run(broker) || more;
    ask_readers(broker);
    auditor_serve(broker->auditor, broker->core);
    copy_figures(broker);
    broker_view_end(broker);
    bool can_close = broker->committing == NULL;
    return more || (can_close && (core_has_more(broker->core) || broker->held != NULL));
}

static bool run_round(struct broker *broker)
{
    wake_clear(&broker->wake);
    broker_stamp(broker);
    struct batch *settled = take_settled(broker);
    doors_serve(broker);
    chores_run(broker);
    intake_run(broker);
    return finish_round(broker, settled);
}

static void take_signals(struct broker *broker)
{
    int number = signal_take(broker->signal_fd);
    for (; number != 0; number = signal_take(broker->signal_fd)) {
        if (number == SIGTERM || number == SIGINT) {
            broker->is_stopping = true;
            log_info("broker.stopping", "signal=%d", number);
        }
    }
}

static when_ms wait_ms(const struct broker *broker)
{
    when_ms wait =
        when_min(chores_wait_ms(broker), metrics_wait_ms(broker->metrics, broker->now.mono));
    wait = when_min(wait, doors_wait_ms(broker));
    return wait == WHEN_NEVER ? -1 : when_min(wait, 3600 * 1000);
}

// The ROUTER is not looked at while the batch has no room: the commit's end rings.
static void wait(struct broker *broker, when_ms timeout_ms)
{
    struct link_wait items[5] = {{.fd = broker->wake.fd}, {.fd = broker->signal_fd}};
    uint32_t count = 2;
    if (broker->keyring != NULL) {
        items[count++] = (struct link_wait){.link = broker->zap};
        items[count++] = (struct link_wait){.fd = keyring_fd(broker->keyring)};
    }
    if (batch_has_room(broker->filling) && broker->held == NULL)
        items[count++] = (struct link_wait){.link = broker->router};
    err e = link_wait(items, count, timeout_ms);
    if (e != OK) {
        log_error("link.wait_failed", "error=%s", err_slug(e));
        abort();
    }
    if (items[1].is_ready)
        take_signals(broker);
}

// Nothing more is taken in; what was is settled and answered.
static void settle_all(struct broker *broker)
{
    bool more = true;
    while (more || broker->committing != NULL || broker->filling->command_count > 0) {
        if (broker->committing != NULL && !commit_is_done(broker->commit))
            wait(broker, -1);
        wake_clear(&broker->wake);
        broker_stamp(broker);
        more = finish_round(broker, take_settled(broker)) && broker->held == NULL;
    }
}

static void say_bye(struct broker *broker)
{
    struct msg msg = {.kind = MSG_BYE, .bye = {.reason = slice_of_text("the broker stops")}};
    uint32_t worker = peers_next_worker(broker->peers, PEERS_NONE);
    while (worker != PEERS_NONE) {
        uint32_t next = peers_next_worker(broker->peers, worker);
        (void)broker_send(broker, worker, &msg); // whoever misses it notices the silence
        worker = next;
    }
    // Sockets forget what is queued when they are closed, so they get a moment; nothing that was
    // promised hangs on it.
    struct link_wait signals = {.fd = broker->signal_fd};
    if (link_wait(&signals, 1, FAREWELL_MS) != OK)
        log_event(LOG_LEVEL_WARN, "broker.farewell_cut");
}

void turn_run(struct broker *broker)
{
    while (!broker->is_stopping) {
        bool more = run_round(broker);
        wait(broker, more ? 0 : wait_ms(broker));
    }
    settle_all(broker);
    say_bye(broker);
}
