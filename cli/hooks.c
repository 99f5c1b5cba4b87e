// Flags into bytes.

#include "cli/hooks.h"

#include "cli/command.h"
#include "lib/base/check.h"
#include "lib/base/origin.h"
#include "lib/post/core/target.h"
#include "proto/hook.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>

enum { WORDS_MAX = 8 };

static_assert((int)WEBHOOK_SECRET_LEN_MAX <= (int)SEAL_SECRET_LEN_MAX, "each can be sealed");

// The flags. A batch is told once, and has no events.
struct flags {
    const char *url, *endpoint, *events, *secret;
};

static const struct flags flags_of[] = {
    [HOOKS_OF_JOB] = {"webhook", "webhook-endpoint", "webhook-events", "webhook-secret"},
    [HOOKS_OF_BATCH] = {"batch-webhook", "batch-webhook-endpoint", "", "batch-webhook-secret"},
};

static struct slice *place_of(const struct hooks *hooks, struct msg_submit_job *job)
{
    return hooks->whose == HOOKS_OF_JOB ? &job->webhook : &job->batch_webhook;
}

static struct slice text_of(const struct config *config, const char *key)
{
    const char *text = config_knows(config, key) ? config_text(config, key) : NULL;
    return text != NULL ? slice_of_text(text) : (struct slice){0};
}

__attribute__((format(printf, 2, 3))) static err refuse(char problem[HOOKS_PROBLEM_LEN],
                                                        const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(problem, HOOKS_PROBLEM_LEN, format, arguments);
    va_end(arguments);
    return ERR_BAD_FIELD;
}

static err read_url(const struct flags *flags, struct slice url, char problem[HOOKS_PROBLEM_LEN])
{
    struct target target;
    const char *why = NULL;
    if (url.len == 0 || (target_read(url, &target, &why) == OK && hook_is_url(url)))
        return OK;
    return refuse(problem, "--%s cannot be sent to: %s", flags->url,
                  why != NULL ? why : "it has a byte that does not belong there");
}

err hooks_events(const char *text, enum webhook_whose whose, uint32_t *out_events,
                 char problem[HOOKS_PROBLEM_LEN])
{
    struct slice items[WORDS_MAX];
    struct webhook_words words = {.whose = whose, .items = items};
    const char *near = NULL;
    for (const char *at = text; at != NULL && words.count < WORDS_MAX;) {
        const char *comma = strchr(at, ',');
        items[words.count++] = slice_of(at, comma != NULL ? (size_t)(comma - at) : strlen(at));
        at = comma != NULL ? comma + 1 : NULL;
    }
    const char *rule = webhook_events_of(&words, out_events, &near);
    if (rule == NULL)
        return OK;
    return refuse(problem, "%s%s%s%s", rule, near != NULL ? "; did you mean " : "",
                  near != NULL ? near : "", near != NULL ? "?" : "");
}

static err read_events(const char *text, uint32_t *out_events, char problem[HOOKS_PROBLEM_LEN])
{
    char rule[HOOKS_PROBLEM_LEN];
    err e = hooks_events(text, WEBHOOK_OF_JOB, out_events, rule);
    return e == OK ? OK : refuse(problem, "--webhook-events %.200s", rule);
}

static void pack(struct hooks *hooks, const struct hook *hook, struct msg_submit_job *job)
{
    struct bytes_out out = {.data = hooks->packed, .cap = sizeof hooks->packed};
    hook_write(hook, &out);
    CHECK(!out.full); // each of its texts has a bound
    *place_of(hooks, job) = slice_of(hooks->packed, out.len);
}

static err read_secret(const struct flags *flags, struct slice text,
                       struct webhook_secret *out_secret, char problem[HOOKS_PROBLEM_LEN])
{
    const char *rule = text.len > 0 ? webhook_secret_of(text, out_secret) : NULL;
    return rule == NULL ? OK : refuse(problem, "--%s %s", flags->secret, rule);
}

