// Read, change, write, under a lock. The secret is printed once and kept nowhere.

#include "cli/token.h"

#include "cli/command.h"
#include "cli/grants.h"
#include "gateway/shell/token_file.h"
#include "lib/sys/blake.h"
#include "lib/sys/clock.h"
#include "proto/check.h"

#include <errno.h>
#include <stdlib.h>

#define KEY_TOKENS                                                                                 \
    {                                                                                              \
        .key = "tokens", .type = CONFIG_STRING, .default_text = "weft-data/gateway/tokens",        \
        .help = "directory of the list of tokens, as the gateway has it"                           \
    }
#define KEY_TENANT                                                                                 \
    {                                                                                              \
        .key = "tenant", .type = CONFIG_STRING, .default_text = "default",                         \
        .help = "whose token it is"                                                                \
    }

static const struct config_key new_keys[] = {
    KEY_TENANT,
    {.key = "scopes",
     .type = CONFIG_STRING,
     .default_text = "submit,read",
     .help = "what it may be used for: submit, read, work, admin"},
    GRANTS_KEY_EXPIRES,
    KEY_TOKENS,
    COMMAND_KEY_OUTPUT,
};
static const struct config_key limit_keys[] = {
    {.key = "requests",
     .type = CONFIG_INTEGER,
     .min = 1,
     .max = TOKEN_QUOTA_MAX,
     .help = "requests a minute; as many as it likes, unless given"},
    {.key = "bytes",
     .type = CONFIG_BYTES,
     .min = 1,
     .max = TOKEN_QUOTA_MAX,
     .help = "bytes of bodies a minute; as many as it likes, unless given"},
    GRANTS_KEY_OPEN_JOBS(TOKEN_OPEN_MAX),
    KEY_TOKENS,
    COMMAND_KEY_OUTPUT,
};
static const struct config_key list_keys[] = {COMMAND_KEY_NO_HEADER, KEY_TOKENS,
                                              COMMAND_KEY_OUTPUT};
static const struct config_key revoke_keys[] = {KEY_TENANT, KEY_TOKENS, COMMAND_KEY_OUTPUT};

#define TABLE(verb, words, rows, arguments, sentence)                                              \
    {                                                                                              \
        .program = "token " verb, .usage = (words), .about = (sentence), .keys = (rows),           \
        .key_count = sizeof(rows) / sizeof *(rows), .argument_count_min = (arguments),             \
        .argument_count_max = (arguments),                                                         \
    }

const struct config_table token_new_table =
    TABLE("new", "weft token new NAME [flags]", new_keys, 1,
          "Makes a token for the HTTP door and prints it, once: only its hash is kept. From the "
          "first token on every\nrequest needs one. NAME is what the history of jobs calls whoever "
          "uses it.\nExit codes: 0 made, 1 the tenant has a token of this name, or the list cannot "
          "be changed, 64 usage.");
const struct config_table token_list_table =
    TABLE("list", "weft token list [flags]", list_keys, 0,
          "Lists the tokens, without the secrets, which nobody has.\nExit codes: 0 listed, 1 the "
          "list cannot be read, 64 usage.");
const struct config_table token_revoke_table =
    TABLE("revoke", "weft token revoke NAME [flags]", revoke_keys, 1,
          "Ends a token, from the next request on.\nExit codes: 0 done, 1 the list cannot be "
          "changed, 4 no such token, 64 usage.");

const struct config_table token_limit_table =
    TABLE("limit", "weft token limit TENANT [flags]", limit_keys, 1,
          "Sets what all tokens of a tenant may do together, whole: requests and bytes in a "
          "minute, at each "
          "gateway, and\nunfinished jobs at any time. What is not given is not limited any "
          "more.\nExit codes: 0 done, 1 the list cannot be changed, "
          "64 usage.");

enum { JSON_LEN = 64 + (TOKEN_COUNT_MAX + TOKEN_QUOTA_COUNT_MAX) * GRANTS_OBJECT_LEN };

// What a verb works with.
struct work {
    const struct config *config;
    const char *dir;
    struct token_list list;
    int lock; // -1: not held
};

static int fail(const struct work *work, const char *what, err e)
{
    const char *why = e == ERR_SYSTEM || e == ERR_DISK ? strerror(errno) : err_text(e);
    command_complain(work->config->table->program, "the list in %s cannot be %s: %s", work->dir,
                     what, why);
    return COMMAND_DEAD;
}

static struct slice text_of(const struct config *config, const char *key)
{
    return slice_of_text(config_text(config, key));
}

// --- telling ---

static struct grant grant_of(const struct token *token)
{
    return (struct grant){.name = token->name,
                          .tenant = token->tenant,
                          .scopes = token->scopes,
                          .created_at = token->created_at,
                          .expires_at = token->expires_at};
}

static struct grant_quota quota_of(const struct token_quota *quota)
{
    return (struct grant_quota){.tenant = quota->tenant,
                                .requests = quota->requests,
                                .bytes = quota->bytes,
                                .open = quota->open};
}

