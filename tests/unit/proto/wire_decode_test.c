// Frames to structs: every limit, every refusal, and room enough for all that is allowed.

#include "tests/support/test.h"

#include "proto/wire.h"
#include "tests/support/messages.h"
#include "tests/unit/proto/golden.h"

enum { ROOM = 1 << 22 };

static struct arena arena_of(size_t cap)
{
    return (struct arena){.data = test_malloc(cap), .cap = cap};
}

// Encodes and decodes; the frames and the message live in `arena`.
static err back_and_forth(const struct msg *msg, struct arena *arena, struct msg *out)
{
    struct wire_frames frames;
    EXPECT_EQ(wire_encode(msg, arena, &frames), OK);
    return wire_decode(frames.envelope, frames.block, arena, out);
}

// In a small room of its own, because it is called often.
static err decode_bytes(const char *envelope, size_t len, struct slice block)
{
    static _Alignas(16) uint8_t room[1 << 15];
    struct arena arena = {.data = room, .cap = sizeof room};
    struct msg msg;
    return wire_decode(slice_of(envelope, len), block, &arena, &msg);
}

#define DECODE(literal) decode_bytes((literal), sizeof(literal) - 1, (struct slice){0})

TEST(wire_decode, bytes_of_google_protobuf_are_the_samples)
{
    struct arena arena = arena_of(ROOM);
    for
        MESSAGES_EACH(kind)
        {
            const struct golden *golden = &goldens[kind];
            struct msg msg;
            EXPECT_EQ(wire_decode(slice_of(golden->envelope, golden->envelope_len),
                                  slice_of(golden->block, golden->block_len), &arena, &msg),
                      OK);
            EXPECT(messages_equal(&msg, messages_sample((enum msg_kind)kind)));
        }
    test_free(arena.data);
}

TEST(wire_decode, every_cut_of_a_sample_is_refused_or_another_message)
{
    for
        MESSAGES_EACH(kind)
        {
            const struct golden *golden = &goldens[kind];
            struct slice block = slice_of(golden->block, golden->block_len);
            for (size_t len = 0; len < golden->envelope_len; len++)
                EXPECT_EQ(decode_bytes(golden->envelope, len, block), ERR_MALFORMED);
        }
}

TEST(wire_decode, output_is_untouched_on_error)
{
    struct arena arena = arena_of(ROOM);
    struct msg msg;
    memset(&msg, 0x5a, sizeof msg);
    struct msg before = msg;
    EXPECT_EQ(wire_decode(slice_of("\x08", 1), (struct slice){0}, &arena, &msg), ERR_MALFORMED);
    EXPECT_MEM(&msg, &before, sizeof msg);
    test_free(arena.data);
}

TEST(wire_decode, unknown_fields_are_skipped)
{
    struct arena arena = arena_of(ROOM);
    // Bye, its reason, and inside it field 100 as a varint, behind it field 101 as bytes.
    static const char bytes[] = "\x08\x05\x8a\x01\x06\x0a\x01x\xa0\x06\x07\xaa\x06\x02yz";
    struct msg msg;
    EXPECT_EQ(wire_decode(slice_of(bytes, sizeof bytes - 1), (struct slice){0}, &arena, &msg), OK);
    EXPECT_EQ(msg.kind, MSG_BYE);
    EXPECT_EQ(msg.corr, 5);
    EXPECT(slice_is_text(msg.bye.reason, "x"));
    test_free(arena.data);
}

TEST(wire_decode, unknown_kind_is_unsupported_and_none_is_malformed)
{
    EXPECT_EQ(DECODE("\x08\x05\xaa\x06\x02yz"), ERR_UNSUPPORTED);
    EXPECT_EQ(DECODE("\x08\x05"), ERR_MALFORMED);
    EXPECT_EQ(DECODE(""), ERR_MALFORMED);
}

TEST(wire_decode, last_of_several_bodies_counts)
{
    struct arena arena = arena_of(ROOM);
    // A Hello without a field, then a Bye.
    static const char bytes[] = "\x12\x00\x8a\x01\x03\x0a\x01x";
    struct msg msg;
    EXPECT_EQ(wire_decode(slice_of(bytes, sizeof bytes - 1), (struct slice){0}, &arena, &msg), OK);
    EXPECT_EQ(msg.kind, MSG_BYE);
    test_free(arena.data);
}

