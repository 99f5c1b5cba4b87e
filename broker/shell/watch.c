// Waiting questions: slots, an index by the id they wait for, an index by who asked, a heap of
// deadlines, and a list of those that are due.

#include "broker/shell/watch.h"

#include "lib/base/check.h"
#include "lib/base/heap.h"
#include "lib/base/index.h"
#include "lib/base/prng.h"

enum phase { FREE, DUE, ASKED, WAITING };

struct watch {
    struct watch_question question;
    enum phase phase;
    bool again;     // something happened while the readers were looking
    uint32_t next;  // in the list of due or free ones
    uint32_t place; // in the heap; WATCH_NONE once the deadline has come
};

struct watches {
    struct watch *slots;
    struct heap_entry *heap_room;
    void *index_memory[2];
    uint32_t cap;
    uint32_t used; // slots ever used
    uint32_t count;
    uint32_t free;
    uint32_t due_first;
    uint32_t due_last;
    uint64_t seed;
    struct index by_id;
    struct index by_asker;
    struct heap deadlines;
};

static uint64_t asker_hash(const struct watches *watches, const struct watch_question *question)
{
    uint64_t hash = prng_mix(watches->seed ^ question->corr);
    return prng_mix(hash ^ (((uint64_t)question->peer.generation << 32) | question->peer.number));
}

static bool same_asker(const struct watch_question *a, const struct watch_question *b)
{
    return a->corr == b->corr && a->peer.number == b->peer.number &&
           a->peer.generation == b->peer.generation && id_equal(&a->id, &b->id);
}

static void moved(void *ctx, uint32_t item, uint32_t place)
{
    struct watches *watches = ctx;
    watches->slots[item].place = place;
}

static struct watch *asked(struct watches *watches, uint32_t slot)
{
    CHECK(slot < watches->used);
    CHECK(watches->slots[slot].phase == ASKED);
    return &watches->slots[slot];
}

static void make_due(struct watches *watches, uint32_t slot)
{
    struct watch *watch = &watches->slots[slot];
    watch->phase = DUE;
    watch->again = false;
    watch->next = WATCH_NONE;
    if (watches->due_last == WATCH_NONE)
        watches->due_first = slot;
    else
        watches->slots[watches->due_last].next = slot;
    watches->due_last = slot;
}

static void look_again(struct watches *watches, uint32_t slot)
{
    struct watch *watch = &watches->slots[slot];
    if (watch->phase == WAITING)
        make_due(watches, slot);
    else if (watch->phase == ASKED)
        watch->again = true;
}

static uint32_t take_free(struct watches *watches)
{
    uint32_t slot = watches->free;
    if (slot != WATCH_NONE)
        watches->free = watches->slots[slot].next;
    else if (watches->used < watches->cap)
        slot = watches->used++;
    return slot;
}

static bool is_waiting(const struct watches *watches, const struct watch_question *question)
{
    uint32_t slot = index_first(&watches->by_asker, asker_hash(watches, question));
    while (slot != INDEX_NONE && !same_asker(&watches->slots[slot].question, question))
        slot = index_next(&watches->by_asker, slot);
    return slot != INDEX_NONE;
}

struct watches *watch_new(uint32_t count_max, uint64_t seed)
{
    CHECK(count_max > 0);
    struct watches *watches = calloc(1, sizeof *watches);
    if (watches == NULL)
        return NULL;
    *watches = (struct watches){.cap = count_max,
                                .free = WATCH_NONE,
                                .due_first = WATCH_NONE,
                                .due_last = WATCH_NONE,
                                .seed = seed};
    watches->slots = calloc(count_max, sizeof *watches->slots);
    watches->heap_room = calloc(count_max, sizeof *watches->heap_room);
    watches->index_memory[0] = calloc(1, index_size(count_max));
    watches->index_memory[1] = calloc(1, index_size(count_max));
    if (watches->slots == NULL || watches->heap_room == NULL || watches->index_memory[0] == NULL ||
        watches->index_memory[1] == NULL) {
        watch_free(watches);
        return NULL;
    }
    index_init(&watches->by_id, watches->index_memory[0], count_max);
    index_init(&watches->by_asker, watches->index_memory[1], count_max);
    watches->deadlines = (struct heap){
        .entries = watches->heap_room, .cap = count_max, .moved = moved, .ctx = watches};
    return watches;
}

