// Lists of jobs by filter. Numbers are given in the order of acceptance, so a page is a walk
// downwards, and where it stopped is the cursor: it stays good whatever happens in between.

#include "broker/store/store_private.h"
#include "proto/labels.h"

enum {
    EXAMINED_MAX = 10000,              // rows a page may read …
    BODY_BYTES_MAX = 64 * 1024 * 1024, // … and so much of bodies, when it is for a tag
    LANES_KEPT = 64,                   // of those met last
};

// What is known of a lane that rows have named.
struct lane_seen {
    bool is_known;
    uint16_t no;
    bool fits;
    struct lane_row row;
};

struct pick {
    struct store_view *view;
    const struct store_walk *what;
    uint32_t states;
    when_ms after;     // accepted later than this
    uint32_t batch;    // only its members: its number + 1; 0: all jobs
    uint64_t first_no; // nothing below fits
    uint32_t count;
    uint32_t examined;
    uint64_t body_bytes;
    struct lane_seen lanes[LANES_KEPT];
};

// Where store_view_list() puts what fits.
struct list_room {
    struct msg_listed_job *jobs;
    uint32_t count;
};

static bool is_name(struct slice wanted, struct slice name)
{
    return wanted.len == 0 || slice_equal(wanted, name);
}

// ERR_DAMAGED when the lane's record cannot be read: its jobs are not listed, as they are not
// shown.
static err lane_of(struct pick *pick, uint16_t no, const struct lane_seen **out_seen)
{
    struct lane_seen *seen = &pick->lanes[no % LANES_KEPT];
    *out_seen = seen;
    if (seen->is_known && seen->no == no)
        return OK;
    struct disk_key key = disk_key_of(no);
    struct slice record = {0};
    struct lane_seen fresh = {.is_known = true, .no = no};
    err e = disk_get(pick->view->reader, TABLE_LANES, disk_key_slice(&key), &record);
    if (e == OK)
        e = store_record_get_lane(record, disk_key_slice(&key), &fresh.row);
    if (e != OK)
        return e == ERR_NOT_FOUND ? ERR_DAMAGED : e;
    fresh.fits = store_view_shows(pick->view, fresh.row.tenant) &&
                 is_name(pick->what->filter->queue, fresh.row.queue) &&
                 is_name(pick->what->filter->type, fresh.row.type);
    *seen = fresh;
    return OK;
}

static bool fits(const struct pick *pick, const struct job_row *row)
{
    const struct msg_filter *filter = pick->what->filter;
    return (pick->states & 1u << row->state) != 0 && row->accepted_at > pick->after &&
           (filter->created_before == 0 || row->accepted_at < filter->created_before) &&
           (pick->batch == 0 || row->batch == pick->batch);
}

// Tags and the number in a batch are in the body, which is read for nothing else.
//  ERR_DAMAGED
static err look_at_body(struct pick *pick, const struct job_row *row, bool *out_fits,
                        uint32_t *out_index)
{
    struct slice tag = pick->what->filter->tag;
    bool wants_index = pick->what->wants_index && row->state != JOB_REMOVED;
    struct disk_key key = disk_key_of(row->no);
    struct slice record = {0};
    struct msg_submit_job body;
    bool has_body = (row->relations & RELATION_LABELS) != 0 && row->state != JOB_REMOVED;
    *out_fits = tag.len == 0;
    bool is_needed = tag.len > 0 ? has_body : wants_index;
    if (!is_needed)
        return OK;
    err e = disk_get(pick->view->reader, TABLE_BODIES, disk_key_slice(&key), &record);
    if (e == OK)
        e = store_record_get_body(record, disk_key_slice(&key), &body);
    if (e != OK)
        return e == ERR_NOT_FOUND ? ERR_DAMAGED : e;
    pick->body_bytes += record.len;
    *out_fits = tag.len == 0 || labels_has_tag(body.labels, tag);
    *out_index = body.batch_index;
    return OK;
}

// A damaged row is quarantined where it lies.
static err see(struct pick *pick, struct slice key, struct slice record, bool *out_is_older)
{
    struct job_row row;
    pick->examined++;
    if (store_record_get_job(record, key, &row) != OK)
        return OK;
    // Store time never goes back, so everything below was accepted before.
    *out_is_older = row.no < pick->first_no || (pick->after > 0 && row.accepted_at <= pick->after);
    if (!fits(pick, &row))
        return OK;
    const struct lane_seen *lane = NULL;
    bool fits_all = false;
    uint32_t index = 0;
    err e = lane_of(pick, row.lane, &lane);
    if (e == OK && lane->fits)
        e = look_at_body(pick, &row, &fits_all, &index);
    if (e == OK && fits_all) {
        pick->what->take(pick->what->ctx, &row, &lane->row, index);
        pick->count++;
    }
    return e == ERR_DAMAGED ? OK : e;
}

