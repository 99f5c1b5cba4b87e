// Copies of workers' words.

#include "lib/client/opinion.h"

#include <stdlib.h>

static struct slice keep_part(uint8_t *room, size_t *len, struct slice part)
{
    struct slice kept = slice_of(room + *len, part.len);
    if (part.len > 0)
        memcpy(room + *len, part.data, part.len);
    *len += part.len;
    return kept;
}

static void keep(struct opinion *opinion, const struct msg_forecast *forecast, size_t *kept)
{
    const struct msg_failure *failure = &forecast->failure;
    size_t len = forecast->simulated.bytes.len + failure->kind.len + failure->message.len +
                 failure->detail.len;
    bool fits = *kept + len <= OPINION_BYTES_MAX;
    opinion->bytes = fits && len > 0 ? malloc(len) : NULL;
    opinion->is_left_out = len > 0 && opinion->bytes == NULL;
    if (opinion->bytes == NULL)
        return;
    size_t at = 0;
    opinion->result = (struct body){
        .content = forecast->simulated.content,
        .bytes = keep_part(opinion->bytes, &at, forecast->simulated.bytes),
    };
    opinion->failure.kind = keep_part(opinion->bytes, &at, failure->kind);
    opinion->failure.message = keep_part(opinion->bytes, &at, failure->message);
    opinion->failure.detail = keep_part(opinion->bytes, &at, failure->detail);
    *kept += len;
}

enum trial_word opinion_take(struct opinion *opinion, const struct msg *answer, size_t *kept)
{
    if (answer == NULL || answer->kind != MSG_SUBMITTED || answer->submitted.count != 1)
        return TRIAL_LOST;
    const struct msg_submitted *said = &answer->submitted;
    opinion->is_alone = said->jobs[0].error != OK || said->jobs[0].replayed;
    opinion->simulation =
        said->forecast_count > 0 ? said->forecasts[0].simulation : SIMULATION_NONE;
    switch (opinion->simulation) {
    case SIMULATION_NONE:
    case SIMULATION_LATE:
    case SIMULATION_GONE: return TRIAL_MUTE;
    case SIMULATION_BUSY: return TRIAL_BUSY;
    case SIMULATION_OK:
    case SIMULATION_FAILED: keep(opinion, said->forecasts, kept); return TRIAL_SAID;
    }
    UNREACHABLE();
}

void opinion_deinit(struct opinion *opinion)
{
    free(opinion->bytes);
    *opinion = (struct opinion){0};
}

size_t opinion_len(const struct opinion *opinion)
{
    const struct msg_failure *failure = &opinion->failure;
    return opinion->result.bytes.len + failure->kind.len + failure->message.len +
           failure->detail.len;
}

struct msg_forecast opinion_forecast(const struct opinion *opinion, bool is_asked)
{
    return (struct msg_forecast){
        .simulation = is_asked ? opinion->simulation : SIMULATION_LATE,
        .simulated = opinion->result,
        .failure = opinion->failure,
    };
}

bool opinion_is_offered(const struct opinion *opinion, bool is_asked)
{
    return !is_asked || opinion->is_alone || opinion->simulation != SIMULATION_NONE;
}
