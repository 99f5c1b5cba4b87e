// One table of statuses.

#include "worker/core/reply.h"

#include "lib/base/bytes.h"
#include "lib/base/check.h"
#include "lib/base/utf8.h"

enum {
    STATUS_SUCCESS = 2, // hundreds
    STATUS_REDIRECT = 3,
    STATUS_CLIENT = 4,
    STATUS_BUSY = 429,
    STATUS_AWAY = 503
};

bool reply_is_away(const struct reply *reply)
{
    switch (reply->end) {
    case EXCHANGE_ANSWERED:
    case EXCHANGE_BROKEN: return false;
    case EXCHANGE_BAD_URL:
    case EXCHANGE_FORBIDDEN:
    case EXCHANGE_NO_HOST:
    case EXCHANGE_NO_CONNECT:
    case EXCHANGE_TLS:
    case EXCHANGE_TIMEOUT: return true; // only connecting has a time of its own
    case EXCHANGE_ENDS: break;
    }
    UNREACHABLE();
}

when_ms reply_pause_ms(when_ms last_ms)
{
    return last_ms == 0 ? REPLY_PAUSE_FIRST_MS : when_min(2 * last_ms, REPLY_PAUSE_LONGEST_MS);
}

static void say(struct outcome_report *report, enum outcome outcome, const char *kind)
{
    report->outcome = outcome;
    report->kind = slice_of_text(kind);
}

// 4xx that say something about the way of the request, or about now, and nothing about the job.
static bool is_about_the_way(unsigned status)
{
    static const unsigned ways[] = {401, 403, 404, 405, 407, 408, 421, 425, 426, 431, STATUS_BUSY};
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        if (ways[i] == status)
            return true;
    }
    return false;
}

// The first line of what the service wrote says in most cases what was wrong.
static struct slice first_line(struct slice text)
{
    size_t len = 0;
    while (len < text.len && text.data[len] != '\n' && text.data[len] != '\r')
        len++;
    return slice_of(text.data, len);
}

static struct slice describe(const struct reply *reply, struct slice text, uint8_t *room)
{
    struct bytes_out out = {.data = room, .cap = OUTCOME_ROOM};
    char digits[3];
    for (unsigned i = 0, status = reply->status; i < sizeof digits; i++, status /= 10)
        digits[sizeof digits - 1 - i] = (char)('0' + status % 10);
    bytes_put_text(&out, "HTTP status ");
    bytes_put(&out, digits, sizeof digits);
    struct slice line = first_line(text);
    if (reply->status / 100 == STATUS_REDIRECT) {
        bytes_put_text(&out, ": redirects are not followed; give --http the address behind it");
    } else if (line.len > 0) {
        bytes_put_text(&out, ": ");
        if (line.len > out.cap - out.len)
            line.len = out.cap - out.len;
        bytes_put(&out, line.data, utf8_valid_len(line));
    }
    CHECK(!out.full);
    return slice_of(out.data, out.len);
}

static void refuse(const struct reply *reply, uint8_t *room, struct outcome_report *report)
{
    unsigned status = reply->status;
    bool is_busy = status == STATUS_BUSY || status == STATUS_AWAY;
    if (is_busy && reply->retry_after_ms > 0)
        say(report, OUTCOME_SNOOZED, "busy");
    else if (is_busy)
        say(report, OUTCOME_FAILED, "busy");
    else if (status / 100 == STATUS_CLIENT && !is_about_the_way(status))
        say(report, OUTCOME_DEAD, "permanent");
    else
        say(report, OUTCOME_FAILED, "http");
    if (report->outcome != OUTCOME_DEAD)
        report->retry_after_ms = (uint32_t)when_min(reply->retry_after_ms, EXCHANGE_WISH_MS_MAX);
    struct slice text = reply->body;
    if (text.len > MSG_ERROR_DETAIL_LEN_MAX)
        text.len = MSG_ERROR_DETAIL_LEN_MAX;
    report->detail = slice_of(text.data, utf8_valid_len(text));
    report->message = describe(reply, report->detail, room);
}

static void succeed(const struct reply *reply, struct outcome_report *report)
{
    if (reply->is_cut) {
        // Another attempt would say as much, so there is none.
        say(report, OUTCOME_DEAD, "result-too-large");
        report->message = slice_of_text(
            "the answer is longer than 1 MiB; store it elsewhere and answer its name");
        return;
    }
    report->outcome = OUTCOME_SUCCEEDED;
    report->result = outcome_result(reply->body);
}

void reply_report(const struct reply *reply, uint8_t *room, struct outcome_report *out_report)
{
    CHECK(!reply_is_away(reply));
    CHECK(reply->body.len <= MSG_RESULT_LEN_MAX);
    struct outcome_report report = {0};
    if (reply->end == EXCHANGE_BROKEN) {
        // The service may have died of it, as a process does of a signal.
        say(&report, OUTCOME_CRASHED, "broken");
        report.message = reply->detail;
    } else if (reply->status / 100 == STATUS_SUCCESS) {
        succeed(reply, &report);
    } else {
        refuse(reply, room, &report);
    }
    *out_report = report;
}

void reply_put_off(struct slice detail, when_ms pause_ms, struct outcome_report *out_report)
{
    CHECK(pause_ms > 0);
    *out_report = (struct outcome_report){.message = detail, .retry_after_ms = (uint32_t)pause_ms};
    say(out_report, OUTCOME_SNOOZED, "no-service");
}
