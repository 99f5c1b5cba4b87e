// The table: a heap of next moments, and indexes by name and by the job that is waited for.

#include "broker/shell/timetable.h"

#include "broker/core/job.h"
#include "broker/core/schedules.h"
#include "broker/shell/timetable_judge.h"
#include "broker/shell/zones.h"
#include "lib/base/check.h"
#include "lib/base/heap.h"
#include "lib/base/index.h"
#include "lib/base/prng.h"
#include "lib/sys/log.h"

#include <stdlib.h>

struct timetable_item {
    bool is_used;
    bool is_paused;
    bool is_waiting;  // its held moment, in the index of jobs
    bool is_held_due; // … and the job it waits for may have ended
    uint16_t name_len;
    uint8_t name[SCHEDULES_NAME_LEN_MAX];
    struct cron cron;
    const struct zone *zone; // NULL: it rests
    enum catch_up catch_up;
    uint64_t jitter_ms;
    uint32_t generation;
    uint64_t fingerprint;
    when_ms decided_at; // moments up to this one are decided, or never counted
    when_ms held_at;
    struct id last_job;
    uint32_t place; // in the heap
};

struct timetable {
    struct timetable_item *items;
    uint32_t cap, used, free_count;
    uint32_t *free; // places that are free again
    struct index by_name;
    struct index by_job; // of the items that wait
    uint32_t waiting_count;
    struct heap heap; // by the next moment
    struct zones *zones;
    uint64_t seed;
    void *memory[4];
};

static void on_moved(void *ctx, uint32_t item, uint32_t place)
{
    struct timetable *timetable = ctx;
    timetable->items[item].place = place;
}

struct timetable *timetable_new(uint32_t schedule_count_max, uint64_t seed)
{
    struct timetable *timetable = calloc(1, sizeof *timetable);
    if (timetable == NULL)
        return NULL;
    uint32_t cap = schedule_count_max;
    timetable->cap = cap;
    timetable->seed = seed;
    timetable->zones = zones_new();
    timetable->items = calloc(cap, sizeof *timetable->items);
    timetable->free = calloc(cap, sizeof *timetable->free);
    timetable->memory[0] = calloc(1, index_size(cap));
    timetable->memory[1] = calloc(1, index_size(cap));
    timetable->heap = (struct heap){.entries = calloc(cap, sizeof(struct heap_entry)),
                                    .cap = cap,
                                    .moved = on_moved,
                                    .ctx = timetable};
    if (timetable->zones == NULL || timetable->items == NULL || timetable->free == NULL ||
        timetable->memory[0] == NULL || timetable->memory[1] == NULL ||
        timetable->heap.entries == NULL) {
        timetable_free(timetable);
        return NULL;
    }
    index_init(&timetable->by_name, timetable->memory[0], cap);
    index_init(&timetable->by_job, timetable->memory[1], cap);
    return timetable;
}

void timetable_free(struct timetable *timetable)
{
    if (timetable == NULL)
        return;
    free(timetable->heap.entries);
    free(timetable->memory[1]);
    free(timetable->memory[0]);
    free(timetable->free);
    free(timetable->items);
    zones_free(timetable->zones);
    free(timetable);
}

// --- items ---

static struct slice name_of(const struct timetable_item *item)
{
    return slice_of(item->name, item->name_len);
}

static uint64_t name_hash(const struct timetable *timetable, struct slice name)
{
    uint64_t hash = timetable->seed;
    for (size_t i = 0; i < name.len; i++)
        hash = (hash ^ name.data[i]) * 0x100000001b3u;
    return prng_mix(hash);
}

static uint32_t find(const struct timetable *timetable, struct slice name)
{
    uint32_t at = index_first(&timetable->by_name, name_hash(timetable, name));
    while (at != INDEX_NONE && !slice_equal(name_of(&timetable->items[at]), name))
        at = index_next(&timetable->by_name, at);
    return at;
}

