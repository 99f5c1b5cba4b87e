// Flags and their rules.

#include "worker/shell/setup.h"

#include "lib/post/core/target.h"
#include "lib/sys/log.h"
#include "proto/check.h"
#include "worker/core/slots.h"

#include <stdarg.h>

enum {
    HOUR_MS = 3600 * 1000,
    SIMULATE_MAX = 16, // no broker asks about more at once
};

static const struct config_key keys[] = {
    {.key = "broker",
     .type = CONFIG_ENDPOINT,
     .default_text = "tcp://127.0.0.1:7400",
     .help = "where the broker listens"},
    CURVE_KEYS,
    {.key = "data",
     .type = CONFIG_STRING,
     .help = "directory of journal and worker id (./weft-data/worker-NAME)"},
    {.key = "name", .type = CONFIG_STRING, .help = "of this worker, for people (TYPE)"},
    {.key = "concurrency",
     .type = CONFIG_INTEGER,
     .default_text = "1",
     .min = 1,
     .max = SLOTS_MAX,
     .letter = 'c',
     .help = "jobs at once"},
    {.key = "prefetch",
     .type = CONFIG_INTEGER,
     .default_text = "0",
     .min = 0,
     .max = SLOTS_MAX - 1,
     .help = "jobs taken in advance, beyond those that run"},
    {.key = "simulate",
     .type = CONFIG_INTEGER,
     .default_text = "0",
     .min = 0,
     .max = SIMULATE_MAX,
     .help =
         "dry runs taken at once, beside the jobs: the program runs with WEFT_JOB_DRY_RUN=1 and "
         "must change nothing"},
    {.key = "limit-memory",
     .type = CONFIG_BYTES,
     .min = 1024 * 1024,
     .max = INT64_MAX,
     .help = "memory that each process of a handler may write to"},
    {.key = "limit-cpu",
     .type = CONFIG_DURATION,
     .min = 1000,
     .max = 7 * 24 * HOUR_MS,
     .help = "processor time of each process of a handler, in whole seconds"},
    {.key = "limit-files",
     .type = CONFIG_INTEGER,
     .min = 8,
     .max = 1 << 20,
     .help = "files that each process of a handler may have open"},
    {.key = "limit-file-size",
     .type = CONFIG_BYTES,
     .min = 1,
     .max = INT64_MAX,
     .help = "size of a file that a handler may write"},
    {.key = "limit-processes",
     .type = CONFIG_INTEGER,
     .min = 1,
     .max = 1 << 22,
     .help = "processes and threads that the worker's user may have, when a handler starts one"},
    {.key = "lines",
     .type = CONFIG_BOOL,
     .default_text = "false",
     .help = "keep programs running and speak one JSON line per job"},
    {.key = "http",
     .type = CONFIG_STRING,
     .help = "URL of a service that gets each job as a signed POST, in place of a program"},
    {.key = "http-secret",
     .type = CONFIG_STRING,
     .help = "file with the secret that signs them (DATA/http-secret, made when there is none)"},
    {.key = "ca-file",
     .type = CONFIG_STRING,
     .help = "PEM file: who is trusted to certify the service, in place of the system's"},
    {.key = "queue",
     .type = CONFIG_STRING,
     .letter = 'q',
     .help = "queues served, with commas between (every queue)"},
    {.key = "tenant",
     .type = CONFIG_STRING,
     .default_text = "default",
     .help = "whose jobs it runs; it gets no others"},
    {.key = "grace",
     .type = CONFIG_DURATION,
     .default_text = "25s",
     .max = 24 * HOUR_MS,
     .help = "time that running jobs get when the worker is told to stop"},
    {.key = "kill-after",
     .type = CONFIG_DURATION,
     .default_text = "10s",
     .min = 1,
     .max = HOUR_MS,
     .help = "from SIGTERM to SIGKILL for a handler"},
    {.key = "stats", .type = CONFIG_STRING, .help = "file to keep the counters in, as JSON"},
    CONFIG_LOG_LEVEL,
};

