// weft webhook.

#include "cli/webhook.h"

#include "cli/ask.h"
#include "cli/hooks.h"
#include "cli/webhook_view.h"
#include "lib/base/check.h"
#include "lib/base/origin.h"
#include "lib/post/core/target.h"
#include "lib/sys/blake.h"
#include "lib/sys/clock.h"
#include "lib/sys/mint.h"
#include "proto/check.h"
#include "proto/check_hook.h"

#include <errno.h>

#define KEY_SECRET                                                                                 \
    {                                                                                              \
        .key = "webhook-secret", .type = CONFIG_STRING, .default_text = "new",                     \
        .help = "a secret of your own, whsec_…, or 'new': one is made and told"                  \
    }

static const struct config_key set_keys[] = {
    {.key = "events",
     .type = CONFIG_STRING,
     .help = "separated by commas: succeeded, dead, cancelled, expired (these four when not\n"
             "given), progress, batch.finished; or none: only what jobs send to it by name"},
    {.key = "only-types",
     .type = CONFIG_STRING,
     .help = "only jobs of these types, separated by commas"},
    {.key = "only-tags",
     .type = CONFIG_STRING,
     .help = "only jobs with one of these tags, the same"},
    {.key = "header",
     .type = CONFIG_STRING,
     .is_many = true,
     .help = "sent along, as 'name: value'; may be given several times"},
    KEY_SECRET,
    HOOKS_KEY_FILE,
    COMMAND_KEY_BROKER,
    COMMAND_KEY_GIVE_UP,
    COMMAND_KEY_OUTPUT,
};
static const struct config_key rotate_keys[] = {
    KEY_SECRET,
    {.key = "overlap",
     .type = CONFIG_DURATION,
     .default_text = "24h",
     .min = 0,
     .max = (int64_t)CHECK_HOOK_OVERLAP_S_MAX * 1000,
     .help = "the former secret signs too, for so long"},
    HOOKS_KEY_FILE,
    COMMAND_KEY_BROKER,
    COMMAND_KEY_GIVE_UP,
    COMMAND_KEY_OUTPUT,
};
static const struct config_key disable_keys[] = {
    {.key = "reason", .type = CONFIG_STRING, .help = "why, for people"},
    COMMAND_KEY_BROKER,
    COMMAND_KEY_GIVE_UP,
    COMMAND_KEY_OUTPUT,
};
static const struct config_key plain_keys[] = {
    COMMAND_KEY_BROKER,
    COMMAND_KEY_GIVE_UP,
    COMMAND_KEY_OUTPUT,
};

#define CODES "\nExit codes: 0 done, 1 refused, 4 no such endpoint or no answer, 64 usage."

#define TABLE(verb, rows, sentence)                                                                \
    {                                                                                              \
        .program = "webhook " verb, .usage = "weft webhook " verb " ID [flags]",                   \
        .about = sentence CODES, .keys = (rows), .key_count = sizeof(rows) / sizeof *(rows),       \
        .argument_count_min = 1, .argument_count_max = 1,                                          \
    }

const struct config_table webhook_set_table = {
    .program = "webhook set",
    .usage = "weft webhook set ID [URL] [flags]",
    .about = "Makes an endpoint and prints its secret, once; or replaces one whole but for its "
             "secret. Without a URL it only\nsigns for URLs in jobs." CODES,
    .keys = set_keys,
    .key_count = sizeof set_keys / sizeof set_keys[0],
    .argument_count_min = 1,
    .argument_count_max = 2,
};
const struct config_table webhook_show_table =
    TABLE("show", plain_keys, "Shows an endpoint; its secret and the values of its headers never.");
const struct config_table webhook_rotate_table =
    TABLE("rotate", rotate_keys, "Another secret signs from now on; prints it, once.");
const struct config_table webhook_enable_table =
    TABLE("enable", plain_keys, "Ends what disabled it, be it 410 Gone or 'weft webhook disable'.");
const struct config_table webhook_disable_table =
    TABLE("disable", disable_keys, "Nothing is sent to it until it is enabled.");
