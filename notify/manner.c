// Flags and their rules, described for users in docs/cli.md.

#include "notify/manner.h"

#include "lib/base/word.h"
#include "worker/core/slots.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HOUR_MS = 3600 * 1000, RATE_MAX = 1000, MS_PER_SECOND = 1000 };

static const struct config_key keys[] = {
    {.key = "broker",
     .type = CONFIG_ENDPOINT,
     .default_text = "tcp://127.0.0.1:7400",
     .help = "where the broker listens"},
    CURVE_KEYS,
    {.key = "data",
     .type = CONFIG_STRING,
     .default_text = "weft-data/notify",
     .help = "directory of the sender's id and lock"},
    {.key = "webhook-key",
     .type = CONFIG_STRING,
     .default_text = "weft-data/webhook.key",
     .help = "file of the key under which secrets are sealed, the gateway's too"},
    {.key = "metrics",
     .type = CONFIG_STRING,
     .default_text = "127.0.0.1:0",
     .help = "address of /metrics, /livez and /readyz, or off"},
    {.key = "concurrency",
     .type = CONFIG_INTEGER,
     .default_text = "64",
     .min = 1,
     .max = SLOTS_MAX,
     .letter = 'c',
     .help = "deliveries in hand at once"},
    {.key = "endpoint-concurrency",
     .type = CONFIG_INTEGER,
     .default_text = "8",
     .min = 1,
     .max = SLOTS_MAX,
     .help = "of them under way to one receiver"},
    {.key = "endpoint-rate",
     .type = CONFIG_INTEGER,
     .default_text = "0",
     .max = RATE_MAX,
     .help = "deliveries a second to one receiver, 0: as fast as it answers"},
    {.key = "attempt-timeout",
     .type = CONFIG_DURATION,
     .default_text = "15s",
     .min = 100,
     .max = 25 * MS_PER_SECOND,
     .help = "for one attempt, from name to the last byte of the answer"},
    {.key = "buffered-max",
     .type = CONFIG_BYTES,
     .default_text = "64MiB",
     .min = 8 * 1024 * 1024,
     .max = (int64_t)1 << 36,
     .help = "bytes of bodies in memory at once"},
    {.key = "allow-http",
     .type = CONFIG_BOOL,
     .default_text = "false",
     .help = "send to http:// too, where everybody on the way can read"},
    {.key = "allow-port",
     .type = CONFIG_STRING,
     .is_many = true,
     .help = "ports that may be used besides 443 (and 80 with --allow-http), separated by commas; "
             "may be repeated"},
    {.key = "allow-address",
     .type = CONFIG_STRING,
     .is_many = true,
     .help = "ranges like 10.1.0.0/16 that may be used although they are not public, separated by "
             "commas; may be repeated"},
    {.key = "ca-file",
     .type = CONFIG_STRING,
     .help = "PEM file: who is trusted to certify receivers, in place of the system's"},
    {.key = "grace",
     .type = CONFIG_DURATION,
     .default_text = "20s",
     .max = 24 * HOUR_MS,
     .help = "for what is under way when the sender is told to stop"},
    CONFIG_LOG_LEVEL,
};

const struct config_table manner_table = {
    .program = "notify",
    .usage = "weft notify [flags]",
    .about =
        "Sends webhooks: signed, again on a schedule of 75 hours until the receiver says 2xx, and\n"
        "never to an address that is not public unless it is allowed here.",
    .keys = keys,
    .key_count = sizeof keys / sizeof keys[0],
};

static err refuse(struct manner *manner, const char *flag, const char *value, const char *rule)
{
    (void)snprintf(manner->config.problem, sizeof manner->config.problem, "--%s: \"%.80s\" %s",
                   flag, value, rule);
    return ERR_BAD_FIELD;
}

