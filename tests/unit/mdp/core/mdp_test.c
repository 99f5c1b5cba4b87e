// Majordomo's frames: what is read, what is refused, what is written.
// links: weft_base

#include "mdp/core/mdp.h"

#include "tests/support/test.h"

// Frames are given as texts with '|' between; "#N" is the byte N.
static uint32_t frames_of(const char *text, struct slice frames[MDP_FRAMES_MAX + 2])
{
    static const uint8_t bytes[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9};
    uint32_t count = 0;
    for (const char *at = text;; at++) {
        const char *end = strchr(at, '|');
        size_t len = end != NULL ? (size_t)(end - at) : strlen(at);
        frames[count++] =
            len == 2 && at[0] == '#' ? slice_of(&bytes[at[1] - '0'], 1) : slice_of(at, len);
        if (end == NULL)
            return count;
        at = end;
    }
}

TEST(mdp, what_peers_say_is_read)
{
    const struct {
        const char *text;
        enum mdp_kind kind;
        bool is_second;
        bool has_delimiter;
        const char *service;
        const char *address;
        uint32_t body_count;
    } cases[] = {
        {"|MDPC01|echo|a|b", MDP_ASK, false, true, "echo", "", 2},
        {"MDPC01|echo|a", MDP_ASK, false, false, "echo", "", 1},
        {"MDPC01|echo", MDP_ASK, false, false, "echo", "", 0},
        {"MDPC02|#1|echo|a", MDP_ASK, true, false, "echo", "", 1},
        {"|MDPC02|#1|echo|a", MDP_ASK, true, true, "echo", "", 1},
        {"|MDPW01|#1|echo", MDP_READY, false, true, "echo", "", 0},
        {"|MDPW01|#3|who||a|b|c", MDP_REPLY, false, true, "", "who", 3},
        {"|MDPW01|#4", MDP_HEARTBEAT, false, true, "", "", 0},
        {"|MDPW01|#5", MDP_DISCONNECT, false, true, "", "", 0},
        {"|MDPW02|#1|echo", MDP_READY, true, true, "echo", "", 0},
        {"|MDPW02|#3|who||a", MDP_PARTIAL, true, true, "", "who", 1},
        {"|MDPW02|#4|who||a", MDP_REPLY, true, true, "", "who", 1},
        {"|MDPW02|#5", MDP_HEARTBEAT, true, true, "", "", 0},
        {"MDPW02|#6", MDP_DISCONNECT, true, false, "", "", 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct slice frames[MDP_FRAMES_MAX + 2];
        struct mdp_message message = {0};
        EXPECT_EQ(mdp_read(frames, frames_of(cases[i].text, frames), &message), OK);
        EXPECT_EQ(message.kind, cases[i].kind);
        EXPECT_EQ(message.style.is_second, cases[i].is_second);
        EXPECT_EQ(message.style.has_delimiter, cases[i].has_delimiter);
        EXPECT(slice_is_text(message.service, cases[i].service));
        EXPECT(slice_is_text(message.address, cases[i].address));
        EXPECT_EQ(message.body_count, cases[i].body_count);
    }
}

TEST(mdp, what_is_not_of_the_protocol_is_refused)
{
    const struct {
        const char *text;
        err error;
    } cases[] = {
        {"", ERR_MALFORMED},
        {"||MDPC01|echo", ERR_MALFORMED},
        {"MDPC01", ERR_MALFORMED},
        {"MDPC01|", ERR_MALFORMED},
        {"MDPX01|echo", ERR_MALFORMED},
        {"MDPC0|echo", ERR_MALFORMED},
        {"MDPC11|echo", ERR_MALFORMED},
        {"MDPC03|echo", ERR_VERSION},
        {"MDPC02|echo", ERR_MALFORMED},
        {"MDPC02|#2|echo", ERR_MALFORMED},
        {"MDPW01", ERR_MALFORMED},
        {"MDPW01|#0", ERR_MALFORMED},
        {"MDPW01|#2|who||a", ERR_MALFORMED},
        {"MDPW01|#6", ERR_MALFORMED},
        {"MDPW02|#7", ERR_MALFORMED},
        {"MDPW01|#1", ERR_MALFORMED},
        {"MDPW01|#1|echo|more", ERR_MALFORMED},
        {"MDPW01|#3|who|no|a", ERR_MALFORMED},
        {"MDPW01|#3|who", ERR_MALFORMED},
        {"MDPW01|#3|||a", ERR_MALFORMED},
        {"MDPW01|#4|more", ERR_MALFORMED},
        {"MDPW01|xy|x", ERR_MALFORMED},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct slice frames[MDP_FRAMES_MAX + 2];
        struct mdp_message message = {.body_count = 77};
        EXPECT_EQ(mdp_read(frames, frames_of(cases[i].text, frames), &message), cases[i].error);
        EXPECT_EQ(message.body_count, 77);
    }
    EXPECT_EQ(mdp_read(NULL, 0, &(struct mdp_message){0}), ERR_MALFORMED);
}

TEST(mdp, bodies_and_services_have_a_limit)
{
    static char service[MDP_SERVICE_LEN_MAX + 1];
    struct slice frames[MDP_FRAMES_MAX + 2];
    struct mdp_message message;
    memset(service, 's', sizeof service);
    for (size_t i = 0; i < MDP_FRAMES_MAX + 2; i++)
        frames[i] = slice_of_text("x");
    frames[0] = slice_of_text("MDPC01");
    EXPECT_EQ(mdp_read(frames, 2 + MDP_BODY_MAX, &message), OK);
    EXPECT_EQ(mdp_read(frames, 3 + MDP_BODY_MAX, &message), ERR_TOO_LARGE);
    frames[1] = slice_of(service, MDP_SERVICE_LEN_MAX);
    EXPECT_EQ(mdp_read(frames, 2, &message), OK);
    frames[1].len++;
    EXPECT_EQ(mdp_read(frames, 2, &message), ERR_MALFORMED);
}

TEST(mdp, what_is_said_is_written_in_the_peers_style)
{
    const struct slice body[] = {slice_of_text("a"), slice_of_text("b")};
    const struct {
        struct mdp_message message;
        const char *text;
    } cases[] = {
        {{.kind = MDP_ANSWER, .style = {false, true}, .body_count = 2}, "|MDPC01|echo|a|b"},
        {{.kind = MDP_ANSWER, .style = {true, false}, .body_count = 1}, "MDPC02|#3|echo|a"},
        {{.kind = MDP_ANSWER_PARTIAL, .style = {true, true}, .body_count = 1}, "|MDPC02|#2|echo|a"},
        {{.kind = MDP_REQUEST, .style = {false, true}, .body_count = 2}, "|MDPW01|#2|who||a|b"},
        {{.kind = MDP_REQUEST, .style = {true, false}, .body_count = 1}, "MDPW02|#2|who||a"},
        {{.kind = MDP_HEARTBEAT, .style = {false, true}}, "|MDPW01|#4"},
        {{.kind = MDP_HEARTBEAT, .style = {true, true}}, "|MDPW02|#5"},
        {{.kind = MDP_DISCONNECT, .style = {false, true}}, "|MDPW01|#5"},
        {{.kind = MDP_DISCONNECT, .style = {true, true}}, "|MDPW02|#6"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct slice frames[MDP_FRAMES_MAX + 2];
        struct mdp_frames written;
        struct mdp_message message = cases[i].message;
        message.service = slice_of_text("echo");
        message.address = slice_of_text("who");
        message.body = body;
        mdp_write(&message, &written);
        EXPECT_EQ(written.count, frames_of(cases[i].text, frames));
        for (uint32_t k = 0; k < written.count; k++)
            EXPECT(slice_equal(written.items[k], frames[k]));
    }
    struct mdp_frames written;
    EXPECT_DIES(mdp_write(&(struct mdp_message){.kind = MDP_ANSWER_PARTIAL}, &written));
}
