// libzmq directly, because czmq's messages allocate for every frame.
//
// A message is delivered by libzmq only when all of its frames have arrived, so the frames after
// the first are read without waiting too.

#include "lib/link/link.h"

#include <errno.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <zmq.h>

#include "lib/link/link_private.h"

static_assert(sizeof(struct link_frame) == sizeof(zmq_msg_t), "a frame is a zmq_msg_t");

// Messages on the way to one peer: above what peers have unanswered, so that it is a safety net
// and not the limit. On the way in TCP holds the sender back earlier, because the bytes are ours.
#define SEND_QUEUE_MAX 131072
#define RECEIVE_QUEUE_MAX 8192
// Frames too many that one call throws away; the rest waits for the next call.
#define DRAIN_MAX 1024
// Handshakes that break off one after the other before it is believed that the two do not agree.
#define BROKEN_HANDSHAKES_MAX 3
// Draft in this libzmq, so that its header hides the number; the library knows it.
#ifndef ZMQ_ZAP_ENFORCE_DOMAIN
#define ZMQ_ZAP_ENFORCE_DOMAIN 93
#endif
// Subscriptions that one call looks at.
#define SUBSCRIPTIONS_MAX 1024

enum { FRAMES_MAX = 4 };         // route, version, envelope, block
enum { ENDPOINT_LEN_MAX = 280 }; // the longest host name, its scheme and its port

err link_private_err(int number)
{
    switch (number) {
    case EAGAIN:
    case EINTR: return ERR_AGAIN;
    case EHOSTUNREACH: return ERR_NOT_FOUND;
    case EINVAL:
    case ENODEV:
    case EPROTONOSUPPORT:
    case ENOCOMPATPROTO: // "udp://…", which no socket of ours speaks
    case EADDRNOTAVAIL: return ERR_BAD_FIELD;
    case EADDRINUSE: return ERR_ADDRESS_IN_USE;
    case ENOMEM: return ERR_NO_MEMORY;
    default: return ERR_SYSTEM;
    }
}

err link_context_open(struct link_context **out_context)
{
    struct link_context *context = calloc(1, sizeof *context);
    if (context == NULL)
        return ERR_NO_MEMORY;
    context->zmq = zmq_ctx_new();
    if (context->zmq == NULL) {
        err e = link_private_err(errno);
        free(context);
        return e;
    }
    *out_context = context;
    return OK;
}

void link_context_close(struct link_context *context)
{
    if (context == NULL)
        return;
    while (zmq_ctx_term(context->zmq) != 0)
        CHECK(errno == EINTR);
    free(context);
}

static int socket_type(enum link_kind kind)
{
    switch (kind) {
    case LINK_ROUTER: return ZMQ_ROUTER;
    case LINK_DEALER: return ZMQ_DEALER;
    case LINK_PUB: return ZMQ_XPUB;
    case LINK_SUB: return ZMQ_SUB;
    case LINK_ZAP: return ZMQ_REP;
    }
    UNREACHABLE();
}

static bool set_number(void *socket, int option, int value)
{
    return zmq_setsockopt(socket, option, &value, sizeof value) == 0;
}

static bool set_text(void *socket, int option, const char *text)
{
    return zmq_setsockopt(socket, option, text, strlen(text)) == 0;
}

// Without a domain libzmq would ask no ZAP handler, and let everybody in.
static bool set_curve(void *socket, const struct link_options *options)
{
    const struct link_curve *curve = options->curve;
    if (curve == NULL)
        return true;
    if (!options->bind)
        return zmq_setsockopt(socket, ZMQ_CURVE_SERVERKEY, curve->server_key, LINK_KEY_LEN + 1) ==
                   0 &&
               zmq_setsockopt(socket, ZMQ_CURVE_PUBLICKEY, curve->public_key, LINK_KEY_LEN + 1) ==
                   0 &&
               zmq_setsockopt(socket, ZMQ_CURVE_SECRETKEY, curve->secret_key, LINK_KEY_LEN + 1) ==
                   0;
    CHECK(curve->domain != NULL && curve->domain[0] != '\0');
    return set_number(socket, ZMQ_CURVE_SERVER, 1) &&
           zmq_setsockopt(socket, ZMQ_CURVE_SECRETKEY, curve->secret_key, LINK_KEY_LEN + 1) == 0 &&
           set_text(socket, ZMQ_ZAP_DOMAIN, curve->domain) &&
           set_number(socket, ZMQ_ZAP_ENFORCE_DOMAIN, 1);
}

