// libzmq delivers a message when all of its frames are there, so only the first is asked for.

#include "lib/link/parts.h"

#include "lib/base/check.h"
#include "lib/link/link_private.h"

#include <errno.h>
#include <stdlib.h>
#include <zmq.h>

enum { QUEUE_MAX = 8192 };

struct parts_door {
    void *context;
    void *socket;
    zmq_msg_t frames[PARTS_MAX + 1]; // of the message received last
    uint32_t frame_count;
};

static bool set_options(void *socket, uint32_t frame_bytes_max)
{
    static const struct {
        int option;
        int value;
    } always[] = {
        {ZMQ_LINGER, 0},         {ZMQ_ROUTER_MANDATORY, 1},    {ZMQ_SNDHWM, QUEUE_MAX},
        {ZMQ_RCVHWM, QUEUE_MAX}, {ZMQ_BACKLOG, 1024},          {ZMQ_HEARTBEAT_IVL, 10000},
        {ZMQ_TCP_KEEPALIVE, 1},  {ZMQ_TCP_KEEPALIVE_IDLE, 60},
    };
    int64_t bytes_max = frame_bytes_max;
    for (size_t i = 0; i < sizeof always / sizeof always[0]; i++)
        if (zmq_setsockopt(socket, always[i].option, &always[i].value, sizeof(int)) != 0)
            return false;
    return zmq_setsockopt(socket, ZMQ_MAXMSGSIZE, &bytes_max, sizeof bytes_max) == 0;
}

static bool start(struct parts_door *door, const char *endpoint, uint32_t frame_bytes_max,
                  const struct parts_text *text)
{
    size_t cap = text->cap;
    door->context = zmq_ctx_new();
    door->socket = door->context != NULL ? zmq_socket(door->context, ZMQ_ROUTER) : NULL;
    return door->socket != NULL && set_options(door->socket, frame_bytes_max) &&
           zmq_bind(door->socket, endpoint) == 0 &&
           zmq_getsockopt(door->socket, ZMQ_LAST_ENDPOINT, text->out, &cap) == 0;
}

err parts_open(const char *endpoint, uint32_t frame_bytes_max,
               const struct parts_text *endpoint_text, struct parts_door **out_door)
{
    struct parts_door *door = calloc(1, sizeof *door);
    if (door == NULL)
        return ERR_NO_MEMORY;
    if (!start(door, endpoint, frame_bytes_max, endpoint_text)) {
        int kept = errno;
        parts_close(door);
        errno = kept;
        return link_private_err(kept);
    }
    *out_door = door;
    return OK;
}

static void release(struct parts_door *door)
{
    while (door->frame_count > 0)
        (void)zmq_msg_close(&door->frames[--door->frame_count]); // was valid
}

void parts_close(struct parts_door *door)
{
    if (door == NULL)
        return;
    release(door);
    if (door->socket != NULL)
        (void)zmq_close(door->socket); // a socket of ours
    while (door->context != NULL && zmq_ctx_term(door->context) != 0)
        CHECK(errno == EINTR);
    free(door);
}

// Frames beyond the last place are taken into it, one after the other, and so thrown away.
static err take_frames(struct parts_door *door, bool *out_too_many)
{
    bool more = true;
    *out_too_many = false;
    while (more) {
        if (door->frame_count == PARTS_MAX + 1) {
            (void)zmq_msg_close(&door->frames[--door->frame_count]); // was valid
            *out_too_many = true;
        }
        zmq_msg_t *frame = &door->frames[door->frame_count];
        (void)zmq_msg_init(frame); // cannot fail
        if (zmq_msg_recv(frame, door->socket, ZMQ_DONTWAIT) < 0)
            return link_private_err(errno); // nothing to be closed
        door->frame_count++;
        more = zmq_msg_more(frame) != 0;
    }
    return OK;
}

err parts_receive(struct parts_door *door, struct slice *out_route, struct parts *out_parts)
{
    bool is_too_many = false;
    release(door);
    err e = take_frames(door, &is_too_many);
    if (e != OK) {
        release(door);
        return e;
    }
    *out_route = slice_of(zmq_msg_data(&door->frames[0]), zmq_msg_size(&door->frames[0]));
    if (is_too_many)
        return ERR_TOO_LARGE;
    out_parts->count = door->frame_count - 1;
    for (uint32_t i = 0; i < out_parts->count; i++)
        out_parts->items[i] =
            slice_of(zmq_msg_data(&door->frames[i + 1]), zmq_msg_size(&door->frames[i + 1]));
    return OK;
}

err parts_send(struct parts_door *door, struct slice route, const struct parts *parts)
{
    CHECK(parts->count > 0 && parts->count <= PARTS_MAX);
    if (zmq_send(door->socket, route.data, route.len, ZMQ_DONTWAIT | ZMQ_SNDMORE) < 0)
        return link_private_err(errno);
    err e = OK;
    // A message that is not ended would swallow the next one.
    for (uint32_t i = 0; i < parts->count; i++) {
        int flags = ZMQ_DONTWAIT | (i + 1 < parts->count ? ZMQ_SNDMORE : 0);
        if (zmq_send(door->socket, parts->items[i].data, parts->items[i].len, flags) < 0 && e == OK)
            e = link_private_err(errno);
    }
    return e;
}

int parts_fd(const struct parts_door *door)
{
    int fd = -1;
    size_t len = sizeof fd;
    int rc = zmq_getsockopt(door->socket, ZMQ_FD, &fd, &len);
    CHECK(rc == 0);
    return fd;
}

bool parts_is_ready(const struct parts_door *door)
{
    int events = 0;
    size_t len = sizeof events;
    return zmq_getsockopt(door->socket, ZMQ_EVENTS, &events, &len) == 0 &&
           (events & ZMQ_POLLIN) != 0;
}
