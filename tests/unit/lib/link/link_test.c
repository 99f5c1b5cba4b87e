// Real sockets on 127.0.0.1, ports chosen by the system; every wait is for an event.
// links: weft_proto PkgConfig::libzmq

#include "lib/link/link.h"
#include "lib/sys/clock.h"
#include "lib/sys/wake.h"
#include "proto/wire.h"
#include "tests/support/tcp_bytes.h"
#include "tests/support/test.h"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>
#include <zmq.h>

enum { PATIENCE_MS = 20000, BYTES_MAX = 1 << 20 };

// A router and a dealer that have a connection.
struct pair {
    struct link_context *context;
    struct link *router;
    struct link *dealer;
    char endpoint[64];
};

static struct link *open_or_die(struct link_context *context, struct link_options options)
{
    struct link *link = NULL;
    EXPECT_EQ(link_open(context, &options, &link), OK);
    return link;
}

static struct link *dealer_to(struct link_context *context, const char *endpoint)
{
    return open_or_die(context, (struct link_options){.kind = LINK_DEALER,
                                                      .endpoint = endpoint,
                                                      .message_bytes_max = BYTES_MAX});
}

static struct link *router_at(struct link_context *context, const char *endpoint)
{
    return open_or_die(context, (struct link_options){.kind = LINK_ROUTER,
                                                      .endpoint = endpoint,
                                                      .bind = true,
                                                      .message_bytes_max = BYTES_MAX});
}

// At an address that was in use just now: a closed socket gives it back a little later.
static struct link *router_again_at(struct link_context *context, const char *endpoint)
{
    struct link_options options = {
        .kind = LINK_ROUTER, .endpoint = endpoint, .bind = true, .message_bytes_max = BYTES_MAX};
    struct link *link = NULL;
    err result = ERR_ADDRESS_IN_USE;
    when_ms until = clock_mono_ms() + PATIENCE_MS;
    while (result == ERR_ADDRESS_IN_USE && clock_mono_ms() < until) {
        result = link_open(context, &options, &link);
        EXPECT_EQ(link_wait(NULL, 0, 1), OK);
    }
    EXPECT_EQ(result, OK);
    return link;
}

static void wait_for(struct link *link)
{
    struct link_wait item = {.link = link};
    EXPECT_EQ(link_wait(&item, 1, PATIENCE_MS), OK);
    EXPECT(item.is_ready);
}

static void wait_for_connection(struct link *dealer, uint32_t count)
{
    while (link_connection_count(dealer) < count)
        wait_for(dealer);
}

static void pair_open(struct pair *pair)
{
    EXPECT_EQ(link_context_open(&pair->context), OK);
    pair->router = router_at(pair->context, "tcp://127.0.0.1:0");
    EXPECT_EQ(link_endpoint(pair->router, pair->endpoint, sizeof pair->endpoint), OK);
    pair->dealer = dealer_to(pair->context, pair->endpoint);
    wait_for_connection(pair->dealer, 1);
}

static void pair_close(struct pair *pair)
{
    link_close(pair->dealer);
    link_close(pair->router);
    link_context_close(pair->context);
}

// The next message, waited for.
static err receive(struct link *link, struct link_message *message)
{
    for (;;) {
        err result = link_receive(link, message);
        if (result != ERR_AGAIN)
            return result;
        wait_for(link);
    }
}

static err say(struct link *dealer, const char *envelope, const char *block)
{
    return link_send(dealer, slice_of(NULL, 0), slice_of_text(envelope), slice_of_text(block));
}

// A raw dealer, to send what a link would never send.
struct raw {
    void *context;
    void *socket;
};

static struct raw raw_open(const char *endpoint)
{
    struct raw raw = {.context = zmq_ctx_new()};
    raw.socket = zmq_socket(raw.context, ZMQ_DEALER);
    EXPECT_EQ(zmq_connect(raw.socket, endpoint), 0);
    return raw;
}

static void raw_send(struct raw *raw, int frame_count, const void *bytes, size_t len)
{
    for (int i = 0; i < frame_count; i++)
        EXPECT(zmq_send(raw->socket, bytes, len, i + 1 < frame_count ? ZMQ_SNDMORE : 0) >= 0);
}

