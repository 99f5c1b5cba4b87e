// Bodies of states, as large as they need be.

#include "gateway/shell/shown.h"

#include "gateway/core/again.h"
#include "gateway/core/answer.h"
#include "gateway/shell/values.h"

#include <stdlib.h>

enum { BODY_LEN = 4096 };

struct shown shown_of(const struct ask_result *result, when_ms now)
{
    if (result->error != OK)
        return (struct shown){.error = result->error};
    if (result->batch != NULL)
        return (struct shown){
            .error = result->batch->error,
            .version = result->batch->version,
            .is_final = answer_batch_is_final(result->batch),
            .again_ms = again_batch(result->batch, now),
        };
    const struct msg_status_is *status = result->status;
    bool is_final = answer_is_final(status->state);
    bool is_gone = status->error == OK && status->state == JOB_REMOVED;
    return (struct shown){
        .error = is_gone ? ERR_GONE : status->error,
        .version = status->version,
        .is_final = is_final,
        .again_ms = is_final ? 0 : again_job(status, now),
    };
}

// What a status takes at most besides its result and what BODY_LEN has room for. Escapes make six
// bytes of one, and labels, of which there are 48, have quotes and a comma each.
static size_t room_of_texts(const struct msg_status_is *status)
{
    enum { PARENT_LEN = ID_TEXT_LEN + 3, LABELS_AROUND_LEN = 512, ESCAPED_LEN = 6 };
    size_t texts = status->failure.kind.len + status->failure.message.len +
                   status->failure.detail.len + status->progress_text.len +
                   status->concurrency_key.len + status->unique_key.len + status->labels.len;
    return texts * ESCAPED_LEN + (size_t)status->after.count * PARENT_LEN + LABELS_AROUND_LEN;
}

err shown_put(const struct ask_result *result, enum out_format format, when_ms now,
              uint32_t again_ms, struct out *out_body)
{
    const struct msg_status_is *status = result->status;
    size_t cap = BODY_LEN;
    size_t converted_cap = 0;
    if (status != NULL) {
        // Conversion may lengthen: binary to base64.
        converted_cap = values_room(status->result.bytes.len);
        cap += converted_cap + room_of_texts(status);
    }
    uint8_t *room = malloc(cap + converted_cap);
    if (room == NULL)
        return ERR_NO_MEMORY;
    *out_body = (struct out){.data = room, .cap = cap, .format = format};
    if (status == NULL) {
        answer_batch(out_body, result->batch, now);
        return OK;
    }
    struct out converted = {.data = room + cap, .cap = converted_cap, .format = format};
    struct answer_result value = values_answer(format, &status->result, &converted);
    answer_status(out_body, status, &value, again_ms);
    return OK;
}

void shown_free(struct out *body)
{
    free(body->data);
}
