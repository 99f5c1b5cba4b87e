// The gateway's keys, described for users in docs/cli.md.

#include "gateway/shell/settings.h"

#include "gateway/core/host.h"

#include <stdio.h>
#include <stdlib.h>

enum { TIMEOUT_MS_MAX = 60 * 60 * 1000 };
enum { SPOOL_ON }; // the first of its words

static const struct config_key keys[] = {
    {.key = "http",
     .type = CONFIG_ENDPOINT,
     .default_text = "127.0.0.1:7410",
     .help = "address of the HTTP door; other than loopback only with tokens"},
    {.key = "hosts",
     .type = CONFIG_STRING,
     .help = "names by which it may be asked, parted by commas; this machine's own are always "
             "served, with tokens and without this all are"},
    {.key = "tls-certificate",
     .type = CONFIG_STRING,
     .help = "PEM file: the certificate of the HTTP door, then those above it; with it the door is "
             "HTTPS"},
    {.key = "tls-key", .type = CONFIG_STRING, .help = "PEM file: its private key"},
    {.key = "broker",
     .type = CONFIG_ENDPOINT,
     .default_text = "tcp://127.0.0.1:7400",
     .help = "the broker's endpoint"},
    CURVE_KEYS,
    {.key = "data",
     .type = CONFIG_STRING,
     .default_text = "weft-data/gateway",
     .help = "directory of the record of answered keys, and of the spool"},
    {.key = "tokens",
     .type = CONFIG_STRING,
     .help = "directory of the list of tokens that 'weft token' keeps [DATA/tokens]"},
    {.key = "webhook-key",
     .type = CONFIG_STRING,
     .default_text = "weft-data/webhook.key",
     .help = "file under whose key secrets of webhooks are sealed: that of 'weft notify'"},
    {.key = "threads",
     .type = CONFIG_INTEGER,
     .default_text = "1",
     .min = 1,
     .max = 64,
     .help = "threads that serve HTTP"},
    {.key = "connections-max",
     .type = CONFIG_INTEGER,
     .default_text = "4096",
     .min = 1,
     .max = 1000000,
     .help = "HTTP connections at once"},
    {.key = "idle-timeout",
     .type = CONFIG_DURATION,
     .default_text = "60s",
     .min = 1000,
     .max = TIMEOUT_MS_MAX,
     .help = "a connection without a request is closed after it"},
    {.key = "head-timeout",
     .type = CONFIG_DURATION,
     .default_text = "10s",
     .min = 1000,
     .max = TIMEOUT_MS_MAX,
     .help = "for a request's head, from its first line on"},
    {.key = "body-timeout",
     .type = CONFIG_DURATION,
     .default_text = "30s",
     .min = 1000,
     .max = TIMEOUT_MS_MAX,
     .help = "for a request's body, and 1 s more for each MiB"},
    {.key = "buffered-max",
     .type = CONFIG_BYTES,
     .default_text = "256MiB",
     .min = 1024 * 1024,
     .max = (int64_t)1 << 40,
     .help = "bytes of request bodies in memory at once"},
    {.key = "answered-keys-max",
     .type = CONFIG_INTEGER,
     .default_text = "1000000",
     .min = 1,
     .max = 100000000,
     .help = "idempotency keys remembered for times without a broker"},
    {.key = "cache-max",
     .type = CONFIG_INTEGER,
     .default_text = "100000",
     .min = 0,
     .max = 10000000,
     .help = "statuses of finished jobs kept here, so that the broker is not asked again; 0: none"},
    {.key = "spool",
     .type = CONFIG_WORD,
     .default_text = "on",
     .words = "on|off",
     .help = "keep jobs that come while no broker answers, and bring them to it later"},
    {.key = "spool-max",
     .type = CONFIG_BYTES,
     .default_text = "256MiB",
     .min = 64 * 1024,
     .max = (int64_t)1 << 40,
     .help = "bytes of jobs kept so, waiting and refused ones"},
    {.key = "spool-tenant-max",
     .type = CONFIG_BYTES,
     .default_text = "0",
     .min = 0,
     .max = (int64_t)1 << 40,
     .help = "bytes of them that one tenant may have; 0: all"},
    {.key = "drain",
     .type = CONFIG_BOOL,
     .default_text = "false",
     .help = "serve nobody: bring what is in the spool to the broker, and leave"},
    CONFIG_LOG_LEVEL,
};

