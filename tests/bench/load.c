// load: a client, or a worker, that keeps a broker as busy as it can and measures.
//
//   load submit --broker E --jobs N --connections C --batch B --window W --bytes S
//   load paced  --broker E --jobs N --rate R --bytes S [--keyed 1]
//   load work   --broker E --jobs N --connections C --slots K
//   load submit … --json 1 [--schema 1]
//
// submit keeps W jobs unanswered over C connections, B jobs a message. paced sends one job a
// message at its intended moment, answered or not, and each with a key if wanted. work finishes what it is given at once; the
// first eight bytes of each payload are the moment it was meant to be sent, so it measures the
// latency to the handler. json: payloads are an object of ten members in 256 bytes, and with schema
// their type has one that says a word of each. One line of JSON at the end. One thread: the machine is small.
//
// links: weft_test_support

#include "lib/base/origin.h"
#include "lib/link/link.h"
#include "lib/sys/blake.h"
#include "lib/sys/clock.h"
#include "lib/sys/mint.h"
#include "proto/wire.h"
#include "tests/support/samples.h"

#include <stdlib.h>

enum { CONNECTIONS_MAX = 64, BATCH_MAX = 1024, BYTES_MAX = 4096 };

struct options {
    const char *mode;
    const char *broker;
    uint64_t jobs;
    uint64_t connections;
    uint64_t batch;
    uint64_t window;
    uint64_t bytes;
    uint64_t slots;
    uint64_t rate;
    uint64_t keyed;
    uint64_t json;
    uint64_t schema;
};

struct load {
    struct options options;
    struct link_context *context;
    struct link *links[CONNECTIONS_MAX];
    uint64_t out[CONNECTIONS_MAX]; // unanswered jobs
    struct arena arena;            // one message
    uint64_t sent;
    uint64_t done;
    uint64_t refused;
    uint64_t corr;
    int64_t first_us;
    int64_t last_us;
    struct samples samples;
    int64_t sent_us[1 << 16]; // by correlation number
    uint16_t slot;
    struct id stem; // ids are minted from it: random bits are costly one by one
};

static void stop(const char *what)
{
    (void)fprintf(stderr, "load: %s\n", what);
    exit(1);
}

static void must(err e, const char *what)
{
    if (e != OK)
        stop(what);
}

static uint64_t number(const char *text)
{
    char *end;
    uint64_t value = strtoull(text, &end, 10);
    if (*text == '\0' || *end != '\0')
        stop("a number is expected");
    return value;
}

static void set_option(struct options *options, const char *key, const char *value)
{
    struct {
        const char *key;
        uint64_t *place;
    } const numbers[] = {{"--jobs", &options->jobs},   {"--connections", &options->connections},
                         {"--batch", &options->batch}, {"--window", &options->window},
                         {"--bytes", &options->bytes}, {"--slots", &options->slots},
                         {"--rate", &options->rate},   {"--keyed", &options->keyed},
                         {"--json", &options->json},   {"--schema", &options->schema}};
    if (strcmp(key, "--broker") == 0) {
        options->broker = value;
        return;
    }
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        if (strcmp(key, numbers[i].key) == 0) {
            *numbers[i].place = number(value);
            return;
        }
    stop("unknown option");
}

static struct options parse(int argc, char **argv)
{
    struct options options = {.jobs = 100000,
                              .connections = 4,
                              .batch = 64,
                              .window = 1024,
                              .bytes = 256,
                              .slots = 1024,
                              .rate = 2000};
    if (argc < 2)
        stop("usage: load submit|paced|work --broker ENDPOINT …");
    options.mode = argv[1];
    for (int i = 2; i + 1 < argc; i += 2)
        set_option(&options, argv[i], argv[i + 1]);
    if (options.broker == NULL || options.connections < 1 ||
        options.connections > CONNECTIONS_MAX || options.batch < 1 || options.batch > BATCH_MAX ||
        options.bytes < 8 || options.bytes > BYTES_MAX)
        stop("an option is missing or out of range");
    return options;
}

