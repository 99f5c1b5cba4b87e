#pragma once

// How `weft token` and `weft key` tell what was granted: to whom, for what, until when, and the quotas of tenants. Prints on
// standard output; command_end() asks whether that could be written. Not thread-safe.

#include "cli/command.h"
#include "gateway/core/out.h"
#include "lib/base/slice.h"
#include "lib/base/when.h"

#define GRANTS_KEY_EXPIRES                                                                         \
    {                                                                                              \
        .key = "expires", .type = CONFIG_DURATION, .min = 1000,                                    \
        .max = INT64_C(3660) * 24 * 3600 * 1000,                                                   \
        .help = "when it ends by itself; never, unless given"                                      \
    }
#define GRANTS_KEY_OPEN_JOBS(most)                                                                 \
    {                                                                                              \
        .key = "open-jobs", .type = CONFIG_INTEGER, .min = 1, .max = (most),                       \
        .help = "unfinished jobs at any time; as many as it likes, unless given"                   \
    }

// Bytes of JSON that one grant, or one quota, takes at the most.
enum { GRANTS_OBJECT_LEN = 1024 };

struct grant {
    struct slice name;
    struct slice tenant;
    uint32_t scopes; // of lib/base/scope.h, at least one
    when_ms created_at;
    when_ms expires_at; // WHEN_NEVER: by itself it never ends
};

// As JSON, into an object that is open.
void grants_put(struct out *out, const struct grant *grant);
// As the first columns of its line, without the line feed.
void grants_print(const struct grant *grant);

// What all of a tenant may do together; 0: as much as it likes.
struct grant_quota {
    struct slice tenant;
    uint64_t requests; // a minute
    uint64_t bytes;    // a minute
    uint64_t open;     // unfinished jobs
};

bool grants_is_no_quota(const struct grant_quota *quota);
void grants_put_quota(struct out *out, const struct grant_quota *quota);
void grants_print_quota(const struct grant_quota *quota);
// One quota alone, as JSON.
void grants_print_quota_json(const struct grant_quota *quota);

// Who reads what lies in a directory.
struct grants_reader {
    const char *program; // "gateway"
    const char *flag;    // "tokens": of the program and of the command
    bool is_new;         // the directory was made just now
};
// Says on standard error where the directory is and what reads it, when it is the default one and no
// such program runs on the data above it, or when it is new and one has to be told of it.
void grants_tell_reader(const struct config *config, const struct grants_reader *reader);

// What was put, and a line feed.
void grants_print_json(const struct out *out);
