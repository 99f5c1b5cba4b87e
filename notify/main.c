// From argv to the loop, and back.

#include "notify/main.h"

#include "lib/base/check.h"
#include "lib/sys/log.h"
#include "lib/sys/process.h"
#include "lib/sys/program.h"
#include "lib/sys/signal.h"
#include "notify/delivery.h"
#include "notify/loop.h"
#include "worker/duty/home.h"
#include "worker/duty/talk.h"

#include <stdio.h>
#include <stdlib.h>

enum { EXIT_USAGE = 64, KILL_AFTER_MS = 1000, CONNECT_PERCENT = 66 };

static int cannot(const char *why)
{
    log_error("notify.not_started", "why=%s", log_quote_text(why).text);
    return EXIT_FAILURE;
}

static void on_stop(void *ctx, uint32_t slot, enum slot_order order)
{
    (void)order; // there is nothing to be gentle with
    delivery_stop(ctx, slot);
}

static void on_introduce(void *ctx)
{
    struct notifier *notifier = ctx;
    const char *metrics = figures_endpoint(notifier->figures);
    char id[ID_TEXT_LEN + 1];
    id_to_text(&notifier->duty.setup.worker_id, id);
    figures_set_ready(notifier->figures, true);
    (void)printf("ready notifier=%s slots=%u broker=%s metrics=%s%s\n", id,
                 notifier->manner->slot_count, notifier->manner->broker,
                 metrics != NULL ? "http://" : "off", metrics != NULL ? metrics : "");
    (void)fflush(stdout); // whoever waits for the line sees it or is gone
}

_Noreturn static void on_die(void *ctx, const char *event, const char *why)
{
    (void)ctx;
    log_error(event, "why=%s", log_quote_text(why).text);
    exit(EXIT_FAILURE);
}

// Without the key nothing can be signed; what is to be sent waits and says so.
static void read_key(struct notifier *notifier)
{
    err read = seal_key_read(notifier->manner->key_file, &notifier->key);
    notifier->has_key = read == OK;
    if (read != OK)
        log_warn("notify.no_key", "file=%s error=%s fix=%s",
                 log_quote_text(notifier->manner->key_file).text, err_slug(read),
                 log_quote_text("give --webhook-key the gateway's file, mode 0600").text);
}

static int make_duty(struct notifier *notifier, const struct home *home)
{
    static const struct slice types[] = {{(const uint8_t *)HOOK_TYPE, sizeof HOOK_TYPE - 1}};
    static const struct slice queues[] = {{(const uint8_t *)HOOK_QUEUE, sizeof HOOK_QUEUE - 1}};
    const struct manner *manner = notifier->manner;
    const struct duty_setup setup = {.role = ROLE_NOTIFIER,
                                     .broker = manner->broker,
                                     .curve = manner->has_curve ? &manner->curve : NULL,
                                     .name = slice_of_text("notify"),
                                     .types = types,
                                     .type_count = 1,
                                     .queues = queues,
                                     .queue_count = 1,
                                     .slot_count = manner->slot_count,
                                     .grace_ms = manner->grace_ms,
                                     .kill_after_ms = KILL_AFTER_MS,
                                     .worker_id = home->worker_id};
    const struct duty_crew crew = {
        .ctx = notifier, .stop = on_stop, .introduce = on_introduce, .die = on_die};
    struct journal_loaded loaded;
    if (duty_init(&notifier->duty, &setup, &crew) != OK ||
        duty_recover(&notifier->duty, NULL, &loaded) != OK)
        return cannot("there is not enough memory; lower --concurrency");
    err opened = talk_open(&notifier->duty);
    return opened == OK ? EXIT_SUCCESS : cannot(err_text(opened));
}

static int make_rest(struct notifier *notifier)
{
    const struct manner *manner = notifier->manner;
    const struct post_options posts = {.rules = &manner->rules,
                                       .ca_file = manner->ca_file,
                                       .agent = "weft-notify",
                                       .count_max = manner->slot_count,
                                       .deadline_ms = manner->timeout_ms,
                                       .connect_ms = manner->timeout_ms * CONNECT_PERCENT / 100,
                                       .body_bytes_max = NOTIFIER_ANSWER_BYTES_MAX};
    void *memory = malloc(receivers_size(manner->slot_count));
    notifier->deliveries = calloc(manner->slot_count, sizeof *notifier->deliveries);
    if (memory == NULL || notifier->deliveries == NULL) {
        free(memory);
        return cannot("there is not enough memory; lower --concurrency");
    }
    receivers_init(&notifier->receivers, memory, manner->slot_count, &manner->receivers);
    err opened = figures_open(manner->metrics, &notifier->figures);
    if (opened != OK)
        return cannot(program_door_problem("--metrics", manner->metrics, opened));
    opened = post_open(&posts, &notifier->posts);
    if (opened == OK)
        opened = parents_open(manner->broker, manner->has_curve ? &manner->curve : NULL,
                              &notifier->parents);
    return opened == OK ? EXIT_SUCCESS : cannot(err_text(opened));
}

static void unmake(struct notifier *notifier)
{
    talk_close(&notifier->duty);
    parents_close(notifier->parents);
    post_close(notifier->posts);
    figures_close(notifier->figures);
    for (uint32_t i = 0; notifier->deliveries != NULL && i < notifier->manner->slot_count; i++)
        free(notifier->deliveries[i].body);
    free(notifier->deliveries);
    free(notifier->receivers.items);
    duty_deinit(&notifier->duty);
    seal_key_forget(&notifier->key);
}

static int run_at_home(const struct manner *manner, const struct home *home, int signal_fd)
{
    static struct notifier notifier;
    notifier = (struct notifier){.manner = manner, .signal_fd = signal_fd};
    read_key(&notifier);
    int code = make_rest(&notifier);
    if (code == EXIT_SUCCESS)
        code = make_duty(&notifier, home);
    if (code == EXIT_SUCCESS) {
        loop_run(&notifier);
        talk_leave(&notifier.duty);
        log_info("notify.left", "outcomes_kept=%u", notifier.duty.outbox.count);
    }
    unmake(&notifier);
    return code;
}

static int run(const struct manner *manner)
{
    static struct home home;
    char why[HOME_WHY_LEN];
    int signal_fd = -1;
    err begun = program_begin(&manner->config, &signal_fd);
    if (begun != OK)
        return cannot(err_text(begun));
    int code = EXIT_FAILURE;
    if (home_open(manner->data, &home, why) != OK) {
        code = cannot(why);
    } else {
        code = run_at_home(manner, &home, signal_fd);
        home_close(&home);
    }
    signal_close(signal_fd);
    return code;
}

const struct config_table *const notify_table = &manner_table;

int notify_main(int argc, char **argv)
{
    static struct manner manner; // its rules point into it
    int code = EXIT_USAGE;
    process_name("weft-notify"); // `weft dev` starts it by a name that says nothing
    err read = manner_read(&manner, argc, argv);
    if (read == OK && manner.config.help_asked) {
        config_help(&manner_table, stdout);
        code = EXIT_SUCCESS;
    } else if (read == OK) {
        code = run(&manner);
    } else {
        (void)fprintf(stderr, "weft notify: %s\n", manner.config.problem);
    }
    manner_deinit(&manner);
    return code;
}