// libzmq 4.3.4 aborts when a socket with LINGER 0 is closed at the moment at which its connection is
// cut in the middle of a message (session_base.cpp, clean_pipes). So this one lingers.
static void raw_close(struct raw *raw)
{
    int linger_ms = 10000;
    EXPECT_EQ(zmq_setsockopt(raw->socket, ZMQ_LINGER, &linger_ms, sizeof linger_ms), 0);
    EXPECT_EQ(zmq_close(raw->socket), 0);
    EXPECT_EQ(zmq_ctx_term(raw->context), 0);
}

TEST(link, says_the_version_of_the_wire)
{
    EXPECT_STR(LINK_VERSION, WIRE_VERSION);
}

TEST(link, carries_a_question_and_its_answer)
{
    struct pair pair;
    struct link_message question;
    struct link_message answer;
    pair_open(&pair);

    EXPECT_EQ(say(pair.dealer, "envelope", "block"), OK);
    EXPECT_EQ(receive(pair.router, &question), OK);
    EXPECT(question.route.len > 0);
    EXPECT(slice_is_text(question.version, "WEFT/1"));
    EXPECT(slice_is_text(question.envelope, "envelope"));
    EXPECT(slice_is_text(question.block, "block"));

    EXPECT_EQ(link_send(pair.router, question.route, slice_of_text("yes"), slice_of(NULL, 0)), OK);
    link_release(&question);
    EXPECT_EQ(receive(pair.dealer, &answer), OK);
    EXPECT_EQ(answer.route.len, 0);
    EXPECT(slice_is_text(answer.envelope, "yes"));
    EXPECT_EQ(answer.block.len, 0);
    link_release(&answer);
    EXPECT_EQ(link_receive(pair.dealer, &answer), ERR_AGAIN);
    pair_close(&pair);
}

TEST(link, keeps_the_order_and_bytes_of_many_messages)
{
    struct pair pair;
    struct link_message message;
    static uint8_t block[70000];
    pair_open(&pair);
    for (uint32_t i = 0; i < 500; i++) {
        memset(block, (int)(i & 0xff), sizeof block);
        struct slice envelope = slice_of(&i, sizeof i);
        size_t len = (size_t)i * 140;
        EXPECT_EQ(link_send(pair.dealer, slice_of(NULL, 0), envelope, slice_of(block, len)), OK);
    }
    for (uint32_t i = 0; i < 500; i++) {
        memset(block, (int)(i & 0xff), sizeof block);
        EXPECT_EQ(receive(pair.router, &message), OK);
        EXPECT(slice_equal(message.envelope, slice_of(&i, sizeof i)));
        EXPECT(slice_equal(message.block, slice_of(block, (size_t)i * 140)));
        link_release(&message);
    }
    pair_close(&pair);
}

TEST(link, swallows_wrong_frame_counts_and_names_the_sender)
{
    struct pair pair;
    struct link_message message;
    pair_open(&pair);
    struct raw raw = raw_open(pair.endpoint);
    static const int counts[] = {1, 2, 4, 9};
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        raw_send(&raw, counts[i], "x", 1);
        EXPECT_EQ(receive(pair.router, &message), ERR_MALFORMED);
        EXPECT(message.route.len > 0);
        EXPECT_EQ(message.envelope.len, 0);
        EXPECT_EQ(link_send(pair.router, message.route, slice_of_text("no"), slice_of(NULL, 0)),
                  OK);
        link_release(&message);
    }
    raw_send(&raw, 3, "good", 4);
    EXPECT_EQ(receive(pair.router, &message), OK);
    EXPECT(slice_is_text(message.block, "good"));
    link_release(&message);
    raw_close(&raw);
    pair_close(&pair);
}

