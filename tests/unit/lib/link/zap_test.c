// Who gets in by a door that speaks CURVE: real sockets on 127.0.0.1.
// links: weft_proto PkgConfig::libzmq

#include "lib/link/cert.h"
#include "lib/link/link_private.h"
#include "lib/link/zap.h"
#include "lib/sys/clock.h"
#include "tests/support/test.h"

#include <zmq.h>

enum { PATIENCE_MS = 20000, BYTES_MAX = 1 << 20 };

struct door {
    struct link_context *context;
    struct link *zap; // NULL: there is no handler
    struct link *router;
    struct link_curve server;
    struct link_curve peer;
    char endpoint[64];
    uint32_t asked_count;
    struct zap_request last;
};

static void open_door(struct door *door, bool has_zap)
{
    struct cert server;
    struct cert peer;
    *door = (struct door){0};
    cert_make(&server);
    cert_make(&peer);
    memcpy(door->server.secret_key, server.secret_key, sizeof server.secret_key);
    door->server.domain = "weft";
    memcpy(door->peer.public_key, peer.public_key, sizeof peer.public_key);
    memcpy(door->peer.secret_key, peer.secret_key, sizeof peer.secret_key);
    memcpy(door->peer.server_key, server.public_key, sizeof server.public_key);
    EXPECT_EQ(link_context_open(&door->context), OK);
    if (has_zap)
        EXPECT_EQ(zap_open(door->context, &door->zap), OK);
    struct link_options options = {.kind = LINK_ROUTER,
                                   .endpoint = "tcp://127.0.0.1:0",
                                   .bind = true,
                                   .message_bytes_max = BYTES_MAX,
                                   .curve = &door->server};
    EXPECT_EQ(link_open(door->context, &options, &door->router), OK);
    EXPECT_EQ(link_endpoint(door->router, door->endpoint, sizeof door->endpoint), OK);
}

static void close_door(struct door *door)
{
    link_close(door->router);
    link_close(door->zap);
    link_context_close(door->context);
}

static struct link *knock(struct door *door, const struct link_curve *curve)
{
    struct link *link = NULL;
    struct link_options options = {.kind = LINK_DEALER,
                                   .endpoint = door->endpoint,
                                   .message_bytes_max = BYTES_MAX,
                                   .curve = curve};
    EXPECT_EQ(link_open(door->context, &options, &link), OK);
    return link;
}

// Answers the handler's questions until the dealer is in or has been refused.
static void serve(struct door *door, struct link *dealer, const char *allowed)
{
    when_ms until = clock_mono_ms() + PATIENCE_MS;
    while (link_connection_count(dealer) == 0 && link_refusal(dealer) == OK) {
        struct link_wait items[2] = {{.link = dealer}, {.link = door->zap}};
        EXPECT_EQ(link_wait(items, door->zap != NULL ? 2 : 1, until - clock_mono_ms()), OK);
        EXPECT(clock_mono_ms() < until);
        while (door->zap != NULL && zap_take(door->zap, &door->last) == OK) {
            door->asked_count++;
            zap_answer(door->zap, &door->last, strcmp(door->last.key, allowed) == 0);
        }
    }
}

TEST(zap, key_that_is_allowed_gets_in_and_is_known_by_its_messages)
{
    struct door door;
    open_door(&door, true);
    struct link *dealer = knock(&door, &door.peer);
    serve(&door, dealer, door.peer.public_key);
    EXPECT_EQ(link_connection_count(dealer), 1);
    EXPECT_EQ(link_refusal(dealer), OK);
    EXPECT_EQ(door.asked_count, 1);
    EXPECT_STR(door.last.domain, "weft");
    EXPECT(strncmp(door.last.address, "127.0.0.1", 9) == 0);

    struct slice none = {0};
    EXPECT_EQ(link_send(dealer, none, slice_of_text("a"), slice_of_text("b")), OK);
    struct link_wait item = {.link = door.router};
    EXPECT_EQ(link_wait(&item, 1, PATIENCE_MS), OK);
    struct link_message message;
    EXPECT_EQ(link_receive(door.router, &message), OK);
    EXPECT(slice_is_text(link_user(&message), door.peer.public_key));
    EXPECT(link_connection(&message) >= 0);
    // A connection that is cut is made anew by the other side, and the handler asked again.
    link_cut(link_connection(&message));
    link_release(&message);
    EXPECT_EQ(link_user(&message).len, 0);
    EXPECT_EQ(link_connection(&message), -1);
    when_ms until = clock_mono_ms() + PATIENCE_MS;
    while (link_connection_count(dealer) < 2) {
        struct link_wait items[2] = {{.link = dealer}, {.link = door.zap}};
        EXPECT_EQ(link_wait(items, 2, until - clock_mono_ms()), OK);
        EXPECT(clock_mono_ms() < until);
        while (zap_take(door.zap, &door.last) == OK)
            zap_answer(door.zap, &door.last, true);
    }
    link_close(dealer);
    close_door(&door);
}

