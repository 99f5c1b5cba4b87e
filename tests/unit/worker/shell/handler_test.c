// Pipes and their buffers: bounded, complete, in order.

#include "worker/shell/handler.h"

#include "tests/support/test.h"

#include <dlfcn.h>
#include <unistd.h>

static bool has_no_memory;

// Stands before the C library's.
void *realloc(void *memory, size_t len)
{
    if (has_no_memory)
        return NULL;
    return ((__typeof__(&realloc))(uintptr_t)dlsym(RTLD_NEXT, "realloc"))(memory, len);
}

static struct handler handler;
static int far[SPAWNER_DESCRIPTORS];

static void begin(size_t output_max)
{
    EXPECT_EQ(handler_open(&handler, 1, output_max, far), OK);
}

static void end(void)
{
    handler_close(&handler);
    for (int i = 0; i < SPAWNER_DESCRIPTORS; i++)
        (void)close(far[i]); // some are closed already
}

static void say(int fd, const char *text)
{
    size_t len = strlen(text);
    EXPECT_EQ(write(fd, text, len), len);
}

TEST(handler, input_arrives_whole_and_ends)
{
    begin(100);
    static uint8_t large[200000];
    memset(large, 'x', sizeof large);
    EXPECT_EQ(handler_feed(&handler, slice_of(large, sizeof large)), OK);
    EXPECT(handler_write(&handler)); // a pipe takes less
    EXPECT_EQ(handler_feed(&handler, slice_of_text("end")), OK);
    handler_end_input(&handler);
    size_t got = 0;
    char room[4096];
    ssize_t len = 1;
    while (len > 0) {
        (void)handler_write(&handler);
        len = read(far[HANDLER_INPUT], room, sizeof room);
        EXPECT(len >= 0);
        got += (size_t)len;
    }
    EXPECT_EQ(got, sizeof large + 3);
    EXPECT_EQ(handler.pipes[HANDLER_INPUT], -1);
    end();
}

TEST(handler, input_that_nobody_wants_is_dropped)
{
    begin(100);
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    EXPECT_EQ(sigaction(SIGPIPE, &ignore, NULL), 0);
    EXPECT_EQ(close(far[HANDLER_INPUT]), 0);
    EXPECT_EQ(handler_feed(&handler, slice_of_text("lost")), OK);
    EXPECT(!handler_write(&handler));
    EXPECT_EQ(handler.pipes[HANDLER_INPUT], -1);
    end();
}

TEST(handler, output_is_kept_up_to_its_cap)
{
    begin(5);
    EXPECT_EQ(handler_read(&handler, HANDLER_OUTPUT), HANDLER_LATER);
    say(far[HANDLER_OUTPUT], "abc");
    EXPECT_EQ(handler_read(&handler, HANDLER_OUTPUT), HANDLER_MORE);
    say(far[HANDLER_OUTPUT], "de");
    EXPECT_EQ(handler_read(&handler, HANDLER_OUTPUT), HANDLER_MORE);
    EXPECT(slice_is_text(handler_output(&handler), "abcde"));
    EXPECT(!handler.output_cut);
    say(far[HANDLER_OUTPUT], "f");
    EXPECT_EQ(handler_read(&handler, HANDLER_OUTPUT), HANDLER_MORE);
    EXPECT(handler.output_cut);
    EXPECT(slice_is_text(handler_output(&handler), "abcde"));
    EXPECT_EQ(close(far[HANDLER_OUTPUT]), 0);
    EXPECT_EQ(handler_read(&handler, HANDLER_OUTPUT), HANDLER_OVER);
    end();
}

// That is not the handler's fault: it did not say too much.
TEST(handler, output_without_memory_is_lost_and_not_cut)
{
    begin(5);
    say(far[HANDLER_OUTPUT], "abc");
    has_no_memory = true;
    EXPECT_EQ(handler_read(&handler, HANDLER_OUTPUT), HANDLER_MORE);
    has_no_memory = false;
    EXPECT(handler.output_lost && !handler.output_cut);
    say(far[HANDLER_OUTPUT], "de");
    EXPECT_EQ(handler_read(&handler, HANDLER_OUTPUT), HANDLER_MORE);
    EXPECT_EQ(handler_output(&handler).len, 0); // no second half without a first
    EXPECT(handler.output_lost);
    end();
}

TEST(handler, output_can_be_taken_from_its_beginning)
{
    begin(100);
    say(far[HANDLER_OUTPUT], "one\ntwo\n");
    (void)handler_read(&handler, HANDLER_OUTPUT);
    handler_drop_output(&handler, 4);
    EXPECT(slice_is_text(handler_output(&handler), "two\n"));
    handler_drop_output(&handler, 4);
    EXPECT_EQ(handler_output(&handler).len, 0);
    end();
}

TEST(handler, the_end_of_stderr_is_kept)
{
    begin(100);
    uint8_t room[MSG_ERROR_DETAIL_LEN_MAX];
    EXPECT_EQ(handler_tail(&handler, room).len, 0);
    say(far[HANDLER_ERRORS], "a\xff");
    (void)handler_read(&handler, HANDLER_ERRORS);
    EXPECT(slice_is_text(handler_tail(&handler, room), "a?"));
    // An odd number of bytes before two-byte characters: the cut falls into one.
    char text[1025] = "";
    for (size_t i = 0; i < 1024; i += 2)
        memcpy(text + i, "\xc3\xa9", 2);
    for (int i = 0; i < 20; i++) {
        say(far[HANDLER_ERRORS], text);
        (void)handler_read(&handler, HANDLER_ERRORS);
    }
    say(far[HANDLER_ERRORS], "z");
    (void)handler_read(&handler, HANDLER_ERRORS);
    struct slice tail = handler_tail(&handler, room);
    EXPECT_EQ(tail.len, MSG_ERROR_DETAIL_LEN_MAX - 1);
    EXPECT_EQ(tail.data[0], 0xc3);
    EXPECT_EQ(tail.data[tail.len - 1], 'z');
    end();
}

static void expect_word(const char *text)
{
    struct slice line;
    EXPECT(handler_next_word(&handler, &line));
    EXPECT(slice_is_text(line, text));
}

static void expect_no_word(void)
{
    struct slice line;
    EXPECT(!handler_next_word(&handler, &line));
}

TEST(handler, words_are_lines)
{
    begin(100);
    say(far[HANDLER_WORDS], "one\ntwo\nthr");
    EXPECT_EQ(handler_read(&handler, HANDLER_WORDS), HANDLER_MORE);
    expect_word("one");
    expect_word("two");
    expect_no_word();
    say(far[HANDLER_WORDS], "ee\n\n");
    EXPECT_EQ(handler_read(&handler, HANDLER_WORDS), HANDLER_MORE);
    expect_word("three");
    expect_word("");
    expect_no_word();
    end();
}

TEST(handler, a_word_too_long_is_left_out)
{
    begin(100);
    char text[3 * CONTROL_LINE_LEN_MAX];
    memset(text, 'x', sizeof text);
    text[sizeof text - 2] = '\n';
    text[sizeof text - 1] = '\0';
    say(far[HANDLER_WORDS], text);
    say(far[HANDLER_WORDS], "next\n");
    struct slice line = slice_of(NULL, 0);
    uint32_t count = 0;
    while (handler_read(&handler, HANDLER_WORDS) == HANDLER_MORE) {
        while (handler_next_word(&handler, &line)) {
            EXPECT(slice_is_text(line, "next"));
            count++;
        }
    }
    EXPECT_EQ(count, 1);
    end();
}