TEST(wire_decode, value_outside_its_enum_is_malformed)
{
    EXPECT_EQ(DECODE("\x12\x02\x08\x03"), OK);
    EXPECT_EQ(DECODE("\x12\x02\x08\x05"), ERR_MALFORMED); // a role
    EXPECT_EQ(DECODE("\x12\x0b\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"),
              ERR_MALFORMED); // minus one
    EXPECT_EQ(DECODE("\x2a\x04\x0a\x02\x20\x09"), OK);
    EXPECT_EQ(DECODE("\x2a\x04\x0a\x02\x20\x0a"), ERR_MALFORMED); // a state
    EXPECT_EQ(DECODE("\x52\x04\x0a\x02\x18\x06"), OK);
    EXPECT_EQ(DECODE("\x52\x04\x0a\x02\x18\x08"), ERR_MALFORMED); // an outcome
}

TEST(wire_decode, unknown_error_number_is_told_as_malformed)
{
    struct arena arena = arena_of(ROOM);
    struct msg msg;
    static const char bytes[] = "\x82\x01\x03\x08\xe7\x07";
    EXPECT_EQ(wire_decode(slice_of(bytes, sizeof bytes - 1), (struct slice){0}, &arena, &msg), OK);
    EXPECT_EQ(msg.error.error, ERR_MALFORMED);
    test_free(arena.data);
}

TEST(wire_decode, id_has_16_bytes_or_none)
{
    EXPECT_EQ(DECODE("\x62\x00"), OK);
    EXPECT_EQ(DECODE("\x62\x12\x0a\x10"
                     "0123456789abcdef"),
              OK);
    EXPECT_EQ(DECODE("\x62\x11\x0a\x0f"
                     "0123456789abcde"),
              ERR_MALFORMED);
    EXPECT_EQ(DECODE("\x62\x13\x0a\x11"
                     "0123456789abcdefg"),
              ERR_MALFORMED);
}

TEST(wire_decode, name_that_is_not_utf8_is_refused_and_a_text_repaired)
{
    EXPECT_EQ(DECODE("\x12\x03\x12\x01\xff"), ERR_MALFORMED); // Hello.name
    struct arena arena = arena_of(ROOM);
    struct msg msg;
    static const char bytes[] = "\x8a\x01\x05\x0a\x03\x61\xff\x62"; // Bye.reason
    EXPECT_EQ(wire_decode(slice_of(bytes, sizeof bytes - 1), (struct slice){0}, &arena, &msg), OK);
    EXPECT(slice_is_text(msg.bye.reason, "a?b"));
    test_free(arena.data);
}

TEST(wire_decode, zero_byte_does_not_cut_a_name)
{
    struct arena arena = arena_of(ROOM);
    struct msg_submit_job job = {.type = slice_of("a\0b", 3), .priority = 3};
    struct msg msg = {.kind = MSG_SUBMIT, .submit = {&job, 1}};
    struct msg back;
    EXPECT_EQ(back_and_forth(&msg, &arena, &back), OK);
    EXPECT_EQ(back.submit.jobs[0].type.len, 3);
    test_free(arena.data);
}

// A SUBMIT of one job whose payload is this part, over a block of ten bytes.
static err decode_part(uint8_t offset, uint8_t length, uint8_t content)
{
    char bytes[] = "\x22\x0a\x0a\x08\x2a\x06\x08\x00\x10\x00\x18\x00";
    bytes[7] = (char)offset;
    bytes[9] = (char)length;
    bytes[11] = (char)content;
    return decode_bytes(bytes, sizeof bytes - 1, slice_of("0123456789", 10));
}

TEST(wire_decode, part_lies_within_the_block)
{
    EXPECT_EQ(decode_part(0, 10, CONTENT_BYTES), OK);
    EXPECT_EQ(decode_part(10, 0, CONTENT_BYTES), OK);
    EXPECT_EQ(decode_part(9, 1, CONTENT_BYTES), OK);
    EXPECT_EQ(decode_part(9, 2, CONTENT_BYTES), ERR_MALFORMED);
    EXPECT_EQ(decode_part(11, 0, CONTENT_BYTES), ERR_MALFORMED);
    EXPECT_EQ(decode_part(0, 11, CONTENT_BYTES), ERR_MALFORMED);
    EXPECT_EQ(decode_part(0, 1, CONTENT_NONE), ERR_MALFORMED);
    EXPECT_EQ(decode_part(0, 1, CONTENT_TEXT + 1), ERR_MALFORMED);
    // Offset and length whose sum wraps in 32 bits.
    EXPECT_EQ(
        decode_bytes(
            "\x22\x12\x0a\x10\x2a\x0e\x08\xff\xff\xff\xff\x0f\x10\x02\x18\x01\x18\x01\x18\x01", 20,
            slice_of("0123456789", 10)),
        ERR_MALFORMED);
}

