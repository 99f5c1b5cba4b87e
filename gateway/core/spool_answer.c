// Field by field.

#include "gateway/core/spool_answer.h"

#include "gateway/core/answer.h"

void spool_answer_job(struct out *out, const struct spool_told *told)
{
    bool is_refused = told->error != OK;
    out_open_object(out);
    answer_put_id(out, "job_id", &told->id);
    out_put_text(out, "status", slice_of_text(is_refused ? "refused" : "spooled"));
    if (told->type.len > 0) {
        out_put_text(out, "type", told->type);
        out_put_text(out, "queue", told->queue.len > 0 ? told->queue : slice_of_text("default"));
    }
    answer_put_urls(out, &told->id);
    out_put_text(out, "durability", slice_of_text("spooled"));
    answer_put_moment(out, "created_at", told->spooled_at);
    if (told->secret != NULL)
        answer_put_secret(out, told->secret);
    if (is_refused) {
        answer_put_moment(out, "refused_at", told->refused_at);
        out_name(out, slice_of_text("problem"));
        out_open_object(out);
        // The spool keeps no list of violations, of which the table's text speaks.
        const char *fix =
            told->error == ERR_SCHEMA ? "correct the payload and submit it anew" : NULL;
        problem_put(out,
                    &(struct problem){.error = told->error, .detail = told->detail, .fix = fix});
        out_close(out);
    }
    out_close(out);
}

void spool_answer_books(struct out *out, const struct spool_account *books, uint64_t bytes_max)
{
    out_open_object(out);
    out_put_unsigned(out, "accepted", books->accepted);
    out_put_unsigned(out, "forwarded", books->forwarded);
    out_put_unsigned(out, "waiting", books->waiting);
    out_put_unsigned(out, "refused", books->refused);
    out_put_unsigned(out, "damaged", books->damaged);
    out_put_unsigned(out, "kept", books->kept);
    out_put_unsigned(out, "deleted", books->deleted);
    out_put_unsigned(out, "bytes", books->bytes);
    out_put_unsigned(out, "bytes_max", bytes_max);
    out_close(out);
}
