// Reading schedules from a snapshot.

#include "broker/store/store_private.h"

static void give(const struct store_record_schedule *record, struct store_schedule *out_schedule)
{
    *out_schedule =
        (struct store_schedule){.row = record->row, .given = record->given, .job = record->job};
    out_schedule->given.jobs = &out_schedule->job;
}

static err read_record(struct store_view *view, struct slice name, struct slice value,
                       struct store_schedule *out_schedule)
{
    struct store_record_schedule record;
    err e = store_record_get_schedule(value, name, &record);
    if (e == OK)
        give(&record, out_schedule);
    else
        atomic_fetch_add(&view->store->damaged, 1);
    return e;
}

err store_view_schedule(struct store_view *view, struct slice name,
                        struct store_schedule *out_schedule)
{
    struct slice value = {0};
    err e = disk_get(view->reader, TABLE_SCHEDULES, name, &value);
    return e == OK ? read_record(view, name, value, out_schedule) : e;
}

err store_view_schedule_kept(struct store_view *view, struct slice name, struct arena *arena,
                             struct store_schedule *out_schedule)
{
    struct slice value = {0};
    err e = disk_get(view->reader, TABLE_SCHEDULES, name, &value);
    if (e != OK)
        return e;
    uint8_t *copy = arena_take(arena, value.len);
    if (copy == NULL)
        return ERR_NO_MEMORY;
    memcpy(copy, value.data, value.len);
    return read_record(view, name, slice_of(copy, value.len), out_schedule);
}

err store_view_schedule_after(struct store_view *view, struct slice name,
                              struct store_schedule *out_schedule)
{
    struct slice key = {0};
    struct slice value = {0};
    struct store_record_schedule record;
    err e = disk_seek(view->reader, TABLE_SCHEDULES, name, &key, &value);
    if (e == OK && name.len > 0 && slice_equal(key, name))
        e = disk_next(view->reader, &key, &value);
    while (e == OK && store_record_get_schedule(value, key, &record) != OK) {
        atomic_fetch_add(&view->store->damaged, 1);
        e = disk_next(view->reader, &key, &value);
    }
    if (e == OK)
        give(&record, out_schedule);
    return e;
}
