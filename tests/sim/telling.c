// What is told of progress, by the ledger's entries alone.

#include "tests/sim/sim.h"

enum { GAP_MS = 1000 };

static struct seen_telling *telling_of(struct sim *sim, const struct id *id)
{
    for (uint32_t i = sim->watch.tellings.count; i-- > 0;)
        if (id_equal(&sim->watch.tellings.items[i].id, id))
            return &sim->watch.tellings.items[i];
    return NULL;
}

// The one that is unfinished and may be sent, or NULL.
static struct seen_telling *unfinished_of(struct sim *sim, const struct id *parent,
                                          struct slice receiver)
{
    for (uint32_t i = sim->watch.tellings.count; i-- > 0;) {
        struct seen_telling *at = &sim->watch.tellings.items[i];
        if (at->is_unfinished && !at->is_spare && id_equal(&at->parent, parent) &&
            slice_equal(at->receiver, receiver))
            return at;
    }
    return NULL;
}

static struct seen_telling *last_of(struct sim *sim, const struct id *parent, struct slice receiver)
{
    for (uint32_t i = sim->watch.tellings.count; i-- > 0;) {
        struct seen_telling *at = &sim->watch.tellings.items[i];
        if (id_equal(&at->parent, parent) && slice_equal(at->receiver, receiver))
            return at;
    }
    return NULL;
}

// The payload is {"event":"job.progress"} or {"event":"job.progress","endpoint":"one"}.
static struct slice receiver_of(const struct msg_submit_job *job)
{
    static const char head[] = "{\"event\":\"job.progress\",\"endpoint\":\"";
    struct slice text = job->payload.bytes;
    if (slice_is_text(text, "{\"event\":\"job.progress\"}"))
        return (struct slice){0};
    SIM_EXPECT(text.len > sizeof head + 1 && memcmp(text.data, head, sizeof head - 1) == 0,
               "a delivery of progress says so");
    return slice_of(text.data + sizeof head - 1, text.len - (sizeof head - 1) - 2);
}

// Names of those that are to be told of the job now; the empty one is its own url's.
struct receivers {
    struct slice names[SIM_ENDPOINTS + 1];
    uint32_t count;
};

static struct receivers receivers_of(struct sim *sim, const struct seen_state *state)
{
    struct receivers receivers = {0};
    const struct seen_endpoint *own = NULL;
    if ((state->events & WEBHOOK_PROGRESS) != 0 && !state->is_url_gone) {
        own = watch_endpoint_of(sim, state->hearers.own);
        receivers.names[receivers.count++] =
            own != NULL ? own->given.webhook_id : (struct slice){0};
    }
    for (uint32_t i = 0; i < state->hearers.count; i++) {
        const struct seen_endpoint *endpoint =
            hook_hearer(sim, state->hearers.births[i], JOB_RUNNING);
        if (endpoint != NULL && endpoint != own)
            receivers.names[receivers.count++] = endpoint->given.webhook_id;
    }
    return receivers;
}

static bool hears(struct sim *sim, const struct id *parent, struct slice receiver)
{
    struct receivers receivers = receivers_of(sim, watch_state_of(sim, parent));
    for (uint32_t i = 0; i < receivers.count; i++)
        if (slice_equal(receivers.names[i], receiver))
            return true;
    return false;
}

static void check_new(struct sim *sim, const struct entry *entry, const struct seen_telling *last)
{
    const struct msg_submit_job *job = entry->submit.job;
    const struct id *parent = &job->after.items[0];
    const struct seen_state *state = watch_state_of(sim, parent);
    SIM_EXPECT(state->state == JOB_RUNNING, "progress is told of jobs that run");
    SIM_EXPECT(hears(sim, parent, receiver_of(job)), "progress is told to whom wants it");
    SIM_EXPECT(job->priority == MSG_PRIORITY_MAX, "progress does not go before ends");
    SIM_EXPECT(unfinished_of(sim, parent, receiver_of(job)) == NULL,
               "one delivery of progress at most is unfinished for each job and receiver");
    if (entry->submit.due_at > entry->at)
        watch_seen(SEEN_PROGRESS_ROUND);
    if (last == NULL)
        return;
    SIM_EXPECT(state->words > last->words || last->may_be_behind,
               "each delivery of progress brings what none has brought");
    SIM_EXPECT(last->due_at == 0 || entry->submit.due_at >= last->due_at + GAP_MS,
               "rounds of progress are a gap apart");
    watch_seen(SEEN_PROGRESS_AGAIN);
}

