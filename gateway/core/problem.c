// Problem details from the table of errors.

#include "gateway/core/problem.h"

#include "lib/base/check.h"

enum { CODE_FIRST = 1000 };

// An error's text is "what; what to do".
static struct slice text_part(err error, bool want_fix)
{
    struct slice text = slice_of_text(err_text(error));
    const uint8_t *mark = memchr(text.data, ';', text.len);
    if (mark == NULL)
        return want_fix ? (struct slice){0} : text;
    size_t len = (size_t)(mark - text.data);
    if (!want_fix)
        return slice_of(text.data, len);
    return slice_of(text.data + len + 2, text.len - len - 2);
}

static struct slice fix_of(const struct problem *problem)
{
    if (problem->fix != NULL)
        return slice_of_text(problem->fix);
    struct slice own = text_part(problem->error, true);
    if (own.len > 0)
        return own;
    if (problem->error == ERR_CONFLICT)
        return slice_of_text("look at the status first: GET the job");
    if (problem->error == ERR_GONE)
        return slice_of_text("submit it anew, with another key if it had one");
    if (err_http(problem->error) >= 500 && !err_may_retry(problem->error))
        return slice_of_text("tell whoever runs the broker; its log says more");
    return slice_of_text(err_may_retry(problem->error) ? "repeat the request later"
                                                       : "correct the request and send it again");
}

unsigned problem_status(const struct problem *problem)
{
    return problem->status != 0 ? problem->status : (unsigned)err_http(problem->error);
}

// "urn:weft:problem:" and the slug; "WEFT-1004".
static void put_identity(struct out *out, err error)
{
    static const char prefix[] = "urn:weft:problem:";
    char type[64];
    struct slice slug = slice_of_text(err_slug(error));
    CHECK(sizeof prefix - 1 + slug.len <= sizeof type);
    memcpy(type, prefix, sizeof prefix - 1);
    memcpy(type + sizeof prefix - 1, slug.data, slug.len);
    out_put_text(out, "type", slice_of(type, sizeof prefix - 1 + slug.len));
    char code[] = "WEFT-0000";
    unsigned number = CODE_FIRST + (unsigned)error;
    for (size_t i = 8; i > 4; i--, number /= 10)
        code[i] = (char)('0' + number % 10);
    out_put_text(out, "code", slice_of_text(code));
}

struct id problem_holder(err e, const struct msg_submit_job *job,
                         const struct msg_submitted_job *said)
{
    struct id holder = said != NULL ? said->holder_id : (struct id){{0}};
    return e == ERR_KEY_REUSED && job->key.len > 0 && id_is_zero(&holder) ? job->job_id : holder;
}

void problem_put(struct out *out, const struct problem *problem)
{
    CHECK(problem->error != OK);
    put_identity(out, problem->error);
    out_put_text(out, "title", text_part(problem->error, false));
    out_put_unsigned(out, "status", problem_status(problem));
    // Some refusals carry the error's own text: title and fix have that already.
    if (problem->detail.len > 0 && !slice_is_text(problem->detail, err_text(problem->error)))
        out_put_text(out, "detail", problem->detail);
    out_put_text(out, "fix", fix_of(problem));
    if (problem->violations.len > 0) {
        out_name(out, slice_of_text("violations"));
        out_raw(out, problem->violations);
    }
    if (id_is_zero(&problem->holder_id))
        return;
    char id[ID_TEXT_LEN + 1];
    id_to_text(&problem->holder_id, id);
    out_put_text(out, "holder_id", slice_of(id, ID_TEXT_LEN));
}

static struct slice text_of(const struct problem *problem, uint8_t *room, size_t room_len)
{
    struct out out = {.data = room, .cap = room_len};
    out_open_object(&out);
    problem_put(&out, problem);
    out_close(&out);
    return out.full ? (struct slice){0} : out_slice(&out);
}

struct slice problem_text(const struct problem *problem, uint8_t *room, size_t room_len)
{
    struct problem shorter = *problem;
    struct slice text = text_of(&shorter, room, room_len);
    if (text.len == 0) {
        shorter.violations = (struct slice){0};
        text = text_of(&shorter, room, room_len);
    }
    if (text.len == 0) {
        shorter.detail = (struct slice){0};
        text = text_of(&shorter, room, room_len);
    }
    return text;
}
