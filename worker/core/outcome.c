// One small function for each way to end.

#include "worker/core/outcome.h"

#include "lib/base/bytes.h"
#include "lib/base/check.h"
#include "lib/base/utf8.h"
#include "worker/core/jsontext.h"

// The usual numbers; the others differ between machines and are told as numbers only.
static const char *signal_name(uint8_t signo)
{
    static const char *const names[] = {
        [1] = "SIGHUP",   [2] = "SIGINT",   [3] = "SIGQUIT",  [4] = "SIGILL",   [6] = "SIGABRT",
        [7] = "SIGBUS",   [8] = "SIGFPE",   [9] = "SIGKILL",  [11] = "SIGSEGV", [13] = "SIGPIPE",
        [14] = "SIGALRM", [15] = "SIGTERM", [24] = "SIGXCPU", [25] = "SIGXFSZ"};
    return signo < sizeof names / sizeof names[0] ? names[signo] : NULL;
}

static bool is_line_end(uint8_t byte)
{
    return byte == '\n' || byte == '\r';
}

// The last line of stderr says in most programs what was wrong.
static struct slice last_line(struct slice tail)
{
    while (tail.len > 0 && is_line_end(tail.data[tail.len - 1]))
        tail.len--;
    size_t start = tail.len;
    while (start > 0 && !is_line_end(tail.data[start - 1]))
        start--;
    return slice_of(tail.data + start, tail.len - start);
}

static struct slice with_last_line(struct bytes_out *out, struct slice tail)
{
    struct slice line = last_line(tail);
    if (line.len > 0) {
        bytes_put_text(out, ": ");
        if (line.len > out->cap - out->len)
            line.len = out->cap - out->len;
        bytes_put(out, line.data, utf8_valid_len(line));
    }
    CHECK(!out->full);
    return slice_of(out->data, out->len);
}

static void say(struct outcome_report *report, enum outcome outcome, const char *kind)
{
    report->outcome = outcome;
    report->kind = slice_of_text(kind);
}

static void end_by_signal(uint8_t signo, struct bytes_out *room, struct outcome_report *report)
{
    say(report, OUTCOME_CRASHED, "signal");
    bytes_put_text(room, "killed by signal ");
    bytes_put_decimal(room, signo);
    const char *name = signal_name(signo);
    if (name != NULL) {
        bytes_put_text(room, " (");
        bytes_put_text(room, name);
        bytes_put_text(room, ")");
    }
}

// A child of --lines ends while it has a job: the job has not been answered, whatever the code.
static void end_by_quitting(uint8_t code, struct bytes_out *room, struct outcome_report *report)
{
    say(report, OUTCOME_CRASHED, "exit");
    bytes_put_text(room, "the child ended without an answer, exit status ");
    bytes_put_decimal(room, code);
}

static void end_by_code(uint8_t code, struct bytes_out *room, struct outcome_report *report)
{
    switch (code) {
    case OUTCOME_EXIT_DEAD:
    case OUTCOME_EXIT_DEAD_TOO: say(report, OUTCOME_DEAD, "permanent"); break;
    case OUTCOME_EXIT_TEMPFAIL: say(report, OUTCOME_FAILED, "tempfail"); break;
    default: say(report, OUTCOME_FAILED, "exit"); break;
    }
    bytes_put_text(room, "exit status ");
    bytes_put_decimal(room, code);
}

static void succeed(const struct outcome_streams *streams, struct outcome_report *report)
{
    if (streams->is_lost) {
        outcome_put_off("there was no memory for the result", report);
        return;
    }
    if (streams->is_cut) {
        // Another attempt would say as much, so there is none.
        say(report, OUTCOME_DEAD, "result-too-large");
        report->message =
            slice_of_text("the result is longer than 1 MiB; store it elsewhere and print its name");
        report->detail = streams->tail;
        return;
    }
    report->outcome = OUTCOME_SUCCEEDED;
    report->result = outcome_result(streams->output);
}

