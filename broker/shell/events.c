// Between the log and those who watch it.

#include "broker/shell/events.h"

#include "lib/base/check.h"
#include "lib/sys/blake.h"

err events_open(struct broker *broker)
{
    const struct options *options = broker->options;
    struct core_figures figures;
    uint64_t seed;
    blake_random(&seed, sizeof seed);
    core_figures(broker->core, &figures);
    struct event_log_options log = {.lineage = store_lineage(broker->store),
                                    .epoch = figures.ledger.epoch,
                                    .count_max = options->event_count_max,
                                    .lane_count_max = options->limits.lane_count_max};
    broker->event_log = event_log_new(&log);
    broker->event_watches = event_watch_new(options->event_watch_count_max, seed);
    if (broker->event_log == NULL || broker->event_watches == NULL)
        return ERR_NO_MEMORY;
    struct lane_figures lane;
    for (uint32_t at = 0; at < log.lane_count_max; at++)
        if (core_lane(broker->core, (uint16_t)at, &lane))
            event_log_name_lane(broker->event_log, &lane.lane);
    return OK;
}

void events_close(struct broker *broker)
{
    event_watch_free(broker->event_watches);
    event_log_free(broker->event_log);
}

void events_settled(struct broker *broker, uint64_t batch, const struct write *write)
{
    if (write->kind == WRITE_JOB)
        event_log_add(broker->event_log, batch, &write->job.row, broker->now.store);
    else if (write->kind == WRITE_LANE)
        event_log_name_lane(broker->event_log, &write->lane);
    else if (write->kind == DROP_LANE)
        event_log_drop_lane(broker->event_log, write->lane.no);
}

static void pass_on(struct broker *broker, const struct event_watch_answer *answer)
{
    struct msg msg = {.kind = MSG_EVENT, .corr = answer->corr, .event = answer->event};
    broker->counters.events_told += answer->event.count;
    broker->counters.event_gaps += answer->event.gap;
    metrics_mark(broker->metrics);
    if (peers_is_here(broker->peers, answer->peer))
        (void)broker_send(broker, answer->peer.number, &msg); // dropped: it is asked for again
}

bool events_run(struct broker *broker)
{
    struct event_watch_answer answer;
    uint32_t budget = EVENT_WATCH_BUDGET;
    event_watch_expire(broker->event_watches, broker->now.mono);
    while (event_watch_next(broker->event_watches, broker->event_log, &budget, &answer))
        pass_on(broker, &answer);
    return event_watch_has_more(broker->event_watches, broker->event_log);
}
