// Kinds of questions and the kinds of their answers.

#include "gateway/shell/question.h"

#include "lib/base/check.h"

struct msg question_of(const struct ask *ask)
{
    switch (ask->kind) {
    case ASK_STATUS:
        return (struct msg){.kind = MSG_STATUS, .status = {ask->id, ask->wait_ms, ask->version}};
    case ASK_BATCH:
        return (struct msg){.kind = MSG_BATCH_STATUS,
                            .batch_status = {ask->id, ask->wait_ms, ask->version}};
    case ASK_ACT: return (struct msg){.kind = MSG_ACT, .act = *ask->act};
    case ASK_MSG: return *ask->question;
    case ASK_LIST: return (struct msg){.kind = MSG_LIST, .list = *ask->list};
    case ASK_SUBMIT: // one of its own; others share theirs
        CHECK(ask->is_atomic);
        return (struct msg){.kind = MSG_SUBMIT,
                            .submit = {.jobs = ask->jobs,
                                       .count = ask->job_count,
                                       .is_atomic = true,
                                       .tenant_open_max = ask->tenant_open_max}};
    }
    UNREACHABLE();
}

struct ask_result question_answer(enum ask_kind kind, const struct msg *msg)
{
    if (msg->kind == MSG_STATUS_IS && kind == ASK_STATUS)
        return (struct ask_result){.status = &msg->status_is};
    if (msg->kind == MSG_BATCH_STATUS_IS && kind == ASK_BATCH)
        return (struct ask_result){.batch = &msg->batch_status_is};
    if (msg->kind == MSG_ACTED && kind == ASK_ACT)
        return (struct ask_result){.acted = &msg->acted};
    if (msg->kind == MSG_LISTED && kind == ASK_LIST)
        return (struct ask_result){.listed = &msg->listed};
    if (msg->kind != MSG_ERROR && kind == ASK_MSG)
        return (struct ask_result){.answer = msg};
    bool is_told = msg->kind == MSG_ERROR && msg->error.error != OK;
    return (struct ask_result){.error = is_told ? msg->error.error : ERR_MALFORMED};
}