static bool is_full(const struct pick *pick)
{
    return pick->count == pick->what->limit || pick->examined == EXAMINED_MAX ||
           pick->body_bytes >= BODY_BYTES_MAX;
}

// Downwards from `*upto` to the beginning of its segment, or until the page is full. `*upto` is
// then what comes next; 0 at the end of all.
static err walk(struct pick *pick, uint64_t segment, uint64_t *upto)
{
    uint64_t begin = segment * STORE_SEGMENT_JOBS;
    struct disk_key from = disk_key_of(*upto);
    struct slice key = {0};
    struct slice record = {0};
    err e = disk_seek_back(pick->view->reader, TABLE_JOBS, disk_key_slice(&from), &key, &record);
    bool is_older = false;
    while (e == OK && !is_older && disk_key_number(key) >= begin) {
        *upto = disk_key_number(key);
        if (is_full(pick))
            return OK;
        e = see(pick, key, record, &is_older);
        if (e == OK)
            e = disk_prev(pick->view->reader, &key, &record);
    }
    *upto = is_older || begin == 0 ? 0 : begin - 1;
    return e == ERR_NOT_FOUND ? OK : e;
}

// Members of a batch lie between two numbers, close together as a rule.
//  ERR_NOT_FOUND, ERR_DAMAGED
static err aim_at_batch(struct pick *pick, uint64_t *upto)
{
    struct batch_row row;
    if (id_is_zero(&pick->what->filter->batch_id))
        return OK;
    err e = store_view_find_batch(pick->view, &pick->what->filter->batch_id, &row);
    if (e != OK)
        return e;
    pick->batch = row.no + 1;
    pick->first_no = row.first_no;
    if (row.last_no != 0 && row.last_no < *upto)
        *upto = row.last_no;
    return OK;
}

static err pick_all(struct pick *pick, uint64_t *cursor)
{
    uint64_t upto = *cursor != 0 ? *cursor : UINT64_MAX;
    err e = aim_at_batch(pick, &upto);
    while (e == OK && upto > 0 && !is_full(pick)) {
        uint64_t segment = 0;
        if (!store_segments_before(&pick->view->store->segments, upto / STORE_SEGMENT_JOBS,
                                   pick->states, &segment)) {
            upto = 0;
            break;
        }
        if (segment < upto / STORE_SEGMENT_JOBS)
            upto = segment * STORE_SEGMENT_JOBS + STORE_SEGMENT_JOBS - 1;
        e = walk(pick, segment, &upto);
    }
    if (e == OK)
        *cursor = upto;
    return e;
}

err store_list_walk(struct store_view *view, const struct store_walk *what, uint64_t *cursor)
{
    const uint32_t all = (1u << JOB_STATES) - (1u << (JOB_NONE + 1)) - (1u << JOB_REMOVED);
    CHECK(view->is_begun && what->limit > 0);
    struct pick pick = {.view = view,
                        .what = what,
                        .states = what->filter->states != 0 ? what->filter->states : all,
                        .after = what->filter->created_after};
    return pick_all(&pick, cursor);
}

struct msg_listed_job store_list_line(const struct job_row *row, const struct lane_row *lane,
                                      uint32_t batch_index)
{
    return (struct msg_listed_job){.job_id = row->id,
                                   .type = lane->type,
                                   .queue = lane->queue,
                                   .state = (enum job_state)row->state,
                                   .version = row->version,
                                   .priority = row->priority,
                                   .errors = row->errors,
                                   .crashes = row->crashes,
                                   .interruptions = row->interruptions,
                                   .created_at = row->accepted_at,
                                   .due_at = row->due_at,
                                   .started_at = row->granted_at,
                                   .ended_at = row->ended_at,
                                   .batch_index = batch_index};
}

static void take_listed(void *ctx, const struct job_row *row, const struct lane_row *lane,
                        uint32_t batch_index)
{
    struct list_room *room = ctx;
    room->jobs[room->count++] = store_list_line(row, lane, batch_index);
}

err store_view_list(struct store_view *view, const struct msg_list *list,
                    struct msg_listed_job *jobs, struct msg_listed *out_listed)
{
    CHECK(list->limit <= MSG_LISTED_MAX);
    struct list_room room = {.jobs = jobs};
    uint64_t cursor = list->cursor;
    err e = store_list_walk(
        view,
        &(struct store_walk){.filter = &list->filter,
                             .limit = list->limit != 0 ? list->limit : MSG_LISTED_DEFAULT,
                             .take = take_listed,
                             .wants_index = !id_is_zero(&list->filter.batch_id),
                             .ctx = &room},
        &cursor);
    if (e == OK)
        *out_listed = (struct msg_listed){.jobs = jobs, .count = room.count, .cursor = cursor};
    // Of a batch that is not known, or cannot be read.
    if (e == ERR_NOT_FOUND || e == ERR_DAMAGED) {
        *out_listed = (struct msg_listed){.error = e};
        return OK;
    }
    return e;
}
