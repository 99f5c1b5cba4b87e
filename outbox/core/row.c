// The columns first, then the options; what both name is a mistake of the row's author.

#include "outbox/core/row.h"

#include "lib/base/bytes.h"
#include "lib/base/check.h"
#include "proto/check.h"

static void tell(struct submit_fault *fault, const char *sentence)
{
    (void)slice_to_text(slice_of_text(sentence), fault->detail, sizeof fault->detail);
}

// "outbox/ID/NUMBER". Row numbers of databases are signed.
static err put_key(const struct row *row, struct slice outbox_id, struct arena *arena,
                   struct slice *out_key)
{
    bool is_negative = row->row_id < 0;
    uint64_t number = is_negative ? 0 - (uint64_t)row->row_id : (uint64_t)row->row_id;
    struct bytes_out out = {.data = arena_take(arena, ROW_KEY_LEN_MAX), .cap = ROW_KEY_LEN_MAX};
    if (out.data == NULL)
        return ERR_TOO_LARGE;
    bytes_put(&out, "outbox/", 7);
    bytes_put(&out, outbox_id.data, outbox_id.len);
    bytes_put(&out, "/-", is_negative ? 2 : 1);
    bytes_put_decimal(&out, number);
    CHECK(!out.full);
    *out_key = slice_of(out.data, out.len);
    return OK;
}

static err take_payload(const struct row *row, const struct doc_room *room,
                        struct msg_submit_job *job, struct submit_fault *fault)
{
    struct scan scan = {.text = row->payload, .keys = room->keys, .key_cap = room->key_cap};
    struct scan_value value;
    if (row->payload.len == 0)
        return OK;
    err e = scan_value(&scan, &value);
    if (e == OK && !scan_is_end(&scan))
        e = ERR_MALFORMED;
    if (e == OK)
        job->payload = (struct body){.content = CONTENT_JSON, .bytes = row->payload};
    else
        tell(fault, "the payload is no JSON value (a text needs its quotes: '\"like this\"')");
    return e;
}

// What the row says itself is no option as well: one place is enough.
static err judge_twice(const struct row *row, const struct msg_submit_job *job,
                       struct submit_fault *fault)
{
    const char *name = NULL;
    if (job->type.data != row->type.data)
        name = "type has a column of its own and is no option";
    else if (job->queue.data != row->queue.data)
        name = "queue has a column of its own and is no option";
    else if (job->payload.content != CONTENT_NONE)
        name = "payload has a column of its own and is no option";
    else if (job->by_content)
        name = "dedup is not for rows: each has a key of its own";
    if (name == NULL)
        return OK;
    tell(fault, name);
    return ERR_BAD_FIELD;
}

static err read_options(const struct row *row, const struct doc_room *room,
                        struct msg_submit_job *job, struct submit_fault *fault)
{
    const struct msg_submit_job columns = *job;
    struct submit_options options = {.is_record = true, .defaults = &columns};
    struct doc_value object = {.format = DOC_JSON, .raw = row->options};
    if (row->options.len == 0)
        return OK;
    err e = submit_read(object, &options, room, job, fault);
    return e == OK ? judge_twice(row, job, fault) : e;
}

err row_read(const struct row *row, const struct row_origin *origin, const struct doc_room *room,
             struct msg_submit_job *out_job, struct submit_fault *out_fault)
{
    CHECK(origin->outbox_id.len > 0 && origin->outbox_id.len <= ROW_OUTBOX_ID_LEN_MAX);
    struct msg_submit_job job = {
        .type = row->type,
        .queue = row->queue,
        .traceparent = row->traceparent,
        .tenant = origin->tenant,
        .priority = MSG_PRIORITY_NOT_GIVEN,
    };
    if (row->is_too_long) {
        tell(out_fault, "a payload has at most 1 MiB, options at most 16 KiB");
        return ERR_TOO_LARGE;
    }
    err e = read_options(row, room, &job, out_fault);
    if (e == OK)
        e = take_payload(row, room, &job, out_fault);
    if (e == OK && job.key.len == 0)
        e = put_key(row, origin->outbox_id, room->arena, &job.key);
    if (e != OK)
        return e;
    const char *detail = NULL;
    e = check_submit_job(&job, &detail);
    if (e == OK)
        *out_job = job;
    else
        tell(out_fault, detail);
    return e;
}
