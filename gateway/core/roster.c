// One object for each worker.

#include "gateway/core/roster.h"

#include "gateway/core/answer.h"

const char *roster_status(const struct msg_worker_line *line)
{
    if (!line->connected)
        return "away";
    if (line->drain == DRAIN_STOP)
        return "stopping";
    return line->quiet || line->drain == DRAIN_QUIET ? "quiet" : "serving";
}

// Names that came separated by commas.
static void put_names(struct out *out, const char *name, struct slice names)
{
    if (names.len == 0)
        return;
    out_name(out, slice_of_text(name));
    out_open_array(out);
    while (names.len > 0) {
        const uint8_t *comma = memchr(names.data, ',', names.len);
        size_t len = comma != NULL ? (size_t)(comma - names.data) : names.len;
        out_text(out, slice_of(names.data, len));
        size_t taken = comma != NULL ? len + 1 : len;
        names = slice_of(names.data + taken, names.len - taken);
    }
    out_close(out);
}

static void put_line(struct out *out, const struct msg_worker_line *line)
{
    out_open_object(out);
    answer_put_id(out, "worker_id", &line->worker_id);
    if (line->name.len > 0)
        out_put_text(out, "name", line->name);
    out_put_text(out, "status", slice_of_text(roster_status(line)));
    out_put_unsigned(out, "slots", line->slots);
    out_put_unsigned(out, "running", line->running);
    put_names(out, "types", line->types);
    put_names(out, "queues", line->queues);
    answer_put_moment(out, "since", line->since_at);
    out_close(out);
}

void roster_answer(struct out *out, const struct msg_worker_listed *listed)
{
    out_open_object(out);
    out_name(out, slice_of_text("workers"));
    out_open_array(out);
    for (uint32_t i = 0; i < listed->count; i++)
        put_line(out, &listed->workers[i]);
    answer_listed_end(out, listed->cursor);
}