void outcome_of_exit(const struct outcome_exit *ended, const struct outcome_streams *streams,
                     uint8_t *room, struct outcome_report *out_report)
{
    CHECK(streams->output.len <= MSG_RESULT_LEN_MAX);
    CHECK(streams->tail.len <= MSG_ERROR_DETAIL_LEN_MAX);
    struct outcome_report report = {0};
    struct bytes_out message = {.data = room, .cap = OUTCOME_ROOM};
    bool is_good = ended->signo == 0 && ended->code == 0 && !ended->is_lines;
    // Who was asked to stop and still succeeds has succeeded.
    bool by_us = ended->stop != SLOT_STOP_NONE && !(is_good && ended->stop == SLOT_STOP_CANCEL);
    if (by_us) {
        outcome_stopped(ended->stop, &report);
        report.detail = streams->tail;
    } else if (is_good) {
        succeed(streams, &report);
    } else if (ended->not_begun && ended->code == OUTCOME_EXIT_TEMPFAIL) {
        outcome_put_off("no memory, process or descriptor was left for the handler", &report);
    } else {
        if (ended->signo != 0)
            end_by_signal(ended->signo, &message, &report);
        else if (ended->is_lines && !outcome_is_missing(ended))
            end_by_quitting(ended->code, &message, &report);
        else
            end_by_code(ended->code, &message, &report);
        if (outcome_is_missing(ended))
            say(&report, OUTCOME_INTERRUPTED, "missing-program");
        report.message = with_last_line(&message, streams->tail);
        report.detail = streams->tail;
    }
    *out_report = report;
}

bool outcome_is_missing(const struct outcome_exit *ended)
{
    return ended->stop == SLOT_STOP_NONE && ended->not_begun &&
           ended->code != OUTCOME_EXIT_TEMPFAIL;
}

struct body outcome_result(struct slice output)
{
    if (output.len == 0)
        return (struct body){.content = CONTENT_NONE};
    if (jsontext_is_valid(output))
        return (struct body){.content = CONTENT_JSON, .bytes = jsontext_trim(output)};
    bool is_text = utf8_valid_len(output) == output.len;
    return (struct body){.content = is_text ? CONTENT_TEXT : CONTENT_BYTES, .bytes = output};
}

void outcome_interrupted(const char *message, struct outcome_report *out_report)
{
    say(out_report, OUTCOME_INTERRUPTED, "interrupted");
    out_report->message = slice_of_text(message);
}

void outcome_put_off(const char *message, struct outcome_report *out_report)
{
    say(out_report, OUTCOME_SNOOZED, "busy");
    out_report->message = slice_of_text(message);
    out_report->retry_after_ms = OUTCOME_PAUSE_MS;
}

void outcome_stopped(enum slot_stop stop, struct outcome_report *out_report)
{
    switch (stop) {
    case SLOT_STOP_TIMEOUT:
        say(out_report, OUTCOME_FAILED, "timeout");
        out_report->message = slice_of_text("the handler was still running at its deadline");
        return;
    case SLOT_STOP_DRAIN: outcome_interrupted("the worker was stopped", out_report); return;
    case SLOT_STOP_CANCEL: outcome_cancelled(out_report); return;
    case SLOT_STOP_LOST: outcome_interrupted("the lease was lost", out_report); return;
    case SLOT_STOP_NONE: break;
    }
    UNREACHABLE();
}

void outcome_cancelled(struct outcome_report *out_report)
{
    say(out_report, OUTCOME_CANCELLED, "cancelled");
    out_report->message = slice_of_text("the handler was stopped because the job was cancelled");
}

size_t outcome_size(const struct outcome_report *report)
{
    return report->result.bytes.len + report->kind.len + report->message.len + report->detail.len;
}

static uint8_t *move_slice(struct slice *slice, uint8_t *room)
{
    if (slice->len > 0)
        memcpy(room, slice->data, slice->len);
    slice->data = room;
    return room + slice->len;
}

void outcome_move_to(struct outcome_report *report, uint8_t *room)
{
    room = move_slice(&report->result.bytes, room);
    room = move_slice(&report->kind, room);
    room = move_slice(&report->message, room);
    (void)move_slice(&report->detail, room); // the last one
}
