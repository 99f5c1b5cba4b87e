#pragma once

// Who waits for whom: an edge for each (parent, child). Edges stay until the child has ended, so
// that its parents are kept as long; those that are open keep the child from starting. Parents
// that have ended stand in a line until all their open edges have been closed, a few at a time.
// Pure. Not thread-safe.
//
// A parent is a job or a batch of the child's tenant, which nobody else gets its name as long as an
// edge leads to it: two tenants may have batches with the same id.

#include "broker/core/row.h"
#include "lib/base/index.h"

#define DEPS_NONE UINT32_MAX

// 32 bytes.
struct dep {
    uint32_t parent;
    uint32_t child;
    uint32_t next_of_parent, prev_of_parent;
    uint32_t next_of_child; // also links free ones
    bool is_open;
};

struct dep_name {
    struct id id;
    uint32_t tenant; // its number
};

struct dep_parent {
    struct dep_name name;
    uint32_t first;
    uint32_t at;           // in line: the next edge to be looked at
    uint32_t next_in_line; // also links free ones
    uint32_t prev_in_line;
    bool is_in_line;
};

struct dep_child {
    uint32_t slot;  // DEPS_NONE: free
    uint32_t first; // also links free ones
    uint32_t open_count;
    uint8_t on_failure; // enum on_failure
    bool is_stored;     // there is a row that says so
    bool tells;         // of its parents' progress: open edges do not keep it from starting
};

struct deps {
    struct dep *edges;
    struct dep_parent *parents;
    struct dep_child *children;
    uint32_t cap;
    uint32_t used, free, count;
    uint32_t parent_used, parent_free, parent_count;
    uint32_t child_used, child_free, child_count;
    uint32_t line_first, line_last;
    uint64_t seed;
    struct index by_id;
    struct index by_slot;
};

size_t deps_size(uint32_t cap);
// `memory` is deps_size(cap) bytes, aligned to 16.
void deps_init(struct deps *deps, void *memory, uint32_t cap, uint64_t seed);

bool deps_has_room(const struct deps *deps, uint32_t edge_count);

// The job in `slot` has no edges yet and gets some next.
uint32_t deps_add_child(struct deps *deps, uint32_t slot, enum on_failure on_failure);
// What was added just now tells of its parents' progress. It is not kept from starting, and stands
// in line when they end.
void deps_set_telling(struct deps *deps, uint32_t child);
// Of a job that has an edge: the parent of its last one.
const struct id *deps_parent_of(const struct deps *deps, uint32_t child);
// The same without a row: it waits for nobody, and keeps its parents.
uint32_t deps_add_second_life(struct deps *deps, uint32_t slot);
// There is room, and the child has no edge to this parent.
void deps_add(struct deps *deps, uint32_t child, const struct dep_name *parent, bool is_open);
// The child in `slot`, or DEPS_NONE.
uint32_t deps_child(const struct deps *deps, uint32_t slot);
const struct dep_child *deps_child_at(const struct deps *deps, uint32_t child);
// All its edges go.
void deps_drop_child(struct deps *deps, uint32_t child);

// Does an edge lead to this parent?
bool deps_is_parent(const struct deps *deps, const struct dep_name *parent);
// The slot of the only job that has an edge to it, or DEPS_NONE: there is none, or another one.
uint32_t deps_only_child(const struct deps *deps, const struct dep_name *parent);
// It has ended: it stands in line, from its first edge on.
void deps_end(struct deps *deps, const struct dep_name *parent);
// The first open edge of the first parent in line. Parents without one leave the line. False when
// the line is empty.
struct dep_next {
    struct dep_name parent;
    uint32_t slot; // the child's
};
bool deps_next(struct deps *deps, struct dep_next *out_next);
// The parent lives again: it leaves the line.
void deps_revive(struct deps *deps, const struct dep_name *parent);
// After loading: every parent stands in line, for some may have ended.
void deps_end_all(struct deps *deps);
// Is anybody in line?
bool deps_has_next(const struct deps *deps);
// Closes the edge; nothing happens when it is closed already. Returns how many of the child's are
// open still.
uint32_t deps_close(struct deps *deps, uint32_t child, const struct id *parent);
