// The table of exit codes in docs/worker.md, row by row.

#include "worker/core/outcome.h"

#include "tests/support/test.h"

static uint8_t message_room[OUTCOME_ROOM];

static struct outcome_report report_of(struct outcome_exit ended, const char *output,
                                       const char *tail)
{
    struct outcome_streams streams = {.output = slice_of_text(output), .tail = slice_of_text(tail)};
    struct outcome_report report;
    outcome_of_exit(&ended, &streams, message_room, &report);
    return report;
}

TEST(outcome, exit_codes)
{
    static const struct {
        uint8_t code;
        enum outcome outcome;
        const char *kind;
        const char *message;
    } rows[] = {
        {1, OUTCOME_FAILED, "exit", "exit status 1"},
        {64, OUTCOME_FAILED, "exit", "exit status 64"},
        {65, OUTCOME_DEAD, "permanent", "exit status 65"},
        {75, OUTCOME_FAILED, "tempfail", "exit status 75"},
        {100, OUTCOME_DEAD, "permanent", "exit status 100"},
        {126, OUTCOME_FAILED, "exit", "exit status 126"}, // a tool that it needs is missing
        {127, OUTCOME_FAILED, "exit", "exit status 127"},
        {128, OUTCOME_FAILED, "exit", "exit status 128"},
        {255, OUTCOME_FAILED, "exit", "exit status 255"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct outcome_exit ended = {.code = rows[i].code};
        struct outcome_report report = report_of(ended, "out", "");
        EXPECT_EQ(report.outcome, rows[i].outcome);
        EXPECT(slice_is_text(report.kind, rows[i].kind));
        EXPECT(slice_is_text(report.message, rows[i].message));
        EXPECT_EQ(report.result.content, CONTENT_NONE);
        EXPECT(!outcome_is_missing(&ended));
    }
}

TEST(outcome, nothing_to_run_is_an_interruption)
{
    struct outcome_exit ended = {.code = 127, .not_begun = true};
    struct outcome_report report = report_of(ended, "", "cannot run x\n");
    EXPECT_EQ(report.outcome, OUTCOME_INTERRUPTED);
    EXPECT(slice_is_text(report.kind, "missing-program"));
    EXPECT(slice_is_text(report.message, "exit status 127: cannot run x"));
    EXPECT(outcome_is_missing(&ended));
}

TEST(outcome, no_room_to_begin_is_nobodys_fault)
{
    struct outcome_exit ended = {.code = OUTCOME_EXIT_TEMPFAIL, .not_begun = true};
    struct outcome_report report = report_of(ended, "", "");
    EXPECT_EQ(report.outcome, OUTCOME_SNOOZED);
    EXPECT(slice_is_text(report.kind, "busy"));
    EXPECT_EQ(report.retry_after_ms, OUTCOME_PAUSE_MS);
    EXPECT(!outcome_is_missing(&ended));
}

TEST(outcome, a_result_for_which_there_was_no_memory_is_made_again)
{
    const struct outcome_streams streams = {.is_lost = true};
    const struct outcome_exit ended = {.code = 0};
    uint8_t room[OUTCOME_ROOM];
    struct outcome_report report;
    outcome_of_exit(&ended, &streams, room, &report);
    EXPECT_EQ(report.outcome, OUTCOME_SNOOZED);
    EXPECT(slice_is_text(report.kind, "busy"));
}

TEST(outcome, zero_succeeds_with_what_was_printed)
{
    struct outcome_report report = report_of((struct outcome_exit){0}, " [1]\n", "log");
    EXPECT_EQ(report.outcome, OUTCOME_SUCCEEDED);
    EXPECT_EQ(report.result.content, CONTENT_JSON);
    EXPECT(slice_is_text(report.result.bytes, "[1]"));
    EXPECT_EQ(report.detail.len, 0);
}

TEST(outcome, what_could_not_be_begun_comes_back_after_a_pause)
{
    struct outcome_report report = {0};
    outcome_put_off("no memory", &report);
    EXPECT_EQ(report.outcome, OUTCOME_SNOOZED);
    EXPECT(slice_is_text(report.kind, "busy"));
    EXPECT_EQ(report.retry_after_ms, OUTCOME_PAUSE_MS);
}

TEST(outcome, results_are_json_or_text_or_bytes_or_nothing)
{
    EXPECT_EQ(outcome_result(slice_of_text("")).content, CONTENT_NONE);
    EXPECT_EQ(outcome_result(slice_of_text("true\n")).content, CONTENT_JSON);
    EXPECT_EQ(outcome_result(slice_of_text("yes\n")).content, CONTENT_TEXT);
    EXPECT(slice_is_text(outcome_result(slice_of_text("yes\n")).bytes, "yes\n"));
    EXPECT_EQ(outcome_result(slice_of_text("\n")).content, CONTENT_TEXT);
    EXPECT_EQ(outcome_result(slice_of_text("\xff")).content, CONTENT_BYTES);
}

TEST(outcome, too_much_output_is_dead_only_after_a_success)
{
    struct outcome_streams streams = {.is_cut = true, .tail = slice_of_text("log")};
    struct outcome_exit ended = {0};
    struct outcome_report report;
    outcome_of_exit(&ended, &streams, message_room, &report);
    EXPECT_EQ(report.outcome, OUTCOME_DEAD);
    EXPECT(slice_is_text(report.kind, "result-too-large"));
    EXPECT(slice_is_text(report.detail, "log"));
    ended.code = 1;
    outcome_of_exit(&ended, &streams, message_room, &report);
    EXPECT_EQ(report.outcome, OUTCOME_FAILED);
}

TEST(outcome, signals_are_crashes)
{
    struct outcome_report report = report_of((struct outcome_exit){.signo = 11}, "", "boom\n");
    EXPECT_EQ(report.outcome, OUTCOME_CRASHED);
    EXPECT(slice_is_text(report.message, "killed by signal 11 (SIGSEGV): boom"));
    report = report_of((struct outcome_exit){.signo = 64}, "", "");
    EXPECT(slice_is_text(report.message, "killed by signal 64"));
}

TEST(outcome, our_own_signals_say_why)
{
    struct outcome_report report =
        report_of((struct outcome_exit){.signo = 15, .stop = SLOT_STOP_TIMEOUT}, "", "slow");
    EXPECT_EQ(report.outcome, OUTCOME_FAILED);
    EXPECT(slice_is_text(report.kind, "timeout"));
    EXPECT(slice_is_text(report.detail, "slow"));
    // Whatever it exits with after our SIGTERM: nobody knows how far it came.
    struct outcome_exit ended = {.code = 0, .stop = SLOT_STOP_DRAIN};
    EXPECT_EQ(report_of(ended, "1", "").outcome, OUTCOME_INTERRUPTED);
    ended = (struct outcome_exit){.code = 127, .stop = SLOT_STOP_LOST, .not_begun = true};
    EXPECT_EQ(report_of(ended, "", "").outcome, OUTCOME_INTERRUPTED);
    EXPECT(!outcome_is_missing(&ended));
}

TEST(outcome, a_child_of_lines_should_not_have_ended)
{
    struct outcome_exit ended = {.code = 0, .is_lines = true};
    struct outcome_report report = report_of(ended, "", "last\n");
    EXPECT_EQ(report.outcome, OUTCOME_CRASHED);
    EXPECT(slice_is_text(report.message, "the child ended without an answer, exit status 0: last"));
    ended.code = 127;
    EXPECT_EQ(report_of(ended, "", "").outcome, OUTCOME_CRASHED);
    ended.not_begun = true;
    EXPECT_EQ(report_of(ended, "", "").outcome, OUTCOME_INTERRUPTED);
    ended = (struct outcome_exit){.signo = 9, .is_lines = true};
    EXPECT_EQ(report_of(ended, "", "").outcome, OUTCOME_CRASHED);
}

TEST(outcome, the_last_line_of_stderr_is_part_of_the_message)
{
    struct outcome_exit ended = {.code = 1};
    EXPECT(slice_is_text(report_of(ended, "", "a\nb\r\n\n").message, "exit status 1: b"));
    EXPECT(slice_is_text(report_of(ended, "", "\n\n").message, "exit status 1"));
    static char tail[3000];
    memset(tail, 'x', sizeof tail - 1);
    struct slice message = report_of(ended, "", tail).message;
    EXPECT_EQ(message.len, MSG_ERROR_MESSAGE_LEN_MAX);
    // The cut leaves whole characters.
    for (size_t i = 0; i + 2 < sizeof tail; i += 2)
        memcpy(tail + i, "\xc3\xa9", 2);
    message = report_of(ended, "", tail).message;
    EXPECT_EQ(message.len, MSG_ERROR_MESSAGE_LEN_MAX - 1);
}

TEST(outcome, a_copy_needs_nothing_of_the_original)
{
    struct outcome_report report = report_of((struct outcome_exit){.code = 1}, "", "tail");
    report.result = outcome_result(slice_of_text("[]"));
    uint8_t room[64];
    size_t size = outcome_size(&report);
    EXPECT(size <= sizeof room);
    outcome_move_to(&report, room);
    memset(message_room, 0, sizeof message_room);
    EXPECT(slice_is_text(report.message, "exit status 1: tail"));
    EXPECT(slice_is_text(report.result.bytes, "[]"));
    EXPECT(report.kind.data >= room && report.kind.data < room + size);
}

TEST(outcome, after_a_cancel_only_zero_is_a_success)
{
    struct outcome_exit ended = {.stop = SLOT_STOP_CANCEL};
    struct outcome_report report = report_of(ended, "[1]", "");
    EXPECT_EQ(report.outcome, OUTCOME_SUCCEEDED);
    EXPECT_EQ(report.result.content, CONTENT_JSON);
    ended.code = 1;
    report = report_of(ended, "", "log");
    EXPECT_EQ(report.outcome, OUTCOME_CANCELLED);
    EXPECT(slice_is_text(report.kind, "cancelled"));
    EXPECT(slice_is_text(report.detail, "log"));
    ended = (struct outcome_exit){.stop = SLOT_STOP_CANCEL, .signo = 15};
    EXPECT_EQ(report_of(ended, "", "").outcome, OUTCOME_CANCELLED);
    ended = (struct outcome_exit){.stop = SLOT_STOP_CANCEL, .is_lines = true};
    EXPECT_EQ(report_of(ended, "", "").outcome, OUTCOME_CANCELLED);
}