static void say(struct load *load, uint64_t link, const struct msg *msg)
{
    struct wire_frames frames;
    arena_reset(&load->arena);
    must(wire_encode(msg, &load->arena, &frames), "cannot encode");
    err sent = ERR_AGAIN;
    while ((sent = link_send(load->links[link], (struct slice){0}, frames.envelope,
                             frames.block)) == ERR_AGAIN) {
        struct link_wait wait = {.link = load->links[link], .want_write = true};
        must(link_wait(&wait, 1, 1000), "cannot wait");
    }
    must(sent, "cannot send");
}

// Waits for the answer to the first message of a connection.
static void await(struct load *load, uint64_t link, enum msg_kind kind)
{
    int64_t end_us = clock_mono_us() + 10 * 1000 * 1000;
    while (clock_mono_us() < end_us) {
        struct link_wait wait = {.link = load->links[link]};
        must(link_wait(&wait, 1, 1000), "cannot wait");
        struct link_message message;
        err received = link_receive(load->links[link], &message);
        if (received == ERR_AGAIN)
            continue;
        must(received, "cannot receive");
        struct msg msg;
        arena_reset(&load->arena);
        must(wire_decode(message.envelope, message.block, &load->arena, &msg), "cannot decode");
        link_release(&message);
        if (msg.kind == kind)
            return;
        if (msg.kind == MSG_ERROR)
            stop("the broker refuses");
    }
    stop("the broker does not answer");
}

static void connect_one(struct load *load, uint64_t link, enum role role)
{
    const struct link_options options = {
        .kind = LINK_DEALER, .endpoint = load->options.broker, .message_bytes_max = MSG_BYTES_MAX};
    must(link_open(load->context, &options, &load->links[link]), "cannot connect");
    struct id worker = {{0}};
    blake_random(worker.bytes, sizeof worker.bytes);
    struct msg hello = {
        .kind = MSG_HELLO,
        .corr = ++load->corr,
        .hello = {
            .role = role, .name = slice_of_text("load"), .worker_id = worker, .session = link + 1}};
    say(load, link, &hello);
    await(load, link, MSG_WELCOME);
    if (role != ROLE_WORKER)
        return;
    const struct slice type = slice_of_text("bench");
    say(load, link,
        &(struct msg){
            .kind = MSG_READY,
            .corr = ++load->corr,
            .ready = {.types = &type, .type_count = 1, .slots = (uint32_t)load->options.slots}});
    await(load, link, MSG_RENEWED);
}

static struct id next_id(struct load *load, int64_t wall_ms)
{
    struct id id = id_v7(wall_ms, load->slot, load->corr);
    // The last eight bytes: a random stem and the number of the job.
    uint64_t low;
    memcpy(&low, load->stem.bytes + 8, sizeof low);
    low += load->sent;
    for (unsigned i = 0; i < 7; i++)
        id.bytes[15 - i] = (uint8_t)(low >> (8 * i));
    return id;
}

// The broker makes the id from it.
static void give_key(const struct load *load, struct msg_submit_job *job)
{
    static char key[64];
    uint64_t stem;
    memcpy(&stem, load->stem.bytes, sizeof stem);
    (void)snprintf(key, sizeof key, "%llx-%llu", (unsigned long long)stem,
                   (unsigned long long)load->sent);
    job->job_id = (struct id){{0}};
    job->key = slice_of_text(key);
}

static const char json_payload[] =
    "{\"id\": 184467, \"customer\": \"c-20931\", \"email\": \"someone@example.com\", \"amount\": "
    "129.95, \"currency\": \"EUR\", \"paid\": true, \"country\": \"NL\", \"items\": [\"a-1\", "
    "\"b-22\", "
    "\"c-333\"], \"note\": \"leave the parcel at the door of the neighbours\", \"created\": "
    "\"2026-01-31T12:00:00Z\"}";