static void begin(struct sim *sim, const struct entry *entry)
{
    const struct msg_submit_job *job = entry->submit.job;
    struct slice receiver = receiver_of(job);
    check_new(sim, entry, last_of(sim, &job->after.items[0], receiver));
    SIM_EXPECT(sim->watch.tellings.count < SIM_TELLINGS, "room for deliveries of progress");
    sim->watch.tellings.items[sim->watch.tellings.count++] = (struct seen_telling){
        .id = entry->job_id,
        .parent = job->after.items[0],
        .receiver = receiver,
        .due_at = entry->submit.due_at,
        .is_unfinished = true,
    };
    watch_seen(SEEN_PROGRESS_TOLD);
}

static void grant(struct sim *sim, struct seen_telling *telling)
{
    const struct seen_state *state = watch_state_of(sim, &telling->parent);
    SIM_EXPECT(!job_is_done(state->state) && state->state != JOB_REMOVED,
               "no delivery of progress begins after the end of its job");
    SIM_EXPECT(!telling->is_spare, "who is being told is not told by another one as well");
    telling->is_out = true;
    telling->words = state->words;
    telling->may_be_behind = false;
}

// Its job has said more since it was handed out, so another one is due in this step.
static void end(struct sim *sim, struct seen_telling *telling, enum job_state as)
{
    const struct seen_state *state = watch_state_of(sim, &telling->parent);
    bool is_due = telling->is_out && !telling->is_spare && state->words > telling->words &&
                  state->state == JOB_RUNNING && hears(sim, &telling->parent, telling->receiver);
    telling->is_unfinished = telling->is_out = false;
    if (is_due)
        telling->is_due = true;
    if (as == JOB_CANCELLED && job_is_done(state->state))
        watch_seen(SEEN_PROGRESS_STOPPED);
}

// "410": the job's own url is asked no more, until the job lives again.
static void note_gone(struct sim *sim, const struct seen_telling *telling,
                      const struct entry *entry)
{
    struct seen_state *state = watch_state_of(sim, &telling->parent);
    const struct msg_finish_job *finish = entry->finish.finish;
    bool is_own = (state->events & WEBHOOK_PROGRESS) != 0 && state->hearers.own == 0 &&
                  telling->receiver.len == 0;
    bool is_gone = finish->outcome == OUTCOME_DEAD && slice_is_text(finish->error_kind, HOOK_GONE);
    bool is_early =
        !job_is_done(state->state) && state->state != JOB_REMOVED && !state->is_url_gone;
    // Which of two that tell of the same is the one, a start forgets.
    SIM_EXPECT(!(is_own && is_gone && is_early) || entry->finish.is_gone || telling->is_second,
               "what answers 410 is known to be gone");
    SIM_EXPECT(!entry->finish.is_gone || (is_own && is_gone && is_early),
               "what is gone has answered 410");
    if (!entry->finish.is_gone)
        return;
    state->is_url_gone = true;
    watch_seen(SEEN_URL_GONE);
}

static void revive(struct sim *sim, struct seen_telling *telling)
{
    telling->is_spare = unfinished_of(sim, &telling->parent, telling->receiver) != NULL;
    telling->is_unfinished = telling->is_second = true;
}

// Its rounds are counted anew.
static void forget_rounds(struct sim *sim, const struct id *parent)
{
    for (uint32_t i = 0; i < sim->watch.tellings.count; i++)
        if (id_equal(&sim->watch.tellings.items[i].parent, parent))
            sim->watch.tellings.items[i].due_at = 0;
}

static void word(struct sim *sim, const struct entry *entry)
{
    struct seen_state *state = watch_state_of(sim, &entry->job_id);
    state->words++;
    // By FINISH it comes just before what the job's attempt ends with.
    struct receivers receivers = receivers_of(sim, state);
    for (uint32_t i = 0; i < receivers.count; i++) {
        const struct seen_telling *at = unfinished_of(sim, &entry->job_id, receivers.names[i]);
        if (at != NULL)
            watch_seen(SEEN_PROGRESS_COALESCED);
    }
}

