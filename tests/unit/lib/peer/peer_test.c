// Transcripts: what a peer wants to be done, and when (in seconds, rounded, because of jitter).

#include "lib/peer/peer.h"
#include "tests/support/test.h"

#include <inttypes.h>

enum { ASKS_MAX = 8 };

// A peer with virtual time, a link that may be down, and the story of what it did.
struct stage {
    struct peer peer;
    void *memory;
    when_ms now;
    bool is_down; // the link takes nothing
    char story[4096];
    size_t story_len;
};

static void stage_open(struct stage *stage, uint32_t ask_count_max)
{
    *stage = (struct stage){.memory = aligned_alloc(16, (peer_size(ask_count_max) + 15) & ~15ul)};
    EXPECT(stage->memory != NULL);
    peer_init(&stage->peer, stage->memory, ask_count_max, 1);
}

static void stage_close(struct stage *stage)
{
    free(stage->memory);
}

__attribute__((format(printf, 2, 3))) static void tell(struct stage *stage, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    size_t room = sizeof stage->story - stage->story_len;
    int len = vsnprintf(stage->story + stage->story_len, room, format, arguments);
    va_end(arguments);
    EXPECT(len >= 0 && (size_t)len < room);
    stage->story_len += (size_t)len;
}

static const char *verb(enum peer_kind kind)
{
    switch (kind) {
    case PEER_NOTHING: return "nothing";
    case PEER_HELLO: return "hello";
    case PEER_SEND: return "send";
    case PEER_GIVE_UP: return "give up";
    case PEER_RECONNECT: return "reconnect";
    }
    return "?";
}

// Does all that is to be done now.
static void act(struct stage *stage)
{
    struct peer_action action;
    while ((action = peer_next(&stage->peer, stage->now)).kind != PEER_NOTHING) {
        bool is_message = action.kind == PEER_HELLO || action.kind == PEER_SEND;
        if (is_message && stage->is_down) {
            peer_unsent(&stage->peer, stage->now, &action);
            continue;
        }
        tell(stage, "[%" PRId64 "] %s", (stage->now + 500) / 1000, verb(action.kind));
        if (action.kind == PEER_SEND || action.kind == PEER_GIVE_UP)
            tell(stage, " %" PRIu64, action.user);
        if (is_message && action.sent_count > 0)
            tell(stage, " again");
        tell(stage, "\n");
    }
}

// Lets time pass, event by event, as a shell would.
static void run_until(struct stage *stage, when_ms end)
{
    for (;;) {
        act(stage);
        when_ms wait = peer_wait_ms(&stage->peer, stage->now);
        EXPECT(wait != 0);
        if (wait < 0 || stage->now + wait > end)
            break;
        stage->now += wait;
    }
    stage->now = end;
}

static uint64_t ask_until(struct stage *stage, uint64_t user, when_ms deadline)
{
    uint64_t corr = 0;
    struct peer_request request = {.user = user, .deadline = deadline};
    EXPECT_EQ(peer_ask(&stage->peer, stage->now, &request, &corr), OK);
    EXPECT(corr != 0);
    return corr;
}

static uint64_t ask(struct stage *stage, uint64_t user)
{
    return ask_until(stage, user, WHEN_NEVER);
}

static void answer(struct stage *stage, uint64_t corr, uint64_t expected_user)
{
    uint64_t user = 0;
    peer_heard(&stage->peer);
    EXPECT(peer_answered(&stage->peer, corr, &user));
    EXPECT_EQ(user, expected_user);
}

static void welcome(struct stage *stage)
{
    peer_heard(&stage->peer);
    EXPECT(peer_welcomed(&stage->peer, stage->now, stage->peer.hello_corr));
}

static void meet(struct stage *stage)
{
    act(stage);
    welcome(stage);
}

static void expect_story(struct stage *stage, const char *story)
{
    EXPECT_STR(stage->story, story);
    stage->story_len = 0;
    stage->story[0] = '\0';
}

TEST(peer, says_hello_before_anything_else)
{
    struct stage stage;
    stage_open(&stage, ASKS_MAX);
    (void)ask(&stage, 7);
    (void)ask(&stage, 8);
    act(&stage);
    expect_story(&stage, "[0] hello\n");
    EXPECT(!peer_is_known(&stage.peer));
    welcome(&stage);
    EXPECT(peer_is_known(&stage.peer));
    (void)ask(&stage, 9);
    act(&stage);
    expect_story(&stage, "[0] send 7\n"
                         "[0] send 8\n"
                         "[0] send 9\n");
    stage_close(&stage);
}