static bool set_options(void *socket, const struct link_options *options)
{
    static const struct {
        int option;
        int value;
    } always[] = {
        {ZMQ_LINGER, 0}, // nothing durable lives in a socket
        {ZMQ_SNDHWM, SEND_QUEUE_MAX},
        {ZMQ_RCVHWM, RECEIVE_QUEUE_MAX},
        {ZMQ_BACKLOG, 1024},
        {ZMQ_HEARTBEAT_IVL, 10000}, // these find dead TCP connections, not dead programs
        {ZMQ_HEARTBEAT_TIMEOUT, 30000},
        {ZMQ_HEARTBEAT_TTL, 30000},
        {ZMQ_RECONNECT_IVL, 100},
        {ZMQ_RECONNECT_IVL_MAX, 3000},
        {ZMQ_TCP_KEEPALIVE, 1},
        {ZMQ_TCP_KEEPALIVE_IDLE, 60},
        {ZMQ_TCP_KEEPALIVE_INTVL, 10},
        {ZMQ_TCP_KEEPALIVE_CNT, 3},
    };
    for (size_t i = 0; i < sizeof always / sizeof always[0]; i++) {
        if (!set_number(socket, always[i].option, always[i].value))
            return false;
    }
    int64_t bytes_max = options->message_bytes_max;
    if (zmq_setsockopt(socket, ZMQ_MAXMSGSIZE, &bytes_max, sizeof bytes_max) != 0)
        return false;
    switch (options->kind) {
    case LINK_ROUTER: return set_number(socket, ZMQ_ROUTER_MANDATORY, 1);
    case LINK_DEALER: return set_number(socket, ZMQ_IMMEDIATE, 1);
    case LINK_PUB: return true;
    case LINK_SUB: return zmq_setsockopt(socket, ZMQ_SUBSCRIBE, "", 0) == 0;
    case LINK_ZAP: break; // has none of these
    }
    UNREACHABLE();
}

static bool get_descriptor(void *socket, int *out_fd)
{
    size_t len = sizeof *out_fd;
    return zmq_getsockopt(socket, ZMQ_FD, out_fd, &len) == 0;
}

// Before the connection is asked for, so that none is missed.
static bool watch_connections(struct link *link, struct link_context *context)
{
    char name[48];
    unsigned number = atomic_fetch_add(&context->monitor_count, 1);
    (void)snprintf(name, sizeof name, "inproc://link-monitor-%u", number);
    if (zmq_socket_monitor(link->socket, name,
                           ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_DISCONNECTED |
                               ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL |
                               ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL |
                               ZMQ_EVENT_HANDSHAKE_FAILED_AUTH) != 0)
        return false;
    link->monitor = zmq_socket(context->zmq, ZMQ_PAIR);
    return link->monitor != NULL && set_number(link->monitor, ZMQ_LINGER, 0) &&
           get_descriptor(link->monitor, &link->monitor_fd) &&
           zmq_connect(link->monitor, name) == 0;
}

// The other side has ended the connection in the middle of the handshake, and nobody says why: it does so to who has
// the wrong server key, and when it is killed. The second does not happen every time.
static void count_broken_handshake(struct link *link)
{
    link->broken_handshake_count++;
    if (link->broken_handshake_count >= BROKEN_HANDSHAKES_MAX)
        link->refusal = ERR_HANDSHAKE;
}

// What follows a failed handshake is the end of its connection, which says no more.
static void take_event(struct link *link, uint16_t number)
{
    link->is_connected = number == ZMQ_EVENT_HANDSHAKE_SUCCEEDED;
    link->connection_count += link->is_connected;
    switch (number) {
    case ZMQ_EVENT_HANDSHAKE_SUCCEEDED:
        link->refusal = OK;
        link->broken_handshake_count = 0;
        break;
    case ZMQ_EVENT_HANDSHAKE_FAILED_AUTH: link->refusal = ERR_NO_KEY; break;
    case ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL: link->refusal = ERR_HANDSHAKE; break;
    case ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL: count_broken_handshake(link); break;
    default: break; // disconnected
    }
}

// An event is two frames: its number and a value, then the endpoint.
void link_private_hear(struct link *link)
{
    zmq_msg_t msg;
    uint16_t number = 0;
    (void)zmq_msg_init(&msg); // cannot fail
    while (zmq_msg_recv(&msg, link->monitor, ZMQ_DONTWAIT) >= 0) {
        if (zmq_msg_more(&msg) && zmq_msg_size(&msg) >= sizeof number)
            memcpy(&number, zmq_msg_data(&msg), sizeof number);
        else if (!zmq_msg_more(&msg))
            take_event(link, number);
    }
    (void)zmq_msg_close(&msg); // was valid
}

