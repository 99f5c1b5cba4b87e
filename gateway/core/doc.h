#pragma once

// An object that a client has sent, JSON or MessagePack, seen alike: members with names, and
// values that can be asked for text, a whole number, a number of thousandths, or members of their
// own. Pure.

#include "gateway/core/scan.h"
#include "lib/base/arena.h"
#include "lib/base/err.h"

enum doc_format { DOC_JSON, DOC_MSGPACK };

struct doc_value {
    enum doc_format format;
    struct slice raw; // as sent
};

struct doc_member {
    struct slice name; // decoded
    struct doc_value value;
};

// What is needed to read a document; the room is the caller's.
struct doc_room {
    struct names_key *keys;
    uint32_t key_cap;
    struct arena *arena; // decoded names and texts; what is read borrows from it
};

enum { DOC_FAULT_LEN = 160, DOC_MEMBERS_MAX = 32 };

// Judges `bytes` as one object with nothing behind it, names at every level unequal, and gives its members. After an error `out_fault` has a sentence.
//   ERR_MALFORMED   not of the format
//   ERR_BAD_FIELD   no object, or more than DOC_MEMBERS_MAX members
//   ERR_TOO_LARGE   too deep, too many names, or names too long for the arena
struct doc_members {
    struct doc_member items[DOC_MEMBERS_MAX];
    uint32_t count;
};
MUST_USE err doc_read(struct doc_value object, const struct doc_room *room,
                      struct doc_members *members, char out_fault[DOC_FAULT_LEN]);

// Each: ERR_BAD_FIELD when the value is of another kind or outside its type.
MUST_USE err doc_text(struct doc_value value, struct arena *arena, struct slice *out_text);
// The texts of an array, at most `cap` of them.
//   ERR_TOO_LARGE   it has more
MUST_USE err doc_texts(struct doc_value value, struct arena *arena, struct slice *texts,
                       uint32_t cap, uint32_t *out_count);
MUST_USE err doc_integer(struct doc_value value, int64_t *out_number);
// 1.5 is 1500; at most three decimals that count, at most 1,000,000.
MUST_USE err doc_milli(struct doc_value value, uint32_t *out_milli);
MUST_USE err doc_bool(struct doc_value value, bool *out_bool);
bool doc_is_null(struct doc_value value);
bool doc_is_object(struct doc_value value);
bool doc_is_array(struct doc_value value);
