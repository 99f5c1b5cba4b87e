// The rows of endpoints that webhooks go to.

#include "proto/wire_rows.h"

#define GIVEN                                                                                      \
    ROW(WIRE_NAME, MSG_NAME_LEN_MAX, webhook_id, given.webhook_id),                                \
        ROW(WIRE_NAME, MSG_URL_LEN_MAX, url, given.url), ROW(WIRE_U32, 0, events, given.events),   \
        ROW(WIRE_NAME, MSG_HOOK_LIST_LEN_MAX, types, given.types),                                 \
        ROW(WIRE_NAME, MSG_HOOK_LIST_LEN_MAX, tags, given.tags),                                   \
        ROW(WIRE_NAME, MSG_HOOK_HEADERS_LEN_MAX, headers, given.headers)

#define W Weft__Wire__WebhookSet
#define M struct msg_webhook_set
static const struct wire_field set_fields[] = {
    GIVEN,
    SAME(WIRE_ENUM, WEBHOOK_LAST, act),
    SAME(WIRE_BYTES, MSG_HOOK_SECRET_LEN_MAX, secret),
    SAME(WIRE_U32, 0, overlap_s),
    SAME(WIRE_TEXT, MSG_REASON_LEN_MAX, reason),
    SAME(WIRE_ID, 0, test_id),
    SAME(WIRE_TEXT, MSG_ACTOR_LEN_MAX, actor),
};
const struct wire_shape wire_shapes_hook_set = {
    .descriptor = &weft__wire__webhook_set__descriptor, SIZES, FIELDS(set_fields)};
#undef W
#undef M

#define W Weft__Wire__WebhookStatus
#define M struct msg_webhook_status
static const struct wire_field status_fields[] = {SAME(WIRE_NAME, MSG_NAME_LEN_MAX, webhook_id),
                                                  SAME(WIRE_NAME, MSG_NAME_LEN_MAX, after),
                                                  SAME(WIRE_U32, 0, limit)};
const struct wire_shape wire_shapes_hook_status = {
    .descriptor = &weft__wire__webhook_status__descriptor, SIZES, FIELDS(status_fields)};
#undef W
#undef M

#define W Weft__Wire__WebhookLine
#define M struct msg_webhook_line
static const struct wire_field line_fields[] = {
    GIVEN,
    SAME(WIRE_BOOL, 0, disabled),
    SAME(WIRE_TEXT, MSG_REASON_LEN_MAX, reason),
    SAME(WIRE_U32, 0, generation),
    ROW(WIRE_U64, 0, created_at_ms, created_at),
    ROW(WIRE_U64, 0, rotated_at_ms, rotated_at),
    ROW(WIRE_U64, 0, before_until_ms, before_until),
};
static const struct wire_shape line = {
    .descriptor = &weft__wire__webhook_line__descriptor, SIZES, FIELDS(line_fields)};
#undef W
#undef M

#define W Weft__Wire__WebhookStatusIs
#define M struct msg_webhook_status_is
static const struct wire_field status_is_fields[] = {
    SAME(WIRE_ERR, 0, error),
    SAME(WIRE_TEXT, MSG_ERROR_MESSAGE_LEN_MAX, detail),
    SAME(WIRE_BOOL, 0, is_more),
    SAME(WIRE_BOOL, 0, signs),
};
static const struct wire_list status_is_lists[] = {
    LIST(&line, MSG_HOOKS_MAX, webhooks, webhooks, count)};
const struct wire_shape wire_shapes_hook_status_is = {
    .descriptor = &weft__wire__webhook_status_is__descriptor,
    SIZES,
    FIELDS(status_is_fields),
    LISTS(status_is_lists)};
#undef W
#undef M
