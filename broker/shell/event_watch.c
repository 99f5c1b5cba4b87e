// Slots in two lines, those that look and those that rest; an index by who asked; a heap of
// deadlines.

#include "broker/shell/event_watch.h"

#include "lib/base/check.h"
#include "lib/base/heap.h"
#include "lib/base/index.h"
#include "lib/base/prng.h"

#define NONE UINT32_MAX

enum phase { FREE, LOOKING, RESTING };

struct watch {
    struct event_watch_question question; // its names are in `names`
    uint8_t names[2][MSG_NAME_LEN_MAX];
    enum phase phase;
    bool is_last;   // answer whatever there is
    uint64_t next;  // the next event to look at
    uint32_t place; // in the heap; NONE once the deadline has come
    uint32_t before;
    uint32_t behind; // neighbours in the line
};

struct line {
    uint32_t first;
    uint32_t last;
};

struct event_watches {
    struct watch *slots;
    struct heap_entry *heap_room;
    void *index_memory;
    uint32_t cap;
    uint32_t used; // slots ever used
    uint32_t count;
    uint32_t free;
    uint64_t seed;
    uint64_t seen_end; // of the log, when those that rest went to rest
    struct line lines[3];
    struct index by_asker;
    struct heap deadlines;
    struct msg_job_event told[MSG_WATCHED_MAX];
};

static uint64_t asker_hash(const struct event_watches *watches,
                           const struct event_watch_question *question)
{
    uint64_t hash = prng_mix(watches->seed ^ question->corr);
    return prng_mix(hash ^ (((uint64_t)question->peer.generation << 32) | question->peer.number));
}

static bool is_waiting(const struct event_watches *watches,
                       const struct event_watch_question *question)
{
    uint32_t slot = index_first(&watches->by_asker, asker_hash(watches, question));
    for (; slot != INDEX_NONE; slot = index_next(&watches->by_asker, slot)) {
        const struct event_watch_question *other = &watches->slots[slot].question;
        if (other->corr == question->corr && other->peer.number == question->peer.number &&
            other->peer.generation == question->peer.generation)
            return true;
    }
    return false;
}

static void moved(void *ctx, uint32_t item, uint32_t place)
{
    struct event_watches *watches = ctx;
    watches->slots[item].place = place;
}

// --- lines ---

static void leave_line(struct event_watches *watches, uint32_t slot)
{
    const struct watch *watch = &watches->slots[slot];
    struct line *line = &watches->lines[watch->phase];
    if (watch->before != NONE)
        watches->slots[watch->before].behind = watch->behind;
    else
        line->first = watch->behind;
    if (watch->behind != NONE)
        watches->slots[watch->behind].before = watch->before;
    else
        line->last = watch->before;
}

static void join_line(struct event_watches *watches, uint32_t slot, enum phase phase)
{
    struct watch *watch = &watches->slots[slot];
    struct line *line = &watches->lines[phase];
    watch->phase = phase;
    watch->before = line->last;
    watch->behind = NONE;
    if (line->last != NONE)
        watches->slots[line->last].behind = slot;
    else
        line->first = slot;
    line->last = slot;
}

// All that rest look again, in their order, behind those that do.
static void wake_all(struct event_watches *watches)
{
    struct line *resting = &watches->lines[RESTING];
    for (uint32_t slot = resting->first; slot != NONE; slot = watches->slots[slot].behind)
        watches->slots[slot].phase = LOOKING;
    struct line *looking = &watches->lines[LOOKING];
    if (resting->first == NONE)
        return;
    if (looking->last != NONE) {
        watches->slots[looking->last].behind = resting->first;
        watches->slots[resting->first].before = looking->last;
    } else {
        looking->first = resting->first;
    }
    looking->last = resting->last;
    *resting = (struct line){NONE, NONE};
}

// --- life ---

struct event_watches *event_watch_new(uint32_t count_max, uint64_t seed)
{
    CHECK(count_max > 0);
    struct event_watches *watches = calloc(1, sizeof *watches);
    if (watches == NULL)
        return NULL;
    watches->cap = count_max;
    watches->free = NONE;
    watches->seed = seed;
    for (unsigned phase = FREE; phase <= RESTING; phase++)
        watches->lines[phase] = (struct line){NONE, NONE};
    watches->slots = calloc(count_max, sizeof *watches->slots);
    watches->heap_room = calloc(count_max, sizeof *watches->heap_room);
    watches->index_memory = calloc(1, index_size(count_max));
    if (watches->slots == NULL || watches->heap_room == NULL || watches->index_memory == NULL) {
        event_watch_free(watches);
        return NULL;
    }
    index_init(&watches->by_asker, watches->index_memory, count_max);
    watches->deadlines = (struct heap){
        .entries = watches->heap_room, .cap = count_max, .moved = moved, .ctx = watches};
    return watches;
}

void event_watch_free(struct event_watches *watches)
{
    if (watches == NULL)
        return;
    free(watches->index_memory);
    free(watches->heap_room);
    free(watches->slots);
    free(watches);
}

static uint32_t take_free(struct event_watches *watches)
{
    uint32_t slot = watches->free;
    if (slot != NONE)
        watches->free = watches->slots[slot].behind;
    else if (watches->used < watches->cap)
        slot = watches->used++;
    return slot;
}

static struct slice keep_name(uint8_t *room, struct slice name)
{
    CHECK(name.len <= MSG_NAME_LEN_MAX);
    if (name.len > 0)
        memcpy(room, name.data, name.len);
    return slice_of(room, name.len);
}

