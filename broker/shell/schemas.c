// A sorted table of types: it changes seldom and is asked for each job.

#include "broker/shell/schemas.h"

#include "lib/base/check.h"
#include "lib/base/origin.h"
#include "lib/sys/blake.h"

#include <stdlib.h>

enum { DETAIL_MAX = 3 * SCHEMA_TEXT_MAX };

struct named {
    char tenant[MSG_NAME_LEN_MAX];
    char type[MSG_NAME_LEN_MAX];
    uint32_t tenant_len, type_len;
    size_t len; // of its text
    struct schema *schema;
};

struct schemas {
    struct named *items;
    uint32_t count, cap;
    size_t len; // of all texts
    struct schema_report report;
    char text[MSG_VIOLATIONS_LEN_MAX];
};

// What one message may still take.
struct allowance {
    uint64_t steps_left;
    size_t text_left;
    struct arena *arena;
};

struct schemas *schemas_new(uint32_t cap)
{
    struct schemas *schemas = calloc(1, sizeof *schemas);
    struct named *items = calloc(cap, sizeof *items);
    if (schemas == NULL || items == NULL) {
        free(schemas);
        free(items);
        return NULL;
    }
    schemas->items = items;
    schemas->cap = cap;
    return schemas;
}

void schemas_free(struct schemas *schemas)
{
    if (schemas == NULL)
        return;
    for (uint32_t i = 0; i < schemas->count; i++)
        schema_free(schemas->items[i].schema);
    free(schemas->items);
    free(schemas);
}

static int compare_names(struct slice name, struct slice other)
{
    if (name.len != other.len)
        return name.len < other.len ? -1 : 1;
    return memcmp(name.data, other.data, name.len);
}

static int compare(struct schemas_name name, const struct named *named)
{
    int order = compare_names(name.type, slice_of(named->type, named->type_len));
    return order != 0 ? order
                      : compare_names(origin_tenant(name.tenant),
                                      slice_of(named->tenant, named->tenant_len));
}

// Where the type is, or where it would have to be.
static uint32_t place_of(const struct schemas *schemas, struct schemas_name name,
                         bool *out_is_there)
{
    uint32_t low = 0, high = schemas->count;
    *out_is_there = false;
    while (low < high && !*out_is_there) {
        uint32_t middle = (low + high) / 2;
        int order = compare(name, &schemas->items[middle]);
        *out_is_there = order == 0;
        if (order > 0)
            low = middle + 1;
        else
            high = middle;
    }
    return high;
}

static void drop(struct schemas *schemas, uint32_t place)
{
    struct named *at = &schemas->items[place];
    schema_free(at->schema);
    schemas->len -= at->len;
    schemas->count--;
    memmove(at, at + 1, (schemas->count - place) * sizeof *at);
}

static void insert(struct schemas *schemas, uint32_t place, struct schemas_name name)
{
    struct named *at = &schemas->items[place];
    struct slice tenant = origin_tenant(name.tenant);
    memmove(at + 1, at, (schemas->count - place) * sizeof *at);
    *at = (struct named){.tenant_len = (uint32_t)tenant.len, .type_len = (uint32_t)name.type.len};
    memcpy(at->tenant, tenant.data, tenant.len);
    memcpy(at->type, name.type.data, name.type.len);
    schemas->count++;
}

err schemas_put(struct schemas *schemas, struct schemas_name name, struct schema *schema,
                size_t len)
{
    CHECK(name.type.len > 0 && name.type.len <= MSG_NAME_LEN_MAX);
    CHECK(name.tenant.len <= MSG_NAME_LEN_MAX);
    bool is_there;
    uint32_t place = place_of(schemas, name, &is_there);
    if (schema == NULL) {
        if (is_there)
            drop(schemas, place);
        return OK;
    }
    if (!is_there && schemas->count == schemas->cap)
        return ERR_FULL;
    if (!is_there)
        insert(schemas, place, name);
    struct named *at = &schemas->items[place];
    schema_free(at->schema);
    schemas->len = schemas->len - at->len + len;
    at->schema = schema;
    at->len = len;
    return OK;
}

const struct schema *schemas_peek(const struct schemas *schemas, struct schemas_name name)
{
    bool is_there;
    uint32_t place = place_of(schemas, name, &is_there);
    return is_there ? schemas->items[place].schema : NULL;
}

static void refuse_set(struct msg_type_set *set, err verdict, const char *detail)
{
    set->verdict = verdict;
    set->detail = slice_of_text(detail);
}

static bool has_room(const struct schemas *schemas, const struct msg_type_set *set)
{
    bool is_there;
    struct schemas_name name = {.tenant = set->tenant, .type = set->type};
    uint32_t place = place_of(schemas, name, &is_there);
    size_t freed = is_there ? schemas->items[place].len : 0;
    return schemas->len - freed + set->schema.bytes.len <= SCHEMAS_BYTES_MAX;
}

// "schema/properties/age/minimum: expected a number".
static void explain(struct msg_type_set *set, const struct schema_fault *fault, struct arena *arena)
{
    char *text = arena_take(arena, DETAIL_MAX);
    if (text == NULL) {
        set->detail = slice_of_text("schema: it does not compile");
        return;
    }
    int len = snprintf(text, DETAIL_MAX, "schema%s: %s", fault->pointer, fault->message);
    set->detail = slice_of(text, (size_t)len);
}

