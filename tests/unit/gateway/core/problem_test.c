// Problem details.

#include "gateway/core/problem.h"

#include "tests/support/test.h"

static struct slice text_of(const struct problem *problem)
{
    static uint8_t room[1024];
    return problem_text(problem, room, sizeof room);
}

TEST(problem, all_members_are_there)
{
    struct problem problem = {.error = ERR_FULL,
                              .detail = slice_of_text("the queue \"a\" is full")};
    EXPECT(slice_is_text(text_of(&problem), "{\"type\":\"urn:weft:problem:full\",\"code\":\"WEFT-"
                                            "1004\",\"title\":\"a limit is reached\","
                                            "\"status\":429,\"detail\":\"the queue \\\"a\\\" is "
                                            "full\",\"fix\":\"retry later or raise the "
                                            "limit\"}"));
}

TEST(problem, the_case_may_have_its_own_status_and_fix)
{
    struct problem problem = {.error = ERR_FULL, .status = 503, .fix = "wait"};
    EXPECT(slice_is_text(text_of(&problem),
                         "{\"type\":\"urn:weft:problem:full\",\"code\":\"WEFT-1004\",\"title\":\"a "
                         "limit is reached\",\"status\":503,\"fix\":\"wait\"}"));
    EXPECT_EQ(problem_status(&problem), 503);
}

TEST(problem, nothing_is_said_twice)
{
    struct problem problem = {.error = ERR_GONE, .detail = slice_of_text(err_text(ERR_GONE))};
    struct slice alone = slice_of_text("{\"type\":\"urn:weft:problem:gone\",\"code\":\"WEFT-1007\","
                                       "\"title\":\"the job has been removed, by retention or on "
                                       "request\",\"status\":410,\"fix\":\"submit it anew, with "
                                       "another key if it had one\"}");
    EXPECT(slice_equal(text_of(&problem), alone));
    problem.detail = slice_of_text("another sentence");
    EXPECT(!slice_equal(text_of(&problem), alone));
}

TEST(problem, every_error_has_a_text_and_a_fix)
{
    for (unsigned number = 1; number < 60; number++) {
        err e = err_from_number(number);
        struct slice text = text_of(&(struct problem){.error = e});
        char room[1024];
        EXPECT(text.len > 0 && slice_to_text(text, room, sizeof room));
        EXPECT(strstr(room, "\"fix\":\"") != NULL && strstr(room, "\"fix\":\"\"") == NULL);
    }
}

TEST(problem, only_a_wrong_request_is_to_be_corrected)
{
    static const err errors[] = {ERR_CONFLICT, ERR_GONE, ERR_DAMAGED, ERR_SYSTEM, ERR_UNIQUE};
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++) {
        char room[1024];
        EXPECT(slice_to_text(text_of(&(struct problem){.error = errors[i]}), room, sizeof room));
        EXPECT(strstr(room, "correct the request") == NULL);
    }
}

TEST(problem, a_detail_that_does_not_fit_is_left_out)
{
    uint8_t room[256];
    static char long_text[1000];
    memset(long_text, '~', sizeof long_text - 1);
    struct slice text =
        problem_text(&(struct problem){.error = ERR_GONE, .detail = slice_of_text(long_text)}, room,
                     sizeof room);
    EXPECT(text.len > 0);
    EXPECT(memchr(text.data, '~', text.len) == NULL);
    EXPECT_EQ(text.data[text.len - 1], '}');
}
