// Edges in two lists each, parents and children with an index each, and the line.

#include "broker/core/deps.h"

#include "lib/base/prng.h"

static_assert(sizeof(struct dep) <= 32, "docs/limits.md states the cost of a dependency");

static size_t round16(size_t size)
{
    return (size + 15) / 16 * 16;
}

size_t deps_size(uint32_t cap)
{
    return round16(cap * sizeof(struct dep)) + round16(cap * sizeof(struct dep_parent)) +
           round16(cap * sizeof(struct dep_child)) + 2 * round16(index_size(cap));
}

void deps_init(struct deps *deps, void *memory, uint32_t cap, uint64_t seed)
{
    uint8_t *room = memory;
    *deps = (struct deps){.edges = memory,
                          .cap = cap,
                          .free = DEPS_NONE,
                          .parent_free = DEPS_NONE,
                          .child_free = DEPS_NONE,
                          .line_first = DEPS_NONE,
                          .line_last = DEPS_NONE,
                          .seed = seed};
    room += round16(cap * sizeof(struct dep));
    deps->parents = (void *)room;
    room += round16(cap * sizeof(struct dep_parent));
    deps->children = (void *)room;
    room += round16(cap * sizeof(struct dep_child));
    index_init(&deps->by_id, room, cap);
    index_init(&deps->by_slot, room + round16(index_size(cap)), cap);
}

bool deps_has_room(const struct deps *deps, uint32_t edge_count)
{
    return edge_count <= deps->cap - deps->count;
}

static uint64_t slot_hash(const struct deps *deps, uint32_t slot)
{
    return prng_mix(slot ^ deps->seed);
}

// --- children ---

uint32_t deps_child(const struct deps *deps, uint32_t slot)
{
    uint32_t at = index_first(&deps->by_slot, slot_hash(deps, slot));
    while (at != INDEX_NONE && deps->children[at].slot != slot)
        at = index_next(&deps->by_slot, at);
    return at;
}

const struct dep_child *deps_child_at(const struct deps *deps, uint32_t child)
{
    CHECK(child < deps->child_used && deps->children[child].slot != DEPS_NONE);
    return &deps->children[child];
}

uint32_t deps_add_child(struct deps *deps, uint32_t slot, enum on_failure on_failure)
{
    CHECK(deps->child_count < deps->cap && deps_child(deps, slot) == DEPS_NONE);
    uint32_t child = deps->child_free;
    if (child == DEPS_NONE)
        child = deps->child_used++;
    else
        deps->child_free = deps->children[child].first;
    deps->children[child] = (struct dep_child){
        .slot = slot, .first = DEPS_NONE, .on_failure = (uint8_t)on_failure, .is_stored = true};
    deps->child_count++;
    index_add(&deps->by_slot, child, slot_hash(deps, slot));
    return child;
}

uint32_t deps_add_second_life(struct deps *deps, uint32_t slot)
{
    uint32_t child = deps_add_child(deps, slot, ON_FAILURE_RUN);
    deps->children[child].is_stored = false;
    return child;
}

void deps_set_telling(struct deps *deps, uint32_t child)
{
    CHECK(deps_child_at(deps, child)->first == DEPS_NONE);
    deps->children[child].tells = true;
}

const struct id *deps_parent_of(const struct deps *deps, uint32_t child)
{
    uint32_t edge = deps_child_at(deps, child)->first;
    CHECK(edge != DEPS_NONE);
    return &deps->parents[deps->edges[edge].parent].name.id;
}

// --- parents ---

static uint64_t name_hash(const struct deps *deps, const struct dep_name *name)
{
    return id_hash(&name->id, deps->seed + name->tenant);
}

static uint32_t find_parent(const struct deps *deps, const struct dep_name *name)
{
    uint32_t at = index_first(&deps->by_id, name_hash(deps, name));
    while (at != INDEX_NONE && !(id_equal(&deps->parents[at].name.id, &name->id) &&
                                 deps->parents[at].name.tenant == name->tenant))
        at = index_next(&deps->by_id, at);
    return at;
}

bool deps_is_parent(const struct deps *deps, const struct dep_name *parent)
{
    return deps->parent_count > 0 && find_parent(deps, parent) != DEPS_NONE;
}

uint32_t deps_only_child(const struct deps *deps, const struct dep_name *name)
{
    uint32_t no = deps->parent_count > 0 ? find_parent(deps, name) : DEPS_NONE;
    if (no == DEPS_NONE)
        return DEPS_NONE;
    const struct dep *edge = &deps->edges[deps->parents[no].first];
    return edge->next_of_parent == DEPS_NONE ? deps->children[edge->child].slot : DEPS_NONE;
}

static uint32_t add_parent(struct deps *deps, const struct dep_name *name)
{
    CHECK(!id_is_zero(&name->id));
    uint32_t parent = deps->parent_free;
    if (parent == DEPS_NONE)
        parent = deps->parent_used++;
    else
        deps->parent_free = deps->parents[parent].next_in_line;
    deps->parents[parent] = (struct dep_parent){.name = *name, .first = DEPS_NONE};
    deps->parent_count++;
    index_add(&deps->by_id, parent, name_hash(deps, name));
    return parent;
}

static void leave_line(struct deps *deps, uint32_t no)
{
    struct dep_parent *parent = &deps->parents[no];
    if (!parent->is_in_line)
        return;
    if (parent->prev_in_line == DEPS_NONE)
        deps->line_first = parent->next_in_line;
    else
        deps->parents[parent->prev_in_line].next_in_line = parent->next_in_line;
    if (parent->next_in_line == DEPS_NONE)
        deps->line_last = parent->prev_in_line;
    else
        deps->parents[parent->next_in_line].prev_in_line = parent->prev_in_line;
    parent->is_in_line = false;
}