static const char json_schema[] =
    "{\"type\": \"object\", \"additionalProperties\": false, \"required\": [\"id\", \"customer\", "
    "\"amount\"], \"properties\": {\"id\": {\"type\": \"integer\", \"minimum\": 1}, \"customer\": "
    "{\"type\": \"string\", \"pattern\": \"^c-[0-9]+$\"}, \"email\": {\"type\": \"string\"}, "
    "\"amount\": {\"type\": \"number\", \"minimum\": 0}, \"currency\": {\"enum\": [\"EUR\", "
    "\"USD\"]}, "
    "\"paid\": {\"type\": \"boolean\"}, \"country\": {\"type\": \"string\", \"maxLength\": 2}, "
    "\"items\": {\"type\": \"array\", \"items\": {\"type\": \"string\"}, \"maxItems\": 50}, "
    "\"note\": "
    "{\"type\": \"string\", \"maxLength\": 200}, \"created\": {\"type\": \"string\"}}}";

static void set_schema(struct load *load)
{
    say(load, 0,
        &(struct msg){.kind = MSG_TYPE_SET,
                      .corr = ++load->corr,
                      .type_set = {.type = slice_of_text("bench"),
                                   .schema = {.content = CONTENT_JSON,
                                              .bytes = slice_of_text(json_schema)}}});
    await(load, 0, MSG_TYPE_STATUS_IS);
}

static void submit(struct load *load, uint64_t link, uint32_t count, int64_t meant_us)
{
    static struct msg_submit_job jobs[BATCH_MAX];
    static uint8_t payload[BYTES_MAX];
    memcpy(payload, &meant_us, sizeof meant_us);
    struct body body = {.content = CONTENT_BYTES, .bytes = slice_of(payload, load->options.bytes)};
    if (load->options.json > 0)
        body = (struct body){.content = CONTENT_JSON, .bytes = slice_of_text(json_payload)};
    when_ms wall = clock_wall_ms();
    for (uint32_t i = 0; i < count; i++, load->sent++)
        jobs[i] = (struct msg_submit_job){.job_id = next_id(load, wall),
                                          .queue = slice_of_text("default"),
                                          .type = slice_of_text("bench"),
                                          .priority = MSG_PRIORITY_NOT_GIVEN,
                                          .payload = body};
    if (load->options.keyed > 0 && count == 1)
        give_key(load, &jobs[0]);
    load->out[link] += count;
    load->corr++;
    load->sent_us[load->corr % (1 << 16)] = clock_mono_us();
    say(load, link,
        &(struct msg){
            .kind = MSG_SUBMIT, .corr = load->corr, .submit = {.jobs = jobs, .count = count}});
}

static void heard_submitted(struct load *load, uint64_t link, const struct msg *msg)
{
    load->out[link] -= msg->submitted.count;
    load->done += msg->submitted.count;
    for (uint32_t i = 0; i < msg->submitted.count; i++)
        load->refused += msg->submitted.jobs[i].error != OK;
    samples_add(&load->samples, clock_mono_us() - load->sent_us[msg->corr % (1 << 16)]);
}

static void heard_jobs(struct load *load, uint64_t link, const struct msg *msg)
{
    static struct msg_finish_job finished[MSG_JOBS_MAX];
    int64_t now = clock_mono_us();
    if (load->first_us == 0)
        load->first_us = now;
    for (uint32_t i = 0; i < msg->jobs.count; i++) {
        const struct msg_job *job = &msg->jobs.jobs[i];
        int64_t meant;
        memcpy(&meant, job->payload.bytes.data, sizeof meant);
        samples_add(&load->samples, now - meant);
        finished[i] = (struct msg_finish_job){
            .job_id = job->job_id, .token = job->token, .outcome = OUTCOME_SUCCEEDED};
    }
    load->sent += msg->jobs.count;
    uint32_t count = msg->jobs.count;
    say(load, link,
        &(struct msg){.kind = MSG_FINISH,
                      .corr = ++load->corr,
                      .finish = {.jobs = finished, .count = count}});
}

