// Which kind a database is, and what all kinds share.

#include "outbox/source/source.h"

#include "lib/base/check.h"
#include "outbox/source/source_private.h"

// What the kind reads is moved to behind the prefix.
static const struct source_kind *kind_of(const char **database)
{
    static const char prefix[] = "sqlite:";
    if (strncmp(*database, prefix, sizeof prefix - 1) != 0)
        return &source_postgresql;
    *database += sizeof prefix - 1;
    return &source_sqlite;
}

bool source_is_database(const char *database)
{
    const struct source_kind *kind = kind_of(&database);
    return kind->is_database(database);
}

err source_open(const char *database, struct source **out_source,
                char out_problem[SOURCE_PROBLEM_LEN])
{
    const struct source_kind *kind = kind_of(&database);
    out_problem[0] = '\0';
    err e = kind->open(database, out_source, out_problem);
    CHECK_IMPLIES(e == OK, (*out_source)->kind == kind && (*out_source)->outbox_id[0] != '\0');
    return e;
}

void source_close(struct source *source)
{
    if (source != NULL)
        source->kind->close(source);
}

const char *source_kind_name(const struct source *source)
{
    return source->kind->name;
}

struct slice source_outbox_id(const struct source *source)
{
    return slice_of_text(source->outbox_id);
}

const char *source_problem(const struct source *source)
{
    return source->problem;
}

// ["a","b"] is what SQLite reads, {"a","b"} PostgreSQL. Only valid names are parked, so nothing in
// them needs an escape.
static void write_without(struct source *source, const struct parked *parked, when_ms now)
{
    bool is_sqlite = source->kind == &source_sqlite;
    struct bytes_out out = {.data = (uint8_t *)source->without, .cap = sizeof source->without};
    const char *between = is_sqlite ? "[" : "{";
    for (uint32_t i = 0; i < parked->count; i++) {
        const struct parked_queue *queue = &parked->items[i];
        if (!parked_is(queue, now))
            continue;
        bytes_put(&out, between, 1);
        bytes_put_u8(&out, '"');
        bytes_put(&out, queue->name, strlen(queue->name));
        bytes_put_u8(&out, '"');
        between = ",";
    }
    if (out.len == 0)
        bytes_put(&out, between, 1);
    bytes_put(&out, is_sqlite ? "]" : "}", 2); // with its zero
    CHECK(!out.full);
}

err source_fetch(struct source *source, const struct parked *parked, when_ms now,
                 struct source_rows *out_rows)
{
    write_without(source, parked, now);
    out_rows->count = 0;
    return source->kind->fetch(source, source->without, out_rows);
}

err source_settle(struct source *source, const struct source_verdicts *verdicts)
{
    CHECK(verdicts->count <= SOURCE_ROWS_MAX);
    return source->kind->settle(source, verdicts);
}

err source_release(struct source *source)
{
    return source->kind->release(source);
}

err source_wait(struct source *source, int stop_fd, when_ms timeout_ms)
{
    return source->kind->wait(source, stop_fd, timeout_ms);
}
