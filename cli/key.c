// Each verb reads, changes and writes one file, under a lock. A secret key is written to a file of
// its owner and nowhere else.

#include "cli/key.h"

#include "broker/shell/key_dir.h"
#include "cli/command.h"
#include "cli/grants.h"
#include "lib/base/check.h"
#include "lib/base/scope.h"
#include "lib/sys/clock.h"
#include "proto/check.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#define KEY_KEYS                                                                                   \
    {                                                                                              \
        .key = "keys", .type = CONFIG_STRING, .default_text = "weft-data/broker/keys",             \
        .help = "directory of the keys, as the broker has it"                                      \
    }
#define KEYS_HOLDER                                                                                \
    {.key = "tenant",                                                                              \
     .type = CONFIG_STRING,                                                                        \
     .default_text = "default",                                                                    \
     .help = "whose key it is; \"*\": it may name any, as a gateway does"},                        \
        {.key = "scopes",                                                                          \
         .type = CONFIG_STRING,                                                                    \
         .default_text = "submit,read",                                                            \
         .help = "what it may be used for: submit, read, work, admin"},                            \
        GRANTS_KEY_EXPIRES

static const struct config_key new_keys[] = {
    KEYS_HOLDER,
    {.key = "secret", .type = CONFIG_STRING, .help = "file of the secret key (NAME.key)"},
    {.key = "apart",
     .type = CONFIG_BOOL,
     .default_text = "false",
     .help = "only make the pair, the public key in NAME.pub, for 'weft key allow' elsewhere"},
    KEY_KEYS,
    COMMAND_KEY_OUTPUT,
};
static const struct config_key allow_keys[] = {KEYS_HOLDER, KEY_KEYS, COMMAND_KEY_OUTPUT};
static const struct config_key list_keys[] = {COMMAND_KEY_NO_HEADER, KEY_KEYS, COMMAND_KEY_OUTPUT};
static const struct config_key revoke_keys[] = {KEY_KEYS, COMMAND_KEY_OUTPUT};
static const struct config_key limit_keys[] = {
    {.key = "requests",
     .type = CONFIG_INTEGER,
     .min = 1,
     .max = KEY_DIR_QUOTA_MAX,
     .help = "messages a minute; as many as it likes, unless given"},
    {.key = "bytes",
     .type = CONFIG_BYTES,
     .min = 1,
     .max = KEY_DIR_QUOTA_MAX,
     .help = "bytes of payload blocks a minute; as many as it likes, unless given"},
    GRANTS_KEY_OPEN_JOBS(KEY_DIR_OPEN_MAX),
    KEY_KEYS,
    COMMAND_KEY_OUTPUT,
};

#define TABLE(verb, words, rows, arguments, sentence)                                              \
    {                                                                                              \
        .program = "key " verb, .usage = (words), .about = (sentence), .keys = (rows),             \
        .key_count = sizeof(rows) / sizeof *(rows), .argument_count_min = (arguments),             \
        .argument_count_max = (arguments),                                                         \
    }

const struct config_table key_new_table =
    TABLE("new", "weft key new NAME [flags]", new_keys, 1,
          "Makes a pair of CURVE keys for the ZeroMQ doors, allows it, and prints the file with "
          "its secret, which\nonly this user can read. The peer gets it by --curve-key, and the "
          "broker's broker.pub by --curve-server.\nExit codes: 0 made, 1 the name or the file is "
          "taken, or the directory cannot be changed, 64 usage.");
const struct config_table key_allow_table = {
    .program = "key allow",
    .usage = "weft key allow NAME PUBLIC [flags]",
    .about =
        "Allows a key that was made elsewhere: PUBLIC is its certificate's file (NAME.pub), or "
        "the public key itself.\nA name that is taken gets the new key, tenant and scopes.\n"
        "Exit codes: 0 allowed, 1 no key there, or the directory cannot be changed, 64 usage.",
    .keys = allow_keys,
    .key_count = sizeof allow_keys / sizeof allow_keys[0],
    .argument_count_min = 2,
    .argument_count_max = 2,
    .is_argument = cert_is_key, // one of 85 begins with a dash
};
const struct config_table key_list_table =
    TABLE("list", "weft key list [flags]", list_keys, 0,
          "Lists the keys that are allowed, and the quotas.\nExit codes: 0 listed, 1 the "
          "directory cannot be read, 64 usage.");
const struct config_table key_revoke_table =
    TABLE("revoke", "weft key revoke NAME [flags]", revoke_keys, 1,
          "Ends a key at once: whoever is connected with it is cut off, and its jobs go to others "
          "when their leases\nhave passed.\nExit codes: 0 done, 1 the directory cannot be changed, "
          "4 no such key, 64 usage.");
