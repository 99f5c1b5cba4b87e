// The tables of tenants and queues.

#include "broker/core/queues.h"

#include "lib/base/check.h"
#include "lib/base/origin.h"
#include "lib/base/prng.h"

static size_t items_size(const struct limits *limits)
{
    return (limits->queue_count_max * sizeof(struct queues_item) + 15) / 16 * 16;
}

size_t queues_size(const struct limits *limits)
{
    return names_size(limits->tenant_count_max) + names_size(limits->queue_count_max) +
           items_size(limits) + 2 * limits->tenant_count_max * sizeof(uint64_t) +
           limits->queue_count_max * sizeof(uint32_t);
}

void queues_init(struct queues *queues, void *memory, const struct limits *limits, uint64_t seed)
{
    uint8_t *at = memory;
    queues->changed_count = 0;
    queues->dropped_in = 0;
    names_init(&queues->tenants, at, limits->tenant_count_max, seed);
    at += names_size(limits->tenant_count_max);
    names_init(&queues->names, at, limits->queue_count_max, seed);
    at += names_size(limits->queue_count_max);
    queues->items = (struct queues_item *)(void *)at;
    at += items_size(limits);
    queues->tenant_open = (uint64_t *)(void *)at;
    memset(queues->tenant_open, 0, limits->tenant_count_max * sizeof(uint64_t));
    at += limits->tenant_count_max * sizeof(uint64_t);
    queues->tenant_ended = (uint64_t *)(void *)at;
    memset(queues->tenant_ended, 0, limits->tenant_count_max * sizeof(uint64_t));
    at += limits->tenant_count_max * sizeof(uint64_t);
    queues->changed = (uint32_t *)(void *)at;
}

static struct slice tenant_of(struct queue_name name)
{
    return origin_tenant(name.tenant);
}

uint32_t queues_count(const struct queues *queues)
{
    return queues->names.count;
}

bool queues_is_known(const struct queues *queues, uint32_t queue)
{
    return names_is_known(&queues->names, queue);
}

bool queues_knows_tenant(const struct queues *queues, struct slice tenant)
{
    return names_find(&queues->tenants, 0, tenant_of((struct queue_name){.tenant = tenant})) !=
           NAMES_NONE;
}

uint32_t queues_tenant_no(const struct queues *queues, struct slice tenant)
{
    return names_find(&queues->tenants, 0, origin_tenant(tenant));
}

bool queues_keep_tenant(const struct queues *queues, struct slice *tenant)
{
    uint32_t no = names_find(&queues->tenants, 0, *tenant);
    if (tenant->len == 0 || no == NAMES_NONE)
        return tenant->len == 0;
    *tenant = names_at(&queues->tenants, no);
    return true;
}

uint32_t queues_find(const struct queues *queues, struct queue_name name)
{
    uint32_t tenant = names_find(&queues->tenants, 0, tenant_of(name));
    if (tenant == NAMES_NONE)
        return QUEUES_NONE;
    return names_find(&queues->names, (uint16_t)tenant, name.queue);
}

const char *queues_refusal(const struct queues *queues, struct queue_name name)
{
    if (queues_find(queues, name) != QUEUES_NONE)
        return NULL;
    if (names_room(&queues->names) == 0)
        return "queue_count_max: too many different queues";
    bool is_new = names_find(&queues->tenants, 0, tenant_of(name)) == NAMES_NONE;
    return is_new && names_room(&queues->tenants) == 0 ? "tenant_count_max: too many tenants"
                                                       : NULL;
}

static struct queues_item *item_at(struct queues *queues, uint32_t queue)
{
    CHECK(queues_is_known(queues, queue));
    return &queues->items[queue];
}

static void mark(struct queues *queues, uint32_t queue)
{
    struct queues_item *item = item_at(queues, queue);
    if (item->is_changed)
        return;
    item->is_changed = true;
    queues->changed[queues->changed_count++] = queue;
}