const struct config_table webhook_test_table =
    TABLE("test", plain_keys, "Sends it a webhook.test, and prints the id of the delivery.");
const struct config_table webhook_delete_table =
    TABLE("delete", plain_keys, "Deletes an endpoint.");

static const struct config_key list_keys[] = {COMMAND_LIST_KEYS};

const struct config_table webhook_list_table = {
    .program = "webhook list",
    .usage = "weft webhook list [flags]",
    .about = "Lists all endpoints by id. With -o json one object for each page of 64. Exit codes: "
             "0 listed, 1 refused,\n4 no answer, 64 usage.",
    .keys = list_keys,
    .key_count = sizeof list_keys / sizeof list_keys[0],
};

const struct config_table webhook_key_table = {
    .program = "webhook key",
    .usage = "weft webhook key FILE",
    .about = "Makes a file with a new key, for --webhook-key of 'weft gateway' and 'weft notify': "
             "both need the same.\nExit codes: 0 made, 1 it is there already or cannot be "
             "written, 64 usage.",
    .argument_count_min = 1,
    .argument_count_max = 1,
};

struct job {
    struct ask ask;
    const struct config *config;
    struct view view;
    struct msg_webhook_set set;
    struct webhook_secret secret;
    uint8_t sealed[SEAL_LEN_MAX];
    uint8_t headers[MSG_HOOK_HEADERS_LEN_MAX];
};

// Does what its table says, with an open `ask`. The exit code.
typedef int verb(struct job *job);

static struct slice text_of(const struct config *config, const char *key)
{
    const char *text = config_text(config, key);
    return text != NULL ? slice_of_text(text) : (struct slice){0};
}

static bool complain(const struct job *job, const char *words, const char *rule)
{
    command_complain(job->config->table->program, "%s %s", words, rule);
    return false;
}

// --- what is asked ---

static bool seal(struct job *job)
{
    struct seal_key key;
    const char *rule = webhook_secret_of(text_of(job->config, "webhook-secret"), &job->secret);
    if (rule != NULL)
        return complain(job, "--webhook-secret", rule);
    if (!hooks_key(job->config, job->config->table->program, &key))
        return false;
    if (job->secret.is_new) {
        job->secret.len = SEAL_DERIVED_LEN;
        blake_random(job->secret.bytes, job->secret.len);
    }
    size_t len = seal_put(&key, slice_of(job->secret.bytes, job->secret.len), job->sealed);
    job->set.secret = slice_of(job->sealed, len);
    seal_key_forget(&key);
    return true;
}

// The first blank after the colon may be missing on the command line.
static bool add_header(struct job *job, const char *text, struct bytes_out *lines)
{
    const char *colon = strchr(text, ':');
    const char *value = colon != NULL ? colon + 1 + strspn(colon + 1, " ") : "";
    if (colon == NULL ||
        !target_takes_header(slice_of(text, (size_t)(colon - text)), slice_of_text(value)))
        return complain(job, "--header", "must be 'name: value', none that the sender sets itself");
    if (lines->len > 0)
        bytes_put_u8(lines, '\n');
    bytes_put(lines, text, (size_t)(colon - text));
    bytes_put(lines, ": ", 2);
    bytes_put(lines, value, strlen(value));
    return true;
}

static bool read_headers(struct job *job)
{
    struct bytes_out lines = {.data = job->headers, .cap = sizeof job->headers};
    const char *text = NULL;
    uint32_t count = 0;
    for (; (text = config_each(job->config, "header", count)) != NULL; count++)
        if (!add_header(job, text, &lines))
            return false;
    if (lines.full || count > ENDPOINT_HEADERS_MAX)
        return complain(job, "--header", "at most 24, together at most 4,096 bytes");
    job->set.given.headers = slice_of(lines.data, lines.len);
    return true;
}

