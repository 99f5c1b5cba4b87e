// Structs to frames: the same bytes as another implementation, whatever the room.

#include "tests/support/test.h"

#include "proto/wire.h"
#include "tests/support/messages.h"
#include "tests/unit/proto/golden.h"

enum { ROOM = 1 << 20 };

static struct arena arena_of(size_t cap)
{
    return (struct arena){.data = test_malloc(cap), .cap = cap};
}

TEST(wire_encode, samples_are_packed_as_google_protobuf_packs_them)
{
    struct arena arena = arena_of(ROOM);
    for
        MESSAGES_EACH(kind)
        {
            const struct golden *golden = &goldens[kind];
            struct wire_frames frames;
            EXPECT_EQ(wire_encode(messages_sample((enum msg_kind)kind), &arena, &frames), OK);
            EXPECT_EQ(frames.envelope.len, golden->envelope_len);
            EXPECT_MEM(frames.envelope.data, golden->envelope, golden->envelope_len);
            EXPECT_EQ(frames.block.len, golden->block_len);
            if (golden->block_len > 0)
                EXPECT_MEM(frames.block.data, golden->block, golden->block_len);
        }
    test_free(arena.data);
}

// Where the field of the tenant, tag 60, stands among the others.
static size_t place_of_tenant(enum msg_kind kind, struct slice without)
{
    size_t at = 0;
    if ((unsigned)kind < 60)
        return without.len;
    if (without.data[0] == 1 << 3) // corr, a varint
        while (without.data[++at] >= 0x80)
            ;
    return at > 0 ? at + 1 : 0;
}

TEST(wire_encode, tenant_stands_in_the_order_of_the_tags)
{
    static const uint8_t field[] = {0xe2, 0x03, 4, 'a', 'c', 'm', 'e'};
    struct arena arena = arena_of(ROOM);
    for
        MESSAGES_EACH(kind)
        {
            struct msg msg = *messages_sample((enum msg_kind)kind);
            struct wire_frames without;
            struct wire_frames with;
            msg.corr = 0x123456;
            msg.tenant = (struct slice){0};
            EXPECT_EQ(wire_encode(&msg, &arena, &without), OK);
            msg.tenant = slice_of_text("acme");
            EXPECT_EQ(wire_encode(&msg, &arena, &with), OK);
            size_t at = place_of_tenant(msg.kind, without.envelope);
            EXPECT_EQ(with.envelope.len, without.envelope.len + sizeof field);
            EXPECT_MEM(with.envelope.data, without.envelope.data, at);
            EXPECT_MEM(with.envelope.data + at, field, sizeof field);
            if (at < without.envelope.len)
                EXPECT_MEM(with.envelope.data + at + sizeof field, without.envelope.data + at,
                           without.envelope.len - at);
        }
    test_free(arena.data);
}

TEST(wire_encode, what_was_encoded_decodes_to_the_same)
{
    struct arena made = arena_of(16 * ROOM);
    struct arena arena = arena_of(16 * ROOM);
    struct prng prng = prng_of(test_seed());
    enum msg_kind kind = (enum msg_kind)0;
    for (unsigned round = 0; round < 2000; round++) {
        kind = messages_next(kind) != 0 ? messages_next(kind) : messages_next(0);
        arena_reset(&made);
        arena_reset(&arena);
        struct msg msg = messages_random(&prng, kind, 12, &made);
        struct wire_frames frames;
        struct msg back;
        EXPECT_EQ(wire_encode(&msg, &arena, &frames), OK);
        EXPECT_EQ(wire_decode(frames.envelope, frames.block, &arena, &back), OK);
        EXPECT(messages_equal(&msg, &back));
    }
    test_free(made.data);
    test_free(arena.data);
}

TEST(wire_encode, too_small_an_arena_is_told_at_every_size)
{
    struct arena arena = arena_of(ROOM);
    for
        MESSAGES_EACH(kind)
        {
            const struct msg *msg = messages_sample((enum msg_kind)kind);
            struct wire_frames frames = {0};
            size_t cap = 0;
            err e = ERR_NO_MEMORY;
            for (; e == ERR_NO_MEMORY && cap < ROOM; cap += 16) {
                EXPECT(frames.envelope.data == NULL);
                struct arena small = {.data = arena.data, .cap = cap};
                e = wire_encode(msg, &small, &frames);
            }
            EXPECT_EQ(e, OK);
            EXPECT(cap > 16);
        }
    test_free(arena.data);
}

