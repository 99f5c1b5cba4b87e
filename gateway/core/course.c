// Only what is given is told.

#include "gateway/core/course.h"

#include "lib/base/duration.h"

void course_put_span(struct out *out, const char *name, uint64_t ms)
{
    char text[DURATION_TEXT_LEN + 1];
    if (ms == 0 || ms > (uint64_t)DURATION_MAX_MS)
        return;
    duration_format((when_ms)ms, text);
    out_put_text(out, name, slice_of_text(text));
}

static void put_number(struct out *out, const char *name, uint32_t number)
{
    if (number > 0)
        out_put_unsigned(out, name, number);
}

void course_put_milli(struct out *out, const char *name, uint32_t milli)
{
    out_name(out, slice_of_text(name));
    if (milli % 1000 == 0) {
        out_unsigned(out, milli / 1000);
        return;
    }
    if (out->format == OUT_MSGPACK) {
        double factor = (double)milli / 1000;
        uint64_t bits;
        memcpy(&bits, &factor, sizeof bits);
        uint8_t bytes[9] = {0xcb};
        for (unsigned i = 0; i < 8; i++)
            bytes[1 + i] = (uint8_t)(bits >> (56 - 8 * i));
        out_raw(out, slice_of(bytes, sizeof bytes));
        return;
    }
    char text[12]; // at most 999999.999
    size_t len = 0;
    for (uint32_t unit = 100000000; unit > 0; unit /= 10) {
        if (unit == 100)
            text[len++] = '.';
        if (len > 0 || unit <= 1000 || milli >= unit)
            text[len++] = (char)('0' + milli / unit % 10);
    }
    out_raw(out, slice_of(text, len));
}

void course_put_retry(struct out *out, const struct msg_defaults *given)
{
    if (given->max_attempts == 0 && given->max_crashes == 0 && given->retry_first_ms == 0 &&
        given->retry_longest_ms == 0 && given->retry_factor_milli == 0 &&
        given->retry_within_s == 0)
        return;
    out_name(out, slice_of_text("retry"));
    out_open_object(out);
    put_number(out, "max_attempts", given->max_attempts);
    put_number(out, "max_crashes", given->max_crashes);
    course_put_span(out, "first", given->retry_first_ms);
    course_put_span(out, "longest", given->retry_longest_ms);
    if (given->retry_factor_milli > 0)
        course_put_milli(out, "factor", given->retry_factor_milli);
    course_put_span(out, "within", (uint64_t)given->retry_within_s * 1000);
    out_close(out);
}