const struct config_table key_limit_table =
    TABLE("limit", "weft key limit TENANT [flags]", limit_keys, 1,
          "Sets what all keys of a tenant may do together at the broker, whole: what is not given "
          "is not limited\nany more.\nExit codes: 0 done, 1 the directory cannot be changed, 64 "
          "usage.");

// What a verb works with.
struct work {
    const struct config *config;
    const char *dir;
    const char *name;
    struct key_list list;
    int lock; // -1: not held
};

static int fail(const struct work *work, const char *what, err e)
{
    bool is_systems = e == ERR_SYSTEM || e == ERR_DISK || e == ERR_NOT_FOUND;
    const char *fix = is_systems && errno == ENOENT && what == work->dir
                          ? "; 'weft key new NAME' makes it, or name the broker's with --keys"
                          : "";
    command_complain(work->config->table->program, "%s: %s%s", what,
                     is_systems && errno != 0 ? strerror(errno) : err_text(e), fix);
    return COMMAND_DEAD;
}

static int usage(const struct work *work, const char *sentence)
{
    command_complain(work->config->table->program, "%s", sentence);
    return COMMAND_USAGE;
}

// --- telling ---

static struct grant grant_of(const struct cert *cert)
{
    uint32_t scopes = 0;
    bool is_good = scope_read(slice_of_text(cert->scopes), &scopes);
    CHECK(is_good); // key_dir_is_sound() has judged it
    return (struct grant){.name = slice_of_text(cert->name),
                          .tenant = slice_of_text(cert->tenant),
                          .scopes = scopes,
                          .created_at = cert->created_at,
                          .expires_at = cert->expires_at};
}

static struct grant_quota quota_of(const struct key_quota *quota)
{
    return (struct grant_quota){.tenant = slice_of_text(quota->tenant),
                                .requests = quota->requests,
                                .bytes = quota->bytes,
                                .open = quota->open};
}

static void put_cert(struct out *out, const struct cert *cert)
{
    const struct grant grant = grant_of(cert);
    grants_put(out, &grant);
    out_put_text(out, "public_key", slice_of_text(cert->public_key));
}

static void print_one(const struct cert *cert, const char *secret)
{
    uint8_t room[GRANTS_OBJECT_LEN + PATH_MAX];
    struct out out = {.data = room, .cap = sizeof room, .format = OUT_JSON};
    out_open_object(&out);
    put_cert(&out, cert);
    if (secret != NULL)
        out_put_text(&out, "secret_file", slice_of_text(secret));
    out_close(&out);
    grants_print_json(&out);
}

// --- new and allow ---

static int fill_words(const struct work *work, struct cert *cert)
{
    const struct config *config = work->config;
    uint32_t scopes = 0;
    const char *told[] = {config_text(config, "tenant"), config_text(config, "scopes")};
    if (!scope_read(slice_of_text(told[1]), &scopes))
        return usage(work, "--scopes: some of submit, read, work, admin, parted by commas");
    if (!check_name(slice_of_text(work->name)))
        return usage(work, "a key's name has " CHECK_NAME_RULE);
    char *places[] = {cert->name, cert->tenant};
    const char *words[] = {work->name, told[0]};
    for (size_t i = 0; i < 2; i++)
        (void)slice_to_text(slice_of_text(words[i]), places[i], CERT_WORD_LEN_MAX + 1);
    scope_put(scopes, cert->scopes);
    cert->created_at = clock_wall_ms();
    cert->expires_at = config_is_given(config, "expires")
                           ? cert->created_at + config_number(config, "expires")
                           : WHEN_NEVER;
    bool is_tenant = check_new_name(slice_of_text(told[0])) || strcmp(told[0], "*") == 0;
    if (is_tenant && key_dir_is_sound(cert))
        return COMMAND_SUCCEEDED;
    return usage(work, "--tenant is \"*\", or has " CHECK_NEW_NAME_RULE);
}

// Locks the directory, and gives the broker its own pair if it has none yet.
static err open_dir(struct work *work)
{
    struct cert own;
    err e = key_dir_lock(work->dir, &work->lock);
    return e == OK ? key_dir_own(work->dir, &own) : e;
}

static bool put_path(char out[PATH_MAX], const char *first, const char *second)
{
    int len = snprintf(out, PATH_MAX, "%s%s", first, second);
    return len > 0 && len < PATH_MAX;
}