void telling_entry(struct sim *sim, const struct entry *entry)
{
    if (entry->kind == ENTRY_PROGRESS)
        word(sim, entry);
    if (entry->kind == ENTRY_SUBMIT && entry->submit.job->tells)
        begin(sim, entry);
    if (entry->kind == ENTRY_RETRY)
        forget_rounds(sim, &entry->job_id);
    // An id whose window is over may be used anew.
    if (entry->kind == ENTRY_RETRY || entry->kind == ENTRY_SUBMIT)
        watch_state_of(sim, &entry->job_id)->is_url_gone = false;
    struct seen_telling *telling = telling_of(sim, &entry->job_id);
    if (telling == NULL)
        return;
    enum job_state state = watch_state_of(sim, &entry->job_id)->state;
    if (entry->kind == ENTRY_GRANT)
        grant(sim, telling);
    if (entry->kind == ENTRY_FINISH)
        note_gone(sim, telling, entry);
    if (entry->kind == ENTRY_RETRY)
        revive(sim, telling);
    if (entry->kind == ENTRY_CANCEL && entry->actor.len == 0)
        watch_state_of(sim, &entry->job_id)->is_cancel_asked = true;
    if (telling->is_unfinished && job_is_done(state))
        end(sim, telling, state);
    else if (state != JOB_RUNNING)
        telling->is_out = false;
}

bool telling_is_void(struct sim *sim, const struct id *id)
{
    const struct seen_telling *telling = telling_of(sim, id);
    if (telling == NULL)
        return false;
    enum job_state state = watch_state_of(sim, &telling->parent)->state;
    return telling->is_spare || telling->is_second || state == JOB_NONE || job_is_done(state);
}

// Every word of this step is told, or will be by who is being told, or was left out.
static void check_words(struct sim *sim, const struct entry *entry, bool has_left_out)
{
    const struct seen_state *state = watch_state_of(sim, &entry->job_id);
    struct receivers receivers = receivers_of(sim, state);
    for (uint32_t i = 0; i < receivers.count; i++)
        SIM_EXPECT(has_left_out || state->state != JOB_RUNNING ||
                       unfinished_of(sim, &entry->job_id, receivers.names[i]) != NULL,
                   "a word of progress is told, or left out and counted");
}

static void check_due(struct sim *sim, struct seen_telling *telling, bool has_left_out)
{
    SIM_EXPECT(has_left_out || unfinished_of(sim, &telling->parent, telling->receiver) != NULL,
               "what a job has said while it was told of is told next");
    telling->is_due = false;
}

// A tick that has seen to all ends leaves nothing that waits to tell of one that has ended.
static void check_tick(struct sim *sim)
{
    for (uint32_t i = 0; i < sim->watch.tellings.count; i++) {
        const struct seen_telling *at = &sim->watch.tellings.items[i];
        if (!at->is_unfinished || at->is_out || at->is_second)
            continue;
        SIM_EXPECT(!job_is_done(watch_state_of(sim, &at->parent)->state),
                   "what waits to tell of a job is cancelled when that has ended");
    }
}

void telling_step(struct sim *sim, const struct effects *fx, uint32_t first_entry, bool by_tick)
{
    struct core_figures figures;
    core_figures(sim->shell.core, &figures);
    bool has_left_out = figures.progress_left_out > sim->watch.tellings.left_out;
    sim->watch.tellings.left_out = figures.progress_left_out;
    if (has_left_out)
        watch_seen(SEEN_PROGRESS_LEFT_OUT);
    for (uint32_t i = first_entry; i < fx->entry_count; i++)
        if (fx->entries[i].kind == ENTRY_PROGRESS)
            check_words(sim, &fx->entries[i], has_left_out);
    for (uint32_t i = 0; i < sim->watch.tellings.count; i++)
        if (sim->watch.tellings.items[i].is_due)
            check_due(sim, &sim->watch.tellings.items[i], has_left_out);
    if (by_tick && !deps_has_next(&sim->shell.core->ledger.deps))
        check_tick(sim);
}

// What was not durable never happened; whether one that is out is behind is not known.
void telling_start(struct sim *sim)
{
    uint32_t kept = 0;
    sim->watch.tellings.left_out = 0;
    for (uint32_t i = 0; i < sim->watch.tellings.count; i++) {
        struct seen_telling telling = sim->watch.tellings.items[i];
        const struct job_row *row = model_find(&sim->store, &telling.id);
        if (row == NULL || row->state == JOB_REMOVED)
            continue;
        telling.is_unfinished = !job_is_done(row->state);
        telling.is_out = row->state == JOB_RUNNING;
        telling.may_be_behind = true;
        telling.words = 0;
        telling.due_at = 0;
        if (telling.is_unfinished)
            watch_seen(SEEN_PROGRESS_LOADED);
        sim->watch.tellings.items[kept++] = telling;
    }
    sim->watch.tellings.count = kept;
}