const struct config_table settings_table = {
    .program = "gateway",
    .usage = "weft gateway [flags]",
    .about = "Serves HTTP clients: takes jobs, answers when they are stored, tells how they fare.",
    .keys = keys,
    .key_count = sizeof keys / sizeof keys[0],
};

// "ABOVE/below"; the caller's to free, NULL without memory.
static char *place_below(const char *above, const char *below)
{
    size_t len = strlen(above) + strlen(below) + 2;
    char *place = malloc(len);
    if (place != NULL)
        (void)snprintf(place, len, "%s/%s", above, below);
    return place;
}

static err place_directories(struct settings *settings)
{
    const char *told = config_text(&settings->config, "tokens");
    settings->tokens = told != NULL ? strdup(told) : place_below(settings->data, "tokens");
    settings->cache = place_below(settings->data, "statuses");
    settings->spool = place_below(settings->data, "spool");
    if (settings->tokens != NULL && settings->cache != NULL && settings->spool != NULL)
        return OK;
    (void)snprintf(settings->config.problem, sizeof settings->config.problem, "%s",
                   err_text(ERR_NO_MEMORY));
    return ERR_NO_MEMORY;
}

// What is wrong is in the config's problem.
static err judge_words(struct settings *settings)
{
    const char *problem = NULL;
    if ((settings->certificate != NULL) != (settings->key != NULL))
        problem = "--tls-certificate and --tls-key: give both or none";
    if (settings->hosts != NULL && !host_are_names(slice_of_text(settings->hosts)))
        problem = "--hosts: names or addresses without a port, parted by commas, as in "
                  "jobs.example.com,[fd00::7]";
    if (problem == NULL)
        return OK;
    (void)snprintf(settings->config.problem, sizeof settings->config.problem, "%s", problem);
    return ERR_BAD_FIELD;
}

err settings_read(struct settings *settings, int argc, char **argv)
{
    struct config *config = &settings->config;
    err e = config_read(config, &settings_table, argc, argv);
    if (e != OK || config->help_asked)
        return e;
    settings->http = config_text(config, "http");
    settings->hosts = config_text(config, "hosts");
    settings->certificate = config_text(config, "tls-certificate");
    settings->key = config_text(config, "tls-key");
    settings->broker = config_text(config, "broker");
    settings->data = config_text(config, "data");
    settings->webhook_key = config_text(config, "webhook-key");
    e = judge_words(settings);
    if (e != OK)
        return e;
    e = curve_read(config, &settings->curve, &settings->has_curve, config->problem);
    if (e != OK)
        return e;
    e = place_directories(settings);
    settings->spool_bytes_max = config_number(config, "spool") == SPOOL_ON
                                    ? (uint64_t)config_number(config, "spool-max")
                                    : 0;
    settings->spool_tenant_bytes_max = (uint64_t)config_number(config, "spool-tenant-max");
    settings->drains = config_is_on(config, "drain");
    settings->thread_count = (uint32_t)config_number(config, "threads");
    settings->connection_count_max = (uint32_t)config_number(config, "connections-max");
    settings->idle_ms = (uint32_t)config_number(config, "idle-timeout");
    settings->head_ms = (uint32_t)config_number(config, "head-timeout");
    settings->body_ms = (uint32_t)config_number(config, "body-timeout");
    settings->buffered_bytes_max = (uint64_t)config_number(config, "buffered-max");
    settings->cache_count_max = (uint32_t)config_number(config, "cache-max");
    settings->key_count_max = (uint32_t)config_number(config, "answered-keys-max");
    return e;
}

void settings_deinit(struct settings *settings)
{
    free(settings->cache);
    free(settings->tokens);
    free(settings->spool);
    config_deinit(&settings->config);
}
