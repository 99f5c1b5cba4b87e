// Schemas of payloads, as the broker's shell has them: put when a type is set, loaded at a start,
// asked for each job. One is a digit: which eighth of all payloads breaks it.

#include "lib/base/origin.h"
#include "tests/sim/sim.h"

enum { EIGHTHS = 8 };

uint32_t schema_eighth(struct slice text)
{
    return text.len > 0 ? text.data[0] - (uint32_t)'0' : 0;
}

bool schema_breaks(uint32_t eighth, const struct msg_submit_job *job)
{
    return job->fingerprint % EIGHTHS + 1 == eighth;
}

static struct slice text_of(uint32_t eighth)
{
    static const char digits[EIGHTHS + 1] = "12345678";
    return slice_of(digits + eighth - 1, 1);
}

void schema_want(struct sim *sim, struct msg_type_set *set)
{
    if (plan_optional(sim, 50))
        set->schema = (struct body){.content = CONTENT_JSON,
                                    .bytes = text_of(1 + (uint32_t)world_below(sim, EIGHTHS))};
}

static struct sim_schema *find(struct sim *sim, struct slice tenant, struct slice type)
{
    struct shell *shell = &sim->shell;
    for (uint32_t i = 0; i < shell->schema_count; i++)
        if (slice_equal(shell->schemas[i].type, type) &&
            origin_is_tenant(shell->schemas[i].tenant, tenant))
            return &shell->schemas[i];
    return NULL;
}

static void put(struct sim *sim, const struct sim_schema *schema)
{
    struct sim_schema *known = find(sim, schema->tenant, schema->type);
    SIM_EXPECT(known != NULL || sim->shell.schema_count < SIM_TYPES, "room for schemas");
    if (known == NULL)
        known = &sim->shell.schemas[sim->shell.schema_count++];
    *known = *schema;
}

// What is not named stays, and comes with what is set.
static void keep_schema(struct sim *sim, struct msg_type_set *set)
{
    if (set->named == 0 || (set->named & 1u << TYPE_SCHEMA) != 0)
        return;
    const struct sim_schema *known = find(sim, set->tenant, set->type);
    uint32_t eighth = known != NULL ? known->eighth : 0;
    set->schema = eighth > 0 ? (struct body){.content = CONTENT_JSON, .bytes = text_of(eighth)}
                             : (struct body){0};
}

void schema_judge(struct sim *sim, struct msg *msg)
{
    if (msg->kind == MSG_TYPE_SET)
        keep_schema(sim, &msg->type_set);
    if (msg->kind == MSG_TYPE_SET && msg->type_set.schema.bytes.len > 0)
        msg->type_set.schema_hash = msg->type_set.schema.bytes.data[0];
    for (uint32_t i = 0; msg->kind == MSG_SUBMIT && i < msg->submit.count; i++) {
        struct msg_submit_job *job = &msg->submit.jobs[i];
        const struct sim_schema *known = find(sim, job->tenant, job->type);
        job->schema = known != NULL && schema_breaks(known->eighth, job) ? ERR_SCHEMA : OK;
    }
}

void schema_keep(struct sim *sim, const struct msg *msg, const struct effects *fx)
{
    if (msg->kind != MSG_TYPE_SET || fx->sends[fx->send_count - 1].msg.type_status_is.error != OK)
        return;
    const struct msg_type_set *set = &msg->type_set;
    put(sim, &(struct sim_schema){set->tenant, set->type, schema_eighth(set->schema.bytes)});
}

void schema_load(struct sim *sim)
{
    sim->shell.schema_count = 0;
    for (uint32_t i = 0; i < SIM_TYPES; i++) {
        const struct type_row *row = &sim->store.types[i];
        if (row->type.len == 0)
            continue;
        struct slice text = sim->disk != NULL ? sim_disk_schema(sim, row) : row->schema;
        put(sim, &(struct sim_schema){row->tenant, row->type, schema_eighth(text)});
        if (text.len > 0)
            watch_seen(SEEN_SCHEMA_LOADED);
    }
}
