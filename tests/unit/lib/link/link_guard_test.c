// Messages that never end, and those that only take long.
// links: weft_proto PkgConfig::libzmq

#include "lib/link/link_guard.h"
#include "lib/sys/clock.h"
#include "tests/support/test.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/sockios.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>
#include <zmq.h>

enum { PATIENCE_MS = 60000, FRAME_LEN = 1 << 20, UNENDED_MAX = 8 << 20 };

struct scene {
    struct link_context *context;
    struct link *router;
    struct link_guard *guard;
    void *peers; // a zmq context of their own
    char endpoint[64];
};

static void begin(struct scene *scene)
{
    struct link_options options = {.kind = LINK_ROUTER,
                                   .endpoint = "tcp://127.0.0.1:0",
                                   .bind = true,
                                   .message_bytes_max = 2 * FRAME_LEN};
    struct link_guard_options guard = {.unended_bytes_max = UNENDED_MAX};
    EXPECT_EQ(link_context_open(&scene->context), OK);
    EXPECT_EQ(link_open(scene->context, &options, &scene->router), OK);
    EXPECT_EQ(link_endpoint(scene->router, scene->endpoint, sizeof scene->endpoint), OK);
    scene->guard = link_guard_new(&guard);
    link_guard_add(scene->guard, scene->router);
    scene->peers = zmq_ctx_new();
}

static void *peer_of(struct scene *scene)
{
    int zero = 0;
    int mark = 4;
    void *peer = zmq_socket(scene->peers, ZMQ_DEALER);
    EXPECT_EQ(zmq_setsockopt(peer, ZMQ_LINGER, &zero, sizeof zero), 0);
    EXPECT_EQ(zmq_setsockopt(peer, ZMQ_SNDHWM, &mark, sizeof mark), 0);
    EXPECT_EQ(zmq_connect(peer, scene->endpoint), 0);
    return peer;
}

static void end(struct scene *scene)
{
    (void)zmq_ctx_term(scene->peers);
    link_guard_free(scene->guard);
    link_close(scene->router);
    link_context_close(scene->context);
}

// What the broker does in a turn. The number of messages.
static uint32_t turn(struct scene *scene, uint32_t *cut_count)
{
    struct link_message message;
    uint32_t count = 0;
    err e = link_receive(scene->router, &message);
    for (; e == OK || e == ERR_MALFORMED; e = link_receive(scene->router, &message)) {
        if (e == OK)
            link_guard_heard(scene->guard, &message);
        link_release(&message);
        count++;
    }
    when_ms now = clock_mono_ms();
    if (now >= link_guard_at(scene->guard))
        *cut_count += link_guard_look(scene->guard, now);
    return count;
}

