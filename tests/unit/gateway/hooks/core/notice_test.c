// The body, to the byte.

#include "gateway/hooks/core/notice.h"

#include "tests/support/test.h"

static const char *body_of(const struct notice *notice)
{
    static char text[1024];
    struct out out = {.data = (uint8_t *)text, .cap = sizeof text - 1, .format = OUT_JSON};
    notice_put(&out, notice);
    EXPECT(!out.full && out.len <= notice_room(notice));
    text[out.len] = '\0';
    return text;
}

TEST(notice, it_says_what_when_and_all_of_it)
{
    const struct notice notice = {.event = slice_of_text("job.succeeded"),
                                  .at = 1764576000123,
                                  .data = slice_of_text("{\"job_id\":\"x\"}"),
                                  .traceparent = slice_of_text("00-ab-cd-01")};
    EXPECT_STR(body_of(&notice),
               "{\"type\":\"job.succeeded\",\"timestamp\":\"2025-12-01T08:00:00.123Z\","
               "\"data\":{\"job_id\":\"x\"},\"traceparent\":\"00-ab-cd-01\"}");
}

TEST(notice, a_test_has_no_data)
{
    const struct notice notice = {.event = slice_of_text("webhook.test"), .at = 1000};
    EXPECT_STR(
        body_of(&notice),
        "{\"type\":\"webhook.test\",\"timestamp\":\"1970-01-01T00:00:01.000Z\",\"data\":{}}");
}
