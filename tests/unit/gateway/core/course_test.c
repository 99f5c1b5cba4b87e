// How the course of jobs is told.

#include "gateway/core/course.h"

#include "tests/support/test.h"

static uint8_t room[512];

static const char *told(const struct msg_defaults *given)
{
    static char text[sizeof room + 1];
    struct out out = {.data = room, .cap = sizeof room, .format = OUT_JSON};
    out_open_object(&out);
    course_put_span(&out, "timeout", given->timeout_ms);
    course_put_retry(&out, given);
    out_close(&out);
    EXPECT(slice_to_text(out_slice(&out), text, sizeof text));
    return text;
}

TEST(course, only_what_is_given_is_told)
{
    EXPECT_STR(told(&(struct msg_defaults){0}), "{}");
    EXPECT_STR(told(&(struct msg_defaults){.timeout_ms = 30000}), "{\"timeout\":\"30s\"}");
    EXPECT_STR(told(&(struct msg_defaults){.max_crashes = 2}), "{\"retry\":{\"max_crashes\":2}}");
    EXPECT_STR(told(&(struct msg_defaults){.max_attempts = 1,
                                           .max_crashes = 2,
                                           .retry_first_ms = 250,
                                           .retry_longest_ms = 3600000,
                                           .retry_factor_milli = 1500,
                                           .retry_within_s = 86400}),
               "{\"retry\":{\"max_attempts\":1,\"max_crashes\":2,\"first\":\"250ms\","
               "\"longest\":\"1h\",\"factor\":1.500,\"within\":\"1d\"}}");
}
