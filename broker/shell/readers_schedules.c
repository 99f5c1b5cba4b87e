// One schedule with all that was given, or a page of lines.

#include "broker/shell/readers_schedules.h"

#include "broker/shell/timetable_judge.h"
#include "lib/base/origin.h"
#include "lib/sys/log.h"

#include <stdlib.h>

enum { DESK_BYTES = 256 * 1024 };

struct readers_schedules *readers_schedules_new(struct slice tenant, struct slice id,
                                                uint32_t count)
{
    struct readers_schedules *schedules = calloc(1, sizeof *schedules);
    if (schedules == NULL)
        return NULL;
    schedules->count = count;
    schedules->tenant = tenant;
    schedules->name_len = (uint16_t)schedules_name(tenant, id, schedules->name).len;
    return schedules;
}

void readers_schedules_free(struct readers_schedules *schedules)
{
    free(schedules);
}

err readers_schedules_init(struct readers_desk *desk)
{
    desk->zones = zones_new();
    desk->arena = (struct arena){.data = malloc(DESK_BYTES), .cap = DESK_BYTES};
    return desk->zones != NULL && desk->arena.data != NULL ? OK : ERR_NO_MEMORY;
}

void readers_schedules_deinit(struct readers_desk *desk)
{
    zones_free(desk->zones);
    free(desk->arena.data);
}

static err moments_of(struct readers_desk *desk, const struct msg_schedule *given, when_ms now,
                      struct msg_moments *moments)
{
    if (!given->paused)
        return timetable_judge_next(desk->zones, given, &desk->arena, now, moments);
    *moments = (struct msg_moments){0};
    return OK;
}

static struct slice name_of(const struct readers_schedules *question)
{
    return slice_of(question->name, question->name_len);
}

// An id that is none may be another tenant's name.
static bool is_its(const struct readers_schedules *question, struct slice name)
{
    return origin_is_tenant(schedules_tenant(name), question->tenant);
}

static err look_up(const struct readers_schedules *question, struct store_view *view,
                   struct readers_desk *desk, when_ms now, struct msg_schedule_status_is *is)
{
    struct store_schedule *schedule = arena_take(&desk->arena, sizeof *schedule);
    if (schedule == NULL)
        return ERR_NO_MEMORY;
    err e = is_its(question, name_of(question))
                ? store_view_schedule(view, name_of(question), schedule)
                : ERR_NOT_FOUND;
    if (e != OK)
        return e;
    struct msg_moments next = {.count = question->count < MSG_MOMENTS_MAX ? question->count
                                                                          : MSG_MOMENTS_MAX};
    e = moments_of(desk, &schedule->given, now, &next);
    is->given = schedule->given;
    is->is = schedule->row.state;
    is->next = next;
    return e;
}

static err line_of(struct readers_desk *desk, const struct store_schedule *schedule, when_ms now,
                   struct msg_schedule_line *line)
{
    struct msg_moments next = {.count = 1};
    err e = moments_of(desk, &schedule->given, now, &next);
    *line = (struct msg_schedule_line){.given = schedule->given,
                                       .is = schedule->row.state,
                                       .queue = schedule->job.queue,
                                       .type = schedule->job.type,
                                       .next_at = next.count > 0 ? next.items[0].at : 0};
    line->given.jobs = NULL;
    line->given.job_count = 0;
    return e;
}

// The tenant's next one. Those of a tenant stand together, those of the default one among others.
static err next_of(const struct readers_schedules *question, struct store_view *view,
                   struct slice after, struct store_schedule *out_schedule)
{
    err e = store_view_schedule_after(view, after, out_schedule);
    bool is_default = origin_is_tenant(question->tenant, (struct slice){0});
    while (e == OK && !is_its(question, out_schedule->row.name))
        e = is_default ? store_view_schedule_after(view, out_schedule->row.name, out_schedule)
                       : ERR_NOT_FOUND;
    return e;
}

static err list(const struct readers_schedules *question, struct store_view *view,
                struct readers_desk *desk, when_ms now, struct msg_schedule_listed *listed)
{
    uint32_t limit = question->count > 0 ? question->count : MSG_SCHEDULES_MAX;
    struct msg_schedule_line *lines = arena_take_array(&desk->arena, limit, sizeof *lines);
    if (lines == NULL)
        return ERR_NO_MEMORY;
    struct store_schedule schedule;
    err e = next_of(question, view, name_of(question), &schedule);
    while (e == OK && listed->count < limit) {
        e = line_of(desk, &schedule, now, &lines[listed->count]);
        if (e != OK)
            return e;
        listed->count++;
        e = next_of(question, view, schedule.row.name, &schedule);
    }
    listed->schedules = lines;
    listed->is_more = e == OK;
    return e == ERR_NOT_FOUND ? OK : e;
}

void readers_schedules_answer(const struct readers_schedules *question, struct store_view *view,
                              struct readers_desk *desk, when_ms now, struct msg *out_msg)
{
    arena_reset(&desk->arena);
    if (question->is_list) {
        struct msg_schedule_listed *listed = &out_msg->schedule_listed;
        out_msg->kind = MSG_SCHEDULE_LISTED;
        *listed = (struct msg_schedule_listed){0};
        err e = list(question, view, desk, now, listed);
        if (e != OK)
            *listed = (struct msg_schedule_listed){.error = e};
        return;
    }
    struct msg_schedule_status_is *is = &out_msg->schedule_status_is;
    out_msg->kind = MSG_SCHEDULE_STATUS_IS;
    *is = (struct msg_schedule_status_is){0};
    err e = look_up(question, view, desk, now, is);
    if (e != OK)
        *is = (struct msg_schedule_status_is){
            .error = e,
            .given.schedule_id = schedules_id(name_of(question)),
            .detail = e == ERR_NOT_FOUND ? slice_of_text("no such schedule; check the id")
                                         : (struct slice){0}};
    if (e != OK && e != ERR_NOT_FOUND)
        log_error("schedule.unreadable", "schedule=%.*s error=%s", (int)question->name_len,
                  (const char *)question->name, err_slug(e));
}
