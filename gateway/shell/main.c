// Makes a gateway out of its parts, waits for the signal to stop, takes it apart.

#include "gateway/shell/main.h"

#include "gateway/shell/door.h"
#include "gateway/shell/gateway.h"
#include "lib/base/moment.h"
#include "lib/http/http_tls.h"
#include "lib/link/link.h"
#include "lib/sys/clock.h"
#include "lib/sys/log.h"
#include "lib/sys/process.h"
#include "lib/sys/program.h"
#include "lib/sys/signal.h"

#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

enum { EXIT_USAGE = 64, BROKER_WAIT_MS = 1000, BROKER_LOOK_MS = 2, DRAIN_LOOK_MS = 20 };

// Loads the certificate, at the start and anew. What is wrong is in the log.
static err load_certificate(const struct settings *settings)
{
    char why[HTTP_TLS_WHY_LEN];
    char ends[MOMENT_TEXT_LEN + 1] = "never";
    when_ms ends_at = WHEN_NEVER;
    const struct http_tls_files files = {settings->certificate, settings->key};
    if (files.certificate == NULL)
        return OK;
    err e = http_tls_load(&files, &ends_at, why);
    if (e != OK) {
        log_error("gateway.certificate_unread", "why=%s", log_quote_text(why).text);
        return e;
    }
    if (ends_at >= 0 && ends_at <= MOMENT_MAX)
        moment_format(ends_at, ends);
    if (ends_at <= clock_wall_ms())
        log_warn("gateway.certificate_expired", "ends=%s", ends);
    else
        log_info("gateway.certificate_read", "ends=%s", ends);
    return OK;
}

static err open_statuses(struct gateway *gateway, const char **out_why)
{
    const struct statuses_options statuses = {.courier = gateway->courier,
                                              .dir = gateway->settings->cache,
                                              .count_max = gateway->settings->cache_count_max};
    return statuses_open(&statuses, &gateway->statuses, out_why);
}

static const struct link_curve *curve_of(const struct settings *settings)
{
    return settings->has_curve ? &settings->curve : NULL;
}

// Who may come, and how. Without tokens everybody who reaches the door may use it, so only this machine may
// reach it.
static err judge_door(const struct gateway *gateway, const char **out_why)
{
    const struct settings *settings = gateway->settings;
    *out_why =
        "--http: only loopback addresses are served as long as there are no tokens; make one "
        "with 'weft token new'";
    if (!link_is_local(settings->http) && !callers_need_tokens(gateway->callers))
        return ERR_UNSUPPORTED;
    *out_why = "--tls-certificate, --tls-key: see the line above";
    err e = load_certificate(settings);
    if (e != OK)
        return e;
    if (!link_is_local(settings->http) && settings->certificate == NULL)
        log_warn("gateway.clear_text", "http=%s fix=%s", settings->http,
                 log_quote_text("tokens can be read on the way; give --tls-certificate, or let a "
                                "proxy do it")
                     .text);
    return OK;
}

// What holds jobs and brings them to the broker.
static err make(struct gateway *gateway, const char **out_why)
{
    const struct settings *settings = gateway->settings;
    const struct keys_options keys = {
        .dir = settings->data,
        .key_count_max = settings->key_count_max,
        .map_bytes_max = (uint64_t)4 << 30,
    };
    err e = keys_open(&keys, &gateway->keys, out_why);
    if (e != OK)
        return e;
    const struct spool_options spool = {settings->spool, settings->spool_bytes_max,
                                        settings->spool_tenant_bytes_max};
    e = spool_open(&spool, &gateway->spool, out_why);
    if (e != OK)
        return e;
    if (*out_why != NULL)
        log_warn("gateway.data", "fix=%s", log_quote_text(*out_why).text);
    *out_why = "there is not enough memory";
    gateway->tally = tally_new();
    gateway->scratch = scratch_pool_new();
    if (gateway->tally == NULL || gateway->scratch == NULL)
        return ERR_NO_MEMORY;
    e = courier_open(settings->broker, curve_of(settings), &gateway->courier);
    *out_why = e == ERR_BAD_FIELD   ? "--broker: the endpoint is not valid"
               : e == ERR_NO_MEMORY ? "there is not enough memory"
                                    : "no thread could be started";
    if (e != OK)
        return e;
    if (settings->spool_bytes_max > 0)
        courier_spools(gateway->courier);
    *out_why = "no thread could be started";
    return spool_forward_open(gateway, &gateway->forward);
}

// What serves clients.
static err make_doors(struct gateway *gateway, const char **out_why)
{
    const struct settings *settings = gateway->settings;
    sealer_open(&gateway->sealer, settings->webhook_key);
    err e = open_statuses(gateway, out_why);
    if (e != OK)
        return e;
    *out_why = "no thread could be started";
    e = lessor_open(settings->broker, curve_of(settings), &gateway->lessor);
    if (e != OK)
        return e;
    e = bulk_open(gateway, &gateway->bulk);
    if (e != OK)
        return e;
    e = door_open(gateway);
    if (e != OK)
        *out_why = program_door_problem("--http", settings->http, e);
    return e;
}

// The courier first, so that what is under way still gets its answer; the door before those whom
// its threads call.
static void unmake(struct gateway *gateway)
{
    atomic_store(&gateway->is_stopping, true);
    if (gateway->courier != NULL)
        courier_stop(gateway->courier);
    spool_forward_close(gateway->forward);
    if (gateway->lessor != NULL)
        lessor_stop(gateway->lessor);
    if (gateway->spool != NULL)
        spool_stop(gateway->spool);
    http_close(gateway->http);
    bulk_close(gateway->bulk);
    statuses_close(gateway->statuses);
    courier_close(gateway->courier);
    lessor_close(gateway->lessor);
    scratch_pool_free(gateway->scratch);
    tally_free(gateway->tally);
    spool_close(gateway->spool);
    keys_close(gateway->keys);
    callers_close(gateway->callers);
    sealer_close(&gateway->sealer);
}