static uint32_t add(struct timetable *timetable, struct slice name)
{
    uint32_t no =
        timetable->free_count > 0 ? timetable->free[--timetable->free_count] : timetable->used++;
    CHECK(no < timetable->cap && name.len <= SCHEDULES_NAME_LEN_MAX);
    struct timetable_item *item = &timetable->items[no];
    *item = (struct timetable_item){.is_used = true, .name_len = (uint16_t)name.len};
    memcpy(item->name, name.data, name.len);
    index_add(&timetable->by_name, no, name_hash(timetable, name));
    err e = heap_push(&timetable->heap, (struct heap_entry){.key = WHEN_NEVER, .item = no});
    CHECK(e == OK);
    return no;
}

static void set_waiting(struct timetable *timetable, uint32_t no, bool is_waiting)
{
    struct timetable_item *item = &timetable->items[no];
    uint64_t hash = id_hash(&item->last_job, timetable->seed);
    if (item->is_waiting == is_waiting)
        return;
    if (is_waiting)
        index_add(&timetable->by_job, no, hash);
    else
        index_drop(&timetable->by_job, no, hash);
    timetable->waiting_count += is_waiting ? 1u : UINT32_MAX;
    item->is_waiting = is_waiting;
}

static void drop(struct timetable *timetable, uint32_t no)
{
    struct timetable_item *item = &timetable->items[no];
    set_waiting(timetable, no, false);
    index_drop(&timetable->by_name, no, name_hash(timetable, name_of(item)));
    (void)heap_remove(&timetable->heap, item->place);
    *item = (struct timetable_item){0};
    timetable->free[timetable->free_count++] = no;
}

static void plan_at(struct timetable *timetable, uint32_t no, when_ms at)
{
    heap_rekey(&timetable->heap, timetable->items[no].place, at);
}

// The item's next moment, which may have passed.
static void plan(struct timetable *timetable, uint32_t no)
{
    const struct timetable_item *item = &timetable->items[no];
    when_ms at = WHEN_NEVER;
    if (!item->is_paused && item->zone != NULL)
        at = cron_next(&item->cron, item->zone, item->decided_at);
    plan_at(timetable, no, item->is_held_due ? 0 : at);
}

static void take_row(struct timetable *timetable, uint32_t no, const struct schedule_row *row)
{
    struct timetable_item *item = &timetable->items[no];
    const struct msg_schedule_state *state = &row->state;
    set_waiting(timetable, no, false);
    when_ms decided_at = state->last_at > state->since_at ? state->last_at : state->since_at;
    // What was proposed in the meantime is decided, though not settled yet.
    bool is_same = item->generation == state->generation && item->is_paused == row->is_paused;
    if (!is_same || decided_at > item->decided_at)
        item->decided_at = decided_at;
    item->generation = state->generation;
    item->fingerprint = row->fingerprint;
    item->is_paused = row->is_paused;
    item->held_at = state->held_at;
    // Perhaps the job before has ended already: the core knows.
    item->is_held_due = state->held_at != 0;
    item->last_job = state->last_job_id;
    set_waiting(timetable, no, state->held_at != 0);
    plan(timetable, no);
}

static void take_given(struct timetable *timetable, uint32_t no, const struct msg_schedule *given)
{
    struct timetable_item *item = &timetable->items[no];
    struct cron_problem problem;
    item->catch_up = given->catch_up;
    item->jitter_ms = given->jitter_ms;
    item->zone = NULL;
    err e = cron_parse(given->cron, &item->cron, &problem);
    if (e == OK)
        e = zones_find(timetable->zones, given->zone, &item->zone);
    if (e != OK)
        log_error("schedule.rests", "schedule=%.*s error=%s fix=%s", (int)item->name_len,
                  (const char *)item->name, err_slug(e),
                  log_quote_text("its expression or time zone is not known here").text);
}

err timetable_load(struct timetable *timetable, struct store_view *view)
{
    struct store_schedule schedule;
    uint8_t name[SCHEDULES_NAME_LEN_MAX];
    struct slice after = {0};
    err e = store_view_schedule_after(view, after, &schedule);
    while (e == OK) {
        if (timetable->by_name.count == timetable->cap)
            return ERR_FULL;
        uint32_t no = add(timetable, schedule.row.name);
        take_given(timetable, no, &schedule.given);
        take_row(timetable, no, &schedule.row);
        memcpy(name, schedule.row.name.data, schedule.row.name.len);
        after = slice_of(name, schedule.row.name.len);
        e = store_view_schedule_after(view, after, &schedule);
    }
    return e == ERR_NOT_FOUND ? OK : e;
}