static void drop_parent(struct deps *deps, uint32_t no)
{
    struct dep_parent *parent = &deps->parents[no];
    leave_line(deps, no);
    index_drop(&deps->by_id, no, name_hash(deps, &parent->name));
    *parent = (struct dep_parent){.next_in_line = deps->parent_free};
    deps->parent_free = no;
    deps->parent_count--;
}

static void enter_line(struct deps *deps, uint32_t no)
{
    struct dep_parent *parent = &deps->parents[no];
    parent->at = parent->first;
    if (parent->is_in_line)
        return;
    parent->is_in_line = true;
    parent->prev_in_line = deps->line_last;
    parent->next_in_line = DEPS_NONE;
    if (deps->line_last == DEPS_NONE)
        deps->line_first = no;
    else
        deps->parents[deps->line_last].next_in_line = no;
    deps->line_last = no;
}

void deps_end(struct deps *deps, const struct dep_name *name)
{
    uint32_t no = deps->parent_count > 0 ? find_parent(deps, name) : DEPS_NONE;
    if (no != DEPS_NONE)
        enter_line(deps, no);
}

void deps_end_all(struct deps *deps)
{
    for (uint32_t no = 0; no < deps->parent_used; no++)
        if (!id_is_zero(&deps->parents[no].name.id))
            enter_line(deps, no);
}

void deps_revive(struct deps *deps, const struct dep_name *name)
{
    uint32_t no = find_parent(deps, name);
    if (no != DEPS_NONE)
        leave_line(deps, no);
}

bool deps_has_next(const struct deps *deps)
{
    return deps->line_first != DEPS_NONE;
}

bool deps_next(struct deps *deps, struct dep_next *out_next)
{
    while (deps->line_first != DEPS_NONE) {
        struct dep_parent *parent = &deps->parents[deps->line_first];
        while (parent->at != DEPS_NONE && !deps->edges[parent->at].is_open)
            parent->at = deps->edges[parent->at].next_of_parent;
        if (parent->at != DEPS_NONE) {
            *out_next = (struct dep_next){
                .parent = parent->name, .slot = deps->children[deps->edges[parent->at].child].slot};
            return true;
        }
        leave_line(deps, deps->line_first);
    }
    return false;
}

// --- edges ---

void deps_add(struct deps *deps, uint32_t child_no, const struct dep_name *name, bool is_open)
{
    CHECK(deps_has_room(deps, 1));
    struct dep_child *child = &deps->children[child_no];
    uint32_t parent_no = find_parent(deps, name);
    if (parent_no == DEPS_NONE)
        parent_no = add_parent(deps, name);
    struct dep_parent *parent = &deps->parents[parent_no];
    uint32_t edge = deps->free;
    if (edge == DEPS_NONE)
        edge = deps->used++;
    else
        deps->free = deps->edges[edge].next_of_child;
    deps->count++;
    deps->edges[edge] = (struct dep){.parent = parent_no,
                                     .child = child_no,
                                     .next_of_parent = parent->first,
                                     .prev_of_parent = DEPS_NONE,
                                     .next_of_child = child->first,
                                     .is_open = is_open};
    if (parent->first != DEPS_NONE)
        deps->edges[parent->first].prev_of_parent = edge;
    parent->first = edge;
    child->first = edge;
    child->open_count += is_open;
}

static void drop_edge(struct deps *deps, uint32_t no)
{
    struct dep *edge = &deps->edges[no];
    struct dep_parent *parent = &deps->parents[edge->parent];
    if (parent->is_in_line && parent->at == no)
        parent->at = edge->next_of_parent;
    if (edge->prev_of_parent == DEPS_NONE)
        parent->first = edge->next_of_parent;
    else
        deps->edges[edge->prev_of_parent].next_of_parent = edge->next_of_parent;
    if (edge->next_of_parent != DEPS_NONE)
        deps->edges[edge->next_of_parent].prev_of_parent = edge->prev_of_parent;
    if (parent->first == DEPS_NONE)
        drop_parent(deps, edge->parent);
    *edge = (struct dep){.next_of_child = deps->free};
    deps->free = no;
    deps->count--;
}

void deps_drop_child(struct deps *deps, uint32_t child_no)
{
    struct dep_child *child = &deps->children[child_no];
    CHECK(child->slot != DEPS_NONE);
    uint32_t edge = child->first;
    while (edge != DEPS_NONE) {
        uint32_t next = deps->edges[edge].next_of_child;
        drop_edge(deps, edge);
        edge = next;
    }
    index_drop(&deps->by_slot, child_no, slot_hash(deps, child->slot));
    *child = (struct dep_child){.slot = DEPS_NONE, .first = deps->child_free};
    deps->child_free = child_no;
    deps->child_count--;
}

uint32_t deps_close(struct deps *deps, uint32_t child_no, const struct id *id)
{
    struct dep_child *child = &deps->children[child_no];
    for (uint32_t at = child->first; at != DEPS_NONE; at = deps->edges[at].next_of_child) {
        struct dep *edge = &deps->edges[at];
        if (!id_equal(&deps->parents[edge->parent].name.id, id))
            continue;
        child->open_count -= edge->is_open;
        edge->is_open = false;
    }
    return child->open_count;
}
