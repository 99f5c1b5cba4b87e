#pragma once

// Webhook endpoints of the simulator: what clients want of them, and how they stand as far as the
// entries say.

#include "proto/msg.h"
#include "tests/sim/bounds.h"

struct entry;
struct sim;

// An endpoint as the entries have it, unsettled ones included. Texts live as long as the run.
struct seen_endpoint {
    struct slice tenant; // by its full name
    struct msg_webhook given;
    struct slice secret;
    struct slice secret_before;
    struct slice reason;
    when_ms before_until;
    uint64_t since_no;
    uint32_t generation; // 0: there is none
    uint32_t birth;      // its number among all that were made
    bool is_disabled;
};

// Who hears of a job or a batch: endpoints by their births, as many as there are at once.
struct seen_hearers {
    uint32_t own; // that the job itself names; 0: none
    uint32_t births[SIM_ENDPOINTS];
    uint32_t count;
};

enum { SIM_ENDPOINT_IDS = 4 };
extern const char *const endpoint_ids[SIM_ENDPOINT_IDS];
void endpoint_turn(struct sim *sim, uint32_t client);
// NULL: it is not there any more.
const struct seen_endpoint *watch_endpoint_of(const struct sim *sim, uint32_t birth);
// Those that want these events of such a job; own is not looked at.
struct seen_hearers watch_endpoint_wanting(const struct sim *sim, const struct msg_submit_job *job,
                                           uint32_t events);
// 0: there is none of this id.
uint32_t watch_endpoint_named(const struct sim *sim, struct slice tenant, struct slice id);
// After each entry about one: the core has it as it should be.
void watch_endpoint_entry(struct sim *sim, const struct entry *entry, const struct effects *fx);
// Has an endpoint of this job's tenant got another url, so that what waited for it is run now?
bool watch_endpoint_frees(struct sim *sim, const struct id *job_id);
// After a start: what was durable is in memory, to the last byte.
void watch_endpoint_start(struct sim *sim);
