// The ring, and beside it the names of lanes: one label serves all events of a lane, and outlives
// the lane as long as it has events.

#include "broker/shell/event_log.h"

#include "lib/base/check.h"
#include "lib/base/origin.h"

#define NO_LABEL UINT32_MAX
enum {
    RETIRED_MAX = 1024, // labels of lanes that are gone; more cost the oldest events
};

struct item {
    struct id job_id;
    uint64_t generation;
    uint64_t position;
    when_ms at;
    uint32_t index;
    uint32_t version;
    uint32_t label; // NO_LABEL: nobody knows whose it is
    uint8_t state;
};

struct label {
    struct event_log_names names; // in `room`
    uint8_t room[3][MSG_NAME_LEN_MAX];
    uint32_t event_count;
    uint32_t next; // of those that are free
    bool has_lane;
};

struct event_log {
    struct event_log_options options;
    struct item *items; // by number modulo count_max
    struct label *labels;
    uint32_t *by_lane;
    uint32_t label_count;
    uint32_t label_free;
    uint64_t first;
    uint64_t end;
    uint64_t dropped_position; // of the last event that was dropped; 0 0: none was
    uint32_t dropped_index;
};

static const struct item *item_at(const struct event_log *log, uint64_t number)
{
    CHECK(number >= log->first && number < log->end);
    return &log->items[number % log->options.count_max];
}

// --- labels ---

static void give_label_back(struct event_log *log, uint32_t at)
{
    struct label *label = &log->labels[at];
    if (label->has_lane || label->event_count > 0)
        return;
    label->next = log->label_free;
    log->label_free = at;
}

static void drop_oldest(struct event_log *log)
{
    const struct item *item = item_at(log, log->first);
    log->dropped_position = item->position;
    log->dropped_index = item->index;
    log->first++;
    if (item->label == NO_LABEL)
        return;
    CHECK(log->labels[item->label].event_count > 0);
    log->labels[item->label].event_count--;
    give_label_back(log, item->label);
}

// There are more labels than lanes, so that one is free or some event holds one that has no lane.
static uint32_t take_label(struct event_log *log)
{
    while (log->label_free == NO_LABEL)
        drop_oldest(log);
    uint32_t at = log->label_free;
    log->label_free = log->labels[at].next;
    return at;
}

static struct slice copy_name(uint8_t *room, struct slice name)
{
    CHECK(name.len <= MSG_NAME_LEN_MAX);
    if (name.len > 0)
        memcpy(room, name.data, name.len);
    return slice_of(room, name.len);
}

void event_log_drop_lane(struct event_log *log, uint16_t lane)
{
    CHECK(lane < log->options.lane_count_max);
    uint32_t at = log->by_lane[lane];
    if (at == NO_LABEL)
        return;
    log->by_lane[lane] = NO_LABEL;
    log->labels[at].has_lane = false;
    give_label_back(log, at);
}

void event_log_name_lane(struct event_log *log, const struct lane_row *lane)
{
    event_log_drop_lane(log, lane->no);
    uint32_t at = take_label(log);
    struct label *label = &log->labels[at];
    CHECK(!label->has_lane && label->event_count == 0);
    label->names.tenant = copy_name(label->room[0], origin_tenant(lane->tenant));
    label->names.queue = copy_name(label->room[1], lane->queue);
    label->names.type = copy_name(label->room[2], lane->type);
    label->has_lane = true;
    log->by_lane[lane->no] = at;
}

const struct event_log_names *event_log_lane(const struct event_log *log, uint16_t lane)
{
    CHECK(lane < log->options.lane_count_max);
    uint32_t at = log->by_lane[lane];
    return at == NO_LABEL ? NULL : &log->labels[at].names;
}

// --- life ---

struct event_log *event_log_new(const struct event_log_options *options)
{
    CHECK(options->count_max > 0 && options->lane_count_max > 0 && options->epoch > 0);
    struct event_log *log = calloc(1, sizeof *log);
    if (log == NULL)
        return NULL;
    *log = (struct event_log){.options = *options,
                              .label_count = options->lane_count_max + RETIRED_MAX,
                              .label_free = NO_LABEL};
    log->items = calloc(options->count_max, sizeof *log->items);
    log->labels = calloc(log->label_count, sizeof *log->labels);
    log->by_lane = calloc(options->lane_count_max, sizeof *log->by_lane);
    if (log->items == NULL || log->labels == NULL || log->by_lane == NULL) {
        event_log_free(log);
        return NULL;
    }
    for (uint32_t at = log->label_count; at > 0; at--)
        give_label_back(log, at - 1);
    for (uint32_t lane = 0; lane < options->lane_count_max; lane++)
        log->by_lane[lane] = NO_LABEL;
    return log;
}