static uint16_t tenant_no(struct queues *queues, struct queue_name name)
{
    uint32_t tenant = names_find(&queues->tenants, 0, tenant_of(name));
    if (tenant == NAMES_NONE)
        tenant = names_add(&queues->tenants, 0, tenant_of(name));
    return (uint16_t)tenant;
}

static struct queue_row *begin(struct queues *queues, uint32_t queue)
{
    struct queue_name kept = queues_name(queues, queue);
    queues->items[queue] = (struct queues_item){
        .row = {.no = (uint16_t)queue, .tenant = kept.tenant, .queue = kept.queue},
        .is_reserved = msg_hook_is_reserved(kept.queue)};
    return &queues->items[queue].row;
}

uint32_t queues_add(struct queues *queues, struct queue_name name)
{
    CHECK(queues_refusal(queues, name) == NULL);
    CHECK(queues_find(queues, name) == QUEUES_NONE);
    uint32_t queue = names_add(&queues->names, tenant_no(queues, name), name.queue);
    (void)begin(queues, queue);
    mark(queues, queue);
    return queue;
}

struct queue_name queues_name(const struct queues *queues, uint32_t queue)
{
    return (struct queue_name){.tenant = names_at(&queues->tenants, queues_tenant(queues, queue)),
                               .queue = names_at(&queues->names, queue)};
}

uint16_t queues_tenant(const struct queues *queues, uint32_t queue)
{
    return names_scope(&queues->names, queue);
}

const struct queue_row *queues_peek(const struct queues *queues, uint32_t queue)
{
    CHECK(queues_is_known(queues, queue));
    return &queues->items[queue].row;
}

void queues_set(struct queues *queues, uint32_t queue, const struct msg_queue_settings *settings)
{
    item_at(queues, queue)->row.settings = *settings;
    mark(queues, queue);
}

static_assert(sizeof(struct msg_queue_settings) == sizeof(uint32_t[16]), "all are numbers");

// Where the setting of a number stands.
#define PLACE(field) (offsetof(struct msg_queue_settings, field) / sizeof(uint32_t))
static const uint8_t places[] = {
    [QUEUE_WEIGHT] = PLACE(weight),
    [QUEUE_OPEN_MAX] = PLACE(open_max),
    [QUEUE_TIMEOUT] = PLACE(defaults.timeout_ms),
    [QUEUE_MAX_ATTEMPTS] = PLACE(defaults.max_attempts),
    [QUEUE_MAX_CRASHES] = PLACE(defaults.max_crashes),
    [QUEUE_RETRY_FIRST] = PLACE(defaults.retry_first_ms),
    [QUEUE_RETRY_LONGEST] = PLACE(defaults.retry_longest_ms),
    [QUEUE_RETRY_FACTOR] = PLACE(defaults.retry_factor_milli),
    [QUEUE_RETRY_WITHIN] = PLACE(defaults.retry_within_s),
    [QUEUE_KEEP] = PLACE(defaults.keep_s),
    [QUEUE_RUNNING_MAX] = PLACE(running_max),
    [QUEUE_KEY_RUNNING_MAX] = PLACE(key_running_max),
    [QUEUE_RATE_COUNT] = PLACE(rate.count),
    [QUEUE_RATE_PER] = PLACE(rate.per_ms),
    [QUEUE_KEY_RATE_COUNT] = PLACE(key_rate.count),
    [QUEUE_KEY_RATE_PER] = PLACE(key_rate.per_ms),
};

struct msg_queue_settings queues_merged(const struct msg_queue_settings *kept,
                                        const struct msg_queue_settings *given, uint32_t named)
{
    uint32_t after[sizeof *kept / sizeof(uint32_t)];
    uint32_t news[sizeof *given / sizeof(uint32_t)];
    memcpy(after, kept, sizeof after);
    memcpy(news, given, sizeof news);
    for (unsigned i = QUEUE_WEIGHT; i <= QUEUE_KEY_RATE_PER; i++)
        if ((named & 1u << i) != 0)
            after[places[i]] = news[places[i]];
    struct msg_queue_settings settings;
    memcpy(&settings, after, sizeof settings);
    return settings;
}

