#pragma once

// Jobs as the spool keeps them: the frames of a SUBMIT. Any thread.

#include "gateway/store/spool.h"
#include "lib/base/arena.h"
#include "proto/msg.h"

// An arena that packs or unpacks any job, from malloc(). Data is NULL when out of memory.
struct arena spool_pack_arena(void);

// What is to be kept of a job: its id, a fingerprint of it, now, and its frames in one piece of
// malloc(), for the caller to free with spool_pack_free(). Tenant is borrowed.
//   ERR_NO_MEMORY, ERR_TOO_LARGE
MUST_USE err spool_pack(const struct msg_submit_job *job, struct slice tenant, struct arena *arena,
                        struct spool_record *out_record);
void spool_pack_free(const struct spool_record *record);

// The job in a record; borrows from it and from `arena`, which is not reset.
//   ERR_DAMAGED   it is none
MUST_USE err spool_pack_read(const struct spool_record *record, struct arena *arena,
                             struct msg_submit_job *out_job);