TEST(wire_decode, parts_do_not_share_bytes)
{
    static const char two[] = "\x22\x14\x0a\x08\x2a\x06\x08\x00\x10\x06\x18\x01"
                              "\x0a\x08\x2a\x06\x08\x04\x10\x06\x18\x01";
    EXPECT_EQ(decode_bytes(two, sizeof two - 1, slice_of("0123456789ab", 12)), OK);
    EXPECT_EQ(decode_bytes(two, sizeof two - 1, slice_of("0123456789", 10)), ERR_MALFORMED);
}

TEST(wire_decode, priority_that_does_not_fit_stays_wrong)
{
    struct arena arena = arena_of(ROOM);
    static const char bytes[] = "\x22\x05\x0a\x03\x30\x84\x02"; // 260
    struct msg msg;
    EXPECT_EQ(wire_decode(slice_of(bytes, sizeof bytes - 1), (struct slice){0}, &arena, &msg), OK);
    EXPECT(msg.submit.jobs[0].priority > MSG_PRIORITY_MAX);
    EXPECT(msg.submit.jobs[0].priority != MSG_PRIORITY_NOT_GIVEN);
    test_free(arena.data);
}

static const uint8_t *letters(size_t len)
{
    uint8_t *text = test_malloc(len);
    memset(text, 'a', len);
    return text;
}

// Tries a text of exactly the limit and one byte more in `place`, which belongs to `msg`.
static void expect_limit(const struct msg *msg, struct slice *place, size_t max)
{
    struct arena arena = arena_of(ROOM);
    struct msg back;
    const uint8_t *text = letters(max + 1);
    *place = slice_of(text, max);
    EXPECT_EQ(back_and_forth(msg, &arena, &back), OK);
    EXPECT(messages_equal(msg, &back));
    *place = slice_of(text, max + 1);
    EXPECT_EQ(back_and_forth(msg, &arena, &back), ERR_TOO_LARGE);
    *place = (struct slice){0};
    test_free((void *)(uintptr_t)text);
    test_free(arena.data);
}

TEST(wire_decode, lengths_have_limits)
{
    struct msg_submit_job job = {.priority = 1};
    struct msg submit = {.kind = MSG_SUBMIT, .submit = {&job, 1}};
    expect_limit(&submit, &job.key, MSG_KEY_LEN_MAX);
    expect_limit(&submit, &job.queue, MSG_NAME_LEN_MAX);
    expect_limit(&submit, &job.type, MSG_NAME_LEN_MAX);
    expect_limit(&submit, &job.traceparent, MSG_TRACEPARENT_LEN_MAX);
    job.payload.content = CONTENT_BYTES;
    expect_limit(&submit, &job.payload.bytes, MSG_PAYLOAD_LEN_MAX);

    struct msg_finish_job done = {.outcome = OUTCOME_FAILED};
    struct msg finish = {.kind = MSG_FINISH, .finish = {&done, 1}};
    expect_limit(&finish, &done.error_kind, MSG_ERROR_KIND_LEN_MAX);
    expect_limit(&finish, &done.error_message, MSG_ERROR_MESSAGE_LEN_MAX);
    expect_limit(&finish, &done.error_detail, MSG_ERROR_DETAIL_LEN_MAX);
    expect_limit(&finish, &done.progress.text, MSG_PROGRESS_TEXT_LEN_MAX);
    done.result.content = CONTENT_BYTES;
    expect_limit(&finish, &done.result.bytes, MSG_RESULT_LEN_MAX);

    struct msg status = {.kind = MSG_STATUS_IS};
    expect_limit(&status, &status.status_is.failure.kind, MSG_ERROR_KIND_LEN_MAX);
    expect_limit(&status, &status.status_is.failure.message, MSG_ERROR_MESSAGE_LEN_MAX);
    expect_limit(&status, &status.status_is.failure.detail, MSG_ERROR_DETAIL_LEN_MAX);
    expect_limit(&status, &status.status_is.progress_text, MSG_PROGRESS_TEXT_LEN_MAX);

    struct slice name = {0};
    struct msg ready = {.kind = MSG_READY, .ready = {.types = &name, .type_count = 1}};
    expect_limit(&ready, &name, MSG_NAME_LEN_MAX);
}

