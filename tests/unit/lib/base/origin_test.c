// The bytes that every implementation hashes.

#include "tests/support/test.h"

#include "lib/base/origin.h"

static const struct origin origin = {.tenant = {(const uint8_t *)"default", 7},
                                     .queue = {(const uint8_t *)"mail", 4}};

TEST(origin, bytes_of_a_key_are_frozen)
{
    uint8_t room[ORIGIN_LEN_MAX];
    struct bytes_out out = {.data = room, .cap = sizeof room};
    origin_put_key(&out, &origin, slice_of_text("k1"));
    static const char golden[] = "weft/id/1\0\0\0\7default\0\0\0\4mail\0\0\0\2k1";
    EXPECT_EQ(out.len, sizeof golden - 1);
    EXPECT_MEM(room, golden, sizeof golden - 1);
}

TEST(origin, bytes_of_a_slot_are_frozen)
{
    uint8_t room[ORIGIN_LEN_MAX];
    struct bytes_out out = {.data = room, .cap = sizeof room};
    origin_put_slot(&out, &origin);
    static const char golden[] = "weft/slot/1\0\0\0\7default\0\0\0\4mail";
    EXPECT_EQ(out.len, sizeof golden - 1);
    EXPECT_MEM(room, golden, sizeof golden - 1);
}

TEST(origin, bytes_of_a_unique_key_are_frozen)
{
    uint8_t room[ORIGIN_LEN_MAX];
    struct bytes_out out = {.data = room, .cap = sizeof room};
    origin_put_unique(&out, &origin, slice_of_text("k1"));
    static const char golden[] = "weft/unique/1\0\0\0\7default\0\0\0\4mail\0\0\0\2k1";
    EXPECT_EQ(out.len, sizeof golden - 1);
    EXPECT_MEM(room, golden, sizeof golden - 1);
}

TEST(origin, bytes_cannot_move_from_one_name_to_the_next)
{
    uint8_t rooms[2][ORIGIN_LEN_MAX];
    struct bytes_out outs[2] = {{.data = rooms[0], .cap = ORIGIN_LEN_MAX},
                                {.data = rooms[1], .cap = ORIGIN_LEN_MAX}};
    struct origin a = {.tenant = slice_of_text("a"), .queue = slice_of_text("bc")};
    struct origin b = {.tenant = slice_of_text("ab"), .queue = slice_of_text("c")};
    origin_put_slot(&outs[0], &a);
    origin_put_slot(&outs[1], &b);
    EXPECT(!slice_equal(slice_of(rooms[0], outs[0].len), slice_of(rooms[1], outs[1].len)));
}

TEST(origin, longest_names_fit)
{
    static const uint8_t name[300];
    struct slice longest = slice_of(name, sizeof name);
    uint8_t room[ORIGIN_LEN_MAX];
    struct bytes_out out = {.data = room, .cap = sizeof room};
    origin_put_key(&out, &(struct origin){longest, longest}, longest);
    EXPECT(!out.full);
}

TEST(origin, bytes_of_a_moment_are_frozen)
{
    uint8_t room[ORIGIN_LEN_MAX];
    struct bytes_out out = {.data = room, .cap = sizeof room};
    origin_put_moment(&out, &origin, slice_of_text("s1"), 0x0102030405060708);
    static const char golden[] = "weft/moment/1\0\0\0\7default\0\0\0\2s1\1\2\3\4\5\6\7\10";
    EXPECT_EQ(out.len, sizeof golden - 1);
    EXPECT_MEM(room, golden, sizeof golden - 1);
}

TEST(origin, a_tenant_that_is_not_given_is_the_default_one)
{
    struct slice acme = slice_of_text("acme");
    EXPECT(slice_is_text(origin_tenant((struct slice){0}), "default"));
    EXPECT(slice_is_text(origin_tenant(acme), "acme"));
    EXPECT(origin_is_tenant((struct slice){0}, slice_of_text("default")));
    EXPECT(!origin_is_tenant((struct slice){0}, acme) &&
           !origin_is_tenant(acme, (struct slice){0}));
    EXPECT(origin_is_tenant(acme, slice_of_text("acme")));
}