TEST(wire_encode, more_than_a_message_may_hold_is_refused)
{
    struct arena arena = arena_of(wire_arena_size(MSG_BYTES_MAX));
    enum { COUNT = MSG_BYTES_MAX / MSG_PAYLOAD_LEN_MAX };
    static struct msg_submit_job jobs[COUNT + 1];
    uint8_t *payload = test_calloc(1, MSG_PAYLOAD_LEN_MAX);
    for (unsigned i = 0; i <= COUNT; i++)
        jobs[i].payload = (struct body){CONTENT_BYTES, slice_of(payload, MSG_PAYLOAD_LEN_MAX)};
    struct msg msg = {.kind = MSG_SUBMIT, .submit = {jobs, COUNT + 1, false}};
    struct wire_frames frames;
    EXPECT_EQ(wire_encode(&msg, &arena, &frames), ERR_TOO_LARGE);
    // Exactly full with the bodies alone: the envelope is what is too much.
    msg.submit.count = COUNT;
    EXPECT_EQ(wire_encode(&msg, &arena, &frames), ERR_TOO_LARGE);
    msg.submit.count = COUNT - 1;
    arena_reset(&arena);
    EXPECT_EQ(wire_encode(&msg, &arena, &frames), OK);
    test_free(payload);
    test_free(arena.data);
}

TEST(wire_encode, texts_for_people_leave_as_utf8)
{
    struct arena arena = arena_of(ROOM);
    struct msg_finish_job job = {.outcome = OUTCOME_FAILED,
                                 .error_detail = slice_of_text("caf\xc3\xa9 \xff\xc3")};
    struct msg msg = {.kind = MSG_FINISH, .finish = {&job, 1}};
    struct wire_frames frames;
    struct msg back;
    EXPECT_EQ(wire_encode(&msg, &arena, &frames), OK);
    EXPECT(memmem(frames.envelope.data, frames.envelope.len, "\xff", 1) == NULL);
    EXPECT_EQ(wire_decode(frames.envelope, frames.block, &arena, &back), OK);
    EXPECT(slice_is_text(back.finish.jobs[0].error_detail, "caf\xc3\xa9 ??"));
    test_free(arena.data);
}

TEST(wire_encode, a_list_above_its_limit_is_a_bug)
{
    struct arena arena = arena_of(ROOM);
    struct msg_held *held = test_calloc(MSG_HELD_MAX + 1, sizeof *held);
    struct msg msg = {.kind = MSG_RENEW, .renew = {.running = {held, MSG_HELD_MAX + 1}}};
    struct wire_frames frames;
    EXPECT_DIES(EXPECT_EQ(wire_encode(&msg, &arena, &frames), OK));
    test_free(held);
    test_free(arena.data);
}

TEST(wire_encode, a_tenant_stands_behind_the_body_and_none_takes_no_bytes)
{
    struct arena arena = arena_of(ROOM);
    static const char bytes[] = "\x08\x05\x8a\x01\x03\x0a\x01x\xe2\x03\x04"
                                "acme";
    struct msg msg = {.kind = MSG_BYE,
                      .corr = 5,
                      .tenant = slice_of_text("acme"),
                      .bye = {.reason = slice_of_text("x")}};
    struct wire_frames frames;
    EXPECT_EQ(wire_encode(&msg, &arena, &frames), OK);
    EXPECT_EQ(frames.envelope.len, sizeof bytes - 1);
    EXPECT_MEM(frames.envelope.data, bytes, sizeof bytes - 1);
    msg.tenant = (struct slice){0};
    EXPECT_EQ(wire_encode(&msg, &arena, &frames), OK);
    EXPECT_EQ(frames.envelope.len, sizeof bytes - 1 - 7);
    test_free(arena.data);
}
