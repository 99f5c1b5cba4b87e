// Webhook endpoints in the ledger: how they change, and who of them is told of a job's end.
// Type and tags are looked at when a job is accepted, and its places are kept from then on; what
// events an endpoint wants, and whether it is enabled, when the job ends.

#include "broker/core/ledger.h"

#include "lib/base/check.h"
#include "lib/base/origin.h"

// --- who is told ---

static uint32_t bits(unsigned value)
{
    uint32_t count = 0;
    for (; value != 0; value &= value - 1)
        count++;
    return count;
}

uint32_t ledger_places_asked(const struct ledger *ledger, const struct msg_submit_job *job)
{
    return (job->webhook_events != 0) +
           bits(endpoints_wanting(&ledger->endpoints, job, HOOK_EVENTS));
}

uint32_t ledger_places(const struct job_row *row)
{
    bool is_own = row->relations >> RELATION_EVENTS_SHIFT != 0 || row->has_progress;
    return is_own + bits(row->endpoints);
}

uint32_t ledger_places_most(const struct ledger *ledger)
{
    return ledger->hooked > 0 ? 1 + ledger->endpoints.most : 0;
}

uint32_t ledger_progress_most(const struct ledger *ledger)
{
    return ledger->hooked > 0 ? 1 + ledger->endpoints.progress_most : 0;
}

static struct bond bond_of(const struct ledger *ledger, const struct msg_submit_job *job)
{
    struct bond bond = {.key_hash = job->key_hash,
                        .cost = (uint16_t)(job->cost > 1 ? job->cost : 0),
                        .order = (uint8_t)job->order,
                        .events = (uint8_t)(job->webhook_events >> JOB_SUCCEEDED),
                        .has_progress = (job->webhook_events & WEBHOOK_PROGRESS) != 0,
                        .endpoints = endpoints_wanting(&ledger->endpoints, job, HOOK_EVENTS)};
    uint32_t no = ENDPOINTS_NONE;
    if (job->webhook_events != 0 && !job->webhook_has_url)
        no = endpoints_find(&ledger->endpoints, job->tenant, job->webhook_endpoint);
    if (no != ENDPOINTS_NONE)
        bond.endpoint = (uint8_t)(endpoints_at(&ledger->endpoints, no)->place + 1);
    return bond;
}

bool ledger_endpoint_bind(struct ledger *ledger, uint32_t slot, const struct msg_submit_job *given)
{
    struct job *job = jobs_at(&ledger->jobs, slot);
    struct bond bond = bond_of(ledger, given);
    bool is_hooked = given->webhook_events != 0 || bond.endpoints != 0;
    job->is_bound = given->key_hash != 0;
    job->is_costly = given->cost > 1;
    if (is_hooked)
        job->relations |= RELATION_HOOK;
    if (is_hooked || job->is_bound || job->is_costly)
        ledger->bonds[slot] = bond;
    if (bond.endpoints != 0)
        ledger_note(ledger, (uint64_t)bond.endpoint << 16 | bond.endpoints);
    return is_hooked;
}

// The endpoint at a place of the job's tenant, if it wants to hear of this state.
static uint32_t hearer(const struct ledger *ledger, const struct job *job, uint32_t place,
                       enum job_state state)
{
    struct slice tenant = lanes_row(&ledger->lanes, job->lane).tenant;
    uint32_t no = endpoints_told(&ledger->endpoints, tenant, place, job->no);
    if (no == ENDPOINTS_NONE)
        return ENDPOINTS_NONE;
    const struct endpoint_row *row = endpoints_at(&ledger->endpoints, no);
    bool hears = !row->is_disabled && (row->given.events >> state & 1) != 0;
    return hears ? no : ENDPOINTS_NONE;
}

// What the job itself asks for goes to the endpoint that it names, whatever that one wants.
static uint32_t own_hearer(const struct ledger *ledger, const struct job *job,
                           const struct bond *bond)
{
    if (bond->endpoint == 0 || bond->endpoint == JOB_URL_GONE)
        return ENDPOINTS_NONE;
    struct slice tenant = lanes_row(&ledger->lanes, job->lane).tenant;
    return endpoints_told(&ledger->endpoints, tenant, bond->endpoint - 1u, job->no);
}

// The end is told of whatever its url has answered before: so it is seen, though it is not sent.
static bool wants(const struct bond *bond, enum job_state state)
{
    return state == JOB_RUNNING ? bond->has_progress && bond->endpoint != JOB_URL_GONE
                                : (bond->events >> (state - JOB_SUCCEEDED) & 1) != 0;
}