TEST(link, drains_an_endless_message_piece_by_piece)
{
    struct pair pair;
    struct link_message message;
    uint32_t pauses = 0;
    pair_open(&pair);
    struct raw raw = raw_open(pair.endpoint);
    raw_send(&raw, 5000, "x", 1);
    raw_send(&raw, 3, "after", 5);
    EXPECT_EQ(receive(pair.router, &message), ERR_MALFORMED);
    link_release(&message);
    err result = ERR_AGAIN;
    while ((result = link_receive(pair.router, &message)) == ERR_AGAIN) {
        pauses++;
        wait_for(pair.router);
    }
    EXPECT_EQ(result, OK);
    EXPECT(slice_is_text(message.block, "after"));
    EXPECT(pauses >= 3); // 5,000 frames are more than one call may drop
    link_release(&message);
    raw_close(&raw);
    pair_close(&pair);
}

TEST(link, cuts_off_who_sends_too_much)
{
    struct pair pair;
    struct link_message message;
    static uint8_t large[BYTES_MAX + 1];
    pair_open(&pair);
    struct raw raw = raw_open(pair.endpoint);
    raw_send(&raw, 3, large, sizeof large);
    // The connection is cut, and libzmq connects anew; only what is small enough arrives.
    EXPECT_EQ(say(pair.dealer, "small", ""), OK);
    EXPECT_EQ(receive(pair.router, &message), OK);
    EXPECT(slice_is_text(message.envelope, "small"));
    link_release(&message);
    EXPECT_EQ(link_receive(pair.router, &message), ERR_AGAIN);
    raw_close(&raw);
    pair_close(&pair);
}

TEST(link, tells_that_a_peer_has_gone)
{
    struct pair pair;
    struct link_message message;
    uint8_t kept[64];
    pair_open(&pair);
    EXPECT_EQ(say(pair.dealer, "hello", ""), OK);
    EXPECT_EQ(receive(pair.router, &message), OK);
    struct slice route = slice_of(kept, message.route.len);
    memcpy(kept, message.route.data, message.route.len);
    link_release(&message);

    link_close(pair.dealer);
    pair.dealer = NULL;
    when_ms until = clock_mono_ms() + PATIENCE_MS;
    err result = OK;
    while (result == OK && clock_mono_ms() < until) {
        result = link_send(pair.router, route, slice_of_text("still there?"), slice_of(NULL, 0));
        struct link_wait item = {.link = pair.router};
        EXPECT_EQ(link_wait(&item, 1, 1), OK); // lets the I/O thread notice
    }
    EXPECT_EQ(result, ERR_NOT_FOUND);
    EXPECT_EQ(
        link_send(pair.router, slice_of_text("nobody"), slice_of_text("x"), slice_of(NULL, 0)),
        ERR_NOT_FOUND);
    pair_close(&pair);
}

// An endpoint at which nobody listens, and which nobody else gets until the descriptor is closed.
static int keep_free(char *endpoint, size_t cap)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    EXPECT_EQ(bind(fd, (struct sockaddr *)&address, len), 0);
    EXPECT_EQ(getsockname(fd, (struct sockaddr *)&address, &len), 0);
    (void)snprintf(endpoint, cap, "tcp://127.0.0.1:%u", ntohs(address.sin_port));
    return fd;
}

TEST(link, queues_nothing_for_an_absent_router)
{
    struct pair pair;
    struct link_message message;
    EXPECT_EQ(link_context_open(&pair.context), OK);
    int fd = keep_free(pair.endpoint, sizeof pair.endpoint);
    pair.dealer = dealer_to(pair.context, pair.endpoint);
    EXPECT_EQ(say(pair.dealer, "early", ""), ERR_AGAIN);
    EXPECT_EQ(link_connection_count(pair.dealer), 0);

    EXPECT_EQ(close(fd), 0);
    pair.router = router_at(pair.context, pair.endpoint);
    wait_for_connection(pair.dealer, 1);
    EXPECT_EQ(say(pair.dealer, "late", ""), OK);
    EXPECT_EQ(receive(pair.router, &message), OK);
    EXPECT(slice_is_text(message.envelope, "late"));
    link_release(&message);
    pair_close(&pair);
}

static void break_off(int fd)
{
    int connection = accept(fd, NULL, NULL);
    EXPECT(connection >= 0);
    EXPECT_EQ(close(connection), 0);
}

