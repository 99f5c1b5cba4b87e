// A supervisor of one thread: it opens no socket and no store of its own, so that fork is safe at
// any time and nothing of it can be lost. What it knows is in its children's ready lines.

#include "cli/dev.h"

#include "cli/child.h"
#include "cli/command.h"
#include "cli/ready.h"
#include "lib/base/check.h"
#include "lib/sys/clock.h"
#include "lib/sys/file.h"
#include "lib/sys/log.h"
#include "lib/sys/process.h"
#include "lib/sys/seal.h"
#include "lib/sys/signal.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    ENDPOINT_LEN_MAX = 256,
    STOP_MS = 10 * 1000,     // for each child to end by itself
    OLD_CHILD_MS = 5 * 1000, // for the children of a killed dev to vanish
    OLD_CHILD_LOOK_MS = 20,
};

static const struct config_key keys[] = {
    {.key = "data",
     .type = CONFIG_STRING,
     .default_text = "./weft-data",
     .help = "directory of all data"},
    {.key = "http",
     .type = CONFIG_ENDPOINT,
     .default_text = "127.0.0.1:7410",
     .help = "the HTTP door"},
    {.key = "zmq",
     .type = CONFIG_ENDPOINT,
     .default_text = "tcp://127.0.0.1:7400",
     .help = "the ZeroMQ door"},
    {.key = "pub",
     .type = CONFIG_ENDPOINT,
     .default_text = "tcp://127.0.0.1:7401",
     .help = "where every transition is published"},
    {.key = "metrics",
     .type = CONFIG_STRING,
     .default_text = "127.0.0.1:0",
     .help = "address of the broker's /metrics, /livez and /readyz, or off"},
    CONFIG_LOG_LEVEL,
};

const struct config_table dev_table = {
    .program = "dev",
    .usage = "weft dev [flags]",
    .about =
        "Runs a broker, a gateway and a sender of webhooks, and starts them again when they die. "
        "Prints one line\nthat begins with 'ready', with the real endpoints, when both doors "
        "serve; "
        "stops cleanly on SIGTERM and\nCtrl-C. Port 0 takes a free port. Other settings of these "
        "programs come from WEFT_* variables or their\nsections of the file given with --config.",
    .keys = keys,
    .key_count = sizeof keys / sizeof keys[0],
};

enum { ARGS_MAX = 16 };

struct dev {
    const char *data;
    char level[16];
    char zmq[ENDPOINT_LEN_MAX]; // as given, then as bound: a restart takes the same port
    char pub[ENDPOINT_LEN_MAX];
    char http[ENDPOINT_LEN_MAX];
    char metrics[ENDPOINT_LEN_MAX];
    char broker_data[PATH_MAX];
    char gateway_data[PATH_MAX];
    char notify_data[PATH_MAX];
    char webhook_key[PATH_MAX];
    char run[PATH_MAX];
    char broker_pid[PATH_MAX];
    char gateway_pid[PATH_MAX];
    char notify_pid[PATH_MAX];
    char *broker_argv[ARGS_MAX];
    char *gateway_argv[ARGS_MAX];
    char *notify_argv[ARGS_MAX];
    struct child broker;
    struct child gateway;
    struct child notify;
    int signal_fd;
    int lock;
    bool has_told;
    bool is_stopping;
    when_ms stop_at; // then SIGKILL
    int code;
};

// --- preparation ---

static bool put_text(char *out, size_t cap, const char *text)
{
    return slice_to_text(slice_of_text(text), out, cap);
}

static bool put_path(char out[PATH_MAX], const char *dir, const char *name)
{
    int len = snprintf(out, PATH_MAX, "%s/%s", dir, name);
    return len > 0 && len < PATH_MAX;
}

static bool name_places(struct dev *dev, const struct config *config)
{
    dev->data = config_text(config, "data");
    return put_text(dev->zmq, sizeof dev->zmq, config_text(config, "zmq")) &&
           put_text(dev->pub, sizeof dev->pub, config_text(config, "pub")) &&
           put_text(dev->http, sizeof dev->http, config_text(config, "http")) &&
           put_text(dev->metrics, sizeof dev->metrics, config_text(config, "metrics")) &&
           put_text(dev->level, sizeof dev->level, config_text(config, "log-level")) &&
           put_path(dev->broker_data, dev->data, "broker") &&
           put_path(dev->gateway_data, dev->data, "gateway") &&
           put_path(dev->notify_data, dev->data, "notify") &&
           put_path(dev->webhook_key, dev->data, "webhook.key") &&
           put_path(dev->run, dev->data, "run") &&
           put_path(dev->broker_pid, dev->run, "broker.pid") &&
           put_path(dev->gateway_pid, dev->run, "gateway.pid") &&
           put_path(dev->notify_pid, dev->run, "notify.pid");
}