uint32_t ledger_told(const struct ledger *ledger, uint32_t slot, enum job_state state,
                     uint32_t out_numbers[LEDGER_TOLD_MAX])
{
    const struct job *job = jobs_at(&ledger->jobs, slot);
    if ((job->relations & RELATION_HOOK) == 0 || (state != JOB_RUNNING && !job_is_done(state)))
        return 0;
    const struct bond *bond = &ledger->bonds[slot];
    uint32_t own = ENDPOINTS_NONE;
    uint32_t count = 0;
    if (wants(bond, state)) {
        own = own_hearer(ledger, job, bond);
        out_numbers[count++] = own;
    }
    for (uint32_t place = 0; place < ENDPOINTS_OF_TENANT_MAX; place++) {
        if ((bond->endpoints >> place & 1) == 0)
            continue;
        uint32_t no = hearer(ledger, job, place, state);
        if (no != ENDPOINTS_NONE && no != own)
            out_numbers[count++] = no;
    }
    return count;
}

uint32_t ledger_url_close(struct ledger *ledger, uint32_t slot)
{
    const struct id *parent = ledger_teller_of(ledger, slot);
    CHECK(parent != NULL);
    uint32_t of = jobs_find(&ledger->jobs, parent);
    CHECK(of != JOBS_NONE && (jobs_at(&ledger->jobs, of)->relations & RELATION_HOOK) != 0);
    CHECK(ledger->bonds[of].endpoint == 0);
    ledger->bonds[of].endpoint = JOB_URL_GONE;
    jobs_at(&ledger->jobs, of)->version++;
    ledger_note(ledger, jobs_at(&ledger->jobs, of)->no);
    return of;
}

void ledger_url_open(struct ledger *ledger, uint32_t slot)
{
    bool is_hooked = (jobs_at(&ledger->jobs, slot)->relations & RELATION_HOOK) != 0;
    if (is_hooked && ledger->bonds[slot].endpoint == JOB_URL_GONE)
        ledger->bonds[slot].endpoint = 0;
}

// Filters are about the job that makes the batch, for no other is known yet.
static struct ledger_hearers batch_hearers(const struct ledger *ledger,
                                           const struct msg_submit_job *job)
{
    const struct endpoints *endpoints = &ledger->endpoints;
    struct ledger_hearers hearers = {0};
    uint32_t own = ENDPOINTS_NONE;
    if (job->batch_webhook.len > 0) {
        hearers.numbers[hearers.count++] = ENDPOINTS_NONE;
        if (!job->batch_webhook_has_url)
            own = endpoints_find(endpoints, job->tenant, job->batch_webhook_endpoint);
    }
    uint32_t places = endpoints_wanting(endpoints, job, WEBHOOK_BATCH_FINISHED);
    for (uint32_t place = 0; places >> place != 0; place++) {
        if ((places >> place & 1) == 0)
            continue;
        uint32_t no = endpoints_told(endpoints, job->tenant, place, UINT64_MAX);
        if (no != own)
            hearers.numbers[hearers.count++] = no;
    }
    return hearers;
}

struct ledger_hearers ledger_batch_hearers(const struct ledger *ledger,
                                           const struct msg_submit_job *job)
{
    bool may_be_told = job->batch_webhook.len > 0 || ledger->endpoints.count > 0;
    if (id_is_zero(&job->batch_id) || !may_be_told ||
        batches_find(&ledger->batches, job->tenant, &job->batch_id) != BATCHES_NONE)
        return (struct ledger_hearers){0};
    return batch_hearers(ledger, job);
}

enum fault { FAULT_NONE, FAULT_UNSIGNED, FAULT_UNSET, FAULT_NOWHERE, FAULTS };

static enum fault fault_of(const struct ledger *ledger, struct slice tenant, struct slice endpoint,
                           bool has_url)
{
    if (endpoint.len == 0)
        return FAULT_NONE;
    uint32_t no = endpoints_find(&ledger->endpoints, tenant, endpoint);
    if (no == ENDPOINTS_NONE)
        return has_url ? FAULT_UNSIGNED : FAULT_UNSET;
    bool goes_somewhere = has_url || endpoints_at(&ledger->endpoints, no)->given.url.len > 0;
    return goes_somewhere ? FAULT_NONE : FAULT_NOWHERE;
}

err ledger_endpoint_refusal(const struct ledger *ledger, const struct msg_submit_job *job,
                            const char **out_detail)
{
    static const char *const texts[][FAULTS] = {
        {NULL, "webhook: its url has no secret, and the endpoint that would sign for it is not set",
         "webhook: the endpoint that it names is not set",
         "webhook: the endpoint that it names has no url; give one here or there"},
        {NULL,
         "batch_webhook: its url has no secret, and the endpoint that would sign for it is not set",
         "batch_webhook: the endpoint that it names is not set",
         "batch_webhook: the endpoint that it names has no url; give one here or there"}};
    enum fault fault = fault_of(ledger, job->tenant, job->webhook_endpoint, job->webhook_has_url);
    bool is_of_batch = fault == FAULT_NONE;
    if (is_of_batch)
        fault =
            fault_of(ledger, job->tenant, job->batch_webhook_endpoint, job->batch_webhook_has_url);
    if (fault == FAULT_NONE)
        return OK;
    *out_detail = texts[is_of_batch][fault];
    return ERR_WEBHOOK;
}