TEST(peer, says_hello_until_it_is_welcomed)
{
    struct stage stage;
    stage_open(&stage, ASKS_MAX);
    run_until(&stage, 14000);
    expect_story(&stage, "[0] hello\n"
                         "[1] hello again\n"
                         "[3] hello again\n"
                         "[8] hello again\n"
                         "[13] hello again\n");
    welcome(&stage);
    run_until(&stage, 100000);
    expect_story(&stage, "");
    EXPECT_EQ(peer_wait_ms(&stage.peer, stage.now), -1);
    stage_close(&stage);
}

TEST(peer, repeats_after_one_then_two_then_every_five_seconds)
{
    struct stage stage;
    stage_open(&stage, ASKS_MAX);
    meet(&stage);
    uint64_t corr = ask(&stage, 7);
    for (when_ms second = 1; second <= 14; second++) {
        run_until(&stage, second * 1000);
        peer_heard(&stage.peer); // of something else: the broker lives
    }
    expect_story(&stage, "[0] hello\n"
                         "[0] send 7\n"
                         "[1] send 7 again\n"
                         "[3] send 7 again\n"
                         "[8] send 7 again\n"
                         "[13] send 7 again\n");
    answer(&stage, corr, 7);
    run_until(&stage, 60000);
    expect_story(&stage, "");
    stage_close(&stage);
}

TEST(peer, repeats_out_of_step_with_others)
{
    struct stage stage;
    uint32_t early = 0;
    uint32_t late = 0;
    stage_open(&stage, 128);
    meet(&stage);
    for (uint64_t user = 0; user < 100; user++) {
        stage.story_len = 0;
        uint64_t corr = ask(&stage, user);
        act(&stage);
        when_ms wait = peer_wait_ms(&stage.peer, stage.now);
        EXPECT(wait >= 900 && wait <= 1100);
        early += wait < 1000;
        late += wait > 1000;
        answer(&stage, corr, user);
    }
    EXPECT(early > 20 && late > 20);
    stage_close(&stage);
}

TEST(peer, gives_up_at_the_deadline_and_not_before)
{
    struct stage stage;
    uint64_t user = 0;
    stage_open(&stage, ASKS_MAX);
    meet(&stage);
    uint64_t corr = ask_until(&stage, 7, 2000);
    (void)ask_until(&stage, 8, 500);
    run_until(&stage, 1999);
    expect_story(&stage, "[0] hello\n"
                         "[0] send 7\n"
                         "[0] send 8\n"
                         "[1] give up 8\n"
                         "[1] send 7 again\n");
    run_until(&stage, 4000);
    expect_story(&stage, "[2] give up 7\n");
    EXPECT(!peer_answered(&stage.peer, corr, &user)); // too late
    EXPECT_EQ(stage.peer.ask_count, 0);
    stage_close(&stage);
}

TEST(peer, gives_up_also_without_a_broker)
{
    struct stage stage;
    stage_open(&stage, ASKS_MAX);
    stage.is_down = true;
    (void)ask_until(&stage, 7, 1500);
    run_until(&stage, 5000);
    expect_story(&stage, "[2] give up 7\n");
    stage_close(&stage);
}

TEST(peer, knows_each_answer_once)
{
    struct stage stage;
    uint64_t user = 99;
    stage_open(&stage, ASKS_MAX);
    meet(&stage);
    uint64_t first = ask(&stage, 7);
    uint64_t second = ask(&stage, 8);
    act(&stage);
    answer(&stage, second, 8);
    EXPECT(!peer_answered(&stage.peer, second, &user));
    EXPECT(peer_drop(&stage.peer, first));
    EXPECT(!peer_drop(&stage.peer, first));
    EXPECT(!peer_answered(&stage.peer, first, &user));
    EXPECT(!peer_answered(&stage.peer, 0, &user));
    EXPECT(!peer_answered(&stage.peer, UINT64_MAX, &user));
    EXPECT_EQ(user, 99);
    uint64_t third = ask(&stage, 9); // in a place used before
    EXPECT(third != first && third != second);
    EXPECT(!peer_answered(&stage.peer, first, &user));
    EXPECT(!peer_answered(&stage.peer, second, &user));
    answer(&stage, third, 9);
    stage_close(&stage);
}