void watch_free(struct watches *watches)
{
    if (watches == NULL)
        return;
    free(watches->index_memory[1]);
    free(watches->index_memory[0]);
    free(watches->heap_room);
    free(watches->slots);
    free(watches);
}

err watch_add(struct watches *watches, const struct watch_question *question, when_ms deadline)
{
    if (is_waiting(watches, question))
        return OK;
    uint32_t slot = take_free(watches);
    if (slot == WATCH_NONE)
        return ERR_FULL;
    struct watch *watch = &watches->slots[slot];
    CHECK(watch->phase == FREE);
    watch->question = *question;
    watch->question.watch = slot;
    err e = heap_push(&watches->deadlines,
                      (struct heap_entry){.key = deadline, .tie = slot, .item = slot});
    CHECK(e == OK);
    index_add(&watches->by_id, slot, id_hash(&question->id, watches->seed));
    index_add(&watches->by_asker, slot, asker_hash(watches, question));
    watches->count++;
    make_due(watches, slot);
    return OK;
}

void watch_changed(struct watches *watches, const struct id *id)
{
    if (watches->count == 0)
        return;
    uint32_t slot = index_first(&watches->by_id, id_hash(id, watches->seed));
    for (; slot != INDEX_NONE; slot = index_next(&watches->by_id, slot))
        if (id_equal(&watches->slots[slot].question.id, id))
            look_again(watches, slot);
}

void watch_expire(struct watches *watches, when_ms now)
{
    const struct heap_entry *first = heap_peek(&watches->deadlines);
    while (first != NULL && first->key <= now) {
        uint32_t slot = heap_remove(&watches->deadlines, 0).item;
        watches->slots[slot].place = WATCH_NONE;
        watches->slots[slot].question.is_last = true;
        look_again(watches, slot);
        first = heap_peek(&watches->deadlines);
    }
}

bool watch_next(struct watches *watches, struct watch_question *out_question)
{
    uint32_t slot = watches->due_first;
    if (slot == WATCH_NONE)
        return false;
    struct watch *watch = &watches->slots[slot];
    CHECK(watch->phase == DUE);
    watches->due_first = watch->next;
    if (watches->due_first == WATCH_NONE)
        watches->due_last = WATCH_NONE;
    watch->phase = ASKED;
    *out_question = watch->question;
    return true;
}

void watch_put_back(struct watches *watches, uint32_t watch)
{
    (void)asked(watches, watch);
    make_due(watches, watch);
}

void watch_not_yet(struct watches *watches, uint32_t watch)
{
    if (asked(watches, watch)->again)
        make_due(watches, watch);
    else
        watches->slots[watch].phase = WAITING;
}

void watch_answered(struct watches *watches, uint32_t watch)
{
    struct watch *ended = asked(watches, watch);
    if (ended->place != WATCH_NONE)
        (void)heap_remove(&watches->deadlines, ended->place);
    index_drop(&watches->by_id, watch, id_hash(&ended->question.id, watches->seed));
    index_drop(&watches->by_asker, watch, asker_hash(watches, &ended->question));
    ended->phase = FREE;
    ended->next = watches->free;
    watches->free = watch;
    CHECK(watches->count > 0);
    watches->count--;
}

when_ms watch_deadline(const struct watches *watches)
{
    const struct heap_entry *first = heap_peek(&watches->deadlines);
    return first == NULL ? WHEN_NEVER : first->key;
}

uint32_t watch_count(const struct watches *watches)
{
    return watches->count;
}
