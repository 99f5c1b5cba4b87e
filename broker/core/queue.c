// Station queue: what is set for a queue, and whether it is paused. It holds for jobs that wait
// already where it can; defaults are for those submitted from now on.

#include "broker/core/core_private.h"

void queue_obey(struct core *core, uint32_t queue)
{
    const struct queue_row *row = queues_peek(&core->ledger.queues, queue);
    share_set_weight(&core->share, queue, row->settings.weight > 0 ? row->settings.weight : 1);
    rate_obey(core, queue);
}

static err refusal(const struct core *core, const struct msg_queue_set *set,
                   struct slice *out_detail)
{
    *out_detail = set->detail;
    if (set->verdict != OK)
        return set->verdict;
    struct queue_name name = {.tenant = set->tenant, .queue = set->queue};
    const char *limit = queues_refusal(&core->ledger.queues, name);
    if (limit != NULL) {
        *out_detail = slice_of_text(limit);
        return ERR_FULL;
    }
    uint32_t queue = queues_find(&core->ledger.queues, name);
    const struct msg_queue_settings after = queues_after(&core->ledger.queues, queue, set);
    return queue_judge(&after.defaults, out_detail);
}

// Each was judged by itself; here they come together with what is set already.
err queue_judge(const struct msg_defaults *defaults, struct slice *out_detail)
{
    if (defaults->retry_longest_ms == 0 || defaults->retry_first_ms <= defaults->retry_longest_ms)
        return OK;
    *out_detail = slice_of_text("retry: first must not be longer than longest");
    return ERR_BAD_FIELD;
}

static bool is_so_already(const struct core *core, uint32_t queue, const struct msg_queue_set *set)
{
    if (queue == QUEUES_NONE)
        return false;
    const struct queue_row *row = queues_peek(&core->ledger.queues, queue);
    const struct msg_queue_settings after = queues_after(&core->ledger.queues, queue, set);
    return memcmp(&row->settings, &after, sizeof after) == 0;
}

void queue_step(struct core *core, struct now now, uint32_t peer, const struct msg *msg,
                struct effects *fx)
{
    const struct msg_queue_set *set = &msg->queue_set;
    struct queue_name name = {.tenant = set->tenant, .queue = set->queue};
    struct msg_queue_status_is answer = {0};
    answer.error = refusal(core, set, &answer.detail);
    uint32_t queue = queues_find(&core->ledger.queues, name);
    if (answer.error == OK && !is_so_already(core, queue, set)) {
        ledger_apply(
            &core->ledger,
            &(struct entry){
                .kind = ENTRY_QUEUE, .at = now.store, .slot = ENTRY_NO_SLOT, .queue = {.set = set}},
            fx);
        queue = queues_find(&core->ledger.queues, name);
        queue_obey(core, queue);
    }
    if (answer.error == OK) {
        const struct queue_row *row = queues_peek(&core->ledger.queues, queue);
        struct msg_queue *is = arena_take(fx->arena, sizeof *is);
        CHECK(is != NULL);
        *is = (struct msg_queue){
            .queue = row->queue, .settings = row->settings, .paused = (enum direction)row->paused};
        memcpy(is->counts, row->counts, sizeof is->counts);
        answer.queues = is;
        answer.count = 1;
    }
    effects_send(fx, peer, MSG_QUEUE_STATUS_IS, msg->corr)->queue_status_is = answer;
}

// Which ways are closed after the act.
static unsigned closed_after(const struct msg_act *act, unsigned paused)
{
    unsigned ways = act->direction == DIRECTION_NONE ? DIRECTION_BOTH : act->direction;
    if (act->kind == ACT_DRAIN)
        return DIRECTION_IN;
    return act->kind == ACT_PAUSE ? paused | ways : paused & ~ways;
}

struct msg_acted queue_act(struct core *core, struct now now, const struct msg_act *act,
                           struct effects *fx)
{
    struct queue_name name = {.tenant = act->tenant, .queue = act->queue};
    uint32_t queue = queues_find(&core->ledger.queues, name);
    if (queue == QUEUES_NONE)
        return (struct msg_acted){
            .error = ERR_NOT_FOUND,
            .detail = slice_of_text("no job and no setting has named this queue yet")};
    unsigned paused = queues_peek(&core->ledger.queues, queue)->paused;
    unsigned wanted = closed_after(act, paused);
    if (wanted != paused) {
        ledger_apply(
            &core->ledger,
            &(struct entry){
                .kind = ENTRY_PAUSE,
                .at = now.store,
                .slot = ENTRY_NO_SLOT,
                .pause = {.tenant = act->tenant, .queue = act->queue, .paused = (uint8_t)wanted}},
            fx);
        queue_obey(core, queue);
    }
    return (struct msg_acted){.paused = (enum direction)wanted};
}

const char queue_quota_spent[] =
    "--open-jobs, --tenant-open-max: the tenant has as many unfinished jobs as it may";

// The lower one of the broker's and what came with the job.
uint64_t queue_quota(const struct core *core, const struct msg_submit_job *job)
{
    uint32_t brokers = core->limits.tenant_open_max;
    uint32_t given = job->tenant_open_max;
    return brokers == 0 || (given != 0 && given < brokers) ? given : brokers;
}

uint64_t queue_quota_left(const struct core *core, const struct msg_submit_job *job)
{
    uint64_t quota = queue_quota(core, job);
    uint64_t open = queues_tenant_open(&core->ledger.queues, job->tenant);
    if (quota == 0)
        return UINT64_MAX;
    return open < quota ? quota - open : 0;
}

const char queue_full[] = "open_max: the queue has as many unfinished jobs as it may";

err queue_refusal(const struct core *core, uint32_t queue, const char **out_detail)
{
    if (queue == QUEUES_NONE)
        return OK; // nothing is set for it
    const struct queue_row *row = queues_peek(&core->ledger.queues, queue);
    if (row->paused & DIRECTION_IN) {
        *out_detail = err_text(ERR_PAUSED);
        return ERR_PAUSED;
    }
    if (queues_room(&core->ledger.queues, queue) > 0)
        return OK;
    *out_detail = queue_full;
    return ERR_FULL;
}

uint32_t queue_retry_ms(struct core *core, struct now now, const struct msg_submit_job *job,
                        err refusal)
{
    const struct queues *queues = &core->ledger.queues;
    uint32_t no = queues_find(queues, (struct queue_name){job->tenant, job->queue});
    uint64_t ended;
    when_ms span = 0;
    if (refusal == ERR_QUOTA && queues_tenant_ended(queues, job->tenant, &no, &ended))
        span = ebbs_look(&core->tenant_ebbs, no, ended, now.mono);
    else if (refusal == ERR_FULL && no != QUEUES_NONE && queues_room(queues, no) == 0)
        span = ebbs_look(&core->queue_ebbs, no, queues_ended(queues, no), now.mono);
    if (span < EBBS_RETRY_MIN_MS)
        return EBBS_RETRY_MIN_MS;
    return span < EBBS_RETRY_MAX_MS ? (uint32_t)span : EBBS_RETRY_MAX_MS;
}