// Takes all that has arrived on one link.
static void listen(struct load *load, uint64_t link)
{
    struct link_message message;
    while (link_receive(load->links[link], &message) == OK) {
        struct msg msg;
        arena_reset(&load->arena);
        must(wire_decode(message.envelope, message.block, &load->arena, &msg), "cannot decode");
        if (msg.kind == MSG_SUBMITTED)
            heard_submitted(load, link, &msg);
        if (msg.kind == MSG_JOBS)
            heard_jobs(load, link, &msg);
        if (msg.kind == MSG_FINISHED)
            load->done += msg.finished.count;
        if (msg.kind == MSG_ERROR)
            stop("the broker refuses");
        link_release(&message);
    }
}

static void wait_all(struct load *load, when_ms timeout)
{
    struct link_wait waits[CONNECTIONS_MAX];
    for (uint64_t i = 0; i < load->options.connections; i++)
        waits[i] = (struct link_wait){.link = load->links[i]};
    must(link_wait(waits, (uint32_t)load->options.connections, timeout), "cannot wait");
    for (uint64_t i = 0; i < load->options.connections; i++)
        if (waits[i].is_ready)
            listen(load, i);
}

static void run_submit(struct load *load)
{
    const struct options *options = &load->options;
    uint64_t window = options->window / options->connections;
    load->first_us = clock_mono_us();
    while (load->done < options->jobs) {
        for (uint64_t i = 0; i < options->connections; i++)
            while (load->sent < options->jobs && load->out[i] + options->batch <= window) {
                uint64_t left = options->jobs - load->sent;
                submit(load, i, (uint32_t)(left < options->batch ? left : options->batch),
                       clock_mono_us());
            }
        wait_all(load, 10000);
    }
    load->last_us = clock_mono_us();
}

static void run_paced(struct load *load)
{
    const struct options *options = &load->options;
    load->first_us = clock_mono_us();
    while (load->sent < options->jobs) {
        int64_t meant = load->first_us + (int64_t)(load->sent * 1000000 / options->rate);
        int64_t now = clock_mono_us();
        if (now >= meant)
            submit(load, load->sent % options->connections, 1, meant);
        else
            wait_all(load, meant - now > 1000 ? (meant - now) / 1000 : 0);
    }
    while (load->done < options->jobs)
        wait_all(load, 10000);
    load->last_us = clock_mono_us();
}

static void run_work(struct load *load)
{
    printf("ready\n");
    (void)fflush(stdout);
    while (load->done < load->options.jobs)
        wait_all(load, 60000);
    load->last_us = clock_mono_us();
}

int main(int argc, char **argv)
{
    static struct load load;
    enum { ROOM = 64 * 1024 * 1024 };
    load.options = parse(argc, argv);
    load.arena = (struct arena){.data = malloc(ROOM), .cap = ROOM};
    samples_init(&load.samples);
    load.slot = mint_slot(
        &(struct origin){.tenant = slice_of_text("default"), .queue = slice_of_text("default")});
    if (load.arena.data == NULL)
        stop("out of memory");
    blake_random(load.stem.bytes, sizeof load.stem.bytes);
    must(link_context_open(&load.context), "cannot start ZeroMQ");
    bool works = strcmp(load.options.mode, "work") == 0;
    for (uint64_t i = 0; i < load.options.connections; i++)
        connect_one(&load, i, works ? ROLE_WORKER : ROLE_CLIENT);
    if (load.options.schema > 0)
        set_schema(&load);
    if (works)
        run_work(&load);
    else if (strcmp(load.options.mode, "paced") == 0)
        run_paced(&load);
    else if (strcmp(load.options.mode, "submit") == 0)
        run_submit(&load);
    else
        stop("the first word is submit, paced or work");
    samples_report(&load.samples, &(struct samples_run){.mode = load.options.mode,
                                                        .jobs = load.done,
                                                        .refused = load.refused,
                                                        .first_us = load.first_us,
                                                        .last_us = load.last_us});
    for (uint64_t i = 0; i < load.options.connections; i++)
        link_close(load.links[i]);
    link_context_close(load.context);
    samples_deinit(&load.samples);
    free(load.arena.data);
    return 0;
}