// exec takes words that may be written to, so they live in arrays.
static char word_weft[] = "weft";
static char word_broker[] = "broker";
static char word_gateway[] = "gateway";
static char word_notify[] = "notify";
static char flag_zmq[] = "--zmq";
static char flag_pub[] = "--pub";
static char flag_data[] = "--data";
static char flag_http[] = "--http";
static char flag_broker[] = "--broker";
static char flag_metrics[] = "--metrics";
static char flag_level[] = "--log-level";
static char flag_grace[] = "--grace";
static char word_grace[] = "8s"; // within STOP_MS
static char any_port[] = "127.0.0.1:0";

static void make_children(struct dev *dev)
{
    char *broker[] = {
        word_weft,        word_broker,  flag_zmq,     dev->zmq,   flag_pub,   dev->pub, flag_data,
        dev->broker_data, flag_metrics, dev->metrics, flag_level, dev->level, NULL};
    char *gateway[] = {word_weft, word_gateway,      flag_http,  dev->http,  flag_broker, dev->zmq,
                       flag_data, dev->gateway_data, flag_level, dev->level, NULL};
    char *notify[] = {word_weft,        word_notify, flag_broker, dev->zmq,     flag_data,
                      dev->notify_data, flag_level,  dev->level,  flag_metrics, any_port,
                      flag_grace,       word_grace,  NULL};
    static_assert(sizeof broker <= sizeof dev->broker_argv, "room for the broker's words");
    static_assert(sizeof gateway <= sizeof dev->gateway_argv, "room for the gateway's words");
    static_assert(sizeof notify <= sizeof dev->notify_argv, "room for the sender's words");
    memcpy(dev->broker_argv, broker, sizeof broker);
    memcpy(dev->notify_argv, notify, sizeof notify);
    memcpy(dev->gateway_argv, gateway, sizeof gateway);
    dev->broker = child_of("broker", dev->broker_argv, dev->broker_pid);
    dev->gateway = child_of("gateway", dev->gateway_argv, dev->gateway_pid);
    dev->notify = child_of("notify", dev->notify_argv, dev->notify_pid);
}

// The key under which the gateway seals secrets and the sender opens them: made once, told to both,
// unless another file is wanted.
static err ensure_key(const struct dev *dev)
{
    if (getenv("WEFT_WEBHOOK_KEY") != NULL)
        return OK;
    err made = seal_key_make(dev->webhook_key);
    if (made != OK && made != ERR_CONFLICT) {
        command_complain("dev", "%s cannot be written: %s", dev->webhook_key, strerror(errno));
        return made;
    }
    (void)setenv("WEFT_WEBHOOK_KEY", dev->webhook_key, 1); // fails only without memory
    return OK;
}

static err lock_data(struct dev *dev)
{
    err e = file_make_dirs(dev->run);
    if (e == OK)
        e = file_lock(dev->data, &dev->lock);
    if (e == ERR_LOCKED)
        command_complain("dev", "another process serves %s; stop it, or choose another --data",
                         dev->data);
    else if (e != OK)
        command_complain("dev", "%s cannot be used: %s", dev->data, strerror(errno));
    return e;
}

// The children of a dev that was killed die by themselves, but may still hold their stores while
// the system takes them apart.
static void await_old_child(const char *dir)
{
    int lock = -1;
    for (when_ms waited = 0; waited < OLD_CHILD_MS; waited += OLD_CHILD_LOOK_MS) {
        err e = file_lock(dir, &lock);
        if (e == OK)
            file_unlock(lock);
        if (e != ERR_LOCKED)
            return;
        (void)poll(NULL, 0, OLD_CHILD_LOOK_MS);
    }
}

// --- the children ---

// The broker last, so that no client meets a gateway without a broker, and what was sent is told.
static void stop_next(struct dev *dev)
{
    child_kill(&dev->gateway, SIGTERM);
    child_kill(&dev->notify, SIGTERM);
    if (dev->gateway.pid == 0 && dev->notify.pid == 0)
        child_kill(&dev->broker, SIGTERM);
}

static void begin_stop(struct dev *dev, int code)
{
    if (dev->is_stopping)
        return;
    dev->is_stopping = true;
    dev->code = code;
    dev->stop_at = when_after(clock_mono_ms(), STOP_MS);
    stop_next(dev);
}

