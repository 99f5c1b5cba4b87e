// A sorted table of types: it changes seldom and is asked for each job.

#include "broker/shell/schemas.h"

#include "lib/base/check.h"

#include <stdlib.h>

enum { DETAIL_MAX = 3 * SCHEMA_TEXT_MAX };

struct named {
    char type[MSG_NAME_LEN_MAX];
    uint32_t len;
    struct schema *schema;
};

struct schemas {
    struct named *items;
    uint32_t count, cap;
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

static int compare(struct slice type, const struct named *named)
{
    if (type.len != named->len)
        return type.len < named->len ? -1 : 1;
    return memcmp(type.data, named->type, type.len);
}

// Where the type is, or where it would have to be.
static uint32_t place_of(const struct schemas *schemas, struct slice type, bool *out_is_there)
{
    uint32_t low = 0, high = schemas->count;
    *out_is_there = false;
    while (low < high && !*out_is_there) {
        uint32_t middle = (low + high) / 2;
        int order = compare(type, &schemas->items[middle]);
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
    schemas->count--;
    memmove(at, at + 1, (schemas->count - place) * sizeof *at);
}

err schemas_put(struct schemas *schemas, struct slice type, struct schema *schema)
{
    CHECK(type.len > 0 && type.len <= MSG_NAME_LEN_MAX);
    bool is_there;
    uint32_t place = place_of(schemas, type, &is_there);
    struct named *at = &schemas->items[place];
    if (schema == NULL) {
        if (is_there)
            drop(schemas, place);
        return OK;
    }
    if (is_there) {
        schema_free(at->schema);
        at->schema = schema;
        return OK;
    }
    if (schemas->count == schemas->cap)
        return ERR_FULL;
    memmove(at + 1, at, (schemas->count - place) * sizeof *at);
    *at = (struct named){.len = (uint32_t)type.len, .schema = schema};
    memcpy(at->type, type.data, type.len);
    schemas->count++;
    return OK;
}

const struct schema *schemas_peek(const struct schemas *schemas, struct slice type)
{
    bool is_there;
    uint32_t place = place_of(schemas, type, &is_there);
    return is_there ? schemas->items[place].schema : NULL;
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

void schemas_judge(struct schemas *schemas, struct msg_submit *submit, struct arena *arena)
{
    struct allowance allowance = {SCHEMAS_STEPS_MAX, SCHEMAS_TEXT_MAX, arena};
    for (uint32_t i = 0; i < submit->count && schemas->count > 0; i++) {
        struct msg_submit_job *job = &submit->jobs[i];
        const struct schema *schema = job->verdict == OK ? schemas_peek(schemas, job->type) : NULL;
        if (schema != NULL)
            judge(schemas, schema, job, &allowance);
    }
}
