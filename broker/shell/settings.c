// Rules of settings, by kind of message.

#include "broker/shell/settings.h"

#include "proto/check.h"

void settings_judge(struct msg *msg)
{
    const char *detail = NULL;
    if (msg->kind == MSG_TYPE_SET) {
        msg->type_set.verdict = check_type_set(&msg->type_set, &detail);
        if (msg->type_set.verdict != OK)
            msg->type_set.detail = slice_of_text(detail);
        return;
    }
    CHECK(msg->kind == MSG_QUEUE_SET);
    msg->queue_set.verdict = check_queue_set(&msg->queue_set, &detail);
    if (msg->queue_set.verdict != OK)
        msg->queue_set.detail = slice_of_text(detail);
}

void settings_keep(struct broker *broker, const struct msg_type_set *set, struct schema *schema,
                   bool is_decided)
{
    const struct effects *fx = &broker->filling->effects;
    if (!is_decided || fx->sends[fx->send_count - 1].msg.type_status_is.error != OK) {
        schema_free(schema);
        return;
    }
    struct schemas_name name = {.tenant = set->tenant, .type = set->type};
    err e = schemas_put(broker->schemas, name, schema, set->schema.bytes.len);
    CHECK(e == OK); // the core has room for as many types
}

err settings_check(const struct msg *msg, const char **out_detail)
{
    if (msg->kind == MSG_TYPE_STATUS)
        return check_type_status(&msg->type_status, out_detail);
    CHECK(msg->kind == MSG_QUEUE_STATUS);
    return check_queue_status(&msg->queue_status, out_detail);
}
