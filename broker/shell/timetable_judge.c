// Field by field, each refusal with the sentence that helps.

#include "broker/shell/timetable_judge.h"

#include "broker/shell/submission.h"
#include "lib/base/cron.h"
#include "lib/sys/blake.h"
#include "lib/sys/zonefile.h"
#include "proto/check.h"
#include "proto/identity.h"

static err refuse(struct msg_schedule_set *set, err verdict, const char *detail)
{
    set->verdict = verdict;
    set->detail = slice_of_text(detail);
    return OK;
}

static err refuse_cron(struct msg_schedule_set *set, const struct cron_problem *problem,
                       struct arena *arena)
{
    char *text = arena_take(arena, CRON_PROBLEM_LEN);
    if (text == NULL)
        return ERR_NO_MEMORY;
    cron_explain(problem, text);
    return refuse(set, ERR_BAD_FIELD, text);
}

static void fill_in(struct msg_schedule *given)
{
    if (given->overlap == OVERLAP_NONE)
        given->overlap = OVERLAP_SKIP;
    if (given->catch_up == CATCH_UP_NOT_GIVEN)
        given->catch_up = CATCH_UP_LATEST;
    if (given->zone.len == 0)
        given->zone = slice_of_text("UTC");
}

static uint64_t fingerprint_of(const struct msg_schedule *given)
{
    uint8_t room[IDENTITY_LEN_MAX];
    struct bytes_out out = {.data = room, .cap = sizeof room};
    identity_put_schedule(&out, given);
    bytes_put_u64(&out, identity_fingerprint(given->jobs, blake_u64));
    CHECK(!out.full);
    return blake_u64(slice_of(room, out.len), (struct slice){0});
}

static err add_moments(const struct cron *cron, const struct zone *zone, struct arena *arena,
                       when_ms now, struct msg_moments *moments)
{
    uint32_t wanted = moments->count;
    struct msg_moment *items = arena_take_array(arena, wanted + 1u, sizeof *items);
    if (items == NULL)
        return ERR_NO_MEMORY;
    *moments = (struct msg_moments){.items = items};
    when_ms at = cron_next(cron, zone, now);
    for (; moments->count < wanted && at != WHEN_NEVER; at = cron_next(cron, zone, at))
        items[moments->count++].at = at;
    return OK;
}

err timetable_judge_next(struct zones *zones, const struct msg_schedule *given, struct arena *arena,
                         when_ms now, struct msg_moments *moments)
{
    struct cron cron;
    struct cron_problem problem;
    const struct zone *zone = NULL;
    // A stored schedule whose zone is not known here any more has no next moments.
    if (cron_parse(given->cron, &cron, &problem) != OK ||
        zones_find(zones, given->zone, &zone) != OK) {
        *moments = (struct msg_moments){0};
        return OK;
    }
    return add_moments(&cron, zone, arena, now, moments);
}

err timetable_judge_set(struct zones *zones, struct msg_schedule_set *set, when_ms now,
                        struct arena *arena)
{
    const char *detail = NULL;
    struct msg_schedule *given = &set->given;
    err e = check_schedule_set(set, &detail);
    if (e != OK)
        return refuse(set, e, detail);
    if (set->act != SCHEDULE_SET)
        return OK;
    if (given->cron.len == 0)
        return refuse(set, ERR_BAD_FIELD, "cron: missing; it says when, like 0 8 * * * or @daily");
    struct cron cron;
    struct cron_problem problem;
    if (cron_parse(given->cron, &cron, &problem) != OK)
        return refuse_cron(set, &problem, arena);
    fill_in(given);
    const struct zone *zone = NULL;
    e = zones_find(zones, given->zone, &zone);
    if (e == ERR_NOT_FOUND || e == ERR_MALFORMED)
        return refuse(set, ERR_BAD_FIELD, zonefile_text(e));
    if (e == ERR_FULL)
        return refuse(set, e, "ZONES_MAX: schedules name too many different time zones");
    if (e != OK)
        return refuse(set, e, "zone: it cannot be read on the broker's machine");
    given->fingerprint = fingerprint_of(given);
    given->jobs->queue = submission_queue(given->jobs);
    set->next.count = given->paused ? 0 : set->next_count;
    if (given->paused)
        return OK;
    return add_moments(&cron, zone, arena, now, &set->next);
}
