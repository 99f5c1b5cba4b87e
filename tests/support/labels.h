#pragma once

// Labels that fill their limits, for tests.

#include "lib/base/check.h"
#include "proto/labels.h"

// As many and as long as are allowed, in `room` of MSG_LABELS_LEN_MAX bytes.
static inline struct slice longest_labels(uint8_t room[MSG_LABELS_LEN_MAX])
{
    static uint8_t names[MSG_METADATA_MAX][MSG_TAG_LEN_MAX];
    static uint8_t value[MSG_METADATA_LEN_MAX / MSG_METADATA_MAX - MSG_TAG_LEN_MAX];
    struct labels labels = {.tag_count = MSG_TAGS_MAX, .pair_count = MSG_METADATA_MAX};
    struct bytes_out out = {.data = room, .cap = MSG_LABELS_LEN_MAX};
    memset(names, 'n', sizeof names);
    memset(value, 'v', sizeof value);
    for (unsigned i = 0; i < MSG_METADATA_MAX; i++) {
        names[i][0] = (uint8_t)('A' + i % 26);
        names[i][1] = (uint8_t)('0' + i / 26);
        struct slice name = slice_of(names[i], sizeof names[i]);
        labels.pairs[i] = (struct labels_pair){name, slice_of(value, sizeof value)};
        if (i < MSG_TAGS_MAX)
            labels.tags[i] = name;
    }
    labels_write(&labels, &out);
    CHECK(!out.full);
    return slice_of(room, out.len);
}
