// Rules of endpoints, each with the sentence that a refusal says.

#include "proto/check_hook.h"

#include "proto/check.h"
#include "proto/hook.h"
#include "proto/labels.h"

// Each of the texts between commas, and none of them empty.
static bool are_all(struct slice list, bool (*is_one)(struct slice))
{
    for (size_t at = 0; list.len > 0 && at <= list.len; at++) {
        size_t from = at;
        while (at < list.len && list.data[at] != ',')
            at++;
        if (!is_one(slice_of(list.data + from, at - from)))
            return false;
    }
    return true;
}

static err check_given(const struct msg_webhook *given, const char **out_detail)
{
    *out_detail =
        "url: https://host/…, at most 2,048 visible ASCII characters, no user, no fragment";
    if (given->url.len > 0 && !hook_is_url(given->url))
        return ERR_BAD_FIELD;
    *out_detail = "events: bits of the ends and the progress of jobs, and of finished batches";
    if ((given->events & ~((uint32_t)HOOK_EVENTS | (uint32_t)WEBHOOK_BATCH_FINISHED)) != 0)
        return ERR_BAD_FIELD;
    *out_detail = "events: an endpoint without a url is told of none";
    if (given->events != 0 && given->url.len == 0)
        return ERR_BAD_FIELD;
    *out_detail = "types: at most 1,024 bytes, each 1 to 128 of a-z 0-9 . _ -";
    if (given->types.len > MSG_HOOK_LIST_LEN_MAX || !are_all(given->types, check_name))
        return ERR_BAD_FIELD;
    *out_detail = "tags: at most 1,024 bytes, each " LABELS_TAG_RULE;
    if (given->tags.len > MSG_HOOK_LIST_LEN_MAX || !are_all(given->tags, labels_is_tag))
        return ERR_BAD_FIELD;
    *out_detail =
        "headers: lines 'name: value' of visible ASCII, at most 4,096 bytes, none that the "
        "sender sets itself";
    if (given->headers.len > MSG_HOOK_HEADERS_LEN_MAX || !hook_are_headers(given->headers))
        return ERR_BAD_FIELD;
    return OK;
}

err check_hook_set(const struct msg_webhook_set *set, const char **out_detail)
{
    const char *detail = "webhook_id: " CHECK_NEW_NAME_RULE;
    bool is_name = set->act == WEBHOOK_SET ? check_new_name(set->given.webhook_id)
                                           : check_name(set->given.webhook_id);
    err e = is_name ? OK : ERR_BAD_FIELD;
    if (e == OK && set->act == WEBHOOK_NONE) {
        detail = "act: set, rotate, enable, disable, test or delete";
        e = ERR_BAD_FIELD;
    }
    if (e == OK)
        e = check_given(&set->given, &detail);
    if (e == OK && set->act == WEBHOOK_ROTATE && set->secret.len == 0) {
        detail = "secret: a rotation brings another one";
        e = ERR_BAD_FIELD;
    }
    if (e == OK && set->overlap_s > CHECK_HOOK_OVERLAP_S_MAX) {
        detail = "overlap_s: at most 30 days";
        e = ERR_BAD_FIELD;
    }
    if (e == OK && (set->act == WEBHOOK_TEST) != !id_is_zero(&set->test_id)) {
        detail = "test_id: 16 bytes, of a test only";
        e = ERR_BAD_FIELD;
    }
    if (e != OK)
        *out_detail = detail;
    return e;
}

err check_hook_status(const struct msg_webhook_status *status, const char **out_detail)
{
    bool is_list = status->webhook_id.len == 0;
    if ((is_list || check_name(status->webhook_id)) &&
        (is_list || (status->after.len == 0 && status->limit == 0)) &&
        status->limit <= MSG_HOOKS_MAX)
        return OK;
    *out_detail = "webhook_id: a name, or none with after and a limit of at most 64";
    return ERR_BAD_FIELD;
}
