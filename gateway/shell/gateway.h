#pragma once

// What the parts of the gateway share. Made and taken apart by main.c; everything in it may be
// used by any thread.

#include "gateway/shell/broker_time.h"
#include "gateway/shell/bulk.h"
#include "gateway/shell/callers.h"
#include "gateway/shell/courier.h"
#include "gateway/shell/lessor.h"
#include "gateway/shell/scratch.h"
#include "gateway/shell/sealer.h"
#include "gateway/shell/settings.h"
#include "gateway/shell/spool_forward.h"
#include "gateway/shell/statuses.h"
#include "gateway/shell/tally.h"
#include "gateway/store/keys.h"
#include "gateway/store/spool.h"
#include "lib/http/http.h"

#include <stdatomic.h>

// Batch ids are derived in a queue of their own, whose name no real queue can have.
#define GATEWAY_BATCH_QUEUE "#batch"

struct gateway {
    const struct settings *settings;
    struct http *_Atomic http; // the last to come: its threads look at it while it does
    struct courier *courier;
    struct keys *keys;
    struct spool *spool;
    struct spool_forward *forward;
    struct statuses *statuses;
    struct callers *callers;
    struct bulk *bulk;
    struct lessor *lessor;
    struct scratch_pool *scratch;
    struct tally *tally;
    struct broker_time *broker_time;
    struct sealer sealer;
    atomic_bool is_stopping; // streams end, and nobody asks again
};
