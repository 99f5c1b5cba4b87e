// What several stations of the broker need: clocks, the snapshot, the way out.

#include "broker/shell/broker.h"

#include "lib/base/check.h"
#include "lib/sys/log.h"
#include "proto/wire.h"

void broker_stamp(struct broker *broker)
{
    broker->now = (struct now){.mono = clock_mono_ms(), .store = clock_store_now(&broker->clock)};
}

struct store_view *broker_view(struct broker *broker)
{
    if (!broker->is_viewing) {
        err e = store_view_begin(broker->view);
        if (e != OK) {
            log_error("store.read_failed", "error=%s", err_slug(e));
            abort();
        }
        broker->is_viewing = true;
    }
    return broker->view;
}

void broker_view_end(struct broker *broker)
{
    if (broker->is_viewing)
        store_view_end(broker->view);
    broker->is_viewing = false;
}

static err send_to(struct broker *broker, struct slice route, const struct msg *msg)
{
    struct wire_frames frames;
    arena_reset(&broker->encoding);
    err e = wire_encode(msg, &broker->encoding, &frames);
    if (e != OK) {
        // Only an answer can be too large that no limit of a single field foresaw.
        log_error("answer.not_encoded", "kind=%d error=%s", (int)msg->kind, err_slug(e));
        return e;
    }
    return link_send(broker->router, route, frames.envelope, frames.block);
}

bool broker_send(struct broker *broker, uint32_t peer, const struct msg *msg)
{
    struct slice route = peers_route(broker->peers, peer);
    err e = route.len == 0 ? ERR_NOT_FOUND : send_to(broker, route, msg);
    if (e == OK)
        return true;
    broker->counters.answers_dropped++;
    if (e == ERR_NOT_FOUND)
        peers_leave(broker->peers, peer);
    return false;
}

void broker_send_to(struct broker *broker, struct slice route, const struct msg *msg)
{
    if (send_to(broker, route, msg) != OK)
        broker->counters.answers_dropped++;
}
