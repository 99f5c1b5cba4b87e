// The HTTP seam over real sockets: complete requests, late answers from other threads, caps,
// deadlines, and closing while requests wait.

#include "lib/http/http.h"

#include "tests/support/test.h"

#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <unistd.h>

enum { ROUTE_NOW, ROUTE_LATER, ROUTE_NEVER, ROUTE_CHUNKS, ROUTE_STREAM };

static const struct http_route routes[] = {
    [ROUTE_NOW] = {"GET", "/now/*", 0, false, 0},
    [ROUTE_LATER] = {"POST", "/later", 4096, false, 0},
    [ROUTE_NEVER] = {"GET", "/never", 0, false, 300},
    [ROUTE_CHUNKS] = {"POST", "/chunks", 1000000, true, 0},
    [ROUTE_STREAM] = {"GET", "/stream", 0, false, 0},
};

enum { HELD_MAX = 256, CROWD = 200, ROW = 16, PATIENCE_MS = 60000 };

// The owner's side: requests that are answered by the test, or by a thread of it.
struct owner {
    pthread_mutex_t lock;
    pthread_cond_t news;
    struct http_request *held[HELD_MAX];
    unsigned held_count;
    struct http *http;
};

static void reply(struct http_request *request, const char *text)
{
    http_answer(request, &(struct http_answer){
                             .status = 200,
                             .content_type = "text/plain",
                             .body = slice_of_text(text),
                         });
}

static void echo(struct http_request *request)
{
    http_answer(request, &(struct http_answer){
                             .status = 202,
                             .content_type = "text/plain",
                             .body = request->body,
                         });
}

static void handle(void *ctx, struct http_request *request)
{
    struct owner *owner = ctx;
    if (request->route == ROUTE_NOW) {
        char text[64];
        (void)slice_to_text(request->segment, text, sizeof text);
        reply(request, text);
        return;
    }
    pthread_mutex_lock(&owner->lock);
    EXPECT(owner->held_count < HELD_MAX);
    owner->held[owner->held_count++] = request;
    (void)pthread_cond_signal(&owner->news);
    pthread_mutex_unlock(&owner->lock);
}

static struct http_request *owner_take(struct owner *owner)
{
    pthread_mutex_lock(&owner->lock);
    while (owner->held_count == 0)
        (void)pthread_cond_wait(&owner->news, &owner->lock);
    struct http_request *request = owner->held[--owner->held_count];
    pthread_mutex_unlock(&owner->lock);
    return request;
}

static void *answer_all(void *ctx)
{
    struct owner *owner = ctx;
    for (;;) {
        struct http_request *request = owner_take(owner);
        bool is_last = slice_is_text(request->body, "last");
        echo(request);
        if (is_last)
            return NULL;
    }
}

// `options` are those that are not the same for all.
static void owner_open_as(struct owner *owner, struct http_options options)
{
    *owner = (struct owner){0};
    (void)pthread_mutex_init(&owner->lock, NULL);
    (void)pthread_cond_init(&owner->news, NULL);
    options.endpoint = "127.0.0.1:0";
    options.routes = routes;
    options.route_count = sizeof routes / sizeof routes[0];
    options.handler = handle;
    options.ctx = owner;
    EXPECT_EQ(http_open(&options, &owner->http), OK);
}

static void owner_open(struct owner *owner, struct http_limits limits)
{
    owner_open_as(owner, (struct http_options){.limits = limits});
}

static int dial(const struct http *http)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address = {.sin_family = AF_INET};
    address.sin_port = htons((uint16_t)strtoul(strrchr(http_endpoint(http), ':') + 1, NULL, 10));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