// As to somebody who is killed just then, once and once more.
TEST(link, two_handshakes_that_break_off_are_no_refusal_and_a_third_is)
{
    struct pair pair = {0};
    EXPECT_EQ(link_context_open(&pair.context), OK);
    int fd = keep_free(pair.endpoint, sizeof pair.endpoint);
    EXPECT_EQ(listen(fd, 1), 0);
    pair.dealer = dealer_to(pair.context, pair.endpoint);
    break_off(fd);
    break_off(fd);
    int third = accept(fd, NULL, NULL); // both are known by now
    EXPECT(third >= 0);
    struct link_wait look = {.link = pair.dealer};
    EXPECT_EQ(link_wait(&look, 1, 0), OK);
    EXPECT_EQ(link_refusal(pair.dealer), OK);
    EXPECT_EQ(close(third), 0);
    while (link_refusal(pair.dealer) == OK)
        wait_for(pair.dealer);
    EXPECT_EQ(link_refusal(pair.dealer), ERR_HANDSHAKE);
    EXPECT_EQ(close(fd), 0);
    link_close(pair.dealer);
    link_context_close(pair.context);
}

// Says it over each new connection until it is heard: one may have been made to a router that was
// just closing.
static void say_until_heard(struct pair *pair, struct link_message *message)
{
    uint32_t seen = 0;
    while (link_receive(pair->router, message) == ERR_AGAIN) {
        uint32_t count = link_connection_count(pair->dealer);
        if (count != seen)
            (void)say(pair->dealer, "again", ""); // a lost one is said again
        seen = count;
        struct link_wait items[2] = {{.link = pair->router}, {.link = pair->dealer}};
        EXPECT_EQ(link_wait(items, 2, PATIENCE_MS), OK);
        EXPECT(items[0].is_ready || items[1].is_ready);
    }
    EXPECT(slice_is_text(message->envelope, "again"));
}

TEST(link, knows_whether_it_is_connected)
{
    struct pair pair;
    pair_open(&pair);
    EXPECT(link_is_connected(pair.dealer));
    for (uint32_t round = 2; round <= 3; round++) {
        link_close(pair.router);
        while (link_is_connected(pair.dealer))
            wait_for(pair.dealer);
        EXPECT_EQ(link_connection_count(pair.dealer), round - 1);
        pair.router = router_again_at(pair.context, pair.endpoint);
        while (!link_is_connected(pair.dealer))
            wait_for(pair.dealer);
        EXPECT_EQ(link_connection_count(pair.dealer), round);
    }
    pair_close(&pair);
}

TEST(link, counts_each_new_connection)
{
    struct pair pair;
    struct link_message message;
    pair_open(&pair);
    EXPECT_EQ(link_connection_count(pair.dealer), 1);
    for (uint32_t round = 2; round <= 3; round++) {
        link_close(pair.router);
        pair.router = router_again_at(pair.context, pair.endpoint);
        wait_for_connection(pair.dealer, round);
        say_until_heard(&pair, &message);
        link_release(&message);
    }
    pair_close(&pair);
}

TEST(link, refuses_bad_and_used_endpoints)
{
    struct pair pair;
    struct link *link = NULL;
    struct link_options options = {.kind = LINK_ROUTER, .bind = true, .message_bytes_max = 1};
    pair_open(&pair);
    options.endpoint = pair.endpoint;
    EXPECT_EQ(link_open(pair.context, &options, &link), ERR_ADDRESS_IN_USE);
    static const char *const bad[] = {"",
                                      "tcp://",
                                      "tcp://127.0.0.1:99999",
                                      "tcp://127.0.0.1:-1",
                                      "tcp://127.0.0.1:x",
                                      "127.0.0.1:99999",
                                      "127.0.0.1",
                                      "tcp://127.0.0.1:",
                                      "tcp://127.0.0.1",
                                      "pigeon://x",
                                      "udp://127.0.0.1:7400",
                                      "tcp"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        options.endpoint = bad[i];
        EXPECT_EQ(link_open(pair.context, &options, &link), ERR_BAD_FIELD);
    }
    EXPECT(link == NULL);
    char small[4];
    EXPECT_EQ(link_endpoint(pair.router, small, sizeof small), ERR_TOO_LARGE);
    pair_close(&pair);
}

