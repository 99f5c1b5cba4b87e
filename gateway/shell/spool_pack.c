// One message, one job.

#include "gateway/shell/spool_pack.h"

#include "gateway/shell/posting.h"
#include "lib/sys/clock.h"
#include "proto/wire.h"

#include <stdlib.h>

// A payload, and room for the fields around it.
enum { FRAMES_LEN_MAX = MSG_PAYLOAD_LEN_MAX + 256 * 1024 };

struct arena spool_pack_arena(void)
{
    size_t cap = wire_arena_size(FRAMES_LEN_MAX);
    return (struct arena){.data = malloc(cap), .cap = cap};
}

err spool_pack(const struct msg_submit_job *job, struct slice tenant, struct arena *arena,
               struct spool_record *out_record)
{
    struct msg_submit_job copy = *job;
    struct wire_frames frames;
    const struct msg msg = {.kind = MSG_SUBMIT, .submit = {.jobs = &copy, .count = 1}};
    arena_reset(arena);
    err e = wire_encode(&msg, arena, &frames);
    if (e != OK)
        return e;
    uint8_t *bytes = malloc(frames.envelope.len + frames.block.len + 1);
    if (bytes == NULL)
        return ERR_NO_MEMORY;
    memcpy(bytes, frames.envelope.data, frames.envelope.len);
    if (frames.block.len > 0)
        memcpy(bytes + frames.envelope.len, frames.block.data, frames.block.len);
    *out_record = (struct spool_record){
        .id = job->job_id,
        .fingerprint = posting_fingerprint(job),
        .spooled_at = clock_wall_ms(),
        .tenant = tenant,
        .envelope = slice_of(bytes, frames.envelope.len),
        .block = slice_of(bytes + frames.envelope.len, frames.block.len),
    };
    return OK;
}

void spool_pack_free(const struct spool_record *record)
{
    free((void *)(uintptr_t)record->envelope.data);
}

err spool_pack_read(const struct spool_record *record, struct arena *arena,
                    struct msg_submit_job *out_job)
{
    struct msg msg;
    err e = wire_decode(record->envelope, record->block, arena, &msg);
    if (e != OK || msg.kind != MSG_SUBMIT || msg.submit.count != 1)
        return ERR_DAMAGED;
    *out_job = msg.submit.jobs[0];
    return OK;
}