err schemas_keep(const struct schemas *schemas, struct msg_type_set *set, struct arena *arena)
{
    if (set->named == 0 || (set->named & 1u << TYPE_SCHEMA) != 0)
        return OK;
    struct schemas_name name = {.tenant = set->tenant, .type = set->type};
    const struct schema *schema = schemas_peek(schemas, name);
    struct slice text = schema != NULL ? schema_text(schema) : (struct slice){0};
    uint8_t *copy = arena_take(arena, text.len); // another setting of the batch may replace it
    if (copy == NULL)
        return ERR_NO_MEMORY;
    if (text.len > 0)
        memcpy(copy, text.data, text.len);
    set->schema = (struct body){.content = text.len > 0 ? CONTENT_JSON : CONTENT_NONE,
                                .bytes = slice_of(copy, text.len)};
    return OK;
}

struct schema *schemas_compile(const struct schemas *schemas, struct msg_type_set *set,
                               struct arena *arena)
{
    struct schema *schema = NULL;
    struct schema_fault fault;
    if (set->verdict != OK || set->schema.content == CONTENT_NONE)
        return NULL;
    if (set->schema.content != CONTENT_JSON) {
        refuse_set(set, ERR_BAD_FIELD, "schema: it has to be JSON");
        return NULL;
    }
    if (!has_room(schemas, set)) {
        refuse_set(set, ERR_FULL, "SCHEMAS_BYTES_MAX: the schemas of all types are too long");
        return NULL;
    }
    set->verdict = schema_compile(set->schema.bytes, &schema, &fault);
    if (set->verdict != OK) {
        explain(set, &fault, arena);
        return NULL;
    }
    uint64_t hash = blake_u64(set->schema.bytes, (struct slice){0});
    set->schema_hash = hash != 0 ? hash : 1;
    return schema;
}

static struct slice copied(struct allowance *allowance, const char *text, size_t len)
{
    char *copy = len <= allowance->text_left ? arena_take(allowance->arena, len) : NULL;
    if (copy == NULL)
        return (struct slice){0};
    memcpy(copy, text, len);
    allowance->text_left -= len;
    return slice_of(copy, len);
}

static void refuse(struct schemas *schemas, struct msg_submit_job *job, struct allowance *allowance)
{
    const struct schema_violation *first = &schemas->report.violations[0];
    char detail[DETAIL_MAX];
    int len = snprintf(detail, sizeof detail, "payload%s: %s", first->path, first->message);
    job->schema = ERR_SCHEMA;
    job->detail = copied(allowance, detail, (size_t)len);
    if (job->detail.len == 0)
        job->detail = slice_of_text("payload: it breaks the schema of its type");
    size_t told = schema_report_json(&schemas->report, schemas->text, sizeof schemas->text);
    job->violations = copied(allowance, schemas->text, told);
}

static bool keeps_to(struct schemas *schemas, const struct schema *schema,
                     const struct body *payload)
{
    switch (payload->content) {
    case CONTENT_JSON: return schema_check_text(schema, payload->bytes, &schemas->report);
    case CONTENT_MSGPACK: return schema_check_packed(schema, payload->bytes, &schemas->report);
    case CONTENT_NONE: return schema_check_text(schema, slice_of_text("null"), &schemas->report);
    case CONTENT_BYTES:
    case CONTENT_TEXT: break;
    }
    UNREACHABLE();
}

static void judge(struct schemas *schemas, const struct schema *schema, struct msg_submit_job *job,
                  struct allowance *allowance)
{
    if (job->payload.content == CONTENT_BYTES || job->payload.content == CONTENT_TEXT) {
        job->schema = ERR_SCHEMA;
        job->detail =
            slice_of_text("payload: its type has a schema, so it has to be JSON or MessagePack");
        return;
    }
    if (allowance->steps_left < SCHEMA_STEPS_MAX) {
        job->schema = ERR_TOO_LARGE;
        job->detail = slice_of_text("payload: to hold all of this message against their schemas "
                                    "takes too many steps; send fewer jobs in one");
        return;
    }
    bool ok = keeps_to(schemas, schema, &job->payload);
    allowance->steps_left -= schemas->report.steps;
    if (!ok)
        refuse(schemas, job, allowance);
}

static const struct schema *peek_for(const struct schemas *schemas,
                                     const struct msg_submit_job *job)
{
    struct schemas_name name = {.tenant = job->tenant, .type = job->type};
    return job->verdict == OK ? schemas_peek(schemas, name) : NULL;
}

void schemas_judge(struct schemas *schemas, struct msg_submit *submit, struct arena *arena)
{
    struct allowance allowance = {SCHEMAS_STEPS_MAX, SCHEMAS_TEXT_MAX, arena};
    for (uint32_t i = 0; i < submit->count && schemas->count > 0; i++) {
        struct msg_submit_job *job = &submit->jobs[i];
        const struct schema *schema = peek_for(schemas, job);
        if (schema != NULL)
            judge(schemas, schema, job, &allowance);
    }
}

void schemas_judge_schedule(struct schemas *schemas, struct msg_schedule_set *set,
                            struct arena *arena)
{
    struct msg_submit submit = {.jobs = set->given.jobs, .count = set->given.job_count};
    schemas_judge(schemas, &submit, arena);
    if (submit.count == 0 || submit.jobs->schema == OK)
        return;
    set->verdict = submit.jobs->schema;
    set->detail = submit.jobs->detail;
    set->violations = submit.jobs->violations;
}