static void start(struct dev *dev, struct child *child, when_ms now)
{
    err e = child_start(child, now);
    if (e != OK) {
        log_error("dev.not_started", "program=%s error=%s", child->name,
                  log_quote_text(strerror(errno)).text);
        begin_stop(dev, EXIT_FAILURE);
        return;
    }
    log_info("dev.started", "program=%s pid=%ld start=%u", child->name, (long)child->pid,
             child->start_count);
}

static void start_due(struct dev *dev, when_ms now)
{
    if (!dev->is_stopping && dev->broker.pid == 0 && now >= dev->broker.start_at)
        start(dev, &dev->broker, now);
    // Their broker's endpoint is known from the broker's first ready line on.
    struct child *const others[] = {&dev->gateway, &dev->notify};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        if (!dev->is_stopping && dev->broker.was_ready && others[i]->pid == 0 &&
            now >= others[i]->start_at)
            start(dev, others[i], now);
    }
}

// An ending child has nothing to say any more; one that ends by itself before it ever served will
// not do better the next time.
static void handle_death(struct dev *dev, struct child *child, int status)
{
    when_ms now = clock_mono_ms();
    child_died(child, now, status);
    if (dev->is_stopping) {
        dev->stop_at = when_after(now, STOP_MS);
        if (dev->gateway.pid == 0 && dev->notify.pid == 0)
            child_kill(&dev->broker, SIGTERM);
        return;
    }
    log_warn("dev.died", "program=%s how=%s restart_in_ms=%lld", child->name,
             log_quote_text(child_death(child)).text, (long long)(child->start_at - now));
    if (child->was_ready || WIFSIGNALED(status))
        return;
    command_complain("dev", "the %s did not start; it says why above", child->name);
    begin_stop(dev, EXIT_FAILURE);
}

static void reap(struct dev *dev)
{
    int status = 0;
    pid_t pid;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        if (pid == dev->broker.pid)
            handle_death(dev, &dev->broker, status);
        else if (pid == dev->gateway.pid)
            handle_death(dev, &dev->gateway, status);
        else if (pid == dev->notify.pid)
            handle_death(dev, &dev->notify, status);
    }
}

static void take_signals(struct dev *dev)
{
    int number;
    while ((number = signal_take(dev->signal_fd)) != 0) {
        if (number == SIGCHLD) {
            reap(dev);
        } else if (dev->is_stopping) {
            dev->stop_at = clock_mono_ms(); // asked twice: at once
        } else {
            begin_stop(dev, EXIT_SUCCESS);
        }
    }
}

// --- what they say ---

// Takes the value into `out`, unless it is too long or not there.
static void adopt(const struct child *child, const char *name, char out[ENDPOINT_LEN_MAX])
{
    struct slice value;
    if (ready_value(slice_of_text(child->ready_line), name, &value) && value.len < ENDPOINT_LEN_MAX)
        (void)slice_to_text(value, out, ENDPOINT_LEN_MAX); // it fits
}

// The same, of a URL: flags take its address alone.
static void adopt_address(const struct child *child, const char *name, char out[ENDPOINT_LEN_MAX])
{
    char url[ENDPOINT_LEN_MAX] = "";
    adopt(child, name, url);
    const char *address = strstr(url, "://");
    if (address == NULL)
        return; // off
    struct slice host = slice_of(address + 3, strcspn(address + 3, "/"));
    (void)slice_to_text(host, out, ENDPOINT_LEN_MAX); // shorter than the URL
}

static void tell(struct dev *dev)
{
    struct slice said;
    char metrics[ENDPOINT_LEN_MAX] = "off";
    char http[ENDPOINT_LEN_MAX] = "";
    if (ready_value(slice_of_text(dev->gateway.ready_line), "http", &said))
        (void)slice_to_text(said, http, sizeof http); // with its scheme
    if (ready_value(slice_of_text(dev->broker.ready_line), "metrics", &said))
        (void)slice_to_text(said, metrics, sizeof metrics); // for the eye
    char broker[ENDPOINT_LEN_MAX + 16] = "";
    if (strcmp(dev->zmq, COMMAND_BROKER_DEFAULT) != 0)
        (void)snprintf(broker, sizeof broker, " --broker %s", dev->zmq);
    (void)printf("ready http=%s zmq=%s pub=%s metrics=%s data=%s\n\n", http, dev->zmq, dev->pub,
                 metrics, dev->data);
    (void)printf("Type in another terminal:\n"
                 "  curl -s %s/v1/jobs -H 'Content-Type: application/json' "
                 "-d '{\"type\":\"hello\",\"payload\":\"world\"}'\n"
                 "  weft push hello%s '\"world\"'\n"
                 "  weft worker hello%s -- tr a-z A-Z\n"
                 "Ctrl-C stops.\n",
                 http, broker, broker);
    (void)fflush(stdout); // who started us may not be listening; the doors serve all the same
}

