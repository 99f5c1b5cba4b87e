// What makes two submissions the same.

#include "tests/support/test.h"

#include "proto/identity.h"
#include "tests/support/labels.h"
#include "tests/support/messages.h"

struct options {
    uint8_t bytes[IDENTITY_LEN_MAX];
    size_t len;
};

static struct options options_of(const struct msg_submit_job *job)
{
    struct options options;
    struct bytes_out out = {.data = options.bytes, .cap = sizeof options.bytes};
    identity_put_options(&out, job);
    EXPECT(!out.full);
    options.len = out.len;
    return options;
}

static bool same(const struct msg_submit_job *a, const struct msg_submit_job *b)
{
    struct options left = options_of(a);
    struct options right = options_of(b);
    return slice_equal(slice_of(left.bytes, left.len), slice_of(right.bytes, right.len));
}

TEST(identity, bytes_are_frozen)
{
    struct msg_submit_job job = {.type = slice_of_text("send"), .priority = MSG_PRIORITY_NOT_GIVEN};
    struct options plain = options_of(&job);
    static const char golden[] = "weft/fingerprint/1\4\0\0\0\4send";
    EXPECT_EQ(plain.len, sizeof golden - 1);
    EXPECT_MEM(plain.bytes, golden, sizeof golden - 1);
    job.priority = 0;
    job.keep_s = 258;
    struct options more = options_of(&job);
    static const char behind[] = "\6\0\0\0\0\0\0\0\0\17\0\0\0\0\0\0\1\2";
    EXPECT_EQ(more.len, sizeof golden - 1 + sizeof behind - 1);
    EXPECT_MEM(more.bytes + sizeof golden - 1, behind, sizeof behind - 1);
}

TEST(identity, every_option_counts)
{
    const struct msg_submit_job *full = &messages_sample(MSG_SUBMIT)->submit.jobs[0];
#define CHANGED(field, value)                                                                      \
    do {                                                                                           \
        struct msg_submit_job other = *full;                                                       \
        other.field = (value);                                                                     \
        EXPECT(!same(full, &other));                                                               \
    } while (0)
    CHANGED(queue, slice_of_text("other"));
    CHANGED(type, slice_of_text("other"));
    CHANGED(payload.content, CONTENT_MSGPACK);
    CHANGED(priority, MSG_PRIORITY_NOT_GIVEN);
    CHANGED(priority, 9);
    CHANGED(ttl_ms, 0);
    CHANGED(retry_within_s, 0);
    CHANGED(delay_ms, 0);
    CHANGED(run_at, 0);
    CHANGED(timeout_ms, 0);
    CHANGED(max_attempts, 0);
    CHANGED(max_crashes, 0);
    CHANGED(retry_first_ms, 0);
    CHANGED(retry_longest_ms, 0);
    CHANGED(retry_factor_milli, 0);
    CHANGED(keep_s, 0);
    CHANGED(unique_key, slice_of_text("other"));
    CHANGED(concurrency_key, slice_of_text("other"));
    CHANGED(order, ORDER_FIFO);
    CHANGED(unique_for_s, 0);
    CHANGED(unique_while_unfinished, false);
    CHANGED(after.count, 1);
    CHANGED(on_dependency_failure, ON_FAILURE_CANCEL);
    CHANGED(labels, slice_of_text("\x0a\7billing\x12\6\x0a\1k\x12\1w"));
    CHANGED(labels, slice_of_text("\x0a\7Billing\x12\6\x0a\1k\x12\1v"));
    CHANGED(labels, (struct slice){0});
#undef CHANGED
}

