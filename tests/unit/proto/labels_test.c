// Tags and metadata as bytes: what is read, what is refused and with which sentence.

#include "tests/support/test.h"

#include "lib/base/prng.h"
#include "proto/labels.h"
#include "tests/support/labels.h"

#define BYTES(text) slice_of((text), sizeof(text) - 1)

static struct labels labels;

static void expect_bad(struct slice packed, err expected, const char *begins)
{
    const char *detail = "";
    EXPECT_EQ(labels_check(packed, &detail), expected);
    EXPECT(strncmp(detail, begins, strlen(begins)) == 0);
}

static void expect_good(struct slice packed)
{
    const char *detail = "";
    EXPECT_EQ(labels_read(packed, &labels, &detail), OK);
}

TEST(labels, tags_and_pairs_in_any_order)
{
    expect_good(BYTES("\x12\6\x0a\1k\x12\1v\x0a\3red\x12\5\x12\0\x0a\1e\x0a\4blue"));
    EXPECT_EQ(labels.tag_count, 2);
    EXPECT(slice_is_text(labels.tags[0], "red") && slice_is_text(labels.tags[1], "blue"));
    EXPECT_EQ(labels.pair_count, 2);
    EXPECT(slice_is_text(labels.pairs[0].name, "k") && slice_is_text(labels.pairs[0].value, "v"));
    EXPECT(slice_is_text(labels.pairs[1].name, "e") && labels.pairs[1].value.len == 0);
    // As protobuf leaves out what is empty.
    expect_good(BYTES("\x12\3\x0a\1k"));
    EXPECT_EQ(labels.pairs[0].value.len, 0);
    expect_good((struct slice){0});
    EXPECT_EQ(labels.tag_count + labels.pair_count, 0);
}

TEST(labels, anything_else_is_malformed)
{
    expect_bad(BYTES("\x1a\1x"), ERR_MALFORMED, "labels");               // another field
    expect_bad(BYTES("\x08\1"), ERR_MALFORMED, "labels");                // a number
    expect_bad(BYTES("\x0a\2x"), ERR_MALFORMED, "labels");               // cut off
    expect_bad(BYTES("\x0a"), ERR_MALFORMED, "labels");                  // no length
    expect_bad(BYTES("\x0a\x81\x80\x80\x00x"), ERR_MALFORMED, "labels"); // a length in four bytes
    expect_bad(BYTES("\x12\3\x1a\1x"), ERR_MALFORMED, "labels");         // within a pair
    expect_bad(BYTES("\x12\6\x0a\1k\x0a\1k"), ERR_MALFORMED, "labels");
    expect_bad(BYTES("\x12\4\x0a\5ke"), ERR_MALFORMED, "labels");
}

TEST(labels, each_once)
{
    expect_bad(BYTES("\x0a\1a\x0a\1a"), ERR_BAD_FIELD, "tags: name each once");
    expect_bad(BYTES("\x12\3\x0a\1k\x12\6\x0a\1k\x12\1v"), ERR_BAD_FIELD,
               "metadata: give each name once");
}

TEST(labels, characters)
{
    for (unsigned c = 0; c < 256; c++) {
        bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        bool is_good = is_letter || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-' ||
                       c == ':' || c == '/' || c == '@';
        uint8_t text[] = {'a', (uint8_t)c};
        EXPECT_EQ(labels_is_tag(slice_of(text, 2)), is_good);
    }
    EXPECT(!labels_is_tag((struct slice){0}));
    expect_bad(BYTES("\x0a\0"), ERR_BAD_FIELD, "tags: each is");
    expect_bad(BYTES("\x0a\1,"), ERR_BAD_FIELD, "tags: each is");
    expect_bad(BYTES("\x12\0"), ERR_BAD_FIELD, "metadata: each name is");
    expect_bad(BYTES("\x12\3\x0a\1="), ERR_BAD_FIELD, "metadata: each name is");
    expect_bad(BYTES("\x12\6\x0a\1k\x12\1\xff"), ERR_BAD_FIELD, "metadata: each value is UTF-8");
    expect_good(BYTES("\x12\7\x0a\1k\x12\2\0\n")); // any text
}

static struct slice written(const struct labels *given, uint8_t *room, size_t cap)
{
    struct bytes_out out = {.data = room, .cap = cap};
    labels_write(given, &out);
    EXPECT(!out.full);
    return slice_of(room, out.len);
}

TEST(labels, limits)
{
    static uint8_t longest[MSG_LABELS_LEN_MAX];
    static uint8_t room[2 * MSG_LABELS_LEN_MAX];
    expect_good(longest_labels(longest));
    EXPECT_EQ(labels.tag_count, MSG_TAGS_MAX);
    EXPECT_EQ(labels.pair_count, MSG_METADATA_MAX);
    struct labels more = labels;
    // One tag, one pair, one byte more.
    struct slice full = written(&more, room, sizeof room);
    memcpy(room + full.len, "\x0a\1x", 3);
    expect_bad(slice_of(room, full.len + 3), ERR_TOO_LARGE, "tags: at most 16");
    memcpy(room + full.len, "\x12\3\x0a\1x", 5);
    expect_bad(slice_of(room, full.len + 5), ERR_TOO_LARGE, "metadata: at most 32");
    more.pairs[7].value.len++;
    expect_bad(written(&more, room, sizeof room), ERR_TOO_LARGE, "metadata: at most 4,096 bytes");
    more = labels;
    more.tags[3] =
        slice_of_text("a234567890123456789012345678901234567890123456789012345678901234");
    expect_good(written(&more, room, sizeof room));
    more.tags[3] =
        slice_of_text("a2345678901234567890123456789012345678901234567890123456789012345");
    expect_bad(written(&more, room, sizeof room), ERR_BAD_FIELD, "tags: each is 1 to 64");
}

TEST(labels, one_long_value_fits_its_limit)
{
    static uint8_t value[MSG_METADATA_LEN_MAX];
    static uint8_t room[MSG_LABELS_LEN_MAX];
    memset(value, 'v', sizeof value);
    struct labels given = {.pair_count = 1};
    given.pairs[0] = (struct labels_pair){slice_of_text("k"), slice_of(value, sizeof value - 1)};
    expect_good(written(&given, room, sizeof room));
    EXPECT_EQ(labels.pairs[0].value.len, MSG_METADATA_LEN_MAX - 1);
}

TEST(labels, a_tag_is_found)
{
    struct slice packed = BYTES("\x12\6\x0a\1k\x12\1v\x0a\3red\x0a\4blue");
    EXPECT(labels_has_tag(packed, slice_of_text("red")));
    EXPECT(labels_has_tag(packed, slice_of_text("blue")));
    EXPECT(!labels_has_tag(packed, slice_of_text("blu")));
    EXPECT(!labels_has_tag(packed, slice_of_text("k")));
    EXPECT(!labels_has_tag((struct slice){0}, slice_of_text("red")));
    EXPECT(!labels_has_tag(BYTES("\x0a\4red"), slice_of_text("red")));
}

TEST(labels, order_is_that_of_bytes)
{
    EXPECT(labels_compare(slice_of_text("a"), slice_of_text("b")) < 0);
    EXPECT(labels_compare(slice_of_text("b"), slice_of_text("aa")) > 0);
    EXPECT(labels_compare(slice_of_text("a"), slice_of_text("aa")) < 0);
    EXPECT(labels_compare(slice_of_text("aa"), slice_of_text("a")) > 0);
    EXPECT_EQ(labels_compare(slice_of_text("a"), slice_of_text("a")), 0);
    EXPECT_EQ(labels_compare((struct slice){0}, (struct slice){0}), 0);
}
