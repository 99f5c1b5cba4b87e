#pragma once

// What follows the question mark. Pure.

#include "lib/base/err.h"
#include "lib/base/slice.h"
#include "lib/base/when.h"
#include "proto/msg.h"

enum query_name {
    QUERY_WAIT,
    QUERY_VERSION,
    QUERY_MODE,
    QUERY_STATUS,
    QUERY_QUEUE,
    QUERY_TYPE,
    QUERY_CREATED_AFTER,
    QUERY_CREATED_BEFORE,
    QUERY_LIMIT,
    QUERY_CURSOR,
    QUERY_NEXT,
    QUERY_AFTER_NAME, // a cursor that is a name
    QUERY_DRY_RUN,
    QUERY_AFTER_LINE, // a line's number
    QUERY_DIRECTION,  // of a pause
    QUERY_TAG,
    QUERY_SINCE,    // a place in the stream of events
    QUERY_SIMULATE, // for how long workers are asked about a dry run
    QUERY_RATE,     // of an act on many
};
enum {
    QUERY_NAMES = 19,
    QUERY_FAULT_LEN = 192,
    QUERY_WAIT_MS_MAX = 60000,
    QUERY_SIMULATE_MS_MAX = 30000,
    QUERY_NEXT_MAX = 100
};

// The names that tell which jobs are meant, and those that tell which page of them.
#define QUERY_FILTER                                                                               \
    (1u << QUERY_STATUS | 1u << QUERY_QUEUE | 1u << QUERY_TYPE | 1u << QUERY_CREATED_AFTER |       \
     1u << QUERY_CREATED_BEFORE | 1u << QUERY_TAG)
#define QUERY_PAGE (1u << QUERY_LIMIT | 1u << QUERY_CURSOR)

struct query {
    bool has[QUERY_NAMES];
    when_ms wait;         // QUERY_WAIT: at most QUERY_WAIT_MS_MAX
    uint32_t version;     // QUERY_VERSION: the newest the client has seen
    bool is_atomic;       // QUERY_MODE
    struct msg_list list; // QUERY_FILTER, QUERY_PAGE; its names point into `names`
    uint8_t names[3][MSG_NAME_LEN_MAX];
    uint32_t next;            // QUERY_NEXT: at most QUERY_NEXT_MAX moments
    struct slice after_name;  // QUERY_AFTER_NAME: points into `names`
    bool dry_run;             // QUERY_DRY_RUN
    uint32_t after_line;      // QUERY_AFTER_LINE
    enum direction direction; // QUERY_DIRECTION
    when_ms simulate;         // QUERY_SIMULATE: from 1 to QUERY_SIMULATE_MS_MAX
    uint32_t rate;            // QUERY_RATE: jobs a second, from 1 to MSG_RATE_COUNT_MAX
    struct msg_place since;   // QUERY_SINCE; no epoch: the oldest that is known
};

// "dead" or "queued,running" as the bits of struct msg_list. False: some word is no state.
bool query_states(struct slice words, uint32_t *out_states);
// A sentence about the first word that is none, with the state that it is nearest to.
void query_tell_states(struct slice words, char out_fault[QUERY_FAULT_LEN]);

// Reads `text`, with %XX in values, which may give the names whose bits (1u << name) are set in `allowed`, each once.
//   ERR_BAD_FIELD     an unknown name, a name given twice, or a value that is not allowed
//   ERR_UNSUPPORTED   of the contract, but not done by this version
// After an error `out_fault` has a sentence.
MUST_USE err query_read(struct slice text, uint32_t allowed, struct query *out_query,
                        char out_fault[QUERY_FAULT_LEN]);

// The newest version out of an If-None-Match header, a list of them in quotes, perhaps after W/.
// False: none that we could have given.
bool query_etag(struct slice header, uint32_t *out_version);
// That it names this version, or all there may be.
bool query_etag_has(struct slice header, uint32_t version);

// A version out of a Last-Event-ID header. False: none that we could have given.
bool query_version(struct slice header, uint32_t *out_version);