err hooks_read(struct hooks *hooks, const struct config *config, struct msg_submit_job *job,
               char problem[HOOKS_PROBLEM_LEN])
{
    const struct flags *flags = &flags_of[hooks->whose];
    struct hook hook = {.url = text_of(config, flags->url),
                        .endpoint = text_of(config, flags->endpoint)};
    const char *events =
        config_knows(config, flags->events) ? config_text(config, flags->events) : NULL;
    struct slice secret = text_of(config, flags->secret);
    hooks->secret = (struct webhook_secret){0};
    if (hook.url.len == 0 && hook.endpoint.len == 0 && events == NULL && secret.len == 0)
        return OK;
    if (hook.endpoint.len > MSG_NAME_LEN_MAX)
        return refuse(problem, "--%s: 1 to 128 of a-z 0-9 . _ -", flags->endpoint);
    err e = read_url(flags, hook.url, problem);
    if (e == OK && events != NULL)
        e = read_events(events, &hook.events, problem);
    if (e == OK)
        e = read_secret(flags, secret, &hooks->secret, problem);
    const char *rule = e == OK ? webhook_judge(&hook, &hooks->secret) : NULL;
    if (rule != NULL)
        e = refuse(problem, "--%s %s (--%s, --%s)", flags->url, rule, flags->endpoint,
                   flags->secret);
    if (e == OK)
        pack(hooks, &hook, job);
    return e;
}

static const char *key_fault(err e)
{
    switch ((int)e) {
    case ERR_NOT_FOUND:
        return "is not there; copy the file of 'weft notify', make one with 'weft webhook key', or "
               "submit over HTTP";
    case ERR_SCOPE: return "can be read by others than its owner: chmod 600";
    case ERR_DAMAGED: return "is no such file; 'weft webhook key' makes one";
    default: return strerror(errno);
    }
}

static err read_key(const struct config *config, struct seal_key *out_key,
                    char problem[HOOKS_PROBLEM_LEN])
{
    const char *path = config_text(config, "webhook-key");
    err e = seal_key_read(path, out_key);
    return e == OK ? OK : refuse(problem, "--webhook-key: %.100s %s", path, key_fault(e));
}

bool hooks_key(const struct config *config, const char *program, struct seal_key *out_key)
{
    char problem[HOOKS_PROBLEM_LEN];
    if (read_key(config, out_key, problem) == OK)
        return true;
    command_complain(program, "%s", problem);
    return false;
}

static void seal(struct hooks *hooks, const struct seal_key *key, struct msg_submit_job *job)
{
    struct webhook_secret *secret = &hooks->secret;
    uint8_t sealed[SEAL_LEN_MAX];
    uint8_t former[MSG_HOOK_LEN_MAX];
    struct hook hook;
    const char *detail = NULL;
    size_t len = place_of(hooks, job)->len;
    memcpy(former, hooks->packed, len);
    err e = hook_read(slice_of(former, len), &hook, &detail);
    CHECK(e == OK); // hooks_read() has written it
    if (secret->is_new) {
        const struct id *name = id_is_zero(&job->batch_id) ? &job->job_id : &job->batch_id;
        seal_derive(key, origin_tenant(job->tenant), name, secret->bytes);
        secret->len = SEAL_DERIVED_LEN;
    }
    hook.secret = slice_of(sealed, seal_put(key, slice_of(secret->bytes, secret->len), sealed));
    pack(hooks, &hook, job);
}

err hooks_seal(struct hooks *hooks, const struct config *config, struct msg_submit_job *job,
               char problem[HOOKS_PROBLEM_LEN])
{
    struct seal_key key;
    if (!hooks->secret.is_new && hooks->secret.len == 0)
        return OK;
    err e = read_key(config, &key, problem);
    if (e != OK)
        return e;
    seal(hooks, &key, job);
    seal_key_forget(&key);
    return OK;
}

void hooks_tell(const struct webhook_secret *secret, const char *program)
{
    char text[WEBHOOK_SECRET_TEXT_LEN_MAX + 1];
    if (!secret->is_new || secret->len == 0)
        return;
    (void)webhook_secret_text(secret, text);
    command_complain(program, "the webhook's secret, told only now: %s", text);
}