// HOST:PORT, as it is written for the HTTP doors, is meant as TCP here; and "localhost", as there, as
// 127.0.0.1: libzmq binds no names. NULL if it is too long.
static const char *full_endpoint(const struct link_options *options,
                                 char room[static ENDPOINT_LEN_MAX])
{
    static const char tcp[] = "tcp://";
    static const char name[] = "localhost:";
    const char *address = options->endpoint;
    if (strncmp(address, tcp, strlen(tcp)) == 0)
        address += strlen(tcp);
    else if (strstr(address, "://") != NULL)
        return address;
    bool is_name = options->bind && strncmp(address, name, strlen(name)) == 0;
    int len = snprintf(room, ENDPOINT_LEN_MAX, "%s%s%s", tcp, is_name ? "127.0.0.1:" : "",
                       is_name ? address + strlen(name) : address);
    if (len > 0 && len < ENDPOINT_LEN_MAX)
        return room;
    errno = EINVAL;
    return NULL;
}

static bool start(struct link *link, struct link_context *context,
                  const struct link_options *options)
{
    link->kind = options->kind;
    link->socket = zmq_socket(context->zmq, socket_type(options->kind));
    if (link->socket == NULL || !set_options(link->socket, options) ||
        !set_curve(link->socket, options) || !get_descriptor(link->socket, &link->fd))
        return false;
    if ((options->kind == LINK_DEALER || options->kind == LINK_SUB) &&
        !watch_connections(link, context))
        return false;
    char room[ENDPOINT_LEN_MAX];
    const char *endpoint = full_endpoint(options, room);
    if (endpoint == NULL)
        return false;
    if (options->bind)
        return zmq_bind(link->socket, endpoint) == 0;
    return zmq_connect(link->socket, endpoint) == 0;
}

// libzmq takes the port modulo 65536, so that 99999 would silently become 34463.
static bool has_sound_port(const char *endpoint)
{
    const char *colon = strrchr(endpoint, ':');
    bool is_tcp = strncmp(endpoint, "tcp://", 6) == 0 || strstr(endpoint, "://") == NULL;
    if (!is_tcp || colon == NULL || strcmp(colon, ":*") == 0)
        return true;
    unsigned port = 0;
    for (const char *digit = colon + 1; *digit != '\0'; digit++) {
        if (*digit < '0' || *digit > '9')
            return false;
        port = port * 10 + (unsigned)(*digit - '0');
        if (port > UINT16_MAX)
            return false;
    }
    return colon[1] != '\0';
}

err link_open(struct link_context *context, const struct link_options *options,
              struct link **out_link)
{
    CHECK(options->message_bytes_max > 0);
    if (!has_sound_port(options->endpoint))
        return ERR_BAD_FIELD;
    struct link *link = calloc(1, sizeof *link);
    if (link == NULL)
        return ERR_NO_MEMORY;
    if (!start(link, context, options)) {
        int kept = errno;
        link_close(link);
        errno = kept;
        return link_private_err(kept);
    }
    if (link->monitor != NULL)
        link_private_hear(link); // from now on its descriptor tells of whatever lies in it
    *out_link = link;
    return OK;
}

struct link *link_private_new(struct link_context *context, int type)
{
    struct link *link = calloc(1, sizeof *link);
    if (link == NULL)
        return NULL;
    link->kind = LINK_ZAP;
    link->socket = zmq_socket(context->zmq, type);
    if (link->socket != NULL && set_number(link->socket, ZMQ_LINGER, 0) &&
        get_descriptor(link->socket, &link->fd))
        return link;
    int kept = errno;
    link_close(link);
    errno = kept;
    return NULL;
}

bool link_is_local(const char *endpoint)
{
    static const char tcp[] = "tcp://";
    if (strncmp(endpoint, "ipc://", 6) == 0)
        return true;
    const char *host =
        strncmp(endpoint, tcp, sizeof tcp - 1) == 0 ? endpoint + sizeof tcp - 1 : endpoint;
    size_t len = strncmp(host, "127.", 4) == 0          ? strspn(host, "0123456789.")
                 : strncmp(host, "localhost:", 10) == 0 ? strlen("localhost")
                 : strncmp(host, "[::1]:", 6) == 0      ? strlen("[::1]")
                                                        : 0;
    // Nothing but a port behind it: libzmq would bind what follows a second one.
    return len > 0 && host[len] == ':' &&
           host[len + 1 + strspn(host + len + 1, "0123456789*")] == '\0';
}