const struct config_table setup_table = {
    .program = "worker",
    .usage =
        "weft worker TYPE [flags] -- program [arguments] | weft worker TYPE --http URL [flags]",
    .about = "Runs the program once for each job of TYPE (or of several, with commas between): "
             "payload on stdin, result on stdout, log on stderr. Exit 0 is success, 65 or 100 "
             "dead, anything else is retried. Or posts each job to a URL: 2xx is success and the "
             "answer's body the result. Prints one line that begins with 'ready' when the "
             "broker knows it.",
    .keys = keys,
    .key_count = sizeof keys / sizeof keys[0],
    .argument_count_min = 1,
    .argument_count_max = 1,
    .takes_program = true,
};

__attribute__((format(printf, 2, 3))) static err refuse(struct setup *setup, const char *format,
                                                        ...)
{
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(setup->config.problem, sizeof setup->config.problem, format, arguments);
    va_end(arguments);
    return ERR_BAD_FIELD;
}

// Names with commas between.
static err split(struct setup *setup, const char *text, struct slice *out_names,
                 uint32_t *out_count)
{
    uint32_t count = 0;
    for (const char *at = text;; at++) {
        struct slice name = slice_of(at, strcspn(at, ","));
        if (!check_name(name))
            return refuse(setup, "\"%.80s\" is not a name: 1 to 128 of a-z 0-9 . _ -", text);
        if (count == MSG_TYPES_MAX)
            return refuse(setup, "more than %d names", MSG_TYPES_MAX);
        out_names[count++] = name;
        at += name.len;
        if (*at == '\0')
            break;
    }
    *out_count = count;
    return OK;
}

static err read_names(struct setup *setup)
{
    const struct config *config = &setup->config;
    const char *type = config->arguments[0];
    err result = split(setup, type, setup->types, &setup->type_count);
    const char *queues = config_text(config, "queue");
    if (result == OK && queues != NULL)
        result = split(setup, queues, setup->queues, &setup->queue_count);
    const struct msg_ready ready = {.types = setup->types,
                                    .type_count = setup->type_count,
                                    .queues = setup->queues,
                                    .queue_count = setup->queue_count};
    const char *detail = NULL;
    if (result == OK && check_ready(&ready, ROLE_WORKER, &detail) != OK)
        result = refuse(setup, "%s", detail);
    const char *name = config_text(config, "name");
    setup->tenant = slice_of_text(curve_tenant(config));
    if (result == OK && !check_name(setup->tenant))
        result = refuse(setup, "--tenant is 1 to 128 of a-z 0-9 . _ -");
    if (result != OK)
        return result;
    if (name == NULL && strlen(type) >= sizeof setup->name)
        return refuse(setup, "--name is needed when there are so many types");
    if (!slice_to_text(slice_of_text(name != NULL ? name : type), setup->name,
                       sizeof setup->name) ||
        setup->name[0] == '\0' || strchr(setup->name, '/') != NULL)
        return refuse(setup, "--name is at most 127 bytes long and has no '/'");
    return OK;
}

static err read_place(struct setup *setup)
{
    const char *data = config_text(&setup->config, "data");
    int len = data != NULL
                  ? snprintf(setup->data, sizeof setup->data, "%s", data)
                  : snprintf(setup->data, sizeof setup->data, "./weft-data/worker-%s", setup->name);
    // Room for the names of the files in it.
    if (len < 1 || (size_t)len >= sizeof setup->data - 64)
        return refuse(setup, "--data is empty or too long");
    return OK;
}

static uint32_t number_of(const struct setup *setup, const char *key)
{
    return (uint32_t)config_number(&setup->config, key); // all ranges end below 2^32
}

