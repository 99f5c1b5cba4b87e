#pragma once

// What a message may say, beyond its format: the same rules for both doors. Pure.

#include "proto/msg.h"

// [a-z0-9._-]{1,128}
bool check_name(struct slice name);
// 1–255 printable ASCII characters (0x21–0x7e, space inside allowed).
bool check_key(struct slice key);

// OK, or ERR_BAD_FIELD / ERR_TOO_LARGE with the field's name and rule in `out_detail` (static).
err check_submit_job(const struct msg_submit_job *job, const char **out_detail);
err check_ready(const struct msg_ready *ready, const char **out_detail);
err check_finish_job(const struct msg_finish_job *job, const char **out_detail);