// libzmq sends nothing of a message that has not ended, so the evil peer speaks ZMTP by itself.
static int evil_peer(const struct scene *scene)
{
    static const uint8_t greeting[64] = {0xff, 0,    0, 0, 0,   0,   0,   0,
                                         1,    0x7f, 3, 0, 'N', 'U', 'L', 'L'};
    static const uint8_t ready[] = "\x04\x1c\x05READY\x0bSocket-Type\0\0\0\x06"
                                   "DEALER";
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    address.sin_port = htons((uint16_t)strtoul(strrchr(scene->endpoint, ':') + 1, NULL, 10));
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    EXPECT_EQ(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    EXPECT_EQ(send(fd, greeting, sizeof greeting, MSG_NOSIGNAL), sizeof greeting);
    EXPECT_EQ(send(fd, ready, sizeof ready - 1, MSG_NOSIGNAL), sizeof ready - 1);
    return fd;
}

// The head of a frame that others follow, and its bytes, as much as goes and `len_max` at most; false:
// it has been cut.
static bool send_more(int fd, size_t *at, size_t len_max)
{
    static uint8_t frame[9 + FRAME_LEN] = {3, 0, 0, 0, 0, 0, FRAME_LEN >> 16, 0, 0};
    size_t left = sizeof frame - *at;
    ssize_t len =
        send(fd, frame + *at, left < len_max ? left : len_max, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (len < 0)
        return errno == EAGAIN;
    *at = (*at + (size_t)len) % sizeof frame;
    return true;
}

// The other side says no more, after what it has said before.
static void expect_end(int fd)
{
    char heard[256];
    ssize_t len = 0;
    while ((len = recv(fd, heard, sizeof heard, 0)) > 0)
        continue;
    EXPECT(len == 0 || errno == ECONNRESET);
}

TEST(link_guard, a_message_without_an_end_is_cut)
{
    struct scene scene = {0};
    uint32_t cut_count = 0;
    size_t at = 0;
    begin(&scene);
    int evil = evil_peer(&scene);
    when_ms until = clock_mono_ms() + PATIENCE_MS;
    // Its kernel may hear of the end a minute later, when the window was closed at the cut.
    while (cut_count == 0) {
        EXPECT(clock_mono_ms() < until);
        EXPECT(send_more(evil, &at, FRAME_LEN));
        EXPECT_EQ(turn(&scene, &cut_count), 0);
    }
    EXPECT_EQ(cut_count, 1);
    expect_end(evil);
    EXPECT_EQ(close(evil), 0);
    end(&scene);
}

TEST(link_guard, many_whole_messages_are_not)
{
    struct scene scene = {0};
    static uint8_t frame[FRAME_LEN];
    uint32_t cut_count = 0;
    uint32_t count = 0;
    uint32_t sent = 0;
    begin(&scene);
    void *busy = peer_of(&scene);
    when_ms begun = clock_mono_ms();
    // Three times what would be too much, for longer than a look takes to come.
    while (count < 3 * UNENDED_MAX / FRAME_LEN || clock_mono_ms() - begun < 1500) {
        EXPECT(clock_mono_ms() - begun < PATIENCE_MS);
        if (zmq_send(busy, frame, sizeof frame, ZMQ_SNDMORE | ZMQ_DONTWAIT) > 0) {
            EXPECT_EQ(zmq_send(busy, frame, 1, ZMQ_SNDMORE), 1);
            EXPECT_EQ(zmq_send(busy, frame, 1, 0), 1);
            sent++;
        }
        count += turn(&scene, &cut_count);
    }
    EXPECT_EQ(cut_count, 0);
    EXPECT(sent > 0);
    EXPECT_EQ(zmq_close(busy), 0);
    end(&scene);
}

// Until the other side's kernel has all of it, and so counts it.
static void wait_until_arrived(int fd)
{
    int unacknowledged = 1;
    while (unacknowledged > 0) {
        EXPECT_EQ(link_wait(NULL, 0, 1), OK);
        EXPECT_EQ(ioctl(fd, SIOCOUTQ, &unacknowledged), 0);
    }
}

// One that is suspected and does no wrong must not hide one that takes its time.
TEST(link_guard, a_slow_one_is_cut_beside_a_busy_one)
{
    enum { PIECE_LEN = 256 << 10, LOOKS_MAX = 1000 };
    static uint8_t frame[FRAME_LEN];
    struct scene scene = {0};
    uint32_t cut_count = 0;
    size_t at = 0;
    begin(&scene);
    int evil = evil_peer(&scene);
    void *busy = peer_of(&scene);
    when_ms now = 1;
    for (uint32_t look = 0; cut_count == 0; look++) {
        EXPECT(look < LOOKS_MAX);
        struct link_wait item = {.link = scene.router};
        struct link_message message;
        EXPECT(send_more(evil, &at, PIECE_LEN));
        wait_until_arrived(evil);
        EXPECT_EQ(zmq_send(busy, frame, sizeof frame, ZMQ_SNDMORE), sizeof frame);
        EXPECT_EQ(zmq_send(busy, frame, sizeof frame, ZMQ_SNDMORE), sizeof frame);
        EXPECT_EQ(zmq_send(busy, frame, 1, 0), 1);
        err e = ERR_AGAIN;
        while ((e = link_receive(scene.router, &message)) == ERR_AGAIN)
            EXPECT_EQ(link_wait(&item, 1, PATIENCE_MS), OK);
        EXPECT_EQ(e, OK);
        link_guard_heard(scene.guard, &message);
        link_release(&message);
        cut_count += link_guard_look(scene.guard, now);
        EXPECT(link_guard_at(scene.guard) > now);
        now = link_guard_at(scene.guard);
    }
    EXPECT_EQ(cut_count, 1);
    EXPECT_EQ(zmq_close(busy), 0);
    EXPECT_EQ(close(evil), 0);
    end(&scene);
}

// What a door in the clear may be bound to.
TEST(link_guard, knows_what_no_other_machine_reaches)
{
    static const char *const local[] = {"tcp://127.0.0.1:7400", "127.9.9.9:1",   "tcp://127.1:0",
                                        "localhost:7400",       "tcp://[::1]:*", "ipc:///run/weft"};
    static const char *const other[] = {"tcp://*:7400",
                                        "tcp://0.0.0.0:1",
                                        "tcp://127.example.org:1",
                                        "localhost.test:1",
                                        "tcp://[::]:1",
                                        "tcp://127.0.0.1:0;0.0.0.0:0",
                                        "localhost:0;0.0.0.0:0",
                                        "tcp://[::1]:0;0.0.0.0:0",
                                        "tcp://127.0.0.1"};
    for (size_t i = 0; i < sizeof local / sizeof local[0]; i++)
        EXPECT(link_is_local(local[i]));
    for (size_t i = 0; i < sizeof other / sizeof other[0]; i++)
        EXPECT(!link_is_local(other[i]));
}

TEST(link_guard, localhost_is_bound_as_what_no_other_machine_reaches)
{
    static const char *const names[] = {"tcp://localhost:0", "localhost:0"};
    struct link_context *context = NULL;
    char endpoint[64];
    EXPECT_EQ(link_context_open(&context), OK);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const struct link_options options = {
            .kind = LINK_ROUTER, .endpoint = names[i], .bind = true, .message_bytes_max = 1024};
        struct link *link = NULL;
        EXPECT_EQ(link_open(context, &options, &link), OK);
        EXPECT_EQ(link_endpoint(link, endpoint, sizeof endpoint), OK);
        EXPECT_EQ(strncmp(endpoint, "tcp://127.0.0.1:", 16), 0);
        link_close(link);
    }
    link_context_close(context);
}
