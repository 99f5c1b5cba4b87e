// Lines of a handler on their way to the broker.

#include "worker/core/joblog.h"

#include "tests/support/test.h"

static struct joblog handlers; // too large for a stack
static struct msg_log_line lines[JOBLOG_LINES_MAX];

static void put(const char *text)
{
    joblog_put(&handlers, 5, slice_of_text(text));
}

// Fills all lines; line `at` says `text` and has number `seq`.
static void expect_line(uint32_t at, uint32_t seq, const char *text)
{
    const struct msg_held held = {.job_id = {{7}}, .token = 9};
    uint32_t count = joblog_fill(&handlers, &held, lines, JOBLOG_LINES_MAX);
    EXPECT(at < count);
    EXPECT_EQ(lines[at].seq, seq);
    EXPECT_EQ(lines[at].token, 9);
    EXPECT_EQ(lines[at].at, 5);
    EXPECT(slice_is_text(lines[at].text, text));
}

TEST(joblog, lines_end_where_they_end)
{
    joblog_begin(&handlers, 40);
    put("one\r\ntw");
    EXPECT_EQ(handlers.count, 1);
    put("o\n\nthree");
    EXPECT_EQ(handlers.count, 3);
    joblog_end(&handlers, 5);
    EXPECT_EQ(handlers.count, 4);
    expect_line(0, 41, "one");
    expect_line(1, 42, "two");
    expect_line(2, 43, "");
    expect_line(3, 44, "three");
    put("after the end\n");
    EXPECT_EQ(handlers.count, 4);
}

TEST(joblog, long_line_becomes_several)
{
    char text[2 * MSG_LOG_TEXT_LEN_MAX + 2];
    memset(text, 'x', sizeof text);
    text[sizeof text - 2] = '\n';
    text[sizeof text - 1] = '\0';
    joblog_begin(&handlers, 0);
    put(text);
    EXPECT_EQ(handlers.count, 2);
    EXPECT_EQ(handlers.lines[0].len, MSG_LOG_TEXT_LEN_MAX);
    EXPECT_EQ(handlers.lines[1].len, MSG_LOG_TEXT_LEN_MAX);
}

TEST(joblog, what_was_told_leaves_and_the_rest_keeps_its_numbers)
{
    const struct msg_held held = {{{7}}, 9};
    joblog_begin(&handlers, 0);
    put("one\ntwo\nthree\n");
    EXPECT(joblog_has_news(&handlers));
    EXPECT_EQ(joblog_fill(&handlers, &held, lines, 2), 2);
    EXPECT(joblog_has_news(&handlers));
    put("four\n");
    joblog_told(&handlers);
    joblog_told(&handlers); // once
    EXPECT_EQ(handlers.count, 2);
    expect_line(0, 3, "three");
    expect_line(1, 4, "four");
    EXPECT(!joblog_has_news(&handlers));
    joblog_told(&handlers);
    EXPECT_EQ(handlers.count, 0);
    EXPECT_EQ(handlers.len, 0);
}

TEST(joblog, answer_of_an_earlier_job_tells_nothing_about_this_one)
{
    joblog_begin(&handlers, 0);
    put("one\n");
    expect_line(0, 1, "one");
    joblog_begin(&handlers, 7);
    put("other\n");
    joblog_told(&handlers);
    expect_line(0, 8, "other");
}

TEST(joblog, full_one_drops_and_says_how_many)
{
    joblog_begin(&handlers, 0);
    for (unsigned i = 0; i < 1000; i++)
        put("x\n");
    EXPECT_EQ(handlers.count, JOBLOG_LINES_MAX - 2);
    EXPECT_EQ(handlers.dropped, 1000 - (JOBLOG_LINES_MAX - 2));
    expect_line(0, 1, "x");
    joblog_told(&handlers);
    put("y\n");
    expect_line(0, JOBLOG_LINES_MAX - 1, "746 lines were dropped: more than the log can take");
    expect_line(1, JOBLOG_LINES_MAX, "y");
}

// However much there was, the end says what is missing.
TEST(joblog, end_of_a_full_one_says_how_many)
{
    char text[MSG_LOG_TEXT_LEN_MAX + 2];
    memset(text, 'x', sizeof text);
    text[sizeof text - 2] = '\n';
    text[sizeof text - 1] = '\0';
    joblog_begin(&handlers, 0);
    for (unsigned i = 0; i < 100; i++)
        put(text);
    EXPECT(handlers.dropped > 0);
    joblog_end(&handlers, 5);
    EXPECT_EQ(handlers.dropped, 0);
    EXPECT(handlers.len <= JOBLOG_BYTES_MAX);
    EXPECT_EQ(handlers.bytes[handlers.lines[handlers.count - 1].from], '6'); // "69 lines"
}
