// One small message per transition, made only while somebody subscribes.

#include "broker/shell/publish.h"

#include "broker/core/job.h"
#include "lib/base/check.h"
#include "lib/base/origin.h"

enum { TOPIC_LEN_MAX = 3 * (MSG_NAME_LEN_MAX + 1) + 16 + ID_TEXT_LEN + 1, BODY_LEN_MAX = 160 };

void publish_job(struct broker *broker, const struct job_row *row)
{
    const struct event_log_names *names = event_log_lane(broker->event_log, row->lane);
    if (names == NULL) { // the lane has gone meanwhile: nobody can be told whose job it is
        broker->counters.tail_dropped++;
        return;
    }
    char id[ID_TEXT_LEN + 1];
    id_to_text(&row->id, id);
    const char *state = job_state_name((enum job_state)row->state);
    char topic[TOPIC_LEN_MAX];
    // A name has no slash, so that no topic of one tenant begins as one of another.
    bool is_named = !origin_is_tenant(names->tenant, (struct slice){0});
    int topic_len =
        snprintf(topic, sizeof topic, "%.*s%s%.*s.%.*s.%s.%s",
                 is_named ? (int)names->tenant.len : 0, (const char *)names->tenant.data,
                 is_named ? "/" : "", (int)names->queue.len, (const char *)names->queue.data,
                 (int)names->type.len, (const char *)names->type.data, state, id);
    char body[BODY_LEN_MAX];
    int body_len = snprintf(body, sizeof body,
                            "{\"job_id\":\"%s\",\"state\":\"%s\",\"version\":%u,\"at\":%lld}", id,
                            state, row->version, (long long)broker->now.store);
    CHECK(topic_len > 0 && (size_t)topic_len < sizeof topic);
    CHECK(body_len > 0 && (size_t)body_len < sizeof body);
    err e = link_publish(broker->publisher, slice_of(topic, (size_t)topic_len),
                         slice_of(body, (size_t)body_len));
    if (e != OK)
        broker->counters.tail_dropped++;
}