// --- what batches wrote ---

static void take_write(struct timetable *timetable, const struct write_schedule *write)
{
    uint32_t no = find(timetable, write->row.name);
    if (no == INDEX_NONE && write->given == NULL)
        return; // damaged at start
    if (no == INDEX_NONE)
        no = add(timetable, write->row.name);
    if (write->given != NULL)
        take_given(timetable, no, write->given);
    take_row(timetable, no, &write->row);
}

// Whoever waited for this job's end may go on.
static void take_end(struct timetable *timetable, const struct job_row *row)
{
    uint32_t at = index_first(&timetable->by_job, id_hash(&row->id, timetable->seed));
    for (; at != INDEX_NONE; at = index_next(&timetable->by_job, at))
        if (id_equal(&timetable->items[at].last_job, &row->id)) {
            timetable->items[at].is_held_due = true;
            plan_at(timetable, at, 0);
        }
}

void timetable_settled(struct timetable *timetable, const struct write *write)
{
    if (write->kind == WRITE_SCHEDULE)
        take_write(timetable, &write->schedule);
    if (write->kind == DROP_SCHEDULE) {
        uint32_t no = find(timetable, write->schedule.row.name);
        if (no != INDEX_NONE)
            drop(timetable, no);
    }
    if (write->kind == WRITE_JOB && job_is_done((enum job_state)write->job.row.state))
        take_end(timetable, &write->job.row);
}

bool timetable_awaits_jobs(const struct timetable *timetable)
{
    return timetable->waiting_count > 0;
}

err timetable_judge(struct timetable *timetable, struct msg_schedule_set *set, when_ms now,
                    struct arena *arena)
{
    return timetable_judge_set(timetable->zones, set, now, arena);
}

// --- what is due ---

static void find_due(const struct timetable_item *item, when_ms now, struct due *due)
{
    *due = (struct due){.next_at = WHEN_NEVER};
    if (item->zone == NULL || item->is_paused || item->decided_at > now)
        return;
    due_find(&(struct due_question){.cron = &item->cron,
                                    .zone = item->zone,
                                    .catch_up = item->catch_up,
                                    .after = item->decided_at,
                                    .now = now},
             due);
}

bool timetable_take(struct timetable *timetable, when_ms now, struct timetable_due *out_due)
{
    const struct heap_entry *first = heap_peek(&timetable->heap);
    if (first == NULL || first->key > now)
        return false;
    const struct timetable_item *item = &timetable->items[first->item];
    *out_due = (struct timetable_due){.place = first->item,
                                      .name = name_of(item),
                                      .generation = item->generation,
                                      .fingerprint = item->fingerprint,
                                      .jitter_ms = item->jitter_ms,
                                      .is_held = item->is_held_due};
    if (item->is_held_due) {
        out_due->due.moments[0] = item->held_at;
        out_due->due.count = 1;
    } else {
        find_due(item, now, &out_due->due);
    }
    return true;
}

void timetable_done(struct timetable *timetable, const struct timetable_due *due,
                    uint32_t decided_count, when_ms again_at)
{
    struct timetable_item *item = &timetable->items[due->place];
    CHECK(item->is_used && decided_count <= due->due.count);
    if (due->is_held && decided_count > 0)
        item->is_held_due = false;
    if (!due->is_held && decided_count > 0)
        item->decided_at = due->due.moments[decided_count - 1];
    if (decided_count < due->due.count)
        plan_at(timetable, due->place, again_at);
    else if (due->is_held)
        plan(timetable, due->place);
    else
        plan_at(timetable, due->place, due->due.next_at);
}

when_ms timetable_wait_ms(const struct timetable *timetable, when_ms now)
{
    const struct heap_entry *first = heap_peek(&timetable->heap);
    if (first == NULL || first->key == WHEN_NEVER)
        return WHEN_NEVER;
    return first->key > now ? first->key - now : 0;
}
