#include "broker/shell/submission.h"

#include "broker/shell/intent.h"
#include "broker/shell/space.h"
#include "lib/base/check.h"
#include "lib/base/origin.h"
#include "lib/sys/blake.h"
#include "lib/sys/mint.h"
#include "proto/check.h"
#include "proto/identity.h"

struct slice submission_queue(const struct msg_submit_job *job)
{
    return job->queue.len > 0 ? job->queue : slice_of_text("default");
}

static struct origin origin_of(const struct msg_submit_job *job)
{
    return (struct origin){.tenant = origin_tenant(job->tenant), .queue = submission_queue(job)};
}

// What the core knows a unique key and a concurrency key by.
static void hash_keys(struct msg_submit_job *job)
{
    struct origin origin = origin_of(job);
    if (job->unique_key.len > 0)
        job->unique_hash = mint_unique(&origin, job->unique_key);
    if (job->concurrency_key.len > 0)
        job->key_hash = mint_concurrency(&origin, job->concurrency_key);
}

void submission_complete(struct msg_submit_job *job)
{
    job->fingerprint = identity_fingerprint(job, blake_u64);
    hash_keys(job);
    job->queue = submission_queue(job); // after the fingerprint, which is over what was given
    intent_read(job);
}

// The id must be the one that the key demands; without a key, one that carries its time.
static err judge_id(struct msg_submit_job *job, const char **out_detail)
{
    if (job->key.len == 0) {
        *out_detail = "job_id: without a key it must be a UUID of version 7";
        return id_version(&job->job_id) == 7 ? OK : ERR_BAD_FIELD;
    }
    struct origin origin = origin_of(job);
    struct id derived = mint_keyed(&origin, job->key);
    if (id_is_zero(&job->job_id))
        job->job_id = derived;
    *out_detail = err_text(ERR_ID_MISMATCH);
    return id_equal(&job->job_id, &derived) ? OK : ERR_ID_MISMATCH;
}

// A repetition comes later and is no worse.
static err judge_ttl(const struct msg_submit_job *job, when_ms now, const char **out_detail)
{
    *out_detail = CHECK_TTL_TOO_SHORT;
    bool is_too_short =
        job->ttl_ms > 0 && job->run_at > now && (uint64_t)(job->run_at - now) >= job->ttl_ms;
    return is_too_short ? ERR_BAD_FIELD : OK;
}

void submission_close(struct msg_submit *submit)
{
    for (uint32_t i = 0; i < submit->count; i++) {
        submit->jobs[i].closed = ERR_DISK;
        if (submit->jobs[i].verdict == OK && submit->jobs[i].schema == OK)
            submit->jobs[i].detail = slice_of_text(SPACE_SHORT_DETAIL);
    }
}

void submission_judge(const struct core *core, when_ms now, struct msg_submit *submit)
{
    for (uint32_t i = 0; i < submit->count; i++)
        core_warm(core, &submit->jobs[i].job_id);
    for (uint32_t i = 0; i < submit->count; i++) {
        struct msg_submit_job *job = &submit->jobs[i];
        const char *detail = NULL;
        job->verdict = check_submit_job(job, &detail);
        if (job->verdict == OK)
            job->verdict = judge_ttl(job, now, &detail);
        if (job->verdict == OK)
            job->verdict = judge_id(job, &detail);
        if (job->verdict == OK) {
            core_warm_more(core, &job->job_id);
            submission_complete(job);
        } else {
            job->detail = slice_of_text(detail);
            job->queue = submission_queue(job);
        }
    }
}
