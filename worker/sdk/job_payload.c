// The members of a payload that is a JSON object.

#include "lib/base/check.h"
#include "worker/core/jsontext.h"
#include "worker/sdk/worker_private.h"

#include <errno.h>
#include <stdlib.h>

// From here on the job runs to no avail. The first one is told.
static void lack(struct weft_job *job, const char *name, const char *what)
{
    char text[MSG_ERROR_MESSAGE_LEN_MAX];
    if (job->missing != NULL)
        return;
    (void)snprintf(text, sizeof text, "the payload has no %s \"%.200s\"%s", what,
                   name != NULL ? name : "",
                   job->msg.payload.content == CONTENT_JSON ? "" : ": it is not JSON");
    job->missing = strdup(text);
    CHECK(job->missing != NULL);
    atomic_store_explicit(&job->must_stop, true, memory_order_relaxed);
}

static bool find_member(const struct weft_job *job, const char *name, struct slice *out_value)
{
    return name != NULL && job->msg.payload.content == CONTENT_JSON &&
           jsontext_find(job->msg.payload.bytes, slice_of_text(name), out_value) == OK;
}

// With a zero behind it, until the handler returns.
static const char *keep(struct weft_job *job, struct slice value)
{
    struct slice text = {0};
    struct kept_text *kept = malloc(sizeof *kept + value.len + 1); // its meaning is never longer
    CHECK(kept != NULL);
    kept->next = job->texts;
    job->texts = kept;
    err read = jsontext_string(value, (uint8_t *)kept->text, value.len, &text);
    kept->text[text.len] = '\0';
    // Of a text with a zero in it only the beginning would be seen.
    return read == OK && strlen(kept->text) == text.len ? kept->text : NULL;
}

const char *weft_job_string(weft_job *job, const char *name)
{
    struct slice value = {0};
    const char *text = find_member(job, name, &value) ? keep(job, value) : NULL;
    if (text != NULL)
        return text;
    bool has_zero = value.len > 0 && *value.data == '"';
    lack(job, name, has_zero ? "string without a zero in it" : "string");
    return "";
}

int64_t weft_job_integer(weft_job *job, const char *name)
{
    struct slice value = {0};
    char text[32];
    char *end = text;
    errno = 0;
    long long number = 0;
    if (find_member(job, name, &value) && slice_to_text(value, text, sizeof text))
        number = strtoll(text, &end, 10);
    if (end != text && *end == '\0' && errno == 0)
        return number;
    lack(job, name, "integer");
    return 0;
}
