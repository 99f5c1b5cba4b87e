// Station schedule: schedules are set, paused and deleted; a moment of one is proposed by the
// shell and decided here, once.

#include "broker/core/core_private.h"

// --- what a client asks ---

static err refusal(const struct core *core, const struct msg_schedule_set *set, uint32_t place,
                   struct slice *out_detail)
{
    *out_detail = set->detail;
    if (set->verdict != OK)
        return set->verdict;
    if (set->act != SCHEDULE_SET && place == SCHEDULES_NONE) {
        *out_detail = slice_of_text("no such schedule; check the id");
        return ERR_NOT_FOUND;
    }
    if (place == SCHEDULES_NONE && !schedules_has_room(&core->ledger.schedules)) {
        *out_detail = slice_of_text("schedule_count_max: too many schedules");
        return ERR_FULL;
    }
    return OK;
}

// The same once more: nothing is to be done.
static bool is_so_already(const struct core *core, const struct msg_schedule_set *set,
                          uint32_t place)
{
    if (place == SCHEDULES_NONE)
        return false;
    const struct schedule_row *row = schedules_peek(&core->ledger.schedules, place);
    switch (set->act) {
    case SCHEDULE_SET:
        return row->fingerprint == set->given.fingerprint && row->is_paused == set->given.paused;
    case SCHEDULE_PAUSE: return row->is_paused;
    case SCHEDULE_RESUME: return !row->is_paused;
    case SCHEDULE_DELETE: return false;
    case SCHEDULE_NONE: break;
    }
    UNREACHABLE();
}

void schedule_step(struct core *core, struct now now, uint32_t peer, const struct msg *msg,
                   struct effects *fx)
{
    const struct msg_schedule_set *set = &msg->schedule_set;
    struct schedules *schedules = &core->ledger.schedules;
    struct slice id = set->given.schedule_id;
    struct msg_schedule_status_is answer = {.given = {.schedule_id = schedules_id(id)}};
    // An id that is none may be another tenant's name.
    uint32_t place = set->verdict == OK ? schedules_find(schedules, id) : SCHEDULES_NONE;
    answer.error = refusal(core, set, place, &answer.detail);
    if (answer.error == ERR_SCHEMA)
        answer.violations = set->violations;
    if (place != SCHEDULES_NONE)
        answer.is = schedules_peek(schedules, place)->state;
    bool is_applied = answer.error == OK && !set->dry_run && !is_so_already(core, set, place);
    if (is_applied)
        ledger_apply(&core->ledger,
                     &(struct entry){.kind = ENTRY_SCHEDULE,
                                     .at = now.store,
                                     .slot = ENTRY_NO_SLOT,
                                     .schedule = {.set = set}},
                     fx);
    if (answer.error == OK && set->act == SCHEDULE_SET) {
        answer.given = set->given;
        answer.given.schedule_id = schedules_id(id);
        answer.next = set->next;
    }
    place = set->verdict == OK ? schedules_find(schedules, id) : SCHEDULES_NONE;
    if (place != SCHEDULES_NONE)
        answer.is = schedules_peek(schedules, place)->state;
    effects_send(fx, peer, MSG_SCHEDULE_STATUS_IS, msg->corr)->schedule_status_is = answer;
}

// --- a moment ---

static bool is_unfinished(const struct ledger_view *view)
{
    return view->is_known && view->row.state != JOB_REMOVED && !job_is_done(view->row.state);
}

// Is the job of the moment before still unfinished, or is one waiting for its end?
static bool is_busy(const struct core *core, const struct schedule_row *row)
{
    if (id_is_zero(&row->state.last_job_id))
        return false;
    struct ledger_view view = ledger_lookup(&core->ledger, &row->state.last_job_id);
    return is_unfinished(&view);
}

// Does the proposal still fit what is known here? The shell knows only what is settled.
static bool is_timely(const struct schedule_row *row, const struct schedule_moment *moment,
                      when_ms now)
{
    const struct msg_schedule_state *state = &row->state;
    if (row->is_paused || moment->generation != state->generation ||
        moment->fingerprint != row->fingerprint || moment->at > now)
        return false;
    if (moment->is_held)
        return state->held_at == moment->at;
    return moment->at > state->last_at && moment->at > state->since_at;
}