struct msg_queue_settings queues_after(const struct queues *queues, uint32_t queue,
                                       const struct msg_queue_set *set)
{
    static const struct msg_queue_settings none;
    if (set->named == 0)
        return set->settings;
    return queues_merged(queue != QUEUES_NONE ? &queues_peek(queues, queue)->settings : &none,
                         &set->settings, set->named);
}

void queues_pause(struct queues *queues, uint32_t queue, enum direction paused)
{
    item_at(queues, queue)->row.paused = (uint8_t)paused;
    mark(queues, queue);
}

static bool is_open(enum job_state state)
{
    return state == JOB_SCHEDULED || state == JOB_QUEUED || state == JOB_RUNNING ||
           state == JOB_RETRYING;
}

// The unfinished jobs of its tenant gain and lose so many. The fabric's own are not the tenant's.
static void count_open(struct queues *queues, uint32_t queue, uint64_t more, uint64_t less)
{
    uint64_t *open = &queues->tenant_open[queues_tenant(queues, queue)];
    if (queues->items[queue].is_reserved)
        return;
    CHECK(*open + more >= less);
    *open += more;
    *open -= less;
}

void queues_move(struct queues *queues, uint32_t queue, enum job_state from, enum job_state to)
{
    struct queue_row *row = &item_at(queues, queue)->row;
    CHECK_IMPLIES(from != JOB_NONE, row->counts[from] > 0);
    if (from != JOB_NONE)
        row->counts[from]--;
    else
        row->accepted++;
    row->counts[to]++;
    bool has_ended = is_open(from) && !is_open(to);
    if (!queues->items[queue].is_reserved)
        queues->tenant_ended[queues_tenant(queues, queue)] += has_ended;
    item_at(queues, queue)->ended += has_ended;
    count_open(queues, queue, is_open(to), is_open(from));
    mark(queues, queue);
}

static uint64_t sum_open(const uint64_t counts[JOB_STATES])
{
    return counts[JOB_SCHEDULED] + counts[JOB_QUEUED] + counts[JOB_RUNNING] + counts[JOB_RETRYING];
}

uint64_t queues_open(const struct queues *queues, uint32_t queue)
{
    return sum_open(queues_peek(queues, queue)->counts);
}

uint64_t queues_ended(const struct queues *queues, uint32_t queue)
{
    CHECK(queues_is_known(queues, queue));
    return queues->items[queue].ended;
}

uint64_t queues_tenant_open(const struct queues *queues, struct slice tenant)
{
    uint32_t no = names_find(&queues->tenants, 0, origin_tenant(tenant));
    return no == NAMES_NONE ? 0 : queues->tenant_open[no];
}

bool queues_tenant_ended(const struct queues *queues, struct slice tenant, uint32_t *out_no,
                         uint64_t *out_ended)
{
    uint32_t no = names_find(&queues->tenants, 0, origin_tenant(tenant));
    if (no == NAMES_NONE)
        return false;
    *out_no = no;
    *out_ended = queues->tenant_ended[no];
    return true;
}

uint64_t queues_room(const struct queues *queues, uint32_t queue)
{
    uint32_t open_max = queues_peek(queues, queue)->settings.open_max;
    uint64_t open = queues_open(queues, queue);
    if (open_max == 0)
        return UINT64_MAX;
    return open < open_max ? open_max - open : 0;
}

bool queues_is_idle(const struct queues *queues, uint32_t queue)
{
    static const struct msg_queue_settings nothing;
    if (!queues_is_known(queues, queue) || queues->items[queue].is_changed)
        return false;
    const struct queue_row *row = queues_peek(queues, queue);
    uint64_t kept = 0;
    for (unsigned state = JOB_SCHEDULED; state < JOB_REMOVED; state++)
        kept += row->counts[state];
    return kept == 0 && row->paused == DIRECTION_NONE &&
           memcmp(&row->settings, &nothing, sizeof nothing) == 0;
}