void link_close(struct link *link)
{
    if (link == NULL)
        return;
    if (link->monitor != NULL) {
        (void)zmq_socket_monitor(link->socket, NULL, 0); // ends with its socket anyway
        (void)zmq_close(link->monitor);
    }
    if (link->socket != NULL)
        (void)zmq_close(link->socket);
    free(link);
}

err link_endpoint(const struct link *link, char *out_text, size_t cap)
{
    if (zmq_getsockopt(link->socket, ZMQ_LAST_ENDPOINT, out_text, &cap) != 0)
        return errno == EINVAL ? ERR_TOO_LARGE : link_private_err(errno);
    return OK;
}

static zmq_msg_t *msg_of(struct link_frame *frame)
{
    return (zmq_msg_t *)(void *)frame;
}

static struct slice bytes_of(struct link_frame *frame)
{
    zmq_msg_t *msg = msg_of(frame);
    return slice_of(zmq_msg_data(msg), zmq_msg_size(msg));
}

static err take_frame(struct link *link, struct link_frame *frame, bool *out_more)
{
    zmq_msg_t *msg = msg_of(frame);
    (void)zmq_msg_init(msg); // cannot fail
    if (zmq_msg_recv(msg, link->socket, ZMQ_DONTWAIT) < 0) {
        int kept = errno;
        (void)zmq_msg_close(msg); // empty
        errno = kept;
        return link_private_err(kept);
    }
    *out_more = zmq_msg_more(msg) != 0;
    return OK;
}

// Throws away what is left of an over-long message.
static void drain(struct link *link)
{
    struct link_frame frame;
    for (uint32_t i = 0; link->is_draining && i < DRAIN_MAX; i++) {
        bool more = false;
        if (take_frame(link, &frame, &more) != OK)
            return;
        (void)zmq_msg_close(msg_of(&frame)); // was valid
        link->is_draining = more;
    }
}

static uint32_t frames_wanted(enum link_kind kind)
{
    switch (kind) {
    case LINK_ROUTER: return 4;
    case LINK_DEALER: return 3;
    case LINK_PUB:
    case LINK_ZAP: break; // have nothing to receive here
    case LINK_SUB: return 2;
    }
    UNREACHABLE();
}

// The last frames are always envelope and block; a SUB has only these.
static void name_frames(struct link *link, struct link_message *message)
{
    uint32_t last = message->frame_count - 1;
    message->block = bytes_of(&message->frames[last]);
    message->envelope = bytes_of(&message->frames[last - 1]);
    if (link->kind != LINK_SUB)
        message->version = bytes_of(&message->frames[last - 2]);
}

err link_receive(struct link *link, struct link_message *out_message)
{
    struct link_message *message = out_message;
    message->route = message->version = message->envelope = message->block = slice_of(NULL, 0);
    message->frame_count = 0;
    drain(link);
    if (link->is_draining)
        return ERR_AGAIN;

    uint32_t wanted = frames_wanted(link->kind);
    bool more = true;
    while (more && message->frame_count < wanted) {
        err result = take_frame(link, &message->frames[message->frame_count], &more);
        if (result != OK) {
            link_release(message);
            return result;
        }
        message->frame_count++;
    }
    if (link->kind == LINK_ROUTER)
        message->route = bytes_of(&message->frames[0]);
    link->is_draining = more;
    if (more || message->frame_count < wanted) {
        drain(link);
        return ERR_MALFORMED;
    }
    name_frames(link, message);
    return OK;
}

// The routing id in front has no properties; what follows it has.
static zmq_msg_t *told_by_peer(const struct link_message *message)
{
    static_assert(_Alignof(struct link_frame) >= _Alignof(zmq_msg_t), "a frame holds a zmq_msg_t");
    union {
        const struct link_frame *frame;
        zmq_msg_t *msg;
    } last;
    if (message->frame_count < 2)
        return NULL;
    last.frame = &message->frames[message->frame_count - 1];
    return last.msg;
}

struct slice link_user(const struct link_message *message)
{
    zmq_msg_t *msg = told_by_peer(message);
    const char *user = msg != NULL ? zmq_msg_gets(msg, "User-Id") : NULL;
    return user != NULL ? slice_of_text(user) : (struct slice){0};
}

int link_connection(const struct link_message *message)
{
    zmq_msg_t *msg = told_by_peer(message);
    return msg != NULL ? zmq_msg_get(msg, ZMQ_SRCFD) : -1;
}