void event_log_free(struct event_log *log)
{
    if (log == NULL)
        return;
    free(log->by_lane);
    free(log->labels);
    free(log->items);
    free(log);
}

// --- events ---

void event_log_add(struct event_log *log, uint64_t position, const struct job_row *row, when_ms at)
{
    if (log->end - log->first == log->options.count_max)
        drop_oldest(log);
    uint32_t index = 1;
    if (log->end > log->first) {
        const struct item *last = item_at(log, log->end - 1);
        CHECK(position >= last->position);
        index = position == last->position ? last->index + 1 : 1;
    } else if (position == log->dropped_position) {
        index = log->dropped_index + 1; // a batch of more jobs than the ring holds
    }
    CHECK(row->lane < log->options.lane_count_max);
    uint32_t label = log->by_lane[row->lane];
    if (label != NO_LABEL)
        log->labels[label].event_count++;
    log->items[log->end++ % log->options.count_max] = (struct item){.job_id = row->id,
                                                                    .generation = row->no,
                                                                    .position = position,
                                                                    .at = at,
                                                                    .index = index,
                                                                    .version = row->version,
                                                                    .label = label,
                                                                    .state = row->state};
}

uint64_t event_log_first(const struct event_log *log)
{
    return log->first;
}

uint64_t event_log_end(const struct event_log *log)
{
    return log->end;
}

struct msg_place event_log_place(const struct event_log *log, uint64_t number)
{
    CHECK(number >= log->first && number <= log->end);
    struct msg_place place = {.lineage = log->options.lineage,
                              .epoch = log->options.epoch,
                              .position = log->dropped_position,
                              .index = log->dropped_index};
    if (number > log->first) {
        place.position = item_at(log, number - 1)->position;
        place.index = item_at(log, number - 1)->index;
    }
    return place;
}

static bool is_behind(const struct item *item, const struct msg_place *place)
{
    return item->position > place->position ||
           (item->position == place->position && item->index > place->index);
}

err event_log_find(const struct event_log *log, const struct msg_place *place, uint64_t *out_number)
{
    if (place->lineage != log->options.lineage || place->epoch != log->options.epoch)
        return ERR_GONE;
    if (place->position < log->dropped_position ||
        (place->position == log->dropped_position && place->index < log->dropped_index))
        return ERR_GONE;
    struct msg_place last = event_log_place(log, log->end);
    if (place->position > last.position ||
        (place->position == last.position && place->index > last.index))
        return ERR_GONE; // nobody can have heard of it here
    uint64_t low = log->first;
    uint64_t high = log->end;
    while (low < high) {
        uint64_t middle = low + (high - low) / 2;
        if (is_behind(item_at(log, middle), place))
            high = middle;
        else
            low = middle + 1;
    }
    *out_number = low;
    return OK;
}

static bool names_fit(const struct event_log_names *names, const struct event_log_filter *filter)
{
    bool is_theirs =
        filter->all_tenants || slice_equal(names->tenant, origin_tenant(filter->tenant));
    return is_theirs && (filter->queue.len == 0 || slice_equal(names->queue, filter->queue)) &&
           (filter->type.len == 0 || slice_equal(names->type, filter->type));
}

bool event_log_fits(const struct event_log *log, uint64_t number,
                    const struct event_log_filter *filter)
{
    static const struct event_log_names nobodys;
    const struct item *item = item_at(log, number);
    if (filter->states != 0 && (filter->states >> item->state & 1) == 0)
        return false;
    if (!id_is_zero(&filter->job_id) && !id_equal(&filter->job_id, &item->job_id))
        return false;
    return names_fit(item->label != NO_LABEL ? &log->labels[item->label].names : &nobodys, filter);
}

struct msg_job_event event_log_tell(const struct event_log *log, uint64_t number)
{
    const struct item *item = item_at(log, number);
    struct msg_job_event event = {.position = item->position,
                                  .index = item->index,
                                  .job_id = item->job_id,
                                  .generation = item->generation,
                                  .state = (enum job_state)item->state,
                                  .version = item->version,
                                  .at = item->at};
    if (item->label != NO_LABEL) {
        event.queue = log->labels[item->label].names.queue;
        event.type = log->labels[item->label].names.type;
        event.tenant = log->labels[item->label].names.tenant;
    }
    return event;
}
