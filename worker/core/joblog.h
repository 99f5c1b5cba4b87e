#pragma once

// What the handler of one slot has written, line by line, until the broker has it. Lines are
// numbered over all attempts of their job, from where the last attempt's ended. The room is
// bounded: what does not fit is dropped and counted, and a line says so as soon as there is room.
// Pure. Not thread-safe.

#include "proto/msg.h"

enum {
    JOBLOG_LINES_MAX = 256,
    JOBLOG_BYTES_MAX = 32 * 1024,
    JOBLOG_NOTE_LEN_MAX = 96, // kept free for the line that tells what was dropped
};

struct joblog_line {
    when_ms at; // wall clock
    uint32_t from;
    uint32_t len;
};

struct joblog {
    bool is_open;
    uint32_t taken; // lines of this job that the broker has
    uint32_t count;
    uint32_t sent; // of these, in the last RENEW
    uint32_t len;  // bytes of their texts
    uint32_t dropped;
    uint32_t partial_len;
    struct joblog_line lines[JOBLOG_LINES_MAX];
    uint8_t bytes[JOBLOG_BYTES_MAX];
    uint8_t partial[MSG_LOG_TEXT_LEN_MAX]; // a line that has not ended
};

// A handler begins; `taken` lines of its job are known to the broker.
void joblog_begin(struct joblog *log, uint32_t taken);
// Bytes of its standard error. A line of more than MSG_LOG_TEXT_LEN_MAX bytes becomes several.
void joblog_put(struct joblog *log, when_ms at, struct slice bytes);
// A whole line.
void joblog_say(struct joblog *log, when_ms at, struct slice line);
// The handler has ended: so has the line that it began, and what was dropped is told. No more
// comes in until joblog_begin().
void joblog_end(struct joblog *log, when_ms at);

// Lines that were in no RENEW yet.
bool joblog_has_news(const struct joblog *log);
// Writes the lines that the broker may not have, of the job and token given, at most `cap`; the
// texts are borrowed until the next call that changes the log. Returns how many.
uint32_t joblog_fill(struct joblog *log, const struct msg_held *held, struct msg_log_line *lines,
                     uint32_t cap);
// The RENEW with what was filled last was answered.
void joblog_told(struct joblog *log);
