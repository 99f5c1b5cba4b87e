// zmq_poll() asks every socket before and after it sleeps, and a socket that is asked makes two
// system calls; here only those are asked again whose descriptor has become readable.
//
// A socket's descriptor tells of news only, and not of what lay there before. So a socket is asked
// first, which takes its news in. A monitor is always read until it is empty, so for it the
// descriptor is enough.

#include "lib/link/link.h"

#include <errno.h>
#include <poll.h>
#include <zmq.h>

#include "lib/link/link_private.h"
#include "lib/sys/clock.h"

// The descriptors of the items, then those of their monitors.
struct waiting {
    struct link_wait *items;
    uint32_t count;
    uint32_t polled_count;
    struct pollfd polled[2 * LINK_WAIT_MAX];
    uint32_t owners[2 * LINK_WAIT_MAX];
    bool is_any_ready;
};

static void add(struct waiting *waiting, uint32_t owner, struct pollfd polled)
{
    waiting->owners[waiting->polled_count] = owner;
    waiting->polled[waiting->polled_count++] = polled;
}

static void add_all(struct waiting *waiting)
{
    for (uint32_t i = 0; i < waiting->count; i++) {
        struct link_wait *item = &waiting->items[i];
        item->is_ready = false;
        if (item->link != NULL) // its descriptor becomes readable whatever it has to tell
            add(waiting, i, (struct pollfd){.fd = item->link->fd, .events = POLLIN});
        else
            add(waiting, i,
                (struct pollfd){.fd = item->fd,
                                .events = (short)(item->want_write ? POLLOUT : POLLIN)});
    }
    for (uint32_t i = 0; i < waiting->count; i++) {
        const struct link *link = waiting->items[i].link;
        if (link != NULL && link->monitor != NULL)
            add(waiting, i, (struct pollfd){.fd = link->monitor_fd, .events = POLLIN});
    }
}

static void mark(struct waiting *waiting, struct link_wait *item)
{
    item->is_ready = true;
    waiting->is_any_ready = true;
}

static err ask(struct waiting *waiting, struct link_wait *item)
{
    int events = 0;
    size_t len = sizeof events;
    if (zmq_getsockopt(item->link->socket, ZMQ_EVENTS, &events, &len) != 0)
        return link_private_err(errno);
    if ((events & (item->want_write ? ZMQ_POLLOUT : ZMQ_POLLIN)) != 0)
        mark(waiting, item);
    return OK;
}

static err ask_all(struct waiting *waiting)
{
    err e = OK;
    for (uint32_t i = 0; i < waiting->count && e == OK; i++) {
        if (waiting->items[i].link != NULL)
            e = ask(waiting, &waiting->items[i]);
    }
    return e;
}

static err take_news(struct waiting *waiting)
{
    err e = OK;
    for (uint32_t i = 0; i < waiting->polled_count && e == OK; i++) {
        struct link_wait *item = &waiting->items[waiting->owners[i]];
        if (waiting->polled[i].revents == 0 || (i < waiting->count && item->is_ready))
            continue;
        if (i >= waiting->count)
            link_private_hear(item->link);
        if (i >= waiting->count || item->link == NULL)
            mark(waiting, item);
        else
            e = ask(waiting, item);
    }
    return e;
}

static err wait_once(struct waiting *waiting, when_ms timeout_ms, bool *out_is_over)
{
    int timeout = waiting->is_any_ready ? 0 : (int)timeout_ms;
    int count = poll(waiting->polled, waiting->polled_count, timeout);
    if (count < 0)
        return link_private_err(errno);
    err e = take_news(waiting);
    *out_is_over = waiting->is_any_ready || count == 0;
    return e;
}

err link_wait(struct link_wait *items, uint32_t count, when_ms timeout_ms)
{
    CHECK(count <= LINK_WAIT_MAX);
    CHECK(timeout_ms >= -1);
    struct waiting waiting;
    waiting.items = items;
    waiting.count = count;
    waiting.polled_count = 0;
    waiting.is_any_ready = false;
    add_all(&waiting);
    err e = ask_all(&waiting);
    when_ms left = when_min(timeout_ms, INT32_MAX);
    when_ms until = left > 0 ? clock_mono_ms() + left : WHEN_NEVER;
    bool is_over = false;
    // News that make nothing ready do not end the wait.
    while (e == OK && !is_over) {
        e = wait_once(&waiting, left, &is_over);
        if (!is_over && until != WHEN_NEVER)
            left = until - when_min(until, clock_mono_ms());
    }
    return e == ERR_AGAIN ? OK : e; // a signal
}