static void listen_to(struct dev *dev)
{
    child_read(&dev->broker);
    child_read(&dev->gateway);
    child_read(&dev->notify);
    if (dev->broker.is_ready) {
        adopt(&dev->broker, "zmq", dev->zmq);
        adopt(&dev->broker, "pub", dev->pub);
        adopt_address(&dev->broker, "metrics", dev->metrics);
    }
    if (dev->gateway.is_ready)
        adopt_address(&dev->gateway, "http", dev->http);
    if (dev->has_told || dev->is_stopping || !dev->broker.is_ready || !dev->gateway.is_ready)
        return;
    dev->has_told = true;
    tell(dev);
}

// --- the loop ---

static int wait_ms(const struct dev *dev, when_ms now)
{
    when_ms until = WHEN_NEVER;
    if (dev->is_stopping)
        until = dev->stop_at;
    else if (dev->broker.pid == 0)
        until = dev->broker.start_at;
    if (!dev->is_stopping && dev->broker.was_ready && dev->gateway.pid == 0)
        until = when_min(until, dev->gateway.start_at);
    if (!dev->is_stopping && dev->broker.was_ready && dev->notify.pid == 0)
        until = when_min(until, dev->notify.start_at);
    if (until == WHEN_NEVER)
        return -1;
    return until <= now ? 0 : (int)when_min(until - now, INT_MAX);
}

static void turn(struct dev *dev)
{
    when_ms now = clock_mono_ms();
    start_due(dev, now);
    if (dev->is_stopping && now >= dev->stop_at) {
        child_kill(&dev->gateway, SIGKILL);
        child_kill(&dev->notify, SIGKILL);
        child_kill(&dev->broker, SIGKILL);
        dev->stop_at = when_after(now, STOP_MS);
    }
    struct pollfd items[] = {
        {.fd = dev->signal_fd, .events = POLLIN},
        {.fd = dev->broker.out_fd, .events = POLLIN}, // a negative one is passed over
        {.fd = dev->gateway.out_fd, .events = POLLIN},
        {.fd = dev->notify.out_fd, .events = POLLIN},
    };
    int count = poll(items, sizeof items / sizeof items[0], wait_ms(dev, now));
    CHECK(count >= 0 || errno == EINTR);
    listen_to(dev);
    take_signals(dev);
}

static int serve(struct dev *dev)
{
    err e = signal_open(&dev->signal_fd);
    if (e != OK) {
        command_complain("dev", "%s: %s", err_text(e), strerror(errno));
        return EXIT_FAILURE;
    }
    make_children(dev);
    await_old_child(dev->broker_data);
    await_old_child(dev->gateway_data);
    await_old_child(dev->notify_data);
    while (!dev->is_stopping || dev->broker.pid != 0 || dev->gateway.pid != 0 ||
           dev->notify.pid != 0)
        turn(dev);
    child_forget(&dev->notify);
    child_forget(&dev->gateway);
    child_forget(&dev->broker);
    signal_close(dev->signal_fd);
    return dev->code;
}

// Children read the same file, each its own section of it.
static void pass_file_on(const struct config *config)
{
    if (config->path != NULL)
        (void)setenv("WEFT_CONFIG", config->path, 1); // fails only without memory
}

static int run(const struct config *config)
{
    static struct dev dev; // paths make it large
    enum log_level level = LOG_LEVEL_INFO;
    dev = (struct dev){.lock = -1};
    if (log_level_from_text(config_text(config, "log-level"), &level) == OK)
        log_set_level(level);
    if (!name_places(&dev, config)) {
        command_complain("dev", "the name of the data directory is too long");
        return COMMAND_USAGE;
    }
    if (lock_data(&dev) != OK)
        return EXIT_FAILURE;
    pass_file_on(config);
    int code = ensure_key(&dev) == OK ? serve(&dev) : EXIT_FAILURE;
    file_unlock(dev.lock);
    return code;
}

int dev_main(int argc, char **argv)
{
    struct config config;
    int code = COMMAND_USAGE;
    process_name("weft-dev");
    if (command_begin(&config, &dev_table, argc, argv, &code))
        code = run(&config);
    config_deinit(&config);
    return code;
}