TEST(wire_decode, lengths_of_schedules_types_and_histories_have_limits)
{
    struct msg set = {.kind = MSG_SCHEDULE_SET, .schedule_set = {.act = SCHEDULE_SET}};
    expect_limit(&set, &set.schedule_set.given.schedule_id, MSG_NAME_LEN_MAX);
    expect_limit(&set, &set.schedule_set.given.cron, MSG_CRON_LEN_MAX);
    expect_limit(&set, &set.schedule_set.given.zone, MSG_ZONE_LEN_MAX);

    struct msg type = {.kind = MSG_TYPE_SET, .type_set.schema.content = CONTENT_JSON};
    expect_limit(&type, &type.type_set.schema.bytes, MSG_SCHEMA_LEN_MAX);
    struct msg_submitted_job verdict = {.error = ERR_SCHEMA};
    struct msg submitted = {.kind = MSG_SUBMITTED, .submitted = {&verdict, 1}};
    expect_limit(&submitted, &verdict.violations, MSG_VIOLATIONS_LEN_MAX);

    struct msg_timeline_event event = {.state = JOB_QUEUED};
    struct msg timeline = {.kind = MSG_TIMELINE_IS,
                           .timeline_is = {.events = &event, .event_count = 1}};
    expect_limit(&timeline, &event.actor, MSG_ACTOR_LEN_MAX);
    expect_limit(&timeline, &event.reason, MSG_REASON_LEN_MAX);
    struct msg_log_line line = {.seq = 1};
    struct msg log = {.kind = MSG_LOG_IS, .log_is = {.lines = &line, .line_count = 1}};
    expect_limit(&log, &line.text, MSG_LOG_TEXT_LEN_MAX);
    struct msg list = {.kind = MSG_LIST};
    expect_limit(&list, &list.list.filter.tag, MSG_TAG_LEN_MAX);
}

// Field `field` with an empty element, `count` times, as the envelope's field `body`.
static err decode_elements(uint32_t body, uint32_t field, size_t count)
{
    enum { HEAD = 6, ELEMENT = 3, COUNTS = 5 }; // a zero
    size_t len = ELEMENT * count;
    uint8_t *bytes = test_malloc(len + HEAD);
    bytes[0] = (uint8_t)(body << 3 | 2 | 0x80);
    bytes[1] = (uint8_t)(body >> 4);
    for (unsigned i = 0; i < 4; i++)
        bytes[2 + i] = (uint8_t)(len >> (7 * i) | (i < 3 ? 0x80u : 0u));
    for (size_t i = 0; i < count; i++) {
        uint8_t *element = bytes + HEAD + ELEMENT * i;
        element[0] = (uint8_t)(field << 3 | (field == COUNTS ? 0 : 2) | 0x80);
        element[1] = (uint8_t)(field >> 4);
        element[2] = 0;
    }
    struct arena arena = arena_of(wire_arena_size(len + HEAD));
    struct msg msg;
    err e = wire_decode(slice_of(bytes, len + HEAD), (struct slice){0}, &arena, &msg);
    test_free(bytes);
    test_free(arena.data);
    return e;
}

static void expect_count(uint32_t body, uint32_t field, size_t max)
{
    EXPECT_EQ(decode_elements(body, field, max), OK);
    EXPECT_EQ(decode_elements(body, field, max + 1), ERR_TOO_LARGE);
}