static void apply(struct core *core, struct now now, const struct schedule_moment *moment,
                  enum moment_verdict verdict, struct effects *fx)
{
    struct entry entry = {.kind = ENTRY_MOMENT,
                          .at = now.store,
                          .slot = ENTRY_NO_SLOT,
                          .moment = {.schedule = moment->schedule,
                                     .moment = moment->at,
                                     .verdict = (uint8_t)verdict}};
    if (verdict == MOMENT_FIRED)
        entry.job_id = moment->job->job_id;
    ledger_apply(&core->ledger, &entry, fx);
    core->figures.moments[verdict]++;
}

static struct slice actor_of(struct slice name, struct effects *fx)
{
    struct slice schedule = schedules_id(name);
    static const char kind[] = "schedule:";
    uint8_t *text = arena_take(fx->arena, sizeof kind + schedule.len);
    CHECK(text != NULL);
    memcpy(text, kind, sizeof kind - 1);
    memcpy(text + sizeof kind - 1, schedule.data, schedule.len);
    return slice_of(text, sizeof kind - 1 + schedule.len);
}

// The job of the moment before goes, unless it is on its way already.
static void replace(struct core *core, struct now now, const struct id *former,
                    struct slice schedule, struct effects *fx)
{
    struct ledger_view view = {0};
    if (!id_is_zero(former))
        view = ledger_lookup(&core->ledger, former);
    if (!is_unfinished(&view) || view.row.cancel == CANCEL_REQUESTED)
        return;
    struct entry entry = {.kind = ENTRY_CANCEL,
                          .at = now.store,
                          .job_id = *former,
                          .slot = view.slot,
                          .actor = actor_of(schedule, fx),
                          .reason = slice_of_text("replaced by the next moment")};
    act_cancel(core, now, &entry, fx);
}

// What is full now may have room soon: the shell proposes the moment again. Nothing is replaced
// by a job that is refused.
static void fire(struct core *core, struct now now, const struct schedule_moment *moment,
                 const struct schedule_row *row, struct effects *fx)
{
    struct id former = row->state.last_job_id;
    struct msg_submitted_job answer = submit_one(core, now, moment->job, fx);
    if (answer.error == OK)
        apply(core, now, moment, MOMENT_FIRED, fx);
    else if (!err_may_retry(answer.error))
        apply(core, now, moment, MOMENT_SKIPPED, fx);
    if (answer.error == OK && row->overlap == OVERLAP_REPLACE)
        replace(core, now, &former, moment->schedule, fx);
}

bool schedule_is_busy(const struct core *core, struct slice name)
{
    uint32_t place = schedules_find(&core->ledger.schedules, name);
    return place != SCHEDULES_NONE && is_busy(core, schedules_peek(&core->ledger.schedules, place));
}

void schedule_moment_step(struct core *core, struct now now, const struct command *command,
                          struct effects *fx)
{
    const struct schedule_moment *moment = command->moment;
    uint32_t place = schedules_find(&core->ledger.schedules, moment->schedule);
    if (place == SCHEDULES_NONE)
        return;
    const struct schedule_row *row = schedules_peek(&core->ledger.schedules, place);
    if (!is_timely(row, moment, now.store))
        return;
    bool is_free =
        row->overlap == OVERLAP_ALLOW || row->overlap == OVERLAP_REPLACE || !is_busy(core, row);
    bool is_next = moment->is_held || row->state.held_at == 0;
    if (is_free && is_next)
        fire(core, now, moment, row, fx);
    else if (moment->is_held)
        return; // not yet
    else if (row->overlap == OVERLAP_QUEUE && row->state.held_at == 0)
        apply(core, now, moment, MOMENT_HELD, fx);
    else
        apply(core, now, moment, MOMENT_SKIPPED, fx);
}