TEST(identity, the_order_of_labels_does_not_count)
{
    struct msg_submit_job a = {.priority = MSG_PRIORITY_NOT_GIVEN};
    struct msg_submit_job b = a;
    a.labels = slice_of_text("\x0a\1b\x0a\2aa\x0a\1a\x12\6\x0a\1k\x12\1v\x12\3\x0a\1e");
    static const char other[] = "\x12\5\x12\0\x0a\1e\x0a\1a\x12\6\x12\1v\x0a\1k\x0a\1b\x0a\2aa";
    b.labels = slice_of(other, sizeof other - 1);
    EXPECT(same(&a, &b));
    static const char golden[] = "weft/fingerprint/1"
                                 "\x1d\0\0\0\3\0\0\0\1a\0\0\0\2aa\0\0\0\1b"
                                 "\x1e\0\0\0\2\0\0\0\1e\0\0\0\0\0\0\0\1k\0\0\0\1v";
    struct options options = options_of(&a);
    EXPECT_EQ(options.len, sizeof golden - 1);
    EXPECT_MEM(options.bytes, golden, sizeof golden - 1);
}

TEST(identity, what_is_not_an_option_does_not_count)
{
    const struct msg_submit_job *full = &messages_sample(MSG_SUBMIT)->submit.jobs[0];
    struct msg_submit_job other = *full;
    other.job_id = (struct id){{1}};
    other.key = slice_of_text("other");
    other.traceparent = (struct slice){0};
    other.batch_id = (struct id){{1}};
    other.batch_index = 7;
    other.payload.bytes = (struct slice){0}; // hashed behind the options
    EXPECT(same(full, &other));
}

TEST(identity, same_number_in_another_field_is_another_option)
{
    struct msg_submit_job a = {.timeout_ms = 5, .priority = MSG_PRIORITY_NOT_GIVEN};
    struct msg_submit_job b = {.max_attempts = 5, .priority = MSG_PRIORITY_NOT_GIVEN};
    EXPECT(!same(&a, &b));
}

TEST(identity, longest_options_fit)
{
    static const uint8_t name[MSG_KEY_LEN_MAX];
    struct msg_submit_job job = messages_sample(MSG_SUBMIT)->submit.jobs[0];
    job.queue = slice_of(name, MSG_NAME_LEN_MAX);
    job.unique_key = slice_of(name, MSG_KEY_LEN_MAX);
    static const struct id parents[MSG_AFTER_MAX];
    job.after = (struct msg_ids){.items = parents, .count = MSG_AFTER_MAX};
    job.concurrency_key = slice_of(name, MSG_KEY_LEN_MAX);
    job.order = ORDER_FIFO;
    job.type = job.queue;
    static uint8_t labels[MSG_LABELS_LEN_MAX];
    job.labels = longest_labels(labels);
    EXPECT(options_of(&job).len <= IDENTITY_LEN_MAX);
}

TEST(identity, bytes_of_a_schedule_are_frozen)
{
    const struct msg_schedule given = {.schedule_id = slice_of_text("a"),
                                       .cron = slice_of_text("@daily"),
                                       .zone = slice_of_text("UTC"),
                                       .overlap = OVERLAP_QUEUE,
                                       .catch_up = CATCH_UP_ALL,
                                       .jitter_ms = 0x0102,
                                       .paused = true}; // does not count
    uint8_t room[IDENTITY_LEN_MAX];
    struct bytes_out out = {.data = room, .cap = sizeof room};
    identity_put_schedule(&out, &given);
    static const char golden[] = "weft/schedule/1\0\0\0\1a\0\0\0\6@daily\0\0\0\3UTC\2\3"
                                 "\0\0\0\0\0\0\1\2";
    EXPECT_EQ(out.len, sizeof golden - 1);
    EXPECT_MEM(room, golden, sizeof golden - 1);
}

// Tells what is hashed: the last byte of the options, and the first of the payload.
static uint64_t pretend(struct slice options, struct slice payload)
{
    return (uint64_t)options.data[options.len - 1] << 8 | payload.data[0];
}

TEST(identity, a_fingerprint_is_of_the_options_and_the_payload)
{
    const struct msg_submit_job job = {.type = slice_of_text("send"),
                                       .priority = MSG_PRIORITY_NOT_GIVEN,
                                       .payload.bytes = slice_of_text("7")};
    EXPECT_EQ(identity_fingerprint(&job, pretend), (uint64_t)'d' << 8 | '7');
}