static void print_one(const struct token *token, const char *secret)
{
    uint8_t room[GRANTS_OBJECT_LEN];
    struct out out = {.data = room, .cap = sizeof room, .format = OUT_JSON};
    const struct grant grant = grant_of(token);
    out_open_object(&out);
    grants_put(&out, &grant);
    if (secret != NULL)
        out_put_text(&out, "token", slice_of_text(secret));
    out_close(&out);
    grants_print_json(&out);
}

static int by_name(const void *a, const void *b)
{
    const struct token *x = a;
    const struct token *y = b;
    const struct slice *pairs[][2] = {{&x->tenant, &y->tenant}, {&x->name, &y->name}};
    for (size_t i = 0; i < 2; i++) {
        size_t x_len = pairs[i][0]->len;
        size_t y_len = pairs[i][1]->len;
        int order = memcmp(pairs[i][0]->data, pairs[i][1]->data, x_len < y_len ? x_len : y_len);
        if (order != 0 || x_len != y_len)
            return order != 0 ? order : (x_len > y_len) - (x_len < y_len);
    }
    return 0;
}

// --- the verbs ---

// The place of the tenant's token of this name; the list's end when there is none.
static uint32_t find(const struct work *work, struct slice tenant, struct slice name)
{
    uint32_t at = 0;
    while (at < work->list.count && !(slice_equal(work->list.items[at].tenant, tenant) &&
                                      slice_equal(work->list.items[at].name, name)))
        at++;
    return at;
}

static err read_list(struct work *work)
{
    err e = token_file_read(work->dir, &work->list);
    if (e != ERR_NOT_FOUND)
        return e;
    return token_file_new(&work->list);
}

static err open_list(struct work *work)
{
    err e = token_file_lock(work->dir, &work->lock);
    return e == OK ? read_list(work) : e;
}

static int add(struct work *work, struct token *token)
{
    uint8_t secret[TOKEN_SECRET_LEN];
    char text[TOKEN_TEXT_LEN + 1];
    blake_random(secret, sizeof secret);
    token_text(secret, text);
    blake_hash32(slice_of_text(text), token->hash);
    work->list.items[work->list.count++] = *token;
    err e = token_file_write(work->dir, &work->list);
    if (e != OK)
        return fail(work, "changed", e);
    if (command_wants_json(work->config))
        print_one(token, text);
    else
        (void)printf("%s\n", text);
    return COMMAND_SUCCEEDED;
}

static int make(struct work *work)
{
    const struct config *config = work->config;
    struct token token = {
        .tenant = text_of(config, "tenant"),
        .name = slice_of_text(config->arguments[0]),
        .created_at = clock_wall_ms(),
        .expires_at = WHEN_NEVER,
    };
    if (!scope_read(text_of(config, "scopes"), &token.scopes)) {
        command_complain("token new",
                         "--scopes: some of submit, read, work, admin, parted by commas");
        return COMMAND_USAGE;
    }
    if (config_is_given(config, "expires"))
        token.expires_at = token.created_at + config_number(config, "expires");
    err e = open_list(work);
    if (e != OK)
        return fail(work, "changed", e);
    if (find(work, token.tenant, token.name) < work->list.count) {
        command_complain("token new",
                         "the tenant %s has a token \"%s\"; revoke it first, or take "
                         "another name",
                         config_text(config, "tenant"), config->arguments[0]);
        return COMMAND_DEAD;
    }
    if (work->list.count == TOKEN_COUNT_MAX) {
        command_complain("token new", "there are %d tokens, which is all there may be",
                         TOKEN_COUNT_MAX);
        return COMMAND_DEAD;
    }
    return add(work, &token);
}

static int revoke(struct work *work)
{
    const struct config *config = work->config;
    err e = open_list(work);
    if (e != OK)
        return fail(work, "changed", e);
    uint32_t at = find(work, text_of(config, "tenant"), slice_of_text(config->arguments[0]));
    if (at == work->list.count) {
        command_complain("token revoke", "the tenant %s has no token \"%s\"",
                         config_text(config, "tenant"), config->arguments[0]);
        return COMMAND_UNKNOWN;
    }
    struct token token = work->list.items[at];
    work->list.items[at] = work->list.items[--work->list.count];
    e = token_file_write(work->dir, &work->list);
    if (e != OK)
        return fail(work, "changed", e);
    if (command_wants_json(config))
        print_one(&token, NULL);
    return COMMAND_SUCCEEDED;
}

// The place of the tenant's quota; the end of them when it has none.
static uint32_t find_quota(const struct work *work, struct slice tenant)
{
    uint32_t at = 0;
    while (at < work->list.quota_count && !slice_equal(work->list.quotas[at].tenant, tenant))
        at++;
    return at;
}