TEST(link, host_and_port_alone_mean_tcp)
{
    struct link_context *context = NULL;
    char endpoint[64];
    EXPECT_EQ(link_context_open(&context), OK);
    struct link *router = router_at(context, "127.0.0.1:0");
    EXPECT_EQ(link_endpoint(router, endpoint, sizeof endpoint), OK);
    EXPECT(strncmp(endpoint, "tcp://127.0.0.1:", 16) == 0);
    struct link *dealer = dealer_to(context, endpoint + strlen("tcp://"));
    link_close(dealer);
    link_close(router);
    link_context_close(context);
}

TEST(link, wakes_for_a_bell_as_well_as_for_a_message)
{
    struct pair pair;
    struct wake wake;
    struct link_message message;
    pair_open(&pair);
    EXPECT_EQ(wake_open(&wake), OK);
    struct link_wait items[2] = {{.link = pair.router}, {.fd = wake.fd}};
    EXPECT_EQ(link_wait(items, 2, 0), OK);
    EXPECT(!items[0].is_ready && !items[1].is_ready);

    wake_ring(&wake);
    EXPECT_EQ(link_wait(items, 2, PATIENCE_MS), OK);
    EXPECT(!items[0].is_ready && items[1].is_ready);
    wake_clear(&wake);

    EXPECT_EQ(say(pair.dealer, "x", ""), OK);
    EXPECT_EQ(link_wait(items, 2, PATIENCE_MS), OK);
    EXPECT(items[0].is_ready && !items[1].is_ready);
    EXPECT_EQ(receive(pair.router, &message), OK);
    link_release(&message);

    struct link_wait writer = {.link = pair.dealer, .want_write = true};
    EXPECT_EQ(link_wait(&writer, 1, PATIENCE_MS), OK);
    EXPECT(writer.is_ready);
    wake_close(&wake);
    pair_close(&pair);
}

// Its descriptor tells of the first of them only.
TEST(link, is_ready_as_long_as_messages_lie_there)
{
    struct pair pair;
    struct link_message message;
    pair_open(&pair);
    EXPECT_EQ(say(pair.dealer, "one", ""), OK);
    EXPECT_EQ(say(pair.dealer, "two", ""), OK);
    EXPECT_EQ(say(pair.dealer, "three", ""), OK);
    for (uint32_t left = 3; left > 0; left--) {
        struct link_wait item = {.link = pair.router};
        EXPECT_EQ(link_wait(&item, 1, PATIENCE_MS), OK);
        EXPECT(item.is_ready);
        EXPECT_EQ(link_wait(&item, 1, 0), OK); // and again
        EXPECT(item.is_ready);
        EXPECT_EQ(receive(pair.router, &message), OK);
        link_release(&message);
    }
    struct link_wait item = {.link = pair.router};
    EXPECT_EQ(link_wait(&item, 1, 0), OK);
    EXPECT(!item.is_ready);
    pair_close(&pair);
}

TEST(link, publishes_to_those_who_listen)
{
    struct link_context *context = NULL;
    struct link_message message;
    char endpoint[64];
    EXPECT_EQ(link_context_open(&context), OK);
    struct link *pub = open_or_die(context, (struct link_options){.kind = LINK_PUB,
                                                                  .endpoint = "tcp://127.0.0.1:0",
                                                                  .bind = true,
                                                                  .message_bytes_max = 1024});
    EXPECT_EQ(link_subscription_count(pub), 0);
    EXPECT_EQ(link_publish(pub, slice_of_text("a.b"), slice_of_text("lost")), OK);
    EXPECT_EQ(link_endpoint(pub, endpoint, sizeof endpoint), OK);
    struct link *sub = open_or_die(
        context,
        (struct link_options){.kind = LINK_SUB, .endpoint = endpoint, .message_bytes_max = 1024});
    while (link_subscription_count(pub) == 0)
        wait_for(pub);
    EXPECT_EQ(link_publish(pub, slice_of_text("a.b"), slice_of_text("heard")), OK);
    EXPECT_EQ(receive(sub, &message), OK);
    EXPECT(slice_is_text(message.envelope, "a.b"));
    EXPECT(slice_is_text(message.block, "heard"));
    link_release(&message);
    link_close(sub);
    while (link_subscription_count(pub) == 1)
        wait_for(pub);
    link_close(pub);
    link_context_close(context);
}