void link_cut(int connection)
{
    if (connection >= 0)
        (void)shutdown(connection, SHUT_RDWR); // it may have ended by itself
}

void link_release(struct link_message *message)
{
    for (uint32_t i = 0; i < message->frame_count; i++)
        (void)zmq_msg_close(msg_of(&message->frames[i])); // was valid
    message->frame_count = 0;
    message->route = message->version = message->envelope = message->block = slice_of(NULL, 0);
}

static err put_frame(struct link *link, zmq_msg_t *frame, int more)
{
    int sent = zmq_msg_send(frame, link->socket, ZMQ_DONTWAIT | more);
    return sent >= 0 ? OK : link_private_err(errno);
}

// libzmq looks at new connections and freed queues only now and then while sending; asking for
// events makes it look.
static err put_first_frame(struct link *link, zmq_msg_t *frame)
{
    err result = put_frame(link, frame, ZMQ_SNDMORE);
    if (result != ERR_AGAIN)
        return result;
    int events = 0;
    size_t len = sizeof events;
    if (zmq_getsockopt(link->socket, ZMQ_EVENTS, &events, &len) != 0 || !(events & ZMQ_POLLOUT))
        return ERR_AGAIN;
    return put_frame(link, frame, ZMQ_SNDMORE);
}

static err put_frames(struct link *link, zmq_msg_t *frames, uint32_t count)
{
    err result = put_first_frame(link, &frames[0]);
    if (result != OK)
        return result;
    // When the connection ends in the middle, libzmq wants to be given the rest of the message
    // and drops it; a message that is not ended would swallow the next one.
    for (uint32_t i = 1; i < count; i++) {
        err sent = put_frame(link, &frames[i], i + 1 < count ? ZMQ_SNDMORE : 0);
        if (result == OK)
            result = sent;
    }
    return result;
}

static err make_frame(struct slice bytes, zmq_msg_t *out_frame)
{
    if (zmq_msg_init_size(out_frame, bytes.len) != 0)
        return link_private_err(errno);
    if (bytes.len > 0)
        memcpy(zmq_msg_data(out_frame), bytes.data, bytes.len);
    return OK;
}

// All frames have their memory before the first is given away: one that is missing in the middle
// would make another message of the rest, or leave it open for the next, which is somebody else's.
static err put_message(struct link *link, const struct slice *bytes, uint32_t count)
{
    zmq_msg_t frames[FRAMES_MAX];
    uint32_t made = 0;
    err result = OK;
    CHECK(count <= FRAMES_MAX);
    while (made < count && result == OK) {
        result = make_frame(bytes[made], &frames[made]);
        made += result == OK;
    }
    if (result == OK)
        result = put_frames(link, frames, count);
    for (uint32_t i = 0; i < made; i++)
        (void)zmq_msg_close(&frames[i]); // what was sent is empty
    return result;
}

err link_send(struct link *link, struct slice route, struct slice envelope, struct slice block)
{
    const struct slice version = slice_of(LINK_VERSION, sizeof LINK_VERSION - 1);
    const struct slice frames[4] = {route, version, envelope, block};
    if (link->kind == LINK_ROUTER)
        return put_message(link, frames, 4);
    CHECK(link->kind == LINK_DEALER);
    CHECK(route.len == 0);
    return put_message(link, frames + 1, 3);
}

err link_publish(struct link *link, struct slice topic, struct slice body)
{
    CHECK(link->kind == LINK_PUB);
    const struct slice frames[2] = {topic, body};
    return put_message(link, frames, 2);
}

uint32_t link_subscription_count(struct link *link)
{
    CHECK(link->kind == LINK_PUB);
    struct link_frame frame;
    bool more = false;
    for (uint32_t i = 0; i < SUBSCRIPTIONS_MAX && take_frame(link, &frame, &more) == OK; i++) {
        struct slice bytes = bytes_of(&frame);
        if (bytes.len > 0 && bytes.data[0] == 1)
            link->subscription_count++;
        else if (bytes.len > 0 && bytes.data[0] == 0 && link->subscription_count > 0)
            link->subscription_count--;
        (void)zmq_msg_close(msg_of(&frame)); // was valid
    }
    return link->subscription_count;
}

uint32_t link_connection_count(const struct link *link)
{
    return link->connection_count;
}

bool link_is_connected(const struct link *link)
{
    return link->is_connected;
}

err link_refusal(const struct link *link)
{
    return link->refusal;
}