// Between commas: in a variable, and in a file, a key stands once.
static err add_ports(struct manner *manner, const char *text)
{
    struct target_rules *rules = &manner->rules;
    for (const char *at = text;; at++) {
        char *end = NULL;
        long port = strtol(at, &end, 10);
        bool ends = *end == '\0' || *end == ',';
        if (end == at || !ends || port < 1 || port > UINT16_MAX)
            return refuse(manner, "allow-port", text, "is no port: 1 to 65535");
        if (rules->port_count == TARGET_PORTS_MAX)
            return refuse(manner, "allow-port", text, "is one too many: there may be 16 in all");
        rules->ports[rules->port_count++] = (uint16_t)port;
        at = end;
        if (*at == '\0')
            return OK;
    }
}

static err read_ports(struct manner *manner)
{
    struct target_rules *rules = &manner->rules;
    rules->ports[rules->port_count++] = 443;
    if (rules->allows_http)
        rules->ports[rules->port_count++] = 80;
    for (uint32_t i = 0;; i++) {
        const char *text = config_each(&manner->config, "allow-port", i);
        if (text == NULL)
            return OK;
        if (add_ports(manner, text) != OK)
            return ERR_BAD_FIELD;
    }
}

static err add_ranges(struct manner *manner, const char *text)
{
    struct target_rules *rules = &manner->rules;
    for (const char *at = text;; at++) {
        size_t len = strcspn(at, ",");
        if (rules->range_count == MANNER_RANGES_MAX)
            return refuse(manner, "allow-address", text, "is one too many: there may be 16");
        if (address_range_read(word_trim(slice_of(at, len)), &manner->ranges[rules->range_count]) !=
            OK)
            return refuse(manner, "allow-address", text,
                          "is no range: an address, or 10.1.0.0/16, fd00::/8");
        rules->range_count++;
        at += len;
        if (*at == '\0')
            return OK;
    }
}

static err read_ranges(struct manner *manner)
{
    manner->rules.ranges = manner->ranges;
    for (uint32_t i = 0;; i++) {
        const char *text = config_each(&manner->config, "allow-address", i);
        if (text == NULL)
            return OK;
        if (add_ranges(manner, text) != OK)
            return ERR_BAD_FIELD;
    }
}

static uint32_t number_of(const struct manner *manner, const char *key)
{
    return (uint32_t)config_number(&manner->config, key); // all ranges end below 2^32
}

err manner_read(struct manner *manner, int argc, char **argv)
{
    struct config *config = &manner->config;
    err read = config_read(config, &manner_table, argc, argv);
    if (read != OK || config->help_asked)
        return read;
    manner->broker = config_text(config, "broker");
    if (curve_read(config, &manner->curve, &manner->has_curve, manner->config.problem) != OK)
        return ERR_BAD_FIELD;
    manner->data = config_text(config, "data");
    manner->key_file = config_text(config, "webhook-key");
    manner->ca_file = config_text(config, "ca-file");
    manner->metrics = config_text(config, "metrics");
    if (strcmp(manner->metrics, "off") == 0)
        manner->metrics = NULL;
    manner->slot_count = number_of(manner, "concurrency");
    manner->grace_ms = number_of(manner, "grace");
    manner->timeout_ms = number_of(manner, "attempt-timeout");
    manner->buffered_bytes_max = (uint64_t)config_number(config, "buffered-max");
    uint32_t rate = number_of(manner, "endpoint-rate");
    manner->receivers =
        (struct receivers_rules){.running_max = number_of(manner, "endpoint-concurrency"),
                                 .waiting_max = manner->slot_count / 2 + 1,
                                 // Rounded up: never more than was allowed.
                                 .gap_ms = rate > 0 ? (MS_PER_SECOND + rate - 1) / rate : 0};
    manner->rules.allows_http = config_is_on(config, "allow-http");
    read = read_ports(manner);
    return read == OK ? read_ranges(manner) : read;
}

void manner_deinit(struct manner *manner)
{
    config_deinit(&manner->config);
}