TEST(wire_decode, counts_have_limits)
{
    expect_count(4, 1, MSG_ATOMIC_JOBS_MAX); // SUBMIT, jobs
    expect_count(7, 1, MSG_JOBS_MAX);        // JOBS
    expect_count(10, 1, MSG_JOBS_MAX);       // FINISH, jobs
    expect_count(8, 1, MSG_HELD_MAX);        // RENEW, running
    expect_count(8, 2, MSG_HELD_MAX);        // … progress
    expect_count(8, 3, MSG_LOG_LINES_MAX);   // … log
    expect_count(6, 1, MSG_TYPES_MAX);       // READY, types
    expect_count(6, 2, MSG_TYPES_MAX);       // … queues
    expect_count(15, 5, JOB_STATES);         // BATCH_STATUS_IS, counts
    expect_count(21, 6, MSG_EVENTS_MAX);     // TIMELINE_IS
    expect_count(28, 3, MSG_QUEUES_MAX);     // QUEUE_STATUS_IS
    expect_count(47, 3, MSG_QUEUES_MAX);     // TYPE_STATUS_IS
    expect_count(30, 9, 1);                  // SCHEDULE_SET, its job
    expect_count(32, 19, MSG_MOMENTS_MAX);   // SCHEDULE_STATUS_IS, next
    expect_count(35, 3, MSG_SCHEDULES_MAX);  // SCHEDULE_LISTED
    expect_count(45, 1, MSG_WORKERS_MAX);    // WORKER_LISTED
    expect_count(25, 2, MSG_LISTED_MAX);     // LISTED
    expect_count(51, 2, MSG_OPERATIONS_MAX); // OPERATION_LISTED
    expect_count(49, 8, MSG_WATCHED_MAX);    // EVENT
}

TEST(wire_decode, message_stuffed_with_unknown_fields_is_too_large)
{
    // Field 100 of the envelope, as two million empty byte strings.
    enum { COUNT = 2000000 };
    uint8_t *bytes = test_malloc(3 * COUNT);
    for (size_t i = 0; i < COUNT; i++)
        memcpy(bytes + 3 * i, "\xa2\x06", 3);
    struct arena arena = arena_of(wire_arena_size(3 * COUNT));
    struct msg msg;
    EXPECT_EQ(wire_decode(slice_of(bytes, 3 * COUNT), (struct slice){0}, &arena, &msg),
              ERR_TOO_LARGE);
    test_free(bytes);
    test_free(arena.data);
}

TEST(wire_decode, frames_longer_than_a_message_are_refused_unread)
{
    struct arena arena = arena_of(16);
    struct msg msg;
    const uint8_t *byte = letters(1);
    EXPECT_EQ(wire_decode(slice_of(byte, MSG_BYTES_MAX + 1), (struct slice){0}, &arena, &msg),
              ERR_TOO_LARGE);
    EXPECT_EQ(wire_decode(slice_of(byte, 1), slice_of(byte, MSG_BYTES_MAX), &arena, &msg),
              ERR_TOO_LARGE);
    test_free((void *)(uintptr_t)byte);
    test_free(arena.data);
}

TEST(wire_decode, too_small_an_arena_is_told_at_every_size)
{
    struct arena arena = arena_of(ROOM);
    for
        MESSAGES_EACH(kind)
        {
            const struct golden *golden = &goldens[kind];
            struct slice envelope = slice_of(golden->envelope, golden->envelope_len);
            struct slice block = slice_of(golden->block, golden->block_len);
            struct msg msg;
            size_t cap = 0;
            err e = ERR_NO_MEMORY;
            for (; e == ERR_NO_MEMORY && cap < ROOM; cap += 16) {
                struct arena small = {.data = arena.data, .cap = cap};
                e = wire_decode(envelope, block, &small, &msg);
            }
            EXPECT_EQ(e, OK);
            EXPECT(cap > 16);
            EXPECT(cap <= wire_arena_size(envelope.len + block.len));
        }
    test_free(arena.data);
}

TEST(wire_decode, fullest_messages_fit_the_promised_arena)
{
    struct arena made = arena_of((size_t)128 << 20);
    struct arena frames_room = arena_of(wire_arena_size(MSG_BYTES_MAX));
    struct arena arena = arena_of(wire_arena_size(MSG_BYTES_MAX));
    struct prng prng = prng_of(test_seed());
    enum msg_kind kind = (enum msg_kind)0;
    for (unsigned round = 0; round < 32; round++) {
        kind = messages_next(kind) != 0 ? messages_next(kind) : messages_next(0);
        arena_reset(&made);
        arena_reset(&frames_room);
        arena_reset(&arena);
        struct msg msg = messages_random(&prng, kind, UINT32_MAX, &made);
        struct wire_frames frames;
        err e = wire_encode(&msg, &frames_room, &frames);
        if (e == ERR_TOO_LARGE)
            continue;
        EXPECT_EQ(e, OK);
        arena.cap = wire_arena_size(frames.envelope.len + frames.block.len);
        struct msg back;
        EXPECT_EQ(wire_decode(frames.envelope, frames.block, &arena, &back), OK);
        EXPECT(messages_equal(&msg, &back));
    }
    test_free(made.data);
    test_free(frames_room.data);
    test_free(arena.data);
}

