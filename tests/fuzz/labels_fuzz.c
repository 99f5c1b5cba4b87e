// Tags and metadata from anybody: what is read can be written, within its limit, and is then read
// as the same.
//
// links: weft_proto

#include "lib/base/check.h"
#include "proto/labels.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect_same(const struct labels *a, const struct labels *b)
{
    CHECK(a->tag_count == b->tag_count && a->pair_count == b->pair_count);
    for (uint32_t i = 0; i < a->tag_count; i++)
        CHECK(slice_equal(a->tags[i], b->tags[i]));
    for (uint32_t i = 0; i < a->pair_count; i++) {
        CHECK(slice_equal(a->pairs[i].name, b->pairs[i].name));
        CHECK(slice_equal(a->pairs[i].value, b->pairs[i].value));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t room[MSG_LABELS_LEN_MAX];
    struct bytes_out out = {.data = room, .cap = sizeof room};
    struct slice packed = slice_of(data, size);
    struct labels labels;
    struct labels again;
    const char *detail = NULL;
    (void)labels_has_tag(packed, slice_of_text("a")); // of any bytes
    if (labels_read(packed, &labels, &detail) != OK) {
        CHECK(detail != NULL);
        return 0;
    }
    labels_write(&labels, &out);
    CHECK(!out.full && out.len <= size + 2 * labels.pair_count);
    err e = labels_read(slice_of(room, out.len), &again, &detail);
    CHECK(e == OK);
    expect_same(&labels, &again);
    for (uint32_t i = 0; i < labels.tag_count; i++)
        CHECK(labels_has_tag(packed, labels.tags[i]));
    return 0;
}
