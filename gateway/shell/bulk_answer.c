// Answers to bulk requests, real ones and dry runs.

#include "gateway/core/answer.h"
#include "gateway/core/forecast.h"
#include "gateway/shell/bulk_private.h"
#include "lib/base/check.h"
#include "lib/base/utf8.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    REJECTION_LEN_MAX = 1024, // of one rejection in the answer
    REPLAY_LEN_MAX = 96,      // of one replay in the answer to a dry run
    ANSWER_LEN = 1024,
};

static void put_rejection(struct out *out, const struct verdict *verdict)
{
    uint8_t room[MSG_VIOLATIONS_LEN_MAX];
    struct problem problem = {
        .error = verdict->error,
        .detail = verdict->detail,
        .violations = reply_violations(verdict->violations, out->format,
                                       &(struct out){.data = room, .cap = sizeof room})};
    out_open_object(out);
    out_put_unsigned(out, "line", verdict->line);
    out_name(out, slice_of_text("problem"));
    out_open_object(out);
    problem_put(out, &problem);
    out_close(out);
    out_close(out);
}

static int by_line(const void *a, const void *b)
{
    uint32_t x = ((const struct verdict *)a)->line;
    uint32_t y = ((const struct verdict *)b)->line;
    return (x > y) - (x < y);
}

void bulk_sort(struct load *load)
{
    if (load->rejected_count > 0)
        qsort(load->rejected, load->rejected_count, sizeof *load->rejected, by_line);
}

// With nothing stored the answer is an error, that of the first record; the verdicts are in it.
static struct problem problem_of(const struct load *load, char detail[REJECTION_LEN_MAX])
{
    const struct verdict *first = &load->rejected[0];
    const char *mark = first->detail.len > 0 ? ": " : "";
    int len = snprintf(detail, REJECTION_LEN_MAX, "line %" PRIu32 "%s%.*s", first->line, mark,
                       (int)first->detail.len, (const char *)first->detail.data);
    CHECK(len > 0);
    size_t kept = len < REJECTION_LEN_MAX ? (size_t)len : REJECTION_LEN_MAX - 1;
    bool may_pass = err_may_retry(first->error); // by itself: its own fix says so
    return (struct problem){.error = first->error,
                            .detail = slice_of(detail, utf8_valid_len(slice_of(detail, kept))),
                            .fix = may_pass ? NULL : "correct the records and send again"};
}

bool bulk_is_known(const struct load *load)
{
    return load->accepted_count > 0 || (load->replayed_count > 0 && load->key.len > 0);
}

static unsigned put_answer(struct load *load, struct out *out)
{
    bool is_stored = load->accepted_count + load->replayed_count > 0;
    CHECK(is_stored || load->rejected_count > 0);
    // Records that the reader refused come before those that the broker refused.
    bulk_sort(load);
    char detail[REJECTION_LEN_MAX];
    struct problem problem = is_stored ? (struct problem){0} : problem_of(load, detail);
    struct answer_bulk bulk = {
        .batch_id = load->batch_id,
        .problem = is_stored ? NULL : &problem,
        .is_known = bulk_is_known(load),
        .is_spooled = load->keeping != NULL,
        .accepted = load->accepted_count,
        .replayed = load->replayed_count,
        .rejected = load->rejected_count,
        .secret = &load->secret,
    };
    answer_bulk_begin(out, &bulk);
    for (uint32_t i = 0; i < load->rejected_count; i++)
        put_rejection(out, &load->rejected[i]);
    answer_bulk_end(out);
    return is_stored ? 202 : problem_status(&problem);
}

// Which records would change nothing, and which jobs are there instead.
static void put_replays(const struct load *load, struct out *out)
{
    out_name(out, slice_of_text("replays"));
    out_open_array(out);
    for (uint32_t i = 0; i < load->job_count && load->replays != NULL; i++) {
        if (!load->replays[i])
            continue;
        out_open_object(out);
        out_put_unsigned(out, "line", load->lines[i]);
        answer_put_id(out, "duplicate_of", &load->jobs[i].job_id);
        out_close(out);
    }
    out_close(out);
}

static void put_dry(struct load *load, struct out *out)
{
    bulk_sort(load);
    forecast_begin(out, &(struct forecast_many){.accepted = load->accepted_count,
                                                .replayed = load->replayed_count,
                                                .rejected = load->rejected_count,
                                                .is_atomic = load->is_atomic});
    out_name(out, slice_of_text("rejections"));
    out_open_array(out);
    for (uint32_t i = 0; i < load->rejected_count; i++)
        put_rejection(out, &load->rejected[i]);
    out_close(out);
    put_replays(load, out);
    if (load->simulate_ms > 0)
        bulk_simulation_put(load, out);
    out_close(out);
}

// Of the answer; NULL when there is no memory.
static uint8_t *make_room(const struct load *load, size_t *out_cap)
{
    size_t cap = ANSWER_LEN + (size_t)load->rejected_count * REJECTION_LEN_MAX;
    for (uint32_t i = 0; i < load->rejected_count; i++)
        cap += load->rejected[i].violations.len;
    if (load->is_dry_run)
        cap += (size_t)load->replayed_count * REPLAY_LEN_MAX;
    cap += bulk_simulation_room(load);
    *out_cap = cap;
    return malloc(cap);
}

void bulk_answer_dry(struct load *load)
{
    struct reply reply = bulk_reply(load);
    struct out out = {.format = reply_format(load->request)};
    out.data = make_room(load, &out.cap);
    if (out.data == NULL) {
        bulk_refuse(load, ERR_NO_MEMORY, "");
        return;
    }
    put_dry(load, &out);
    reply_value(&reply, 200, &out, &(struct reply_headers){.open = load->open});
    free(out.data);
    bulk_free(load);
}

void bulk_answer(struct load *load)
{
    struct reply reply = bulk_reply(load);
    size_t cap;
    uint8_t *room = make_room(load, &cap);
    if (room == NULL) {
        bulk_refuse(load, ERR_NO_MEMORY, "");
        return;
    }
    struct out out = {.data = room, .cap = cap, .format = reply_format(load->request)};
    unsigned status = put_answer(load, &out);
    struct reply_headers headers = {.open = load->open};
    char location[64] = "/v1/batches/";
    id_to_text(&load->batch_id, location + strlen(location));
    if (bulk_is_known(load))
        reply_header(&headers, "Location", location);
    // When to look at it, or to send it again if time can mend it.
    if (status == 202 || err_may_retry(load->rejected[0].error))
        reply_retry_after(&headers, 1000);
    if (load->replayed_count > 0 && load->accepted_count == 0)
        reply_header(&headers, "Idempotency-Replayed", "true");
    reply_value(&reply, status, &out, &headers);
    free(room);
    bulk_free(load);
}
