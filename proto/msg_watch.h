#pragma once

// The stream of what happens to jobs: WATCH and EVENT. Part of proto/msg.h. Pure.

#include "lib/base/id.h"
#include "lib/base/slice.h"
#include "lib/base/when.h"
#include "proto/msg_words.h"

// A place in the stream: behind the event that has these numbers. Of one lineage and epoch places
// are ordered by position, then index; between others nothing can be said.
struct msg_place {
    uint64_t lineage;
    uint32_t epoch; // 0: no place
    uint64_t position;
    uint32_t index;
};

struct msg_watch {
    struct msg_place since;
    uint32_t limit; // 0: MSG_WATCHED_DEFAULT
    uint32_t wait_ms;
    uint32_t states; // bits; 0: all
    struct slice queue;
    struct slice type;
    struct id job_id; // zero: all jobs
    bool all_tenants;
};

struct msg_job_event {
    uint64_t position;
    uint32_t index;
    struct id job_id;
    uint64_t generation;
    enum job_state state;
    uint32_t version;
    when_ms at;
    struct slice queue;
    struct slice type;
    struct slice tenant;
};

struct msg_event {
    bool gap;
    struct msg_place next;
    uint64_t oldest_position; // of the same lineage and epoch
    uint32_t oldest_index;
    bool more; // behind `next`, already
    const struct msg_job_event *events;
    uint32_t count;
};
