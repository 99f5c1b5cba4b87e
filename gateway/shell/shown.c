// Bodies of states, as large as they need be.

#include "gateway/shell/shown.h"

#include "gateway/core/answer.h"
#include "gateway/shell/values.h"
#include "lib/sys/clock.h"

#include <stdlib.h>

enum { BODY_LEN = 4096 };

struct shown shown_of(const struct ask_result *result)
{
    if (result->error != OK)
        return (struct shown){.error = result->error};
    if (result->batch != NULL)
        return (struct shown){
            .error = result->batch->error,
            .version = result->batch->version,
            .is_final = answer_batch_is_final(result->batch),
        };
    const struct msg_status_is *status = result->status;
    bool is_gone = status->error == OK && status->state == JOB_REMOVED;
    return (struct shown){
        .error = is_gone ? ERR_GONE : status->error,
        .version = status->version,
        .is_final = answer_is_final(status->state),
    };
}

err shown_put(const struct ask_result *result, enum out_format format, struct out *out_body)
{
    const struct msg_status_is *status = result->status;
    size_t cap = BODY_LEN;
    size_t converted_cap = 0;
    if (status != NULL) {
        // Conversion may lengthen: escapes to six bytes, binary to base64. So may texts.
        size_t texts = status->failure.kind.len + status->failure.message.len +
                       status->failure.detail.len + status->progress_text.len;
        converted_cap = values_room(status->result.bytes.len);
        cap += converted_cap + texts * 6;
    }
    uint8_t *room = malloc(cap + converted_cap);
    if (room == NULL)
        return ERR_NO_MEMORY;
    *out_body = (struct out){.data = room, .cap = cap, .format = format};
    if (status == NULL) {
        answer_batch(out_body, result->batch, clock_wall_ms());
        return OK;
    }
    struct out converted = {.data = room + cap, .cap = converted_cap, .format = format};
    struct answer_result value = values_answer(format, &status->result, &converted);
    answer_status(out_body, status, &value);
    return OK;
}

void shown_free(struct out *body)
{
    free(body->data);
}
