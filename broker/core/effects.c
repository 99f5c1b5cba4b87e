// The lists of one batch.

#include "broker/core/effects.h"

void effects_reset(struct effects *effects)
{
    effects->write_count = 0;
    effects->send_count = 0;
    effects->grant_count = 0;
    effects->changed_count = 0;
    effects->entry_count = 0;
    effects->body_count = 0;
    effects->load = 0;
    arena_reset(effects->arena);
}

uint32_t effects_write_cap(uint32_t changed_cap)
{
    // A changed job costs at most its row, a body or outcome, progress, an event, log lines, and one
    // row each of lane, queue, policy, batch, unique key and dependencies; the ledger's row ends the
    // list.
    return changed_cap * 11 + 1;
}

size_t effects_arena_size(uint32_t changed_cap)
{
    return (size_t)changed_cap * EFFECTS_ANSWER_BYTES + EFFECTS_ANSWER_BYTES * 64 +
           (size_t)changed_cap * EFFECTS_DELIVERY_BYTES;
}

bool effects_has_room(const struct effects *effects, uint32_t job_count)
{
    size_t answer = ((size_t)job_count + 8) * EFFECTS_ANSWER_BYTES;
    return job_count <= effects->changed_cap - effects->load &&
           effects->send_count < effects->send_cap &&
           answer <= effects->arena->cap - effects->arena->used;
}

bool effects_is_empty(const struct effects *effects)
{
    return effects->write_count == 0 && effects->send_count == 0 && effects->grant_count == 0;
}

struct write *effects_write(struct effects *effects, enum write_kind kind)
{
    CHECK(effects->write_count < effects->write_cap);
    struct write *write = &effects->writes[effects->write_count++];
    *write = (struct write){.kind = kind};
    return write;
}

void effects_write_body(struct effects *effects, uint64_t job_no, const struct msg_submit_job *job)
{
    CHECK(effects->body_count < effects->changed_cap);
    if (effects->body_count == 0)
        effects->body_first_no = job_no;
    CHECK(job_no == effects->body_first_no + effects->body_count);
    effects->bodies[effects->body_count++] = effects->write_count;
    effects_write(effects, WRITE_BODY)->body = (struct write_body){.job_no = job_no, .job = job};
}

const struct msg_submit_job *effects_body(const struct effects *effects, uint64_t job_no)
{
    if (job_no < effects->body_first_no || job_no - effects->body_first_no >= effects->body_count)
        return NULL;
    const struct write *write = &effects->writes[effects->bodies[job_no - effects->body_first_no]];
    CHECK(write->kind == WRITE_BODY && write->body.job_no == job_no);
    return write->body.job;
}

struct msg *effects_send(struct effects *effects, uint32_t peer, enum msg_kind kind, uint64_t corr)
{
    CHECK(effects->send_count < effects->send_cap);
    struct send *send = &effects->sends[effects->send_count++];
    *send = (struct send){.peer = peer, .msg = {.kind = kind, .corr = corr}};
    return &send->msg;
}

struct grant_send *effects_grant(struct effects *effects, uint32_t peer)
{
    CHECK(effects->grant_count < effects->grant_cap);
    struct grant_send *grant = &effects->grants[effects->grant_count++];
    *grant = (struct grant_send){.peer = peer};
    return grant;
}
