#pragma once

// The log: one line per event on standard error, written by a single write(2), so that lines of
// several threads and processes never mix.
//
//   2026-01-31T12:00:00.123Z info broker.ready endpoint=tcp://127.0.0.1:7400 jobs=12
//
// Event names are fixed like an API (`job.leased`, `store.commit_failed`); ids always, payloads
// and secrets never. Any thread.

#include "lib/base/err.h"
#include "lib/base/slice.h"

enum log_level {
    LOG_LEVEL_DEBUG, // one line per effect
    LOG_LEVEL_INFO,  // life of the process
    LOG_LEVEL_WARN,  // odd, and we say how we went on
    LOG_LEVEL_ERROR, // someone must act
};

enum { LOG_LINE_LEN_MAX = 2048 }; // a longer line is cut, and says so by "..."

// Lines below `level` are dropped; info at start.
void log_set_level(enum log_level level);
// True when lines of `level` are written: to spare the work of making one.
bool log_is_on(enum log_level level);
// "debug", "info", "warn" or "error".
//   ERR_BAD_FIELD   anything else
MUST_USE err log_level_from_text(const char *text, enum log_level *out_level);

// `format` makes "key=value key=value"; a value that comes from outside or may hold blanks goes
// through log_quote(). errno is kept.
void log_line(enum log_level level, const char *event, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
// A line without details.
void log_event(enum log_level level, const char *event);

// Short forms: log_info("broker.ready", "endpoint=%s", text). <syslog.h>, which czmq.h brings
// along, owns the names LOG_INFO and the like.
#define log_debug(event, ...) log_line(LOG_LEVEL_DEBUG, (event), __VA_ARGS__)
#define log_info(event, ...) log_line(LOG_LEVEL_INFO, (event), __VA_ARGS__)
#define log_warn(event, ...) log_line(LOG_LEVEL_WARN, (event), __VA_ARGS__)
#define log_error(event, ...) log_line(LOG_LEVEL_ERROR, (event), __VA_ARGS__)

struct log_quoted {
    char text[512];
};

// The value as it may stand after '=': as it is when it holds neither blanks, quotes, '=' nor
// bytes outside of printable ASCII; else in double quotes with \" \\ \n \t \xNN. A long value is
// cut and ends in "...". Meant to be used in place: log_info("x.y", "path=%s", log_quote(s).text).
struct log_quoted log_quote(struct slice value);
struct log_quoted log_quote_text(const char *value);
