// One walk along both lines.

#include "gateway/shell/gather.h"

#include "gateway/shell/question.h"
#include "lib/base/check.h"

struct gathering {
    struct slice tenant;
    struct msg msg;
    struct msg_submit_job *jobs;
    size_t byte_count;
    struct ask_line *asks;
    uint32_t looked_at;
    bool is_full;
};

static bool fits(const struct gathering *gathering, const struct ask *ask)
{
    uint32_t count = gathering->msg.submit.count;
    CHECK(ask->is_atomic || (ask->job_count > 0 && ask->job_count <= GATHER_JOBS_MAX));
    if (count == 0)
        return true;
    return !ask->is_atomic && ask->job_count <= GATHER_JOBS_MAX - count &&
           gathering->byte_count + ask->byte_count <= GATHER_BYTES_MAX;
}

static void add(struct gathering *gathering, struct ask *ask)
{
    ask_put(gathering->asks, ask);
    if (ask->is_atomic) {
        gathering->msg = question_of(ask);
        gathering->is_full = true;
        return;
    }
    struct msg_submit *submit = &gathering->msg.submit;
    submit->tenant_open_max = ask->tenant_open_max; // all are one tenant's: the newest word
    memcpy(gathering->jobs + submit->count, ask->jobs, ask->job_count * sizeof *gathering->jobs);
    submit->count += ask->job_count;
    gathering->byte_count += ask->byte_count;
}

static void walk(struct gathering *gathering, struct ask_line *line)
{
    struct ask *previous = NULL;
    struct ask *next = NULL;
    for (struct ask *ask = line->first; ask != NULL && !gathering->is_full; ask = next) {
        next = ask->next;
        bool is_ours = slice_equal(ask->tenant, gathering->tenant);
        if (gathering->looked_at++ == GATHER_LOOK_MAX || (is_ours && !fits(gathering, ask))) {
            gathering->is_full = true;
        } else if (!is_ours) {
            previous = ask;
        } else {
            ask_cut(line, previous, ask);
            add(gathering, ask);
        }
    }
}

struct msg gather_jobs(struct ask_line *urgent, struct ask_line *bulk, struct ask_line *asks,
                       struct msg_submit_job jobs[GATHER_JOBS_MAX])
{
    const struct ask *oldest = urgent->first != NULL ? urgent->first : bulk->first;
    CHECK(oldest != NULL);
    struct gathering gathering = {
        .tenant = oldest->tenant,
        .msg = {.kind = MSG_SUBMIT, .submit = {.jobs = jobs}},
        .jobs = jobs,
        .asks = asks,
    };
    walk(&gathering, urgent);
    walk(&gathering, bulk);
    CHECK(asks->first != NULL);
    return gathering.msg;
}

void gather_answer(struct ask_line *asks, uint32_t job_count, const struct msg_submitted *answer)
{
    uint32_t at = 0;
    bool is_ours = answer->count == job_count;
    for (struct ask *ask = ask_take(asks); ask != NULL; ask = ask_take(asks)) {
        uint32_t count = ask->job_count; // `done` may ask again with the same struct
        ask->done(ask, &(struct ask_result){.error = is_ours ? OK : ERR_TIMEOUT,
                                            .jobs = is_ours ? answer->jobs + at : NULL,
                                            .open = {answer->open_max, answer->open_left}});
        at += count;
    }
}