// --- how they change ---

static uint64_t mix(uint64_t hash, struct slice text)
{
    for (size_t i = 0; i < text.len; i++)
        hash = (hash ^ text.data[i]) * 0x100000001b3u;
    return hash * 0x100000001b3u ^ text.len;
}

static void note_row(struct ledger *ledger, const struct endpoint_row *row)
{
    uint64_t hash = mix(mix(row->place, row->tenant), row->given.webhook_id);
    hash = mix(mix(mix(hash, row->given.url), row->given.types), row->given.tags);
    hash = mix(mix(mix(hash, row->given.headers), row->secret), row->secret_before);
    ledger_note(ledger, hash);
    ledger_note(ledger, (uint64_t)row->generation << 32 | (uint64_t)row->given.events << 1 |
                            row->is_disabled);
    ledger_note(ledger, row->since_no ^ (uint64_t)row->before_until);
}

// The row that is kept from now on, with texts that live as long as the batch.
static struct endpoint_row after(const struct endpoint_row *before,
                                 const struct msg_webhook_set *set, when_ms at)
{
    struct endpoint_row row = *before;
    row.generation++;
    switch (set->act) {
    case WEBHOOK_SET: row.given = set->given; return row;
    case WEBHOOK_ROTATE:
        row.secret_before = set->overlap_s > 0 ? row.secret : (struct slice){0};
        row.before_until = set->overlap_s > 0 ? when_after(at, (when_ms)set->overlap_s * 1000) : 0;
        row.secret = set->secret;
        row.rotated_at = at;
        return row;
    case WEBHOOK_ENABLE:
        row.is_disabled = false;
        row.reason = (struct slice){0};
        return row;
    case WEBHOOK_DISABLE:
        row.is_disabled = true;
        row.reason = set->reason;
        return row;
    case WEBHOOK_TEST:
    case WEBHOOK_DELETE:
    case WEBHOOK_NONE: break;
    }
    UNREACHABLE();
}

static void make(struct ledger *ledger, const struct entry *entry, struct effects *fx)
{
    const struct msg_webhook_set *set = entry->endpoint.set;
    // One spelling, whatever a message or a record has.
    bool is_default = origin_is_tenant(set->tenant, (struct slice){0});
    const struct endpoint_row made = {.tenant = is_default ? (struct slice){0} : set->tenant,
                                      .given = set->given,
                                      .secret = set->secret,
                                      .created_at = entry->at,
                                      .rotated_at = entry->at,
                                      .since_no = ledger->row.job_no_next,
                                      .generation = 1};
    uint32_t no = endpoints_add(&ledger->endpoints, &made);
    struct endpoint_row kept = endpoints_copy(endpoints_at(&ledger->endpoints, no), fx->arena);
    effects_write(fx, WRITE_ENDPOINT)->endpoint = kept;
    note_row(ledger, &kept);
}

void ledger_endpoint_change(struct ledger *ledger, const struct entry *entry, struct effects *fx)
{
    const struct msg_webhook_set *set = entry->endpoint.set;
    uint32_t no = endpoints_find(&ledger->endpoints, set->tenant, set->given.webhook_id);
    CHECK(set->act == WEBHOOK_SET || no != ENDPOINTS_NONE);
    if (no == ENDPOINTS_NONE) {
        make(ledger, entry, fx);
        return;
    }
    bool is_dropped = set->act == WEBHOOK_DELETE;
    struct endpoint_row row = *endpoints_at(&ledger->endpoints, no);
    if (!is_dropped)
        row = after(&row, set, entry->at);
    struct endpoint_row kept = endpoints_copy(&row, fx->arena);
    effects_write(fx, is_dropped ? DROP_ENDPOINT : WRITE_ENDPOINT)->endpoint = kept;
    note_row(ledger, &kept);
    if (is_dropped)
        endpoints_drop(&ledger->endpoints, no);
    else
        endpoints_put(&ledger->endpoints, no, &kept);
}

err ledger_load_endpoint(struct ledger *ledger, const struct endpoint_row *row)
{
    if (row->since_no > ledger->row.job_no_next)
        return ERR_DAMAGED;
    return endpoints_load(&ledger->endpoints, row);
}