static void say(int fd, const char *text)
{
    EXPECT_EQ(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

// Reads until `wanted` has been seen or the other side ends; at most a minute.
static bool hears(int fd, const char *wanted, char *room, size_t room_len)
{
    size_t len = 0;
    room[0] = '\0';
    while (strstr(room, wanted) == NULL) {
        struct pollfd wait = {.fd = fd, .events = POLLIN};
        if (poll(&wait, 1, PATIENCE_MS) <= 0)
            return false;
        ssize_t got = recv(fd, room + len, room_len - 1 - len, 0);
        if (got <= 0)
            return false;
        len += (size_t)got;
        room[len] = '\0';
    }
    return true;
}

static bool is_ended(int fd)
{
    struct pollfd wait = {.fd = fd, .events = POLLIN};
    char byte;
    return poll(&wait, 1, PATIENCE_MS) > 0 && recv(fd, &byte, 1, 0) <= 0;
}

TEST(http, an_answer_within_the_call_arrives_and_the_connection_lives_on)
{
    struct owner owner;
    owner_open(&owner, (struct http_limits){0});
    int fd = dial(owner.http);
    char text[4096];
    for (int i = 0; i < 3; i++) {
        say(fd, "GET /now/seven?x=1 HTTP/1.1\r\nHost: a\r\n\r\n");
        EXPECT(hears(fd, "\r\n\r\nseven", text, sizeof text));
        EXPECT(strncmp(text, "HTTP/1.1 200", 12) == 0);
    }
    (void)close(fd);
    http_close(owner.http);
}

static void ask_often(const struct owner *owner)
{
    int fds[ROW];
    char text[4096];
    for (int i = 0; i < ROW; i++)
        fds[i] = dial(owner->http);
    for (int round = 0; round < 50; round++) {
        for (int i = 0; i < ROW; i++)
            say(fds[i], "POST /later HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello");
        for (int i = 0; i < ROW; i++)
            EXPECT(hears(fds[i], "\r\n\r\nhello", text, sizeof text));
    }
    for (int i = 0; i < ROW; i++)
        (void)close(fds[i]);
}

// By as many threads as --threads says.
TEST(http, late_answers_from_another_thread_arrive)
{
    struct owner owner;
    owner_open(&owner, (struct http_limits){.thread_count = 2});
    pthread_t thread;
    EXPECT_EQ(pthread_create(&thread, NULL, answer_all, &owner), 0);
    char text[4096];
    ask_often(&owner);
    int fd = dial(owner.http);
    say(fd, "POST /later HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nlast");
    EXPECT(hears(fd, "\r\n\r\nlast", text, sizeof text));
    (void)pthread_join(thread, NULL);
    (void)close(fd);
    struct http_figures figures;
    http_figures(owner.http, &figures);
    EXPECT_EQ(figures.requests_waiting, 0);
    http_close(owner.http);
}

// More events at once than the library takes in one go (128): it must not wait for yet more.
TEST(http, a_crowd_that_asks_at_the_same_moment_is_served)
{
    struct owner owner;
    owner_open(&owner, (struct http_limits){0});
    static int fds[CROWD];
    char text[4096];
    for (int i = 0; i < CROWD; i++) {
        fds[i] = dial(owner.http);
        say(fds[i], "POST /later HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi");
    }
    for (int round = 0; round < 20; round++) {
        static struct http_request *held[CROWD];
        for (int i = 0; i < CROWD; i++)
            held[i] = owner_take(&owner);
        for (int i = 0; i < CROWD; i++)
            echo(held[i]);
        for (int i = 0; i < CROWD; i++)
            EXPECT(hears(fds[i], "\r\n\r\nhi", text, sizeof text));
        for (int i = 0; i < CROWD && round < 19; i++)
            say(fds[i], "POST /later HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi");
    }
    for (int i = 0; i < CROWD; i++)
        (void)close(fds[i]);
    http_close(owner.http);
}

// Nobody answers but the end of a turn; the thread of the server alone touches `held`.
static void answer_held(void *ctx)
{
    struct owner *owner = ctx;
    EXPECT(owner->held_count > 0);
    while (owner->held_count > 0)
        echo(owner->held[--owner->held_count]);
}

TEST(http, what_a_turn_has_put_off_is_done_at_its_end)
{
    struct owner owner;
    owner_open_as(&owner, (struct http_options){.turned = answer_held});
    ask_often(&owner);
    http_close(owner.http);
}

TEST(http, a_waiting_request_gets_504_and_the_late_answer_is_dropped)
{
    struct owner owner;
    owner_open(&owner, (struct http_limits){0});
    int fd = dial(owner.http);
    char text[4096];
    say(fd, "GET /never HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT(hears(fd, "\r\n\r\n", text, sizeof text));
    EXPECT(strncmp(text, "HTTP/1.1 504", 12) == 0);
    reply(owner_take(&owner), "too late");
    say(fd, "GET /now/on HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT(hears(fd, "\r\n\r\non", text, sizeof text));
    (void)close(fd);
    http_close(owner.http);
}

TEST(http, closing_answers_what_waits_and_outlives_its_owner)
{
    struct owner owner;
    owner_open(&owner, (struct http_limits){0});
    int fd = dial(owner.http);
    char text[4096];
    say(fd, "POST /later HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello");
    struct http_request *held = owner_take(&owner);
    http_close(owner.http);
    EXPECT(hears(fd, "HTTP/1.1 504", text, sizeof text));
    EXPECT(slice_is_text(held->body, "hello"));
    echo(held);
    (void)close(fd);
}

TEST(http, slow_heads_bodies_and_idle_connections_are_cut)
{
    struct owner owner;
    owner_open(&owner, (struct http_limits){.idle_ms = 300, .head_ms = 300, .body_ms = 300});
    int idle = dial(owner.http);
    int head = dial(owner.http);
    say(head, "GET /now/x HTTP/1.1\r\nHo");
    int body = dial(owner.http);
    say(body, "POST /later HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhe");
    EXPECT(is_ended(idle));
    EXPECT(is_ended(head));
    EXPECT(is_ended(body));
    (void)close(idle);
    (void)close(head);
    (void)close(body);
    http_close(owner.http);
}

TEST(http, bodies_beyond_the_caps_are_refused)
{
    struct owner owner;
    owner_open(&owner, (struct http_limits){.buffered_bytes_max = 40000});
    char text[4096];
    int fd = dial(owner.http);
    say(fd, "POST /later HTTP/1.1\r\nHost: a\r\nContent-Length: 4097\r\n\r\n");
    static char zeros[32769];
    memset(zeros, '0', sizeof zeros - 1);
    zeros[4097] = '\0';
    say(fd, zeros);
    EXPECT(hears(fd, "HTTP/1.1 413", text, sizeof text));
    memset(zeros, '0', sizeof zeros - 1);
    // The connection is still good: the body was read and thrown away.
    say(fd, "POST /chunks HTTP/1.1\r\nHost: a\r\nContent-Length: 131072\r\n\r\n");
    for (int i = 0; i < 4; i++)
        say(fd, zeros);
    EXPECT(hears(fd, "HTTP/1.1 503", text, sizeof text));
    struct http_figures figures;
    http_figures(owner.http, &figures);
    EXPECT(figures.buffered_bytes <= 40000);
    (void)close(fd);
    http_close(owner.http);
}

// A head of exactly `len` bytes, with as many lines as are allowed.
static const char *head_of(size_t len)
{
    static char text[20000];
    char *at = text;
    at += snprintf(at, 64, "GET /now/seven HTTP/1.1\r\nHost: a\r\n");
    for (int i = 2; i < 100; i++)
        at += snprintf(at, 16, "X%d: x\r\n", i);
    size_t used = (size_t)(at - text) + strlen("L: ") + strlen("\r\n\r\n");
    EXPECT(used <= len);
    memcpy(at, "L: ", 3);
    memset(at + 3, 'l', len - used);
    memcpy(at + 3 + (len - used), "\r\n\r\n", 5);
    EXPECT_EQ(strlen(text), len);
    return text;
}

TEST(http, a_head_may_have_so_many_bytes_and_no_more)
{
    struct owner owner;
    owner_open(&owner, (struct http_limits){0});
    char text[4096];
    int fd = dial(owner.http);
    say(fd, head_of(16 * 1024));
    EXPECT(hears(fd, "\r\n\r\nseven", text, sizeof text));
    say(fd, head_of(16 * 1024 + 1));
    EXPECT(hears(fd, "HTTP/1.1 431", text, sizeof text));
    (void)close(fd);
    http_close(owner.http);
}

TEST(http, chunks_are_joined)
{
    struct owner owner;
    owner_open(&owner, (struct http_limits){0});
    int fd = dial(owner.http);
    char text[4096];
    say(fd, "POST /chunks HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
            "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n");
    struct http_request *held = owner_take(&owner);
    EXPECT(slice_is_text(held->body, "abcde"));
    echo(held);
    EXPECT(hears(fd, "\r\n\r\nabcde", text, sizeof text));
    (void)close(fd);
    http_close(owner.http);
}

TEST(http, too_many_waiting_requests_are_refused)
{
    struct owner owner;
    owner_open(&owner, (struct http_limits){.waiting_count_max = 1});
    int first = dial(owner.http);
    int second = dial(owner.http);
    char text[4096];
    const char *post = "POST /later HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx";
    say(first, post);
    struct http_request *held = owner_take(&owner);
    say(second, post);
    EXPECT(hears(second, "HTTP/1.1 503", text, sizeof text));
    echo(held);
    EXPECT(hears(first, "HTTP/1.1 202", text, sizeof text));
    (void)close(first);
    (void)close(second);
    http_close(owner.http);
}

TEST(http, an_address_in_use_is_told)
{
    struct owner owner;
    owner_open(&owner, (struct http_limits){0});
    struct http_options options = {.endpoint = http_endpoint(owner.http), .handler = handle};
    struct http *second = NULL;
    EXPECT_EQ(http_open(&options, &second), ERR_ADDRESS_IN_USE);
    options.endpoint = "nowhere";
    EXPECT_EQ(http_open(&options, &second), ERR_BAD_FIELD);
    http_close(owner.http);
}

// --- admission ---

struct doorman {
    struct owner owner; // first: the handler's
    bool lets_in;
    _Atomic unsigned asked;
    _Atomic unsigned released;
};
static const char doorman_tag[] = "tag";
static _Atomic unsigned *doorman_released;

static bool admit(void *ctx, struct http_request *request)
{
    struct doorman *doorman = ctx;
    EXPECT_EQ(request->body.len, 0);
    request->tag = doorman_tag;
    (void)atomic_fetch_add(&doorman->asked, 1);
    if (doorman->lets_in)
        return true;
    http_answer(request, &(struct http_answer){.status = 401});
    return false;
}

static void release(const void *tag)
{
    EXPECT(tag == doorman_tag);
    (void)atomic_fetch_add(doorman_released, 1);
}

static void doorman_open(struct doorman *doorman, bool lets_in)
{
    *doorman = (struct doorman){.lets_in = lets_in};
    doorman_released = &doorman->released;
    owner_open_as(&doorman->owner, (struct http_options){.admit = admit, .release = release});
}

TEST(http, owner_may_refuse_before_the_body)
{
    struct doorman doorman;
    struct http_figures figures;
    char text[4096];
    doorman_open(&doorman, false);
    int fd = dial(doorman.owner.http);
    // A small body is read over, and the connection lives.
    say(fd, "POST /later HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody");
    EXPECT(hears(fd, "HTTP/1.1 401", text, sizeof text));
    say(fd, "GET /now/a HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT(hears(fd, "HTTP/1.1 401", text, sizeof text));
    // Chunks, of which nobody knows how many there will be, end it.
    say(fd, "POST /chunks HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
    EXPECT(hears(fd, "HTTP/1.1 401", text, sizeof text));
    struct pollfd wait = {.fd = fd, .events = POLLIN};
    EXPECT(poll(&wait, 1, PATIENCE_MS) == 1);
    EXPECT_EQ(recv(fd, text, sizeof text, 0), 0);
    (void)close(fd);
    http_figures(doorman.owner.http, &figures);
    EXPECT_EQ(figures.requests_waiting, 0);
    EXPECT_EQ(doorman.owner.held_count, 0);
    http_close(doorman.owner.http);
    EXPECT_EQ(doorman.asked, 3);
    EXPECT_EQ(doorman.released, 3);
}

TEST(http, tag_of_an_admitted_request_is_released_once)
{
    struct doorman doorman;
    char text[4096];
    doorman_open(&doorman, true);
    int fd = dial(doorman.owner.http);
    say(fd, "POST /later HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody");
    struct http_request *held = owner_take(&doorman.owner);
    EXPECT(held->tag == doorman_tag);
    EXPECT_EQ(doorman.released, 0);
    echo(held);
    EXPECT(hears(fd, "\r\n\r\nbody", text, sizeof text));
    // One whose client leaves in the middle of its body is never handed over.
    say(fd, "POST /later HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbo");
    while (doorman.asked < 2)
        (void)poll(NULL, 0, 1);
    (void)close(fd);
    http_close(doorman.owner.http);
    EXPECT_EQ(doorman.released, 2);
}

// --- answers that go on ---

static struct http_request *stream_open(struct owner *owner, int *out_fd)
{
    char text[4096];
    *out_fd = dial(owner->http);
    say(*out_fd, "GET /stream HTTP/1.1\r\nHost: a\r\nLast-Event-ID: 7\r\n\r\n");
    struct http_request *request = owner_take(owner);
    EXPECT(slice_is_text(request->headers[HTTP_LAST_EVENT_ID], "7"));
    http_stream_begin(request, &(struct http_answer){.status = 200,
                                                     .content_type = "text/event-stream",
                                                     .body = slice_of_text("first;")});
    EXPECT(hears(*out_fd, "first;", text, sizeof text));
    EXPECT(strstr(text, "text/event-stream") != NULL);
    return request;
}

TEST(http, a_stream_arrives_piece_by_piece_and_the_connection_lives_on)
{
    struct owner owner;
    owner_open(&owner, (struct http_limits){.send_ms = 1000, .idle_ms = 3000});
    int fd = -1;
    char text[4096];
    struct http_request *request = stream_open(&owner, &fd);
    struct http_figures figures;
    // Idle connections are cut later than a piece that is not taken; while there is none, nothing
    // is late.
    int idle = dial(owner.http);
    EXPECT(is_ended(idle));
    EXPECT(http_stream_put(request, slice_of_text("second;")));
    EXPECT(hears(fd, "second;", text, sizeof text));
    EXPECT(http_stream_put(request, slice_of_text("third;")));
    EXPECT(http_stream_put(request, slice_of_text("fourth;")));
    EXPECT(hears(fd, "fourth;", text, sizeof text));
    http_figures(owner.http, &figures);
    EXPECT_EQ(figures.streams_open, 1);
    EXPECT_EQ(figures.buffered_bytes, 0);
    http_stream_end(request);
    EXPECT(hears(fd, "0\r\n\r\n", text, sizeof text));
    say(fd, "GET /now/on HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT(hears(fd, "\r\n\r\non", text, sizeof text));
    http_figures(owner.http, &figures);
    EXPECT_EQ(figures.streams_open, 0);
    EXPECT_EQ(figures.requests_waiting, 0);
    (void)close(idle);
    (void)close(fd);
    http_close(owner.http);
}

// Reads to an end.
static bool is_cut(int fd)
{
    char room[16384];
    struct pollfd wait = {.fd = fd, .events = POLLIN};
    for (int i = 0; i < 100000; i++) {
        if (poll(&wait, 1, PATIENCE_MS) <= 0)
            return false;
        if (recv(fd, room, sizeof room, 0) <= 0)
            return true;
    }
    return false;
}

TEST(http, a_stream_holds_so_many_bytes_for_a_slow_client_and_no_more)
{
    struct owner owner;
    owner_open(&owner, (struct http_limits){.send_ms = 1500, .stream_bytes_max = 100000});
    int fd = -1;
    static uint8_t piece[10000];
    memset(piece, 'x', sizeof piece);
    struct http_request *request = stream_open(&owner, &fd);
    struct http_figures figures = {0};
    bool was_full = false;
    // The kernel holds some for the client too, until that is full.
    while (figures.deadlines_total == 0) {
        bool has_room = http_stream_put(request, slice_of(piece, sizeof piece));
        was_full = was_full || !has_room;
        http_figures(owner.http, &figures);
        EXPECT(figures.buffered_bytes <= 100000);
        if (!has_room)
            (void)poll(NULL, 0, 1);
    }
    EXPECT(was_full);
    EXPECT(is_cut(fd)); // what it had not taken is not sent any more
    http_stream_end(request);
    (void)close(fd);
    http_close(owner.http);
}

TEST(http, a_stream_whose_client_has_gone_takes_nothing_more)
{
    struct owner owner;
    owner_open(&owner, (struct http_limits){0});
    int fd = -1;
    struct http_request *request = stream_open(&owner, &fd);
    (void)close(fd);
    while (http_stream_put(request, slice_of_text("more;")))
        (void)poll(NULL, 0, 1);
    http_stream_end(request);
    http_close(owner.http);
}

TEST(http, closing_ends_streams_and_outlives_their_owner)
{
    struct owner owner;
    owner_open(&owner, (struct http_limits){.thread_count = 2});
    struct http_request *requests[8];
    int fds[8];
    for (int i = 0; i < 8; i++)
        requests[i] = stream_open(&owner, &fds[i]);
    http_close(owner.http);
    for (int i = 0; i < 8; i++) {
        char text[256];
        EXPECT(hears(fds[i], "0\r\n\r\n", text, sizeof text));
        EXPECT(!http_stream_put(requests[i], slice_of_text("late;")));
        http_stream_end(requests[i]);
        (void)close(fds[i]);
    }
}
