// One schedule with all that was given, or a page of lines.

#include "broker/shell/readers_schedules.h"

#include "broker/shell/timetable_judge.h"
#include "lib/sys/log.h"

#include <stdlib.h>

enum { DESK_BYTES = 256 * 1024 };

struct readers_schedules *readers_schedules_new(struct slice name, uint32_t count)
{
    CHECK(name.len <= MSG_NAME_LEN_MAX);
    struct readers_schedules *schedules = calloc(1, sizeof *schedules);
    if (schedules == NULL)
        return NULL;
    schedules->count = count;
    schedules->name_len = (uint8_t)name.len;
    if (name.len > 0)
        memcpy(schedules->name, name.data, name.len);
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

static err look_up(const struct readers_schedules *question, struct store_view *view,
                   struct readers_desk *desk, when_ms now, struct msg_schedule_status_is *is)
{
    struct store_schedule *schedule = arena_take(&desk->arena, sizeof *schedule);
    if (schedule == NULL)
        return ERR_NO_MEMORY;
    err e = store_view_schedule(view, slice_of(question->name, question->name_len), schedule);
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

static err list(const struct readers_schedules *question, struct store_view *view,
                struct readers_desk *desk, when_ms now, struct msg_schedule_listed *listed)
{
    uint32_t limit = question->count > 0 ? question->count : MSG_SCHEDULES_MAX;
    struct msg_schedule_line *lines = arena_take_array(&desk->arena, limit, sizeof *lines);
    if (lines == NULL)
        return ERR_NO_MEMORY;
    struct store_schedule schedule;
    struct slice after = slice_of(question->name, question->name_len);
    err e = store_view_schedule_after(view, after, &schedule);
    while (e == OK && listed->count < limit) {
        e = line_of(desk, &schedule, now, &lines[listed->count]);
        if (e != OK)
            return e;
        listed->count++;
        e = store_view_schedule_after(view, schedule.row.name, &schedule);
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
            .given.schedule_id = slice_of(question->name, question->name_len),
            .detail = e == ERR_NOT_FOUND ? slice_of_text("no such schedule; check the id")
                                         : (struct slice){0}};
    if (e != OK && e != ERR_NOT_FOUND)
        log_error("schedule.unreadable", "schedule=%.*s error=%s", (int)question->name_len,
                  (const char *)question->name, err_slug(e));
}
