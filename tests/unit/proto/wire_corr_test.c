// The number that lets a refusal find its asker.

#include "tests/support/test.h"

#include "proto/wire.h"
#include "tests/support/messages.h"
#include "tests/unit/proto/golden.h"

#define CORR(literal) wire_corr(slice_of((literal), sizeof(literal) - 1))

TEST(wire_corr, found_in_every_message)
{
    for
        MESSAGES_EACH(kind)
        {
            const struct golden *golden = &goldens[kind];
            EXPECT_EQ(wire_corr(slice_of(golden->envelope, golden->envelope_len)),
                      messages_sample((enum msg_kind)kind)->corr);
        }
}

TEST(wire_corr, found_behind_what_nobody_knows)
{
    EXPECT_EQ(CORR("\xa0\x06\x07\xa1\x06"
                   "12345678"
                   "\xa2\x06\x02yz\xa5\x06"
                   "1234"
                   "\x08\x2a"),
              42);
    EXPECT_EQ(CORR("\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), -1);
}

TEST(wire_corr, found_before_what_cannot_be_read)
{
    EXPECT_EQ(CORR("\x08\x2a\x8a\x01\x7f"), 42);
    EXPECT_EQ(CORR("\x08\x2a\x0b"), 42);
    EXPECT_EQ(CORR("\x08\x2a\x08"), 42);
}

TEST(wire_corr, zero_when_there_is_none)
{
    EXPECT_EQ(CORR(""), 0);
    EXPECT_EQ(CORR("\x08"), 0);
    EXPECT_EQ(CORR("\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), 0);
    EXPECT_EQ(CORR("\x8a\x01\x03\x0a\x01x"), 0);
}
