// One key, read once.

#include "gateway/shell/sealer.h"

#include "lib/base/check.h"
#include "lib/post/core/target.h"
#include "lib/sys/log.h"
#include "proto/hook.h"

#include <assert.h>
#include <stdio.h>

static_assert((int)WEBHOOK_SECRET_LEN_MAX <= (int)SEAL_SECRET_LEN_MAX, "each can be sealed");
static_assert((int)SEAL_DERIVED_LEN >= (int)WEBHOOK_SECRET_LEN_MIN,
              "one that is made is long enough");

void sealer_open(struct sealer *sealer, const char *path)
{
    err e = seal_key_read(path, &sealer->key);
    sealer->has_key = e == OK;
    if (e != OK && e != ERR_NOT_FOUND)
        log_warn(
            "gateway.webhook_key_unread", "file=%s error=%s fix=%s", log_quote_text(path).text,
            err_slug(e),
            log_quote_text("give --webhook-key the file of 'weft webhook key', mode 0600").text);
}

void sealer_close(struct sealer *sealer)
{
    seal_key_forget(&sealer->key);
    sealer->has_key = false;
}

static err refuse(struct submit_fault *fault, const char *prefix)
{
    submit_fault_tell(
        fault, prefix, slice_of_text("secret"),
        "cannot be sealed: this gateway has no key; give it --webhook-key, the file that "
        "'weft notify' uses",
        NULL);
    return ERR_UNSUPPORTED;
}

err sealer_make(const struct sealer *sealer, const struct sealer_name *name,
                struct webhook_secret *secret, struct submit_fault *fault)
{
    if (!secret->is_new && secret->len == 0)
        return OK;
    if (!sealer->has_key)
        return refuse(fault, name->field);
    if (secret->is_new) {
        seal_derive(&sealer->key, name->tenant, name->id, secret->bytes);
        secret->len = SEAL_DERIVED_LEN;
    }
    return OK;
}

err sealer_seal(const struct sealer *sealer, const struct webhook_secret *secret,
                struct arena *arena, struct slice *webhook)
{
    struct hook hook;
    const char *detail = NULL;
    uint8_t sealed[SEAL_LEN_MAX];
    if (secret->len == 0)
        return OK;
    CHECK(sealer->has_key);
    struct bytes_out out = {.data = arena_take(arena, MSG_HOOK_LEN_MAX), .cap = MSG_HOOK_LEN_MAX};
    if (out.data == NULL)
        return ERR_NO_MEMORY;
    err e = hook_read(*webhook, &hook, &detail);
    CHECK(e == OK); // it has been judged
    hook.secret =
        slice_of(sealed, seal_put(&sealer->key, slice_of(secret->bytes, secret->len), sealed));
    hook_write(&hook, &out);
    CHECK(!out.full);
    arena->used -= out.cap - out.len;
    *webhook = slice_of(out.data, out.len);
    return OK;
}

err sealer_put(const struct sealer *sealer, const struct webhook_secret *secret,
               uint8_t room[SEAL_LEN_MAX], struct slice *out_sealed, struct submit_fault *fault)
{
    if (!sealer->has_key)
        return refuse(fault, "");
    *out_sealed =
        slice_of(room, seal_put(&sealer->key, slice_of(secret->bytes, secret->len), room));
    return OK;
}

// --- what the sender will judge ---

static err judge_url(struct slice url, const char *prefix, struct submit_fault *fault)
{
    struct target target;
    char rule[SUBMIT_DETAIL_LEN / 2];
    const char *why = NULL;
    if (url.len == 0 || target_read(url, &target, &why) == OK)
        return OK;
    (void)snprintf(rule, sizeof rule, "cannot be sent to: %s", why);
    submit_fault_tell(fault, prefix, slice_of_text("url"), rule, NULL);
    return ERR_BAD_FIELD;
}

// The next of the lines "name: value"; `rest` is what follows it.
static struct slice next_line(struct slice *rest)
{
    const uint8_t *end = memchr(rest->data, '\n', rest->len);
    size_t len = end != NULL ? (size_t)(end - rest->data) : rest->len;
    struct slice line = slice_of(rest->data, len);
    size_t past = end != NULL ? len + 1 : len;
    *rest = slice_of(rest->data + past, rest->len - past);
    return line;
}

static const char *judge_headers(struct slice lines)
{
    while (lines.len > 0) {
        struct slice line = next_line(&lines);
        const uint8_t *colon = memchr(line.data, ':', line.len);
        CHECK(colon != NULL &&
              line.data + line.len - colon > 2); // hook_are_headers() has read them
        struct slice name = slice_of(line.data, (size_t)(colon - line.data));
        struct slice value = slice_of(colon + 2, line.len - name.len - 2);
        if (!target_takes_header(name, value))
            return "has a header that the sender sets itself, or a value of more than 1,024 bytes";
    }
    return NULL;
}

err sealer_judge_endpoint(const struct msg_webhook *given, struct submit_fault *fault)
{
    const char *rule = judge_headers(given->headers);
    if (rule == NULL)
        return judge_url(given->url, "", fault);
    submit_fault_tell(fault, "", slice_of_text("headers"), rule, NULL);
    return ERR_BAD_FIELD;
}

err sealer_judge_url(const char *field, struct slice webhook, struct submit_fault *fault)
{
    struct hook hook;
    const char *detail = NULL;
    if (webhook.len == 0)
        return OK;
    err e = hook_read(webhook, &hook, &detail);
    CHECK(e == OK); // hook_check() has read it
    return judge_url(hook.url, field, fault);
}