static int allow_pair(struct work *work, const struct cert *cert)
{
    struct cert former;
    err e = open_dir(work);
    if (e != OK)
        return fail(work, work->dir, e);
    if (key_dir_peek(work->dir, work->name, &former) == OK) {
        command_complain("key new",
                         "a key \"%s\" is allowed already; revoke it first, or take "
                         "another name",
                         work->name);
        return COMMAND_DEAD;
    }
    e = key_dir_put(work->dir, cert);
    return e == OK ? COMMAND_SUCCEEDED : fail(work, work->dir, e);
}

static int make(struct work *work)
{
    struct cert cert;
    char secret[PATH_MAX];
    char public[PATH_MAX];
    const char *told = config_text(work->config, "secret");
    bool is_apart = config_is_on(work->config, "apart");
    cert_make(&cert);
    int code = fill_words(work, &cert);
    if (code != COMMAND_SUCCEEDED)
        return code;
    if (!put_path(secret, told != NULL ? told : work->name, told != NULL ? "" : ".key") ||
        !put_path(public, work->name, ".pub"))
        return usage(work, "--secret is too long");
    if (access(secret, F_OK) == 0) {
        command_complain("key new", "%s is there already, and may be somebody's key", secret);
        return COMMAND_DEAD;
    }
    err e = cert_write(secret, &cert, true);
    if (e != OK)
        return fail(work, secret, e);
    if (is_apart)
        e = cert_write(public, &cert, false);
    code = e != OK ? fail(work, public, e) : is_apart ? code : allow_pair(work, &cert);
    if (code != COMMAND_SUCCEEDED) {
        (void)unlink(secret); // nobody knows it
        return code;
    }
    if (command_wants_json(work->config))
        print_one(&cert, secret);
    else
        (void)printf("%s\n", secret);
    return code;
}

static int allow(struct work *work)
{
    struct cert cert = {0};
    const char *public = work->config->arguments[1];
    err e = OK;
    errno = 0;
    if (cert_is_key(slice_of_text(public)))
        memcpy(cert.public_key, public, sizeof cert.public_key);
    else
        e = cert_read(public, &cert);
    if (e == ERR_DAMAGED) {
        command_complain("key allow", "%s is no certificate", public);
        return COMMAND_DEAD;
    }
    if (e != OK)
        return fail(work, public, e);
    cert.secret_key[0] = '\0';
    int code = fill_words(work, &cert);
    if (code != COMMAND_SUCCEEDED)
        return code;
    e = open_dir(work);
    if (e == OK)
        e = key_dir_put(work->dir, &cert);
    if (e != OK)
        return fail(work, work->dir, e);
    if (command_wants_json(work->config))
        print_one(&cert, NULL);
    return COMMAND_SUCCEEDED;
}

// --- list ---