err event_watch_add(struct event_watches *watches, const struct event_watch_question *question,
                    when_ms deadline)
{
    if (is_waiting(watches, question))
        return OK;
    uint32_t slot = take_free(watches);
    if (slot == NONE)
        return ERR_FULL;
    struct watch *watch = &watches->slots[slot];
    CHECK(watch->phase == FREE);
    watch->question = *question;
    watch->question.asked.queue = keep_name(watch->names[0], question->asked.queue);
    watch->question.asked.type = keep_name(watch->names[1], question->asked.type);
    watch->next = question->from;
    watch->is_last = false;
    err e = heap_push(&watches->deadlines,
                      (struct heap_entry){.key = deadline, .tie = slot, .item = slot});
    CHECK(e == OK);
    index_add(&watches->by_asker, slot, asker_hash(watches, question));
    watches->count++;
    join_line(watches, slot, LOOKING);
    return OK;
}

static void end(struct event_watches *watches, uint32_t slot)
{
    struct watch *watch = &watches->slots[slot];
    if (watch->place != NONE)
        (void)heap_remove(&watches->deadlines, watch->place);
    index_drop(&watches->by_asker, slot, asker_hash(watches, &watch->question));
    leave_line(watches, slot);
    watch->phase = FREE;
    watch->behind = watches->free;
    watches->free = slot;
    CHECK(watches->count > 0);
    watches->count--;
}

void event_watch_expire(struct event_watches *watches, when_ms now)
{
    const struct heap_entry *first = heap_peek(&watches->deadlines);
    for (; first != NULL && first->key <= now; first = heap_peek(&watches->deadlines)) {
        uint32_t slot = heap_remove(&watches->deadlines, 0).item;
        struct watch *watch = &watches->slots[slot];
        watch->place = NONE;
        watch->is_last = true;
        if (watch->phase != RESTING)
            continue;
        leave_line(watches, slot);
        join_line(watches, slot, LOOKING);
    }
}

// --- looking ---

struct msg_event event_watch_gap(const struct event_log *log)
{
    struct msg_place oldest = event_log_place(log, event_log_first(log));
    return (struct msg_event){.gap = true,
                              .next = event_log_place(log, event_log_end(log)),
                              .oldest_position = oldest.position,
                              .oldest_index = oldest.index};
}

// As far as the budget, the watch's credit and the log go; the events that fit are in `told`.
static uint32_t look(struct event_watches *watches, const struct event_log *log,
                     struct watch *watch, uint32_t *budget)
{
    const struct msg_watch *asked = &watch->question.asked;
    const struct event_log_filter filter = {.all_tenants = asked->all_tenants,
                                            .tenant = watch->question.tenant,
                                            .states = asked->states,
                                            .queue = asked->queue,
                                            .type = asked->type,
                                            .job_id = asked->job_id};
    uint32_t count = 0;
    CHECK(asked->limit > 0 && asked->limit <= MSG_WATCHED_MAX);
    while (*budget > 0 && watch->next < event_log_end(log) && count < asked->limit) {
        uint32_t cost = 1;
        if (event_log_fits(log, watch->next, &filter)) {
            watches->told[count] = event_log_tell(log, watch->next);
            if (!asked->all_tenants)
                watches->told[count].tenant = (struct slice){0};
            count++;
            cost += EVENT_WATCH_TELL_COST;
        }
        *budget -= cost < *budget ? cost : *budget;
        watch->next++;
    }
    return count;
}

// What is to be said to the watch now; false: nothing yet.
static bool answer(struct event_watches *watches, const struct event_log *log, struct watch *watch,
                   struct msg_event *out_event, uint32_t *budget)
{
    *out_event = event_watch_gap(log);
    if (watch->next < event_log_first(log))
        return true; // the stream has passed it by
    uint32_t count = look(watches, log, watch, budget);
    out_event->gap = false;
    out_event->more = watch->next < event_log_end(log);
    out_event->next = event_log_place(log, watch->next);
    out_event->events = watches->told;
    out_event->count = count;
    return count > 0 || watch->is_last;
}

bool event_watch_next(struct event_watches *watches, const struct event_log *log, uint32_t *budget,
                      struct event_watch_answer *out_answer)
{
    if (event_log_end(log) != watches->seen_end)
        wake_all(watches);
    watches->seen_end = event_log_end(log);
    while (*budget > 0 && watches->lines[LOOKING].first != NONE) {
        uint32_t slot = watches->lines[LOOKING].first;
        struct watch *watch = &watches->slots[slot];
        if (answer(watches, log, watch, &out_answer->event, budget)) {
            out_answer->peer = watch->question.peer;
            out_answer->corr = watch->question.corr;
            end(watches, slot);
            return true;
        }
        leave_line(watches, slot);
        join_line(watches, slot, watch->next == event_log_end(log) ? RESTING : LOOKING);
        *budget -= *budget > 0; // also one for whom there is nothing costs its turn
    }
    return false;
}

bool event_watch_has_more(const struct event_watches *watches, const struct event_log *log)
{
    return watches->lines[LOOKING].first != NONE ||
           (watches->lines[RESTING].first != NONE && watches->seen_end != event_log_end(log));
}

when_ms event_watch_deadline(const struct event_watches *watches)
{
    const struct heap_entry *first = heap_peek(&watches->deadlines);
    return first == NULL ? WHEN_NEVER : first->key;
}

uint32_t event_watch_count(const struct event_watches *watches)
{
    return watches->count;
}