TEST(peer, repeats_everything_in_order_for_a_broker_that_forgot_it)
{
    struct stage stage;
    stage_open(&stage, ASKS_MAX);
    meet(&stage);
    uint64_t corr[4];
    for (uint64_t i = 0; i < 4; i++)
        corr[i] = ask(&stage, 7 + i);
    act(&stage);
    stage.story_len = 0;
    stage.now = 300;
    answer(&stage, corr[1], 8);
    peer_heard(&stage.peer);
    peer_unknown(&stage.peer, stage.now, corr[2]);
    peer_unknown(&stage.peer, stage.now, corr[3]); // one HELLO is enough
    act(&stage);
    expect_story(&stage, "[0] hello\n");
    peer_unknown(&stage.peer, stage.now, corr[0]);
    welcome(&stage);
    act(&stage);
    expect_story(&stage, "[0] send 7 again\n"
                         "[0] send 9 again\n"
                         "[0] send 10 again\n");
    stage_close(&stage);
}

TEST(peer, ignores_what_was_unknown_before_the_welcome)
{
    struct stage stage;
    stage_open(&stage, ASKS_MAX);
    meet(&stage);
    uint64_t corr = ask(&stage, 7);
    act(&stage);
    peer_connected(&stage.peer, stage.now);
    meet(&stage);
    stage.story_len = 0;
    peer_unknown(&stage.peer, stage.now, corr); // sent only before the last WELCOME
    peer_unknown(&stage.peer, stage.now, 12345);
    EXPECT(peer_is_known(&stage.peer));
    act(&stage);
    expect_story(&stage, "[0] send 7 again\n");
    peer_unknown(&stage.peer, stage.now, corr);
    act(&stage);
    expect_story(&stage, "[0] hello\n");
    welcome(&stage);
    peer_unknown(&stage.peer, stage.now, 0); // a message that is not a request
    EXPECT(!peer_is_known(&stage.peer));
    stage_close(&stage);
}

TEST(peer, greets_each_new_connection_and_drops_late_welcomes)
{
    struct stage stage;
    stage_open(&stage, ASKS_MAX);
    act(&stage);
    uint64_t first = stage.peer.hello_corr;
    stage.now = 200;
    peer_connected(&stage.peer, stage.now);
    EXPECT_EQ(peer_wait_ms(&stage.peer, stage.now), 0);
    act(&stage);
    EXPECT(stage.peer.hello_corr != first);
    EXPECT(!peer_welcomed(&stage.peer, stage.now, first));
    EXPECT(!peer_is_known(&stage.peer));
    welcome(&stage);
    EXPECT(!peer_welcomed(&stage.peer, stage.now, stage.peer.hello_corr)); // doubled
    expect_story(&stage, "[0] hello\n"
                         "[0] hello\n");
    stage_close(&stage);
}

TEST(peer, greets_a_silent_broker_and_then_connects_anew)
{
    struct stage stage;
    stage_open(&stage, ASKS_MAX);
    meet(&stage);
    (void)ask(&stage, 7);
    (void)ask(&stage, 8);
    run_until(&stage, 18500);
    expect_story(&stage, "[0] hello\n"
                         "[0] send 7\n"
                         "[0] send 8\n"
                         "[1] send 8 again\n"
                         "[1] send 7 again\n"
                         "[3] send 8 again\n"
                         "[3] send 7 again\n"
                         "[5] hello\n" // nothing but HELLO until it is back
                         "[6] hello again\n"
                         "[8] hello again\n"
                         "[13] hello again\n"
                         "[16] reconnect\n"
                         "[16] hello\n"
                         "[17] hello again\n");
    welcome(&stage);
    act(&stage);
    expect_story(&stage, "[19] send 7 again\n"
                         "[19] send 8 again\n");
    stage_close(&stage);
}

TEST(peer, is_patient_with_a_broker_that_may_take_its_time)
{
    struct stage stage;
    uint64_t corr = 0;
    stage_open(&stage, ASKS_MAX);
    meet(&stage);
    struct peer_request request = {.user = 7, .deadline = WHEN_NEVER, .patience = 30000};
    EXPECT_EQ(peer_ask(&stage.peer, stage.now, &request, &corr), OK);
    run_until(&stage, 29999);
    expect_story(&stage, "[0] hello\n"
                         "[0] send 7\n");
    run_until(&stage, 33000);
    expect_story(&stage, "[31] send 7 again\n");
    answer(&stage, corr, 7);
    stage_close(&stage);
}

