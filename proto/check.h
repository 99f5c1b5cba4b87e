#pragma once

// What a message may say, beyond its format: the same rules for both doors. Pure.
//
// Job ids are not judged here: a door may not have minted one yet, and only the broker's is the
// verdict that counts.

#include "proto/msg.h"

#define CHECK_TTL_TOO_SHORT                                                                        \
    "ttl: longer than delay or the time until run_at, or the job expires before it may start"

// The largest values of a submission's numbers; docs/protocol.md lists them.
#define CHECK_DELAY_MS_MAX (UINT64_C(36600) * 24 * 3600 * 1000) // a hundred years
#define CHECK_RUN_AT_MAX INT64_C(253402300799999)               // the end of the year 9999
enum {
    CHECK_TIMEOUT_MS_MAX = 7 * 24 * 3600 * 1000,
    CHECK_ATTEMPTS_MAX = 10000,
    CHECK_CRASHES_MAX = 10000,
    CHECK_RETRY_MS_MAX = 24 * 24 * 3600 * 1000,
    CHECK_FACTOR_MILLI_MIN = 1000,
    CHECK_FACTOR_MILLI_MAX = 100 * 1000,
    CHECK_KEEP_S_MAX = 3660 * 24 * 3600,
    CHECK_JITTER_MS_MAX = 24 * 3600 * 1000,
    CHECK_SLOTS_MAX = MSG_HELD_MAX, // a RENEW must be able to name all of them
};

#define CHECK_NAME_RULE "1 to 128 of a-z 0-9 . _ -"
#define CHECK_NEW_NAME_RULE CHECK_NAME_RULE ", but not . or .."

// [a-z0-9._-]{1,128}
bool check_name(struct slice name);
// Of what is made now. "." and "..", which earlier versions took, vanish from the path of a URL (RFC 3986,
// 5.2.4); what has such a name is still found by it.
bool check_new_name(struct slice name);
// 1–255 printable ASCII characters (0x20–0x7e), the first and the last no space.
bool check_key(struct slice key);

// OK, or ERR_BAD_FIELD / ERR_TOO_LARGE with the field's name and rule in `out_detail` (static),
// which is untouched otherwise.
MUST_USE err check_hello(const struct msg_hello *hello, const char **out_detail);
// Of the message as a whole.
MUST_USE err check_submit(const struct msg_submit *submit, const char **out_detail);
MUST_USE err check_submit_job(const struct msg_submit_job *job, const char **out_detail);
// All but the expression and the zone, which need more than the message to be judged.
MUST_USE err check_schedule_set(const struct msg_schedule_set *set, const char **out_detail);
MUST_USE err check_queue_set(const struct msg_queue_set *set, const char **out_detail);
MUST_USE err check_type_set(const struct msg_type_set *set, const char **out_detail);
MUST_USE err check_type_status(const struct msg_type_status *status, const char **out_detail);
MUST_USE err check_queue_status(const struct msg_queue_status *status, const char **out_detail);
// Said by a worker or a notifier; only the latter gets jobs of the fabric's own queues.
MUST_USE err check_ready(const struct msg_ready *ready, enum role role, const char **out_detail);
MUST_USE err check_act(const struct msg_act *act, const char **out_detail);
MUST_USE err check_watch(const struct msg_watch *watch, const char **out_detail);
MUST_USE err check_list(const struct msg_list *list, const char **out_detail);
// The states that an act on many can change, as bits; 0: it is no such act.
uint32_t check_operate_states(enum act_kind kind);
MUST_USE err check_operate(const struct msg_operate *operate, const char **out_detail);
MUST_USE err check_simulated(const struct msg_simulated *simulated, const char **out_detail);
MUST_USE err check_finish_job(const struct msg_finish_job *job, const char **out_detail);
// Every job of it.
MUST_USE err check_finish(const struct msg_finish *finish, const char **out_detail);
