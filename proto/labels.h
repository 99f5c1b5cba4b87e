#pragma once

// What a job carries for people and handlers: tags, and metadata (pairs of texts). On the wire, in
// the store and in between they stay one piece of bytes, a message Labels of weft.proto:
//
//   tag       0x0a  length  bytes
//   pair      0x12  length  0x0a length name  0x12 length value
//
// Read strictly here: nothing else in it, nothing twice, everything within the limits. Pure.

#include "lib/base/bytes.h"
#include "lib/base/err.h"
#include "proto/msg_limits.h"

#define LABELS_TAG_RULE "1 to 64 of A-Z a-z 0-9 . _ - : / @"

struct labels_pair {
    struct slice name;
    struct slice value;
};

struct labels {
    struct slice tags[MSG_TAGS_MAX];
    struct labels_pair pairs[MSG_METADATA_MAX];
    uint32_t tag_count;
    uint32_t pair_count;
};

// Takes them apart; what is read borrows from `packed`. Empty bytes are none. *out_detail is a
// sentence that names the field after an error, when `out_labels` may hold anything.
//   ERR_MALFORMED   not such a message
//   ERR_BAD_FIELD   a tag, name or value that is not allowed, or one that is there twice
//   ERR_TOO_LARGE   too many, or too long
MUST_USE err labels_read(struct slice packed, struct labels *out_labels, const char **out_detail);
// The same judgement alone.
MUST_USE err labels_check(struct slice packed, const char **out_detail);

// Writes what labels_read() reads: at most MSG_LABELS_LEN_MAX bytes for labels within the limits.
void labels_write(const struct labels *labels, struct bytes_out *out);

// Is `tag` one of them? Of bytes that are no labels, nothing is.
bool labels_has_tag(struct slice packed, struct slice tag);

// Is it 1 to 64 of the characters that a tag, or a name, may have?
bool labels_is_tag(struct slice text);

// In the order of their bytes; below 0, 0 or above.
int labels_compare(struct slice a, struct slice b);
