#include "cli/submission.h"

#include "cli/command.h"

#include "proto/check.h"
#include "tests/support/test.h"

#include <stdlib.h>

static const struct config_key keys[] = {SUBMISSION_ONE_KEYS, SUBMISSION_KEYS, COMMAND_KEY_BROKER};
static const struct config_table table = {
    .program = "test",
    .usage = "weft test TYPE",
    .about = "",
    .keys = keys,
    .key_count = sizeof keys / sizeof keys[0],
    .argument_count_max = 2,
};

// Reads words as if they stood on the command line.
static err read_words(struct config *config, struct submission *submission, char **words)
{
    int count = 0;
    while (words[count] != NULL)
        count++;
    EXPECT_EQ(config_read(config, &table, count, words), OK);
    return submission_read(submission, config);
}

#define WORDS(...) ((char *[]){__VA_ARGS__, NULL})

static char type[] = "hello";

static void expect_content(const char *payload, enum content content)
{
    struct config config;
    struct submission submission;
    char *word = strdup(payload);
    EXPECT_EQ(read_words(&config, &submission, WORDS(type, word)), OK);
    EXPECT_EQ(submission.job.payload.content, content);
    EXPECT(slice_is_text(submission.job.payload.bytes, payload));
    submission_deinit(&submission);
    config_deinit(&config);
    free(word);
}

TEST(submission, payload_is_json_if_it_parses_else_text)
{
    expect_content("{\"a\":1}", CONTENT_JSON);
    expect_content("\"world\"", CONTENT_JSON);
    expect_content("5", CONTENT_JSON);
    expect_content("world", CONTENT_TEXT);
    expect_content("{\"a\":1", CONTENT_TEXT);
    expect_content("{\"a\":1,\"a\":2}", CONTENT_TEXT);
    expect_content("", CONTENT_NONE);
    EXPECT_EQ(submission_content(slice_of("\xff\x00", 2)), CONTENT_BYTES);
}

TEST(submission, options_that_are_not_given_stay_unset)
{
    struct config config;
    struct submission submission;
    EXPECT_EQ(read_words(&config, &submission, WORDS(type)), OK);
    const struct msg_submit_job *job = &submission.job;
    EXPECT(slice_is_text(job->type, "hello"));
    EXPECT_EQ(job->queue.len, 0);
    EXPECT_EQ(job->key.len, 0);
    EXPECT_EQ(job->priority, MSG_PRIORITY_NOT_GIVEN);
    EXPECT_EQ(job->delay_ms + job->timeout_ms + job->max_attempts + job->keep_s, 0);
    EXPECT_EQ(id_version(&job->job_id), 7);
    submission_deinit(&submission);
    config_deinit(&config);
}

TEST(submission, options_arrive)
{
    struct config config;
    struct submission submission;
    char queue[] = "--queue=mail";
    char priority[] = "--priority=0";
    char delay[] = "--delay=5m";
    char keep[] = "--keep=2h";
    EXPECT_EQ(read_words(&config, &submission, WORDS(queue, priority, delay, keep, type)), OK);
    EXPECT(slice_is_text(submission.job.queue, "mail"));
    EXPECT_EQ(submission.job.priority, 0);
    EXPECT_EQ(submission.job.delay_ms, 300000);
    EXPECT_EQ(submission.job.keep_s, 7200);
    submission_deinit(&submission);
    config_deinit(&config);
}

TEST(submission, same_key_is_the_same_id_in_its_queue_only)
{
    struct msg_submit_job job = {.key = slice_of_text("inv-7")};
    struct id first = submission_mint(&job);
    struct id again = submission_mint(&job);
    EXPECT_EQ(id_version(&first), 8);
    EXPECT(id_equal(&first, &again));
    job.queue = slice_of_text("default");
    again = submission_mint(&job);
    EXPECT(id_equal(&first, &again));
    job.queue = slice_of_text("other");
    again = submission_mint(&job);
    EXPECT(!id_equal(&first, &again));
}

TEST(submission, empty_key_is_refused_because_it_protects_nothing)
{
    struct config config;
    struct submission submission;
    char key[] = "--key=";
    EXPECT_EQ(read_words(&config, &submission, WORDS(key, type)), ERR_BAD_FIELD);
    EXPECT_STR(submission.problem, "--key is empty: give 1 to 255 characters, or leave it out");
    submission_deinit(&submission);
    config_deinit(&config);
}