static void tell_failure(err e, const char *why)
{
    log_error("gateway.not_started", "error=%s fix=%s", err_slug(e),
              log_quote_text(why != NULL ? why : "").text);
}

static void wait_for_stop(const struct settings *settings, int signal_fd)
{
    for (;;) {
        struct pollfd item = {.fd = signal_fd, .events = POLLIN};
        (void)poll(&item, 1, -1); // an interruption is as good as a signal
        for (int number = signal_take(signal_fd); number != 0; number = signal_take(signal_fd)) {
            if (number == SIGTERM || number == SIGINT)
                return;
            if (number == SIGHUP)
                (void)load_certificate(settings); // the former one stays, and the log has why
        }
    }
}

// Whoever reads the ready line asks at once, so a broker that is there is greeted before it. Without
// one the gateway serves all the same: it answers 503.
static void wait_for_broker(const struct gateway *gateway, int signal_fd)
{
    struct pollfd item = {.fd = signal_fd, .events = POLLIN};
    for (int waited = 0; waited < BROKER_WAIT_MS; waited += BROKER_LOOK_MS) {
        if (courier_is_ready(gateway->courier) || poll(&item, 1, BROKER_LOOK_MS) != 0)
            return;
    }
}

// Brings what waits to the broker. True when nothing is left; false: a signal came first.
static bool empty_spool(const struct gateway *gateway, int signal_fd)
{
    struct pollfd item = {.fd = signal_fd, .events = POLLIN};
    while (spool_waiting(gateway->spool) > 0) {
        if (poll(&item, 1, DRAIN_LOOK_MS) == 0)
            continue;
        for (int number = signal_take(signal_fd); number != 0; number = signal_take(signal_fd))
            if (number == SIGTERM || number == SIGINT)
                return false;
    }
    return true;
}

static void tell_drained(const struct gateway *gateway, const struct spool_account *before)
{
    struct spool_account after;
    spool_books(gateway->spool, &after);
    (void)printf("drained forwarded=%" PRIu64 " refused=%" PRIu64 " waiting=%" PRIu64
                 " kept=%" PRIu64 "\n",
                 after.forwarded - before->forwarded, after.refused - before->refused,
                 after.waiting, after.kept);
    (void)fflush(stdout);
}

// Success: nothing is left that removing the directory would lose.
static int drain(const struct settings *settings, int signal_fd)
{
    struct broker_time broker_time = {0};
    struct gateway gateway = {.settings = settings, .broker_time = &broker_time};
    struct spool_account before = {0};
    const char *why = "";
    err e = callers_open(settings->tokens, &gateway.callers, &why);
    if (e == OK)
        e = make(&gateway, &why);
    bool is_empty = false;
    if (e == OK) {
        spool_books(gateway.spool, &before);
        is_empty = empty_spool(&gateway, signal_fd);
        tell_drained(&gateway, &before);
        spool_books(gateway.spool, &before);
    } else {
        tell_failure(e, why);
    }
    unmake(&gateway);
    return is_empty && before.kept == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int serve(const struct settings *settings, int signal_fd)
{
    struct broker_time broker_time = {0};
    struct gateway gateway = {.settings = settings, .broker_time = &broker_time};
    const char *why = "";
    err e = callers_open(settings->tokens, &gateway.callers, &why);
    if (e == OK)
        e = judge_door(&gateway, &why);
    if (e == OK)
        e = make(&gateway, &why);
    if (e == OK)
        e = make_doors(&gateway, &why);
    if (e == OK) {
        log_info("gateway.started", "http=%s broker=%s", http_endpoint(gateway.http),
                 settings->broker);
        wait_for_broker(&gateway, signal_fd);
        (void)printf("ready http=%s://%s\n", settings->certificate != NULL ? "https" : "http",
                     http_endpoint(gateway.http));
        (void)fflush(stdout); // whoever started us may have closed it
        wait_for_stop(settings, signal_fd);
        log_event(LOG_LEVEL_INFO, "gateway.stopping");
    } else {
        tell_failure(e, why);
    }
    unmake(&gateway);
    return e == OK ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int run(const struct settings *settings)
{
    int signal_fd = -1;
    err e = program_begin(&settings->config, &signal_fd);
    if (e != OK) {
        log_error("gateway.not_started", "error=%s", err_slug(e));
        return EXIT_FAILURE;
    }
    int code = settings->drains ? drain(settings, signal_fd) : serve(settings, signal_fd);
    signal_close(signal_fd);
    return code;
}

const struct config_table *const gateway_table = &settings_table;

int gateway_main(int argc, char **argv)
{
    struct settings settings = {0};
    int code = EXIT_USAGE;
    process_name("weft-gateway"); // `weft dev` starts it by a name that says nothing
    err e = settings_read(&settings, argc, argv);
    if (e == OK && settings.config.help_asked) {
        config_help(&settings_table, stdout);
        code = EXIT_SUCCESS;
    } else if (e == OK) {
        code = run(&settings);
    } else {
        (void)fprintf(stderr, "weft gateway: %s\n", settings.config.problem);
    }
    settings_deinit(&settings);
    return code;
}