TEST(peer, waits_a_moment_when_the_link_takes_nothing)
{
    struct stage stage;
    stage_open(&stage, ASKS_MAX);
    meet(&stage);
    for (uint64_t user = 1; user <= 3; user++)
        (void)ask(&stage, user);
    stage.is_down = true;
    act(&stage);
    when_ms wait = peer_wait_ms(&stage.peer, stage.now);
    EXPECT(wait >= 100 && wait <= 150);
    run_until(&stage, 700);
    (void)ask(&stage, 4);
    stage.is_down = false;
    run_until(&stage, 899);
    expect_story(&stage, "[0] hello\n"
                         "[1] send 1\n" // not "again": the link had not taken it
                         "[1] send 2\n"
                         "[1] send 3\n"
                         "[1] send 4\n");
    stage_close(&stage);
}

TEST(peer, keeps_the_order_when_the_link_fails_in_between)
{
    struct stage stage;
    stage_open(&stage, ASKS_MAX);
    for (uint64_t user = 1; user <= 3; user++)
        (void)ask(&stage, user);
    meet(&stage);
    EXPECT_EQ(peer_next(&stage.peer, stage.now).user, 1);
    struct peer_action second = peer_next(&stage.peer, stage.now);
    peer_unsent(&stage.peer, stage.now, &second);
    EXPECT_EQ(peer_next(&stage.peer, stage.now).kind, PEER_NOTHING);
    run_until(&stage, 200);
    expect_story(&stage, "[0] hello\n"
                         "[0] send 2\n"
                         "[0] send 3\n");
    stage_close(&stage);
}

TEST(peer, connects_anew_when_the_link_takes_nothing_for_long)
{
    struct stage stage;
    stage_open(&stage, ASKS_MAX);
    stage.is_down = true;
    run_until(&stage, 32000);
    expect_story(&stage, "[15] reconnect\n"
                         "[30] reconnect\n");
    stage.is_down = false;
    peer_connected(&stage.peer, stage.now);
    act(&stage);
    expect_story(&stage, "[32] hello\n");
    stage_close(&stage);
}

// A gateway has room for COURIER_ASKS_MAX, LESSOR_PARCELS_MAX.
TEST(peer, refuses_more_requests_than_it_has_room_for)
{
    struct stage stage;
    uint64_t corr[ASKS_MAX];
    uint64_t more = 77;
    stage_open(&stage, ASKS_MAX);
    meet(&stage);
    for (uint64_t i = 0; i < ASKS_MAX; i++)
        corr[i] = ask(&stage, i);
    struct peer_request request = {.deadline = WHEN_NEVER};
    EXPECT_EQ(peer_ask(&stage.peer, 0, &request, &more), ERR_FULL);
    EXPECT_EQ(more, 77);
    answer(&stage, corr[3], 3);
    EXPECT_EQ(peer_ask(&stage.peer, 0, &request, &more), OK);
    EXPECT_EQ(peer_ask(&stage.peer, 0, &request, &more), ERR_FULL);
    stage_close(&stage);
}

TEST(peer, carries_very_many_requests)
{
    enum { MANY = 65536 };
    static uint64_t corr[MANY];
    struct stage stage;
    stage_open(&stage, MANY);
    for (uint32_t i = 0; i < MANY; i++)
        corr[i] = ask_until(&stage, i, 1000000 + i);
    EXPECT_EQ(peer_next(&stage.peer, 0).kind, PEER_HELLO);
    for (int round = 0; round < 3; round++) {
        welcome(&stage);
        for (uint64_t i = 0; i < MANY; i++)
            EXPECT_EQ(peer_next(&stage.peer, stage.now).user, i);
        EXPECT_EQ(peer_next(&stage.peer, stage.now).kind, PEER_NOTHING);
        peer_unknown(&stage.peer, stage.now, corr[round]);
        EXPECT_EQ(peer_next(&stage.peer, stage.now).kind, PEER_HELLO);
    }
    for (uint32_t i = MANY; i-- > 0;)
        answer(&stage, corr[i], i);
    EXPECT_EQ(stage.peer.ask_count, 0);
    stage_close(&stage);
}
