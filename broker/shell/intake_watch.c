// WATCH: where the stream is, a gap, or a place among those that wait.

#include "broker/shell/events.h"
#include "broker/shell/intake_private.h"
#include "proto/check.h"

static enum taken say(struct broker *broker, const struct arrival *arrival, struct msg_event event)
{
    struct msg msg = {.kind = MSG_EVENT, .corr = arrival->msg.corr, .event = event};
    (void)broker_send(broker, arrival->peer, &msg); // dropped: it will be asked for again
    return TAKEN_DONE;
}

// The stream as it stands, with nothing in it: who begins continues from here.
static struct msg_event now_of(const struct event_log *log)
{
    struct msg_event event = event_watch_gap(log);
    event.gap = false;
    return event;
}

enum taken intake_watch(struct broker *broker, const struct arrival *arrival)
{
    struct msg_watch asked = arrival->msg.watch;
    const char *detail = NULL;
    err e = check_watch(&asked, &detail);
    if (e != OK)
        return intake_refuse(broker, arrival, e, detail);
    if (asked.all_tenants && peers_role(broker->peers, arrival->peer) != ROLE_GATEWAY)
        return intake_refuse(broker, arrival, ERR_SCOPE, "all_tenants: only for gateways");
    if (asked.since.epoch == 0)
        return say(broker, arrival, now_of(broker->event_log));
    struct event_watch_question question = {.peer = peers_ref(broker->peers, arrival->peer),
                                            .corr = arrival->msg.corr,
                                            .tenant = arrival->msg.tenant,
                                            .asked = asked};
    if (event_log_find(broker->event_log, &asked.since, &question.from) != OK) {
        broker->counters.event_gaps++;
        return say(broker, arrival, event_watch_gap(broker->event_log));
    }
    if (question.asked.limit == 0)
        question.asked.limit = MSG_WATCHED_DEFAULT;
    when_ms until = event_watch_until(broker->now.mono, asked.wait_ms);
    e = event_watch_add(broker->event_watches, &question, until);
    metrics_mark(broker->metrics);
    return e == OK ? TAKEN_DONE
                   : intake_refuse(broker, arrival, e, "event_watch_count_max: too many wait");
}