TEST(submission, payload_behind_two_dashes_may_begin_with_one)
{
    struct config config;
    struct submission submission;
    char dashes[] = "--";
    char payload[] = "-5";
    EXPECT_EQ(read_words(&config, &submission, WORDS(type, dashes, payload)), OK);
    EXPECT_EQ(submission.job.payload.content, CONTENT_JSON);
    EXPECT(slice_is_text(submission.job.payload.bytes, "-5"));
    submission_deinit(&submission);
    config_deinit(&config);
}

TEST(submission, a_trace_goes_along)
{
    struct config config;
    struct submission submission;
    char trace[] = "--traceparent=00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    EXPECT_EQ(read_words(&config, &submission, WORDS(type, trace)), OK);
    EXPECT(slice_is_text(submission.job.traceparent, strchr(trace, '=') + 1));
    submission_deinit(&submission);
    config_deinit(&config);
}

static void expect_refused(char **words, err expected, const char *word)
{
    struct config config;
    struct submission submission;
    EXPECT_EQ(read_words(&config, &submission, words), expected);
    EXPECT(strstr(submission.problem, word) != NULL);
    submission_deinit(&submission);
    config_deinit(&config);
}

TEST(submission, problems_name_the_fix)
{
    char wrong_type[] = "Hello!";
    char no_json[] = "--content=json";
    char word[] = "word";
    char no_file[] = "@/no/such/file";
    char space[] = "--key= x";
    expect_refused(WORDS(wrong_type), ERR_BAD_FIELD, "type");
    expect_refused(WORDS(no_json, type, word), ERR_BAD_FIELD, "not JSON");
    expect_refused(WORDS(type, no_file), ERR_SYSTEM, "/no/such/file");
    expect_refused(WORDS(space, type), ERR_BAD_FIELD, "key");
    expect_refused((char *[]){NULL}, ERR_BAD_FIELD, "TYPE");
}

TEST(submission, file_longer_than_a_payload_is_refused)
{
    char path[512];
    (void)snprintf(path, sizeof path, "@%s/large", test_temp_dir());
    FILE *file = fopen(path + 1, "w");
    EXPECT(file != NULL);
    for (int i = 0; i <= MSG_PAYLOAD_LEN_MAX; i++)
        (void)fputc('x', file);
    EXPECT_EQ(fclose(file), 0);
    expect_refused(WORDS(type, path), ERR_TOO_LARGE, "longer than 1048576");
}

TEST(submission, moments_and_pauses_are_taken)
{
    struct config config;
    struct submission submission;
    char run_at[] = "--run-at=2026-12-01T08:00:00Z";
    char first[] = "--retry-first=2s";
    char longest[] = "--retry-longest=1m";
    char factor[] = "--retry-factor=3";
    EXPECT_EQ(read_words(&config, &submission, WORDS(run_at, first, longest, factor, type)), OK);
    EXPECT_EQ(submission.job.run_at, 1796112000000);
    EXPECT_EQ(submission.job.retry_first_ms, 2000);
    EXPECT_EQ(submission.job.retry_longest_ms, 60000);
    EXPECT_EQ(submission.job.retry_factor_milli, 3000);
    submission_deinit(&submission);
    config_deinit(&config);
    char slip[] = "--run-at=tomorrow";
    EXPECT_EQ(read_words(&config, &submission, WORDS(slip, type)), ERR_BAD_FIELD);
    EXPECT(strstr(submission.problem, "--run-at: a moment") != NULL);
    submission_deinit(&submission);
    config_deinit(&config);
}

TEST(submission, by_content_the_same_is_the_same)
{
    struct config config;
    struct submission submission;
    char dedup[] = "--dedup=content";
    char payload[] = "{\"a\":1}";
    char key[] = "--key=k";
    EXPECT_EQ(read_words(&config, &submission, WORDS(dedup, type, payload)), OK);
    EXPECT_EQ(submission.job.key.len, MINT_CONTENT_LEN);
    EXPECT_EQ(id_version(&submission.job.job_id), 8);
    submission_deinit(&submission);
    config_deinit(&config);
    EXPECT_EQ(read_words(&config, &submission, WORDS(dedup, key, type)), ERR_BAD_FIELD);
    submission_deinit(&submission);
    config_deinit(&config);
}