static bool read_events(struct job *job)
{
    const char *text = config_text(job->config, "events");
    char problem[HOOKS_PROBLEM_LEN];
    uint32_t *events = &job->set.given.events;
    if (text == NULL) {
        *events = job->set.given.url.len > 0 ? (uint32_t)HOOK_ENDS : 0;
        return true;
    }
    if (text[0] == '\0' || strcmp(text, "none") == 0)
        return true;
    if (hooks_events(text, WEBHOOK_OF_ENDPOINT, events, problem) == OK)
        return true;
    return complain(job, "--events", problem);
}

static bool read_endpoint(struct job *job)
{
    struct msg_webhook *given = &job->set.given;
    struct target target;
    const char *why = NULL;
    if (job->config->argument_count > 1)
        given->url = slice_of_text(job->config->arguments[1]);
    given->types = text_of(job->config, "only-types");
    given->tags = text_of(job->config, "only-tags");
    if (given->url.len > 0 && target_read(given->url, &target, &why) != OK)
        return complain(job, "the URL cannot be sent to:", why);
    return read_events(job) && read_headers(job) && seal(job);
}

static bool read_set(struct job *job)
{
    bool is_read = true;
    if (job->set.act == WEBHOOK_SET)
        is_read = read_endpoint(job);
    else if (job->set.act == WEBHOOK_ROTATE)
        is_read = seal(job);
    if (job->set.act == WEBHOOK_ROTATE)
        job->set.overlap_s = (uint32_t)(config_number(job->config, "overlap") / 1000);
    if (job->set.act == WEBHOOK_DISABLE)
        job->set.reason = text_of(job->config, "reason");
    if (job->set.act == WEBHOOK_TEST) {
        const struct origin origin = {origin_tenant(slice_of_text(curve_tenant(job->config))),
                                      slice_of_text(HOOK_QUEUE)};
        job->set.test_id = mint_fresh(clock_wall_ms(), &origin);
    }
    const char *detail = NULL;
    if (!is_read || check_hook_set(&job->set, &detail) == OK)
        return is_read;
    return complain(job, "", detail);
}

// --- what is answered ---

static int tell(struct job *job, const struct msg_webhook_status_is *is)
{
    static const char *const said[] = {
        [WEBHOOK_ENABLE] = "enabled", [WEBHOOK_DISABLE] = "disabled", [WEBHOOK_DELETE] = "deleted"};
    struct slice id = job->set.given.webhook_id;
    enum webhook_act act = job->set.act;
    bool is_secret = act == WEBHOOK_SET || act == WEBHOOK_ROTATE;
    enum endpoint_secret fate = is_secret
                                    ? (is->signs ? ENDPOINT_SECRET_TAKEN : ENDPOINT_SECRET_KEPT)
                                    : ENDPOINT_SECRET_UNASKED;
    if (act == WEBHOOK_TEST)
        webhook_view_test(&job->view, id, &job->set.test_id);
    else if (act == WEBHOOK_NONE || is_secret || (job->view.wants_json && is->count == 1))
        webhook_view_one(&job->view, &(struct endpoint_told){&is->webhooks[0], fate, &job->secret});
    else if (!job->view.wants_json)
        (void)printf("%.*s %s\n", (int)id.len, (const char *)id.data, said[act]);
    return COMMAND_SUCCEEDED;
}

static int act_or_show(struct job *job)
{
    const struct msg_webhook_status status = {.webhook_id = job->set.given.webhook_id};
    const struct msg_webhook_status_is *is = job->set.act == WEBHOOK_NONE
                                                 ? ask_webhooks(&job->ask, &status)
                                                 : ask_webhook_set(&job->ask, &job->set);
    return is != NULL ? tell(job, is) : job->ask.code;
}

static int list(struct job *job)
{
    struct msg_webhook_status question = {0};
    uint8_t last[MSG_NAME_LEN_MAX];
    bool needs_header = command_wants_header(job->config);
    for (;;) {
        const struct msg_webhook_status_is *is = ask_webhooks(&job->ask, &question);
        if (is == NULL)
            return job->ask.code;
        if (needs_header)
            webhook_view_head(&job->view);
        needs_header = false;
        webhook_view_lines(&job->view, is);
        if (!is->is_more || is->count == 0)
            return COMMAND_SUCCEEDED;
        struct slice id = is->webhooks[is->count - 1].given.webhook_id;
        memcpy(last, id.data, id.len); // the answer goes with the next question
        question.after = slice_of(last, id.len);
    }
}