static err read_limits(struct setup *setup)
{
    const struct config *config = &setup->config;
    when_ms cpu_ms = config_number(config, "limit-cpu");
    setup->limits = (struct spawner_limits){
        .memory_bytes = (uint64_t)config_number(config, "limit-memory"),
        .cpu_s = (uint64_t)(cpu_ms + 999) / 1000,
        .file_count = (uint64_t)config_number(config, "limit-files"),
        .file_bytes = (uint64_t)config_number(config, "limit-file-size"),
        .process_count = (uint64_t)config_number(config, "limit-processes")};
    if (setup->limits.cpu_s > 0 && setup->is_lines)
        return refuse(setup,
                      "--limit-cpu counts for a process, and with --lines that has many jobs");
    return OK;
}

// The first setting that says something about processes.
static const char *setting_of_programs(const struct config *config)
{
    static const char *const numbers[] = {"limit-memory", "limit-cpu", "limit-files",
                                          "limit-file-size", "limit-processes"};
    if (config_is_on(config, "lines"))
        return "lines";
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        if (config_is_given(config, numbers[i]))
            return numbers[i];
    }
    return NULL;
}

static err read_url(struct setup *setup)
{
    const struct config *config = &setup->config;
    struct target target;
    const char *why = NULL;
    const char *setting = setting_of_programs(config);
    setup->url = config_text(config, "http");
    setup->secret_file = config_text(config, "http-secret");
    setup->ca_file = config_text(config, "ca-file");
    if (setup->program != NULL)
        return refuse(setup, "a program or --http, not both: another worker for the other");
    if (setting != NULL)
        return refuse(setup, "--%s is about programs, and with --http there is none", setting);
    if (number_of(setup, "simulate") > 0) // a service would do what is only to be tried
        return refuse(setup, "--simulate is for programs: a service cannot be asked for a dry run");
    if (target_read(slice_of_text(setup->url), &target, &why) != OK)
        return refuse(setup, "--http: %s", why);
    return OK;
}

// What gets the jobs.
static err read_handler(struct setup *setup)
{
    const struct config *config = &setup->config;
    setup->program = config->rest_count > 0 ? config->rest : NULL;
    if (config_text(config, "http") != NULL)
        return read_url(setup);
    if (config_text(config, "http-secret") != NULL || config_text(config, "ca-file") != NULL)
        return refuse(setup, "--http-secret and --ca-file are for --http URL");
    if (setup->program == NULL)
        return refuse(setup, "what shall run? add: -- program [arguments], or --http URL");
    return OK;
}

err setup_read(struct setup *setup, int argc, char **argv)
{
    *setup = (struct setup){0};
    const struct config *config = &setup->config;
    err result = config_read(&setup->config, &setup_table, argc, argv);
    if (result != OK || config->help_asked)
        return result;
    result = read_handler(setup);
    if (result != OK)
        return result;
    setup->broker = config_text(config, "broker");
    setup->stats = config_text(config, "stats");
    result = curve_read(config, &setup->curve, &setup->has_curve, setup->config.problem);
    if (result != OK)
        return result;
    setup->run_count = number_of(setup, "concurrency");
    setup->slot_count = setup->run_count + number_of(setup, "prefetch");
    setup->simulation_count = number_of(setup, "simulate");
    if (setup->slot_count + setup->simulation_count > SLOTS_MAX)
        return refuse(setup, "--concurrency, --prefetch and --simulate are together at most %d",
                      SLOTS_MAX);
    setup->grace_ms = number_of(setup, "grace");
    setup->kill_after_ms = number_of(setup, "kill-after");
    setup->is_lines = config_is_on(config, "lines");
    result = read_limits(setup);
    if (result == OK)
        result = read_names(setup);
    if (result == OK)
        result = read_place(setup);
    enum log_level level;
    if (result == OK && log_level_from_text(config_text(config, "log-level"), &level) == OK)
        log_set_level(level);
    return result;
}

void setup_deinit(struct setup *setup)
{
    config_deinit(&setup->config);
}
