// Texts one after the other, and where each begins.

#include "worker/core/joblog.h"

#include "lib/base/bytes.h"
#include "lib/base/check.h"

void joblog_begin(struct joblog *log, uint32_t taken)
{
    log->is_open = true;
    log->taken = taken;
    log->count = log->sent = log->len = log->dropped = log->partial_len = 0;
}

static bool has_room(const struct joblog *log, size_t len)
{
    return log->count < JOBLOG_LINES_MAX && len <= JOBLOG_BYTES_MAX - log->len;
}

static void append(struct joblog *log, when_ms at, struct slice line)
{
    CHECK(has_room(log, line.len) && line.len <= MSG_LOG_TEXT_LEN_MAX);
    log->lines[log->count++] =
        (struct joblog_line){.at = at, .from = log->len, .len = (uint32_t)line.len};
    if (line.len > 0)
        memcpy(log->bytes + log->len, line.data, line.len);
    log->len += (uint32_t)line.len;
}

static void tell_dropped(struct joblog *log, when_ms at)
{
    static const char what[] = " lines were dropped: more than the log can take";
    uint8_t room[JOBLOG_NOTE_LEN_MAX];
    struct bytes_out out = {.data = room, .cap = sizeof room};
    if (log->dropped == 0 || !has_room(log, sizeof room))
        return;
    bytes_put_decimal(&out, log->dropped);
    bytes_put(&out, what, sizeof what - 1);
    CHECK(!out.full);
    append(log, at, slice_of(room, out.len));
    log->dropped = 0;
}

void joblog_say(struct joblog *log, when_ms at, struct slice line)
{
    if (!log->is_open)
        return;
    if (line.len > MSG_LOG_TEXT_LEN_MAX)
        line.len = MSG_LOG_TEXT_LEN_MAX;
    // The line that tells what was dropped needs room for itself, before this one and after it.
    bool fits = log->count + 3 <= JOBLOG_LINES_MAX &&
                has_room(log, line.len + 2 * (size_t)JOBLOG_NOTE_LEN_MAX);
    if (!fits) {
        log->dropped++;
        return;
    }
    tell_dropped(log, at);
    append(log, at, line);
}

static void end_line(struct joblog *log, when_ms at)
{
    uint32_t len = log->partial_len;
    log->partial_len = 0;
    if (len > 0 && log->partial[len - 1] == '\r')
        len--;
    joblog_say(log, at, slice_of(log->partial, len));
}

void joblog_put(struct joblog *log, when_ms at, struct slice bytes)
{
    if (!log->is_open)
        return;
    while (bytes.len > 0) {
        const uint8_t *end = memchr(bytes.data, '\n', bytes.len);
        size_t len = end != NULL ? (size_t)(end - bytes.data) : bytes.len;
        size_t room = sizeof log->partial - log->partial_len;
        size_t taken = len < room ? len : room;
        memcpy(log->partial + log->partial_len, bytes.data, taken);
        log->partial_len += (uint32_t)taken;
        if (taken < len) {
            end_line(log, at);
        } else if (end != NULL) {
            end_line(log, at);
            taken++;
        }
        bytes = slice_of(bytes.data + taken, bytes.len - taken);
    }
}

void joblog_end(struct joblog *log, when_ms at)
{
    if (log->is_open && log->partial_len > 0)
        end_line(log, at);
    if (log->is_open)
        tell_dropped(log, at);
    log->is_open = false;
}

bool joblog_has_news(const struct joblog *log)
{
    return log->count > log->sent;
}

uint32_t joblog_fill(struct joblog *log, const struct msg_held *held, struct msg_log_line *lines,
                     uint32_t cap)
{
    uint32_t count = log->count < cap ? log->count : cap;
    for (uint32_t i = 0; i < count; i++)
        lines[i] = (struct msg_log_line){
            .job_id = held->job_id,
            .token = held->token,
            .seq = log->taken + 1 + i,
            .at = log->lines[i].at,
            .text = slice_of(log->bytes + log->lines[i].from, log->lines[i].len)};
    log->sent = count;
    return count;
}

void joblog_told(struct joblog *log)
{
    uint32_t told = log->sent;
    CHECK(told <= log->count);
    if (told == 0)
        return;
    uint32_t from = told < log->count ? log->lines[told].from : log->len;
    log->count -= told;
    for (uint32_t i = 0; i < log->count; i++) {
        log->lines[i] = log->lines[told + i];
        log->lines[i].from -= from;
    }
    log->len -= from;
    if (log->len > 0)
        memmove(log->bytes, log->bytes + from, log->len);
    log->taken += told;
    log->sent = 0;
}