TEST(zap, key_that_is_not_allowed_is_refused)
{
    struct door door;
    open_door(&door, true);
    struct link *dealer = knock(&door, &door.peer);
    serve(&door, dealer, "");
    EXPECT_EQ(link_connection_count(dealer), 0);
    EXPECT_EQ(link_refusal(dealer), ERR_NO_KEY);
    EXPECT_EQ(door.asked_count, 1);
    link_close(dealer);
    close_door(&door);
}

TEST(zap, without_a_handler_nobody_gets_in)
{
    struct door door;
    open_door(&door, false);
    struct link *dealer = knock(&door, &door.peer);
    serve(&door, dealer, door.peer.public_key);
    EXPECT_EQ(link_connection_count(dealer), 0);
    EXPECT(link_refusal(dealer) != OK);
    link_close(dealer);
    close_door(&door);
}

TEST(zap, peer_in_the_clear_or_with_another_servers_key_does_not_get_in)
{
    struct door door;
    open_door(&door, true);
    struct link *clear = knock(&door, NULL);
    serve(&door, clear, door.peer.public_key);
    EXPECT_EQ(link_connection_count(clear), 0);
    EXPECT_EQ(link_refusal(clear), ERR_HANDSHAKE);
    link_close(clear);

    struct link_curve wrong = door.peer;
    struct cert other;
    cert_make(&other);
    memcpy(wrong.server_key, other.public_key, sizeof other.public_key);
    struct link *misled = knock(&door, &wrong);
    serve(&door, misled, door.peer.public_key);
    EXPECT_EQ(link_connection_count(misled), 0);
    EXPECT_EQ(link_refusal(misled), ERR_HANDSHAKE);
    EXPECT_EQ(door.asked_count, 0);
    link_close(misled);
    close_door(&door);
}

TEST(zap, a_context_has_one_handler)
{
    struct door door;
    struct link *second = NULL;
    open_door(&door, true);
    EXPECT_EQ(zap_open(door.context, &second), ERR_ADDRESS_IN_USE);
    close_door(&door);
}

enum { FRAMES = 7, ID = 1, DOMAIN = 2, MECHANISM = 5, KEY = 6, LONG = 40 };

// As libzmq asks: version, id, domain, address, routing id, mechanism, key.
static void ask(void *asker, const struct slice *frames, int count)
{
    for (int i = 0; i < count; i++)
        EXPECT_EQ(zmq_send(asker, frames[i].data, frames[i].len, i + 1 < count ? ZMQ_SNDMORE : 0),
                  (int)frames[i].len);
}

// The status code of the answer.
static void expect_answer(void *asker, const char *code)
{
    char frames[6][64];
    int lens[6];
    for (int i = 0; i < 6; i++)
        lens[i] = zmq_recv(asker, frames[i], sizeof frames[i], 0);
    EXPECT_EQ(lens[2], 3);
    EXPECT_MEM(frames[2], code, 3);
}

static const struct slice sound[FRAMES + 1] = {
    {(const uint8_t *)"1.0", 3},
    {(const uint8_t *)"7", 1},
    {(const uint8_t *)"weft", 4},
    {(const uint8_t *)"127.0.0.1", 9},
    {NULL, 0},
    {(const uint8_t *)"CURVE", 5},
    {(const uint8_t *)"abcdefghijklmnopqrstuvwxyz012345", 32},
    {(const uint8_t *)"more", 4},
};

TEST(zap, what_is_no_sound_request_is_refused_unseen)
{
    static const uint8_t bytes[LONG + 1];
    struct door door;
    open_door(&door, true);
    void *asker = zmq_socket(door.context->zmq, ZMQ_REQ);
    EXPECT_EQ(zmq_connect(asker, "inproc://zeromq.zap.01"), 0);
    const struct {
        int count, place; // so many frames, of which this one is `other`
        struct slice other;
    } rows[] = {
        {FRAMES - 1, ID, sound[ID]},
        {FRAMES + 1, ID, sound[ID]},
        {FRAMES, ID, {bytes, ZAP_ID_LEN_MAX + 1}},
        {FRAMES, DOMAIN, {(const uint8_t *)"a-domain-that-is-longer-than-any", 32}},
        {FRAMES, MECHANISM, {(const uint8_t *)"NULL", 4}},
        {FRAMES, MECHANISM, {(const uint8_t *)"PLAIN", 5}},
        {FRAMES, KEY, {bytes, 31}},
        {FRAMES, KEY, {bytes, 33}},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct slice frames[FRAMES + 1];
        memcpy(frames, sound, sizeof sound);
        frames[rows[i].place] = rows[i].other;
        ask(asker, frames, rows[i].count);
        EXPECT_EQ(zap_take(door.zap, &door.last), ERR_AGAIN);
        expect_answer(asker, "400");
    }
    ask(asker, sound, FRAMES);
    EXPECT_EQ(zap_take(door.zap, &door.last), OK);
    EXPECT_STR(door.last.domain, "weft");
    zap_answer(door.zap, &door.last, true);
    expect_answer(asker, "200");
    EXPECT_EQ(zmq_close(asker), 0);
    close_door(&door);
}