TEST(link, a_peer_that_does_not_read_fills_the_queue_towards_it)
{
    enum { SEND_QUEUE_MAX = 131072, RECEIVE_QUEUE_MAX = 8192, LEN = 512 };
    static const uint8_t block[LEN];
    struct pair pair;
    struct link_message message;
    uint32_t count = 0;
    err result = OK;
    pair_open(&pair);
    while (result == OK) {
        result = link_send(pair.dealer, slice_of(NULL, 0), slice_of(&count, sizeof count),
                           slice_of(block, LEN));
        count += result == OK;
    }
    EXPECT_EQ(result, ERR_AGAIN);
    EXPECT(count >= SEND_QUEUE_MAX);
    EXPECT(count <= SEND_QUEUE_MAX + RECEIVE_QUEUE_MAX + tcp_bytes_max() / LEN);
    for (uint32_t i = 0; i < count; i++) { // none of them is lost
        EXPECT_EQ(receive(pair.router, &message), OK);
        EXPECT_MEM(message.envelope.data, &i, sizeof i);
        link_release(&message);
    }
    pair_close(&pair);
}

// It waits for nobody: what is durable does not live in a socket.
TEST(link, what_was_not_sent_goes_with_the_link)
{
    static const uint8_t block[512];
    struct pair pair;
    struct link_context *context = NULL;
    pair_open(&pair);
    EXPECT_EQ(link_context_open(&context), OK);
    struct link *sender = dealer_to(context, pair.endpoint);
    wait_for_connection(sender, 1);
    while (link_send(sender, slice_of(NULL, 0), slice_of_text("e"),
                     slice_of(block, sizeof block)) == OK) {
    }
    (void)alarm(PATIENCE_MS / 1000); // ends this test by force
    link_close(sender);
    link_context_close(context);
    (void)alarm(0);
    pair_close(&pair);
}

TEST(link, what_is_not_read_fills_the_queue_from_a_peer)
{
    enum { RECEIVE_QUEUE_MAX = 8192, LEN = 8192 };
    static const uint8_t bytes[LEN];
    struct pair pair;
    struct raw raw = {.context = zmq_ctx_new()};
    int one = 1;
    int patience_ms = PATIENCE_MS; // there is room at least for so many
    int rest_ms = 1000;            // so long without room then: nobody reads
    size_t count = 0;
    pair_open(&pair);
    raw.socket = zmq_socket(raw.context, ZMQ_DEALER);
    EXPECT_EQ(zmq_setsockopt(raw.socket, ZMQ_SNDHWM, &one, sizeof one), 0);
    EXPECT_EQ(zmq_setsockopt(raw.socket, ZMQ_SNDTIMEO, &patience_ms, sizeof patience_ms), 0);
    EXPECT_EQ(zmq_connect(raw.socket, pair.endpoint), 0);
    while (zmq_send(raw.socket, bytes, LEN, 0) == LEN)
        if (++count == RECEIVE_QUEUE_MAX)
            EXPECT_EQ(zmq_setsockopt(raw.socket, ZMQ_SNDTIMEO, &rest_ms, sizeof rest_ms), 0);
    EXPECT(count >= RECEIVE_QUEUE_MAX);
    EXPECT(count <= RECEIVE_QUEUE_MAX + tcp_bytes_max() / LEN);
    for (size_t i = 0; i < count; i++) { // one frame is no message of ours
        struct link_message message;
        EXPECT_EQ(receive(pair.router, &message), ERR_MALFORMED);
        link_release(&message);
    }
    raw_close(&raw);
    pair_close(&pair);
}
