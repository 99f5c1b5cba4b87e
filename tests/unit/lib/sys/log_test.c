// What really arrives on standard error: each test puts a pipe there.

#include "lib/sys/log.h"
#include "tests/support/test.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

struct capture {
    int kept; // the real standard error
    int from;
};

static struct capture capture_begin(void)
{
    struct capture capture;
    int ends[2];
    EXPECT_EQ(pipe2(ends, O_CLOEXEC), 0);
    capture.kept = dup(STDERR_FILENO);
    EXPECT(dup2(ends[1], STDERR_FILENO) >= 0);
    EXPECT_EQ(close(ends[1]), 0);
    capture.from = ends[0];
    return capture;
}

// All that was written, zero-terminated.
static size_t capture_end(struct capture *capture, char *out, size_t cap)
{
    EXPECT(dup2(capture->kept, STDERR_FILENO) >= 0);
    EXPECT_EQ(close(capture->kept), 0);
    size_t len = 0;
    ssize_t got;
    while ((got = read(capture->from, out + len, cap - 1 - len)) > 0)
        len += (size_t)got;
    EXPECT_EQ(close(capture->from), 0);
    out[len] = '\0';
    return len;
}

static char text[65536];

TEST(log, writes_time_level_event_and_values)
{
    struct capture capture = capture_begin();
    errno = 42;
    log_info("broker.ready", "jobs=%d endpoint=%s", 3, "tcp://127.0.0.1:1");
    EXPECT_EQ(errno, 42);
    log_event(LOG_LEVEL_WARN, "broker.odd");
    EXPECT(capture_end(&capture, text, sizeof text) > 25);
    EXPECT(text[4] == '-' && text[10] == 'T' && text[19] == '.' && text[23] == 'Z');
    EXPECT(memcmp(text, "202", 3) == 0);
    char *second = strchr(text, '\n') + 1;
    EXPECT_STR(second + 24, " warn broker.odd\n");
    *second = '\0';
    EXPECT_STR(text + 24, " info broker.ready jobs=3 endpoint=tcp://127.0.0.1:1\n");
}

TEST(log, drops_what_is_below_the_level)
{
    struct capture capture = capture_begin();
    enum log_level level = LOG_LEVEL_DEBUG;
    EXPECT(!log_is_on(LOG_LEVEL_DEBUG));
    log_debug("a.b", "x=%d", 1);
    EXPECT_EQ(log_level_from_text("error", &level), OK);
    log_set_level(level);
    log_warn("a.c", "x=%d", 1);
    log_event(LOG_LEVEL_INFO, "a.c");
    log_error("a.d", "x=%d", 1);
    EXPECT_EQ(log_level_from_text("debug", &level), OK);
    log_set_level(level);
    log_debug("a.e", "x=%d", 1);
    EXPECT_EQ(log_level_from_text("loud", &level), ERR_BAD_FIELD);
    log_set_level(LOG_LEVEL_INFO);
    (void)capture_end(&capture, text, sizeof text);
    EXPECT(strstr(text, "a.b") == NULL && strstr(text, "a.c") == NULL);
    EXPECT(strstr(text, " error a.d x=1\n") != NULL && strstr(text, " debug a.e x=1\n") != NULL);
}

TEST(log, stays_one_line_whatever_a_value_holds)
{
    struct capture capture = capture_begin();
    log_info("a.b", "bad=%s", "x\n2026-01-01 error forged\x1b[2J");
    (void)capture_end(&capture, text, sizeof text);
    EXPECT(strchr(text, '\n') == text + strlen(text) - 1);
    EXPECT(strstr(text, "bad=x?2026-01-01 error forged?[2J\n") != NULL);
}

TEST(log, cuts_a_long_line_and_says_so)
{
    static char large[5000];
    memset(large, 'x', sizeof large - 1);
    struct capture capture = capture_begin();
    log_info("a.b", "long=%s", large);
    size_t len = capture_end(&capture, text, sizeof text);
    EXPECT_EQ(len, LOG_LINE_LEN_MAX + 1);
    EXPECT_STR(text + len - 5, "x...\n");
}

TEST(log, quotes_values_that_need_it)
{
    EXPECT_STR(log_quote_text("plain/value:1,2").text, "plain/value:1,2");
    EXPECT_STR(log_quote_text("").text, "\"\"");
    EXPECT_STR(log_quote_text(NULL).text, "\"\"");
    EXPECT_STR(log_quote_text("two words").text, "\"two words\"");
    EXPECT_STR(log_quote_text("a=b").text, "\"a=b\"");
    EXPECT_STR(log_quote_text("say \"hi\" \\ \n\t\r\x01\xff").text,
               "\"say \\\"hi\\\" \\\\ \\n\\t\\r\\x01\\xff\"");
    EXPECT_STR(log_quote(slice_of("a\0b", 3)).text, "\"a\\x00b\"");
}

TEST(log, cuts_a_long_value_and_keeps_its_quotes)
{
    static uint8_t large[4000];
    for (int byte = 0; byte < 256; byte++) {
        memset(large, byte, sizeof large);
        for (size_t len = 490; len < 530; len++) {
            struct log_quoted quoted = log_quote(slice_of(large, len));
            size_t quoted_len = strlen(quoted.text);
            EXPECT(quoted_len < sizeof quoted.text);
            if (quoted_len < len)
                EXPECT_STR(quoted.text + quoted_len - 4, "...\"");
        }
    }
}

enum { LINES = 60 };

static void *write_lines(void *letter)
{
    char value[100];
    memset(value, *(const char *)letter, sizeof value - 1);
    value[sizeof value - 1] = '\0';
    for (int i = 0; i < LINES; i++)
        log_info("a.b", "v=%s", value);
    return NULL;
}

TEST(log, does_not_mix_the_lines_of_threads)
{
    struct capture capture = capture_begin();
    static const char letters[] = {'a', 'b', 'c', 'd'};
    pthread_t threads[4];
    for (size_t i = 0; i < 4; i++)
        EXPECT_EQ(pthread_create(&threads[i], NULL, write_lines, (void *)(uintptr_t)&letters[i]),
                  0);
    for (size_t i = 0; i < 4; i++)
        EXPECT_EQ(pthread_join(threads[i], NULL), 0);
    (void)capture_end(&capture, text, sizeof text);
    int lines = 0;
    char *rest = NULL;
    for (char *line = strtok_r(text, "\n", &rest); line != NULL; lines++) {
        const char *value = strstr(line, " v=") + 3;
        EXPECT_EQ(strlen(value), 99);
        EXPECT_EQ(strspn(value, (char[]){value[0], '\0'}), 99);
        line = strtok_r(NULL, "\n", &rest);
    }
    EXPECT_EQ(lines, 4 * LINES);
}

TEST(log, tells_of_a_failed_check_before_the_end)
{
    struct capture capture = capture_begin();
    pid_t child = fork();
    if (child == 0)
        check_failed("some/file.c", 12, "a < \"b\"");
    EXPECT(child > 0);
    (void)capture_end(&capture, text, sizeof text);
    EXPECT(strstr(text, " error check.failed at=some/file.c:12 fact=\"a < \\\"b\\\"\"\n") != NULL);
}
