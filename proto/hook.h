#pragma once

// What a job says of who is told of its end (Webhook of weft.proto), and what a notifier is told to
// send (Intent): on the wire, in the store and in between each stays one piece of bytes. Read
// strictly here: nothing else in it, nothing twice, everything within the limits. Pure.

#include "lib/base/bytes.h"
#include "lib/base/err.h"
#include "lib/base/id.h"
#include "lib/base/when.h"
#include "proto/msg.h"

struct hook {
    struct slice url;
    struct slice endpoint; // never empty when read: HOOK_DEFAULT stands for none
    uint32_t events;       // bits of HOOK_EVENTS; never 0 when read: HOOK_ENDS stand for none
    struct slice secret;   // sealed; may be empty
};

// *out_detail is a sentence that names the field after an error. Bytes borrow from `packed`.
//   ERR_MALFORMED   not such a message
//   ERR_BAD_FIELD   neither url nor endpoint, or one that is not allowed
MUST_USE err hook_read(struct slice packed, struct hook *out_hook, const char **out_detail);
// The same judgement alone; empty bytes are none.
MUST_USE err hook_check(struct slice packed, const char **out_detail);
void hook_write(const struct hook *hook, struct bytes_out *out);

// https:// or http:// (which a notifier refuses unless it is told otherwise), a host, no user, no
// fragment, only visible ASCII; 1 to MSG_URL_LEN_MAX bytes.
bool hook_is_url(struct slice url);
// Lines "name: value", each ended by a line feed but the last; names are tokens and none of those
// that the sender sets itself, values visible ASCII and spaces.
bool hook_are_headers(struct slice lines);

struct intent {
    struct id parent; // zero: a test
    uint64_t generation;
    struct slice event;
    struct slice endpoint;
    struct slice url;
    struct slice headers;
    struct slice secret;
    struct slice secret_before;
    when_ms at;
    struct slice fault;
    struct slice tenant;
    bool is_own; // the url is the job's, not the endpoint's
};

//   ERR_MALFORMED
MUST_USE err hook_read_intent(struct slice packed, struct intent *out_intent);
void hook_write_intent(const struct intent *intent, struct bytes_out *out);
// "job.succeeded" … of the bit; static.
const char *hook_event_name(uint32_t event);
