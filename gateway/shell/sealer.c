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
        log_warn("gateway.webhook_key_unread", "file=%s error=%s fix=%s", log_quote_text(path).text,
                 err_slug(e),
                 log_quote_text("give --webhook-key the file of 'weft notify', mode 0600").text);
}

void sealer_close(struct sealer *sealer)
{
    seal_key_forget(&sealer->key);
    sealer->has_key = false;
}

err sealer_make(const struct sealer *sealer, const struct sealer_name *name,
                struct webhook_secret *secret, struct submit_fault *fault)
{
    if (!secret->is_new && secret->len == 0)
        return OK;
    if (!sealer->has_key) {
        submit_tell(fault, "webhook.", slice_of_text("secret"),
                    "cannot be sealed: this gateway has no key; give it --webhook-key, the file "
                    "that 'weft notify' uses",
                    NULL);
        return ERR_UNSUPPORTED;
    }
    if (secret->is_new) {
        seal_derive(&sealer->key, name->tenant, name->id, secret->bytes);
        secret->len = SEAL_DERIVED_LEN;
    }
    return OK;
}

err sealer_seal_job(const struct sealer *sealer, const struct webhook_secret *secret,
                    struct arena *arena, struct msg_submit_job *job)
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
    err e = hook_read(job->webhook, &hook, &detail);
    CHECK(e == OK); // check_submit_job() has read it
    hook.secret =
        slice_of(sealed, seal_put(&sealer->key, slice_of(secret->bytes, secret->len), sealed));
    hook_write(&hook, &out);
    CHECK(!out.full);
    arena->used -= out.cap - out.len;
    job->webhook = slice_of(out.data, out.len);
    return OK;
}

err sealer_judge_url(struct slice webhook, struct submit_fault *fault)
{
    struct hook hook;
    struct target target;
    char rule[SUBMIT_DETAIL_LEN / 2];
    const char *why = NULL;
    if (webhook.len == 0)
        return OK;
    err e = hook_read(webhook, &hook, &why);
    CHECK(e == OK); // check_submit_job() has read it
    if (hook.url.len == 0 || target_read(hook.url, &target, &why) == OK)
        return OK;
    (void)snprintf(rule, sizeof rule, "cannot be sent to: %s", why);
    submit_tell(fault, "webhook.", slice_of_text("url"), rule, NULL);
    return ERR_BAD_FIELD;
}