static int limit(struct work *work)
{
    const struct config *config = work->config;
    const struct token_quota quota = {
        .tenant = slice_of_text(config->arguments[0]),
        .requests = (uint64_t)config_number(config, "requests"),
        .bytes = (uint64_t)config_number(config, "bytes"),
        .open = (uint64_t)config_number(config, "open-jobs"),
    };
    err e = open_list(work);
    if (e != OK)
        return fail(work, "changed", e);
    struct token_list *list = &work->list;
    uint32_t at = find_quota(work, quota.tenant);
    bool is_new = at == list->quota_count;
    if (is_new && at == TOKEN_QUOTA_COUNT_MAX) {
        command_complain("token limit", "%d tenants have a quota, which is all there may be",
                         TOKEN_QUOTA_COUNT_MAX);
        return COMMAND_DEAD;
    }
    list->quotas[at] = quota;
    list->quota_count += is_new;
    const struct grant_quota told = quota_of(&quota);
    if (grants_is_no_quota(&told))
        list->quotas[at] = list->quotas[--list->quota_count];
    e = token_file_write(work->dir, list);
    if (e != OK)
        return fail(work, "changed", e);
    if (command_wants_json(config))
        grants_print_quota_json(&told);
    return COMMAND_SUCCEEDED;
}

static int list_json(const struct work *work)
{
    struct out out = {.data = malloc(JSON_LEN), .cap = JSON_LEN, .format = OUT_JSON};
    if (out.data == NULL)
        return fail(work, "told", ERR_NO_MEMORY);
    out_open_object(&out);
    out_name(&out, slice_of_text("tokens"));
    out_open_array(&out);
    for (uint32_t i = 0; i < work->list.count; i++) {
        const struct grant grant = grant_of(&work->list.items[i]);
        out_open_object(&out);
        grants_put(&out, &grant);
        out_close(&out);
    }
    out_close(&out);
    out_name(&out, slice_of_text("quotas"));
    out_open_array(&out);
    for (uint32_t i = 0; i < work->list.quota_count; i++) {
        const struct grant_quota quota = quota_of(&work->list.quotas[i]);
        grants_put_quota(&out, &quota);
    }
    out_close(&out);
    out_close(&out);
    grants_print_json(&out);
    free(out.data);
    return COMMAND_SUCCEEDED;
}

static int list(struct work *work)
{
    err e = read_list(work);
    if (e != OK)
        return fail(work, "read", e);
    qsort(work->list.items, work->list.count, sizeof *work->list.items, by_name);
    if (command_wants_json(work->config))
        return list_json(work);
    if (command_wants_header(work->config))
        (void)printf("%-20s %-20s %-22s %-24s %-24s\n", "TENANT", "NAME", "SCOPES", "CREATED",
                     "EXPIRES");
    for (uint32_t i = 0; i < work->list.count; i++) {
        const struct grant grant = grant_of(&work->list.items[i]);
        grants_print(&grant);
        (void)putchar('\n');
    }
    for (uint32_t i = 0; i < work->list.quota_count; i++) {
        const struct grant_quota quota = quota_of(&work->list.quotas[i]);
        grants_print_quota(&quota);
    }
    return COMMAND_SUCCEEDED;
}

static bool is_named(const struct config *config)
{
    if (config->argument_count == 0)
        return true;
    bool is_good =
        token_is_name(slice_of_text(config->arguments[0])) &&
        (config->table == &token_limit_table || token_is_name(text_of(config, "tenant")));
    if (is_good && config->table == &token_new_table)
        is_good = check_new_name(text_of(config, "tenant"));
    if (!is_good)
        command_complain(config->table->program, "names have " CHECK_NEW_NAME_RULE);
    return is_good;
}

static int run(const struct config_table *table, int (*verb)(struct work *), int argc, char **argv)
{
    struct config config;
    struct work work = {.config = &config, .lock = -1};
    int code = COMMAND_USAGE;
    if (command_begin(&config, table, argc, argv, &code) && is_named(&config)) {
        work.dir = config_text(&config, "tokens");
        code = verb(&work);
        if (code == COMMAND_SUCCEEDED)
            grants_tell_reader(&config, &(struct grants_reader){"gateway", "tokens", false});
    }
    token_file_free(&work.list);
    if (work.lock >= 0)
        token_file_unlock(work.lock);
    config_deinit(&config);
    return command_end(table->program, code);
}

static int new_main(int argc, char **argv)
{
    return run(&token_new_table, make, argc, argv);
}

static int list_main(int argc, char **argv)
{
    return run(&token_list_table, list, argc, argv);
}

static int revoke_main(int argc, char **argv)
{
    return run(&token_revoke_table, revoke, argc, argv);
}

static int limit_main(int argc, char **argv)
{
    return run(&token_limit_table, limit, argc, argv);
}

int token_main(int argc, char **argv)
{
    static const struct command_verb items[] = {
        {"new", new_main, "makes one and prints it"},
        {"list", list_main, "all there are"},
        {"revoke", revoke_main, "ends one"},
        {"limit", limit_main, "what a tenant may do"},
    };
    static const struct command_verbs verbs = {"weft token", items, sizeof items / sizeof items[0]};
    return command_dispatch(&verbs, argc, argv);
}
