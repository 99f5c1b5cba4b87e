#pragma once

// Everything one broker is made of, owned by the link thread. docs/path-of-a-job.md tells how the
// files beside this one work on it: intake and chores decide, commit flushes, release speaks.

#include "broker/core/core.h"
#include "broker/shell/auditor.h"
#include "broker/shell/batch.h"
#include "broker/shell/commit.h"
#include "broker/shell/event_watch.h"
#include "broker/shell/keyring.h"
#include "broker/shell/metrics.h"
#include "broker/shell/options.h"
#include "broker/shell/peers.h"
#include "broker/shell/readers.h"
#include "broker/shell/schemas.h"
#include "broker/shell/tenants.h"
#include "broker/shell/timetable.h"
#include "broker/shell/warden.h"
#include "broker/shell/watch.h"
#include "lib/link/link_guard.h"
#include "lib/sys/clock.h"

enum {
    BROKER_BATCHES = 3, // one filled, one committed, one released
    BROKER_UNSENT_MAX = 16384,
};

struct broker {
    const struct options *options;
    struct store *store;
    struct store_view *view;
    bool is_viewing;
    struct order order;
    struct core *core;
    void *core_memory;
    struct clock_store clock;
    struct now now; // read once per round
    struct link_context *context;
    struct keyring *keyring; // NULL: the doors are in the clear
    struct link *zap;        // the same
    struct link_guard *guard;
    struct warden *warden;
    when_ms review_at; // mono: keys may have expired
    struct link *router;
    struct link *publisher;
    struct peers *peers;
    struct tenants *tenants;
    struct watches *watches;
    struct event_log *event_log;
    struct event_watches *event_watches;
    struct timetable *timetable;
    struct schemas *schemas;
    struct readers *readers;
    struct auditor *auditor;
    struct commit *commit;
    struct metrics *metrics;
    struct batch_pool *pool;
    struct batch *batches[BROKER_BATCHES];
    struct batch *spare[BROKER_BATCHES];
    uint32_t spare_count;
    struct batch *filling;
    struct batch *committing;  // at the commit thread, or NULL
    struct link_message *held; // received, but the batch had no room for it
    struct release_room *room; // of release.c
    struct arena encoding;     // one message on its way out
    bool is_stepping;          // the readers look for the next jobs of an operation
    when_ms step_again_at;     // one could not be read: not before this
    when_ms hurry_at;          // mono: the auditor is not hurried for lanes before
    uint64_t sweep_job_nos[LIMITS_STEP_RECORDS_MAX];
    struct msg_held unsent[BROKER_UNSENT_MAX]; // granted, but their worker could not be reached
    uint32_t unsent_count;                     // more than there is room for wait for their leases
    struct metrics_counters counters;
    struct auditor_figures audited;
    struct store_figures space; // as of the last settled batch
    when_ms space_asked_at;     // when the file system was last asked, while it is short
    bool is_short;              // no new jobs, because the disk is nearly full
    when_ms told_at;            // of the last line about a failed job …
    uint32_t told_count;        // … how many there were in this second
    when_ms deferred_told_at; // mono: a moment of a schedule that found no room was told; 0: never
    struct wake wake;
    int signal_fd;
    bool is_stopping;
};

// Reads both clocks.
void broker_stamp(struct broker *broker);

// A snapshot for the core's questions and for bodies, begun when first needed after a batch was
// settled and ended before the thread waits. The broker ends itself when the store cannot be read.
struct store_view *broker_view(struct broker *broker);
void broker_view_end(struct broker *broker);

// Encodes and sends without waiting. A peer that has gone is made to leave; an answer that cannot
// be delivered is dropped and counted, because it will be asked for again. False when dropped.
bool broker_send(struct broker *broker, uint32_t peer, const struct msg *msg);
// The same to someone who may have no number.
void broker_send_to(struct broker *broker, struct slice route, const struct msg *msg);