// Decodes what `msg` encodes to in exactly the promised room, and says how full it got, in percent.
static unsigned fullness(const struct msg *msg, struct arena *made)
{
    struct wire_frames frames;
    EXPECT_EQ(wire_encode(msg, made, &frames), OK);
    struct arena arena = arena_of(wire_arena_size(frames.envelope.len + frames.block.len));
    struct msg back;
    EXPECT_EQ(wire_decode(frames.envelope, frames.block, &arena, &back), OK);
    EXPECT(messages_equal(msg, &back));
    unsigned percent = (unsigned)(100 * arena.used / arena.cap);
    test_free(arena.data);
    return percent;
}

TEST(wire_decode, promised_arena_is_neither_too_small_nor_far_too_large)
{
    struct arena made = arena_of(wire_arena_size(MSG_BYTES_MAX));
    // Every field set, every text as short as can be: the most memory for a byte.
    struct msg_submit_job job = messages_sample(MSG_SUBMIT)->submit.jobs[0];
    job.key.len = job.queue.len = job.type.len = job.traceparent.len = job.payload.bytes.len = 1;
    struct msg_submit_job *jobs = test_calloc(MSG_ATOMIC_JOBS_MAX, sizeof job);
    for (unsigned i = 0; i < MSG_ATOMIC_JOBS_MAX; i++)
        jobs[i] = job;
    struct msg submit = {.kind = MSG_SUBMIT, .submit = {jobs, MSG_ATOMIC_JOBS_MAX, false}};
    EXPECT(fullness(&submit, &made) <= 100);
    // No field set: the most memory for a job's two bytes.
    memset(jobs, 0, MSG_ATOMIC_JOBS_MAX * sizeof job);
    for (unsigned i = 0; i < MSG_ATOMIC_JOBS_MAX; i++)
        jobs[i].priority = MSG_PRIORITY_NOT_GIVEN;
    arena_reset(&made);
    unsigned percent = fullness(&submit, &made);
    EXPECT(percent > 45 && percent <= 100);
    test_free(jobs);

    struct msg_held *held = test_calloc(MSG_HELD_MAX, sizeof *held);
    struct msg_progress *progress = test_calloc(MSG_HELD_MAX, sizeof *progress);
    for (unsigned i = 0; i < MSG_HELD_MAX; i++) {
        held[i] = (struct msg_held){job.job_id, 1};
        progress[i] = (struct msg_progress){job.job_id, 1, 1, 1, slice_of_text("x"), 1};
    }
    struct msg renew = {.kind = MSG_RENEW, .renew = {{held, MSG_HELD_MAX}, progress, MSG_HELD_MAX}};
    arena_reset(&made);
    percent = fullness(&renew, &made);
    EXPECT(percent > 30 &&
           percent <= 100); // it has no jobs, of which the promise has room for many
    test_free(held);
    test_free(progress);
    test_free(made.data);
}

TEST(wire_decode, a_tenant_is_text_of_the_length_of_a_name)
{
    struct arena arena = arena_of(ROOM);
    struct msg msg = {.kind = MSG_BYE, .corr = 5, .tenant = slice_of_text("acme")};
    struct msg back;
    EXPECT_EQ(back_and_forth(&msg, &arena, &back), OK);
    EXPECT(slice_is_text(back.tenant, "acme"));
    EXPECT_EQ(DECODE("\x08\x05\x8a\x01\x00\xe2\x03\x01\xff"), ERR_MALFORMED);
    static const uint8_t longest[MSG_NAME_LEN_MAX + 1] = {'a'};
    msg.tenant = slice_of(longest, MSG_NAME_LEN_MAX);
    EXPECT_EQ(back_and_forth(&msg, &arena, &back), OK);
    msg.tenant = slice_of(longest, MSG_NAME_LEN_MAX + 1);
    EXPECT_EQ(back_and_forth(&msg, &arena, &back), ERR_TOO_LARGE);
    test_free(arena.data);
}