static int list_json(const struct work *work)
{
    size_t len = 64 + (work->list.count + work->list.quota_count) * (size_t)GRANTS_OBJECT_LEN;
    struct out out = {.data = malloc(len), .cap = len, .format = OUT_JSON};
    if (out.data == NULL)
        return fail(work, "the list", ERR_NO_MEMORY);
    out_open_object(&out);
    out_name(&out, slice_of_text("keys"));
    out_open_array(&out);
    for (uint32_t i = 0; i < work->list.count; i++) {
        out_open_object(&out);
        put_cert(&out, &work->list.items[i]);
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
    err e = key_dir_read(work->dir, &work->list);
    if (e != OK)
        return fail(work, work->dir, e);
    if (work->list.skipped_count > 0)
        command_complain("key list", "%" PRIu32 " files are no certificate that counts, such as %s",
                         work->list.skipped_count, work->list.skipped);
    if (command_wants_json(work->config))
        return list_json(work);
    if (command_wants_header(work->config))
        (void)printf("%-20s %-20s %-22s %-24s %-24s %s\n", "TENANT", "NAME", "SCOPES", "CREATED",
                     "EXPIRES", "PUBLIC KEY");
    for (uint32_t i = 0; i < work->list.count; i++) {
        const struct grant grant = grant_of(&work->list.items[i]);
        grants_print(&grant);
        (void)printf(" %s\n", work->list.items[i].public_key);
    }
    for (uint32_t i = 0; i < work->list.quota_count; i++) {
        const struct grant_quota quota = quota_of(&work->list.quotas[i]);
        grants_print_quota(&quota);
    }
    return COMMAND_SUCCEEDED;
}

// --- revoke and limit ---

static int revoke(struct work *work)
{
    struct cert cert;
    if (!check_name(slice_of_text(work->name)))
        return usage(work, "a key's name has 1 to 128 of a-z 0-9 . _ -");
    err e = open_dir(work);
    if (e == OK)
        e = key_dir_peek(work->dir, work->name, &cert);
    if (e == ERR_NOT_FOUND) {
        command_complain("key revoke", "no key is allowed under the name \"%s\"", work->name);
        return COMMAND_UNKNOWN;
    }
    bool is_sound = e == OK && key_dir_is_sound(&cert);
    if (e == OK || e == ERR_DAMAGED)
        e = key_dir_drop(work->dir, work->name);
    if (e != OK)
        return fail(work, work->dir, e);
    if (is_sound && command_wants_json(work->config))
        print_one(&cert, NULL);
    return COMMAND_SUCCEEDED;
}

static int set_quota(struct work *work, const struct key_quota *quota)
{
    struct key_list *list = &work->list;
    uint32_t at = 0;
    while (at < list->quota_count && strcmp(list->quotas[at].tenant, quota->tenant) != 0)
        at++;
    if (at == KEY_DIR_QUOTA_COUNT_MAX) {
        command_complain("key limit", "%d tenants have a quota, which is all there may be",
                         KEY_DIR_QUOTA_COUNT_MAX);
        return COMMAND_DEAD;
    }
    list->quota_count += at == list->quota_count;
    list->quotas[at] = *quota;
    const struct grant_quota told = quota_of(quota);
    if (grants_is_no_quota(&told))
        list->quotas[at] = list->quotas[--list->quota_count];
    err e = key_dir_put_quotas(work->dir, list);
    return e == OK ? COMMAND_SUCCEEDED : fail(work, work->dir, e);
}

static int limit(struct work *work)
{
    struct key_quota quota = {
        .requests = (uint64_t)config_number(work->config, "requests"),
        .bytes = (uint64_t)config_number(work->config, "bytes"),
        .open = (uint64_t)config_number(work->config, "open-jobs"),
    };
    if (!check_name(slice_of_text(work->name)))
        return usage(work, "a tenant's name has 1 to 128 of a-z 0-9 . _ -");
    (void)slice_to_text(slice_of_text(work->name), quota.tenant, sizeof quota.tenant); // it fits
    err e = open_dir(work);
    if (e == OK)
        e = key_dir_read(work->dir, &work->list);
    if (e != OK)
        return fail(work, work->dir, e);
    int code = set_quota(work, &quota);
    const struct grant_quota told = quota_of(&quota);
    if (code == COMMAND_SUCCEEDED && command_wants_json(work->config))
        grants_print_quota_json(&told);
    return code;
}

// --- from the command line ---

static int run(const struct config_table *table, int (*verb)(struct work *), int argc, char **argv)
{
    struct config config;
    int code = COMMAND_USAGE;
    if (!command_begin(&config, table, argc, argv, &code)) {
        config_deinit(&config);
        return code;
    }
    struct work work = {.config = &config,
                        .dir = config_text(&config, "keys"),
                        .name = config.argument_count > 0 ? config.arguments[0] : "",
                        .lock = -1};
    bool is_there = access(work.dir, F_OK) == 0;
    errno = 0;
    code = verb(&work);
    bool is_new = !is_there && access(work.dir, F_OK) == 0;
    bool is_apart = config_knows(&config, "apart") && config_is_on(&config, "apart");
    if (code == COMMAND_SUCCEEDED && !is_apart && (is_new || is_there))
        grants_tell_reader(&config, &(struct grants_reader){"broker", "keys", is_new});
    key_dir_free(&work.list);
    if (work.lock >= 0)
        key_dir_unlock(work.lock);
    config_deinit(&config);
    return command_end(table->program, code);
}

static int new_main(int argc, char **argv)
{
    return run(&key_new_table, make, argc, argv);
}

static int allow_main(int argc, char **argv)
{
    return run(&key_allow_table, allow, argc, argv);
}

static int list_main(int argc, char **argv)
{
    return run(&key_list_table, list, argc, argv);
}

static int revoke_main(int argc, char **argv)
{
    return run(&key_revoke_table, revoke, argc, argv);
}

static int limit_main(int argc, char **argv)
{
    return run(&key_limit_table, limit, argc, argv);
}

int key_main(int argc, char **argv)
{
    static const struct command_verb items[] = {
        {"new", new_main, "makes a pair and allows it"},
        {"allow", allow_main, "allows one that was made elsewhere"},
        {"list", list_main, "all that are allowed"},
        {"revoke", revoke_main, "ends one, and cuts off who uses it"},
        {"limit", limit_main, "what a tenant may do"},
    };
    static const struct command_verbs verbs = {"weft key", items, sizeof items / sizeof items[0]};
    return command_dispatch(&verbs, argc, argv);
}
