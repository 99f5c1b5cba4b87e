// Makes a line in a buffer on the stack and writes it at once.

#include "lib/sys/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <unistd.h>

static const char *const level_names[] = {"debug", "info", "warn", "error"};
static atomic_int level_least = LOG_LEVEL_INFO;

void log_set_level(enum log_level level)
{
    atomic_store_explicit(&level_least, (int)level, memory_order_relaxed);
}

bool log_is_on(enum log_level level)
{
    return (int)level >= atomic_load_explicit(&level_least, memory_order_relaxed);
}

err log_level_from_text(const char *text, enum log_level *out_level)
{
    for (int level = LOG_LEVEL_DEBUG; level <= LOG_LEVEL_ERROR; level++) {
        if (strcmp(text, level_names[level]) == 0) {
            *out_level = (enum log_level)level;
            return OK;
        }
    }
    return ERR_BAD_FIELD;
}

struct line {
    char text[LOG_LINE_LEN_MAX + 1]; // and the newline
    size_t len;                      // at most LOG_LINE_LEN_MAX
};

__attribute__((format(printf, 2, 0))) static void append(struct line *line, const char *format,
                                                         va_list arguments)
{
    size_t room = LOG_LINE_LEN_MAX - line->len;
    int wanted = vsnprintf(line->text + line->len, room + 1, format, arguments);
    if (wanted < 0)
        return;
    if ((size_t)wanted > room) {
        memcpy(line->text + LOG_LINE_LEN_MAX - 3, "...", 3);
        line->len = LOG_LINE_LEN_MAX;
    } else {
        line->len += (size_t)wanted;
    }
}

__attribute__((format(printf, 2, 3))) static void print(struct line *line, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    append(line, format, arguments);
    va_end(arguments);
}

static void begin(struct line *line, enum log_level level, const char *event)
{
    struct timespec now = {0};
    struct tm calendar = {0};
    (void)clock_gettime(CLOCK_REALTIME, &now); // a wrong time does not stop a log
    (void)gmtime_r(&now.tv_sec, &calendar);
    print(line, "%04d-%02d-%02dT%02d:%02d:%02d.%03ldZ %s %s", calendar.tm_year + 1900,
          calendar.tm_mon + 1, calendar.tm_mday, calendar.tm_hour, calendar.tm_min, calendar.tm_sec,
          now.tv_nsec / 1000000, level_names[level], event);
}

// Whatever a value that nobody quoted holds, it stays one line and leaves terminals alone.
static void make_harmless(struct line *line)
{
    for (size_t i = 0; i < line->len; i++) {
        unsigned char byte = (unsigned char)line->text[i];
        if (byte < 0x20 || byte == 0x7f)
            line->text[i] = '?';
    }
}

static void put_out(struct line *line)
{
    make_harmless(line);
    line->text[line->len] = '\n';
    ssize_t written;
    do {
        written = write(STDERR_FILENO, line->text, line->len + 1);
    } while (written < 0 && errno == EINTR);
    // A log that cannot be written has nobody left to tell.
}

void log_line(enum log_level level, const char *event, const char *format, ...)
{
    if (!log_is_on(level))
        return;
    int kept = errno;
    struct line line;
    line.len = 0;
    begin(&line, level, event);
    print(&line, " ");
    va_list arguments;
    va_start(arguments, format);
    append(&line, format, arguments);
    va_end(arguments);
    put_out(&line);
    errno = kept;
}

void log_event(enum log_level level, const char *event)
{
    if (!log_is_on(level))
        return;
    int kept = errno;
    struct line line;
    line.len = 0;
    begin(&line, level, event);
    put_out(&line);
    errno = kept;
}

static bool is_plain(unsigned char byte)
{
    return byte > 0x20 && byte < 0x7f && byte != '"' && byte != '\\' && byte != '=';
}

static bool may_stand_bare(struct slice value, size_t cap)
{
    if (value.len == 0 || value.len >= cap)
        return false;
    for (size_t i = 0; i < value.len; i++) {
        if (!is_plain(value.data[i]))
            return false;
    }
    return true;
}

// Writes the escaped byte, at most 4 characters, and returns how many.
static size_t escape(unsigned char byte, char *out)
{
    static const char digits[] = "0123456789abcdef";
    char letter = byte == '\n' ? 'n' : byte == '\t' ? 't' : byte == '\r' ? 'r' : '\0';
    if (byte == '"' || byte == '\\')
        letter = (char)byte;
    if (letter != '\0') {
        out[0] = '\\';
        out[1] = letter;
        return 2;
    }
    if (byte >= 0x20 && byte < 0x7f) {
        out[0] = (char)byte;
        return 1;
    }
    out[0] = '\\';
    out[1] = 'x';
    out[2] = digits[byte >> 4];
    out[3] = digits[byte & 15];
    return 4;
}

struct log_quoted log_quote(struct slice value)
{
    struct log_quoted quoted = {.text = ""};
    if (may_stand_bare(value, sizeof quoted.text)) {
        memcpy(quoted.text, value.data, value.len);
        return quoted;
    }
    size_t len = 0;
    quoted.text[len++] = '"';
    // Room for one escape, the dots, the closing quote and the zero.
    const size_t full = sizeof quoted.text - 9;
    size_t i = 0;
    for (; i < value.len && len <= full; i++)
        len += escape(value.data[i], quoted.text + len);
    if (i < value.len) {
        memcpy(quoted.text + len, "...", 3);
        len += 3;
    }
    quoted.text[len++] = '"';
    return quoted;
}

struct log_quoted log_quote_text(const char *value)
{
    return log_quote(slice_of_text(value != NULL ? value : ""));
}