static bool has_queues(const struct queues *queues, uint16_t tenant)
{
    for (uint32_t queue = 0; queue < queues_count(queues); queue++)
        if (queues_is_known(queues, queue) && queues_tenant(queues, queue) == tenant)
            return true;
    return false;
}

void queues_drop(struct queues *queues, uint32_t queue, uint64_t batch)
{
    CHECK(queues_is_idle(queues, queue));
    uint16_t tenant = queues_tenant(queues, queue);
    names_drop(&queues->names, queue);
    if (!has_queues(queues, tenant))
        names_drop(&queues->tenants, tenant);
    queues->dropped_in = batch;
}

void queues_settled(struct queues *queues, uint64_t batch)
{
    if (queues->dropped_in == 0 || queues->dropped_in > batch)
        return;
    names_reuse(&queues->names);
    names_reuse(&queues->tenants);
    queues->dropped_in = 0;
}

bool queues_collect(struct queues *queues, struct queue_row *out_row)
{
    if (queues->changed_count == 0)
        return false;
    struct queues_item *item = item_at(queues, queues->changed[--queues->changed_count]);
    item->is_changed = false;
    *out_row = item->row;
    return true;
}

static bool is_name(struct slice name)
{
    return name.len > 0 && name.len <= MSG_NAME_LEN_MAX;
}

err queues_load(struct queues *queues, const struct queue_row *row)
{
    struct queue_name name = {.tenant = row->tenant, .queue = row->queue};
    if (!is_name(row->queue) || row->tenant.len > MSG_NAME_LEN_MAX ||
        row->no < queues_count(queues) || queues_find(queues, name) != QUEUES_NONE)
        return ERR_DAMAGED;
    if (row->no >= queues->names.cap || queues_refusal(queues, name) != NULL)
        return ERR_FULL;
    names_add_at(&queues->names, row->no, tenant_no(queues, name), row->queue);
    struct queue_row *kept = begin(queues, row->no);
    kept->settings = row->settings;
    kept->paused = row->paused;
    kept->accepted = row->accepted;
    memcpy(kept->counts, row->counts, sizeof kept->counts);
    count_open(queues, row->no, sum_open(row->counts), 0);
    return OK;
}

void queues_uncount(struct queues *queues)
{
    for (uint32_t queue = 0; queue < queues_count(queues); queue++) {
        if (!queues_is_known(queues, queue))
            continue;
        struct queue_row *row = &queues->items[queue].row;
        row->accepted = 0;
        memset(row->counts, 0, sizeof row->counts);
        queues->tenant_open[queues_tenant(queues, queue)] = 0;
        mark(queues, queue);
    }
}

void queues_recount(struct queues *queues, uint32_t queue, const uint64_t counts[JOB_STATES])
{
    struct queue_row *row = &item_at(queues, queue)->row;
    for (unsigned state = JOB_SCHEDULED; state < JOB_STATES; state++) {
        row->counts[state] += counts[state];
        row->accepted += counts[state];
    }
    count_open(queues, queue, sum_open(counts), 0);
    mark(queues, queue);
}

bool queues_agree(const struct queues *queues)
{
    // Each tenant's jobs count so much, so that one's surplus does not hide another's lack.
    uint64_t sum = 0;
    for (uint32_t queue = 0; queue < queues_count(queues); queue++)
        if (queues_is_known(queues, queue) && !queues->items[queue].is_reserved)
            sum += queues_open(queues, queue) * prng_mix(1 + queues_tenant(queues, queue));
    for (uint32_t tenant = 0; tenant < queues->tenants.count; tenant++)
        sum -= queues->tenant_open[tenant] * prng_mix(1 + tenant);
    return sum == 0;
}