static int run(struct job *job, verb *does)
{
    if (job->config->argument_count > 0)
        job->set.given.webhook_id = slice_of_text(job->config->arguments[0]);
    if (does != list && !check_name(job->set.given.webhook_id)) {
        (void)complain(job, "an ID", "has 1 to 128 of a-z 0-9 . _ -");
        return COMMAND_USAGE;
    }
    if (job->set.act != WEBHOOK_NONE && !read_set(job))
        return COMMAND_USAGE;
    int code = ask_open(&job->ask, job->config) ? does(job) : job->ask.code;
    ask_close(&job->ask);
    return code;
}

static int with(const struct config_table *table, enum webhook_act act, int argc, char **argv)
{
    struct config config;
    int code = COMMAND_USAGE;
    if (command_begin(&config, table, argc, argv, &code)) {
        struct job job = {.config = &config,
                          .view = {.out = stdout, .wants_json = command_wants_json(&config)},
                          .set = {.act = act, .actor = slice_of_text("cli")}};
        code = run(&job, table == &webhook_list_table ? list : act_or_show);
    }
    config_deinit(&config);
    return command_end(table->program, code);
}

static int set_main(int argc, char **argv)
{
    return with(&webhook_set_table, WEBHOOK_SET, argc, argv);
}

static int list_main(int argc, char **argv)
{
    return with(&webhook_list_table, WEBHOOK_NONE, argc, argv);
}

static int show_main(int argc, char **argv)
{
    return with(&webhook_show_table, WEBHOOK_NONE, argc, argv);
}

static int rotate_main(int argc, char **argv)
{
    return with(&webhook_rotate_table, WEBHOOK_ROTATE, argc, argv);
}

static int enable_main(int argc, char **argv)
{
    return with(&webhook_enable_table, WEBHOOK_ENABLE, argc, argv);
}

static int disable_main(int argc, char **argv)
{
    return with(&webhook_disable_table, WEBHOOK_DISABLE, argc, argv);
}

static int test_main(int argc, char **argv)
{
    return with(&webhook_test_table, WEBHOOK_TEST, argc, argv);
}

static int delete_main(int argc, char **argv)
{
    return with(&webhook_delete_table, WEBHOOK_DELETE, argc, argv);
}

static int key_main(int argc, char **argv)
{
    struct config config;
    int code = COMMAND_USAGE;
    if (command_begin(&config, &webhook_key_table, argc, argv, &code)) {
        const char *path = config.arguments[0];
        err e = seal_key_make(path);
        code = e == OK ? COMMAND_SUCCEEDED : COMMAND_DEAD;
        if (e == ERR_CONFLICT)
            command_complain("webhook key", "%s is there already; what is sealed under it needs it",
                             path);
        else if (e != OK)
            command_complain("webhook key", "%s cannot be written: %s", path, strerror(errno));
    }
    config_deinit(&config);
    return command_end("webhook key", code);
}

int webhook_main(int argc, char **argv)
{
    static const struct command_verb items[] = {
        {"set", set_main, "makes an endpoint, or replaces it"},
        {"list", list_main, "all of them"},
        {"show", show_main, "an endpoint, and whether it is disabled"},
        {"rotate", rotate_main, "another secret signs"},
        {"enable", enable_main, "it is sent to again"},
        {"disable", disable_main, "nothing is sent to it"},
        {"test", test_main, "sends it a webhook.test"},
        {"delete", delete_main, "ends it"},
        {"key", key_main, "makes the file under whose key secrets are sealed"},
    };
    static const struct command_verbs verbs = {"weft webhook", items,
                                               sizeof items / sizeof items[0]};
    return command_dispatch(&verbs, argc, argv);
}
