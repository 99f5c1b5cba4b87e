// One WATCH after the other, each from where the last answer ended.

#include "cli/tail.h"

#include "cli/ask.h"
#include "cli/view.h"
#include "gateway/core/feed.h"
#include "gateway/core/query.h"

// So much longer than --give-up it takes to notice that the broker has gone.
enum { WAIT_MS = 2000 };

static const struct config_key keys[] = {
    {.key = "status",
     .type = CONFIG_STRING,
     .help = "only changes to these states, like dead or succeeded,removed"},
    {.key = "queue", .type = CONFIG_STRING, .help = "only jobs of this queue"},
    {.key = "type", .type = CONFIG_STRING, .help = "only jobs of this type"},
    {.key = "job", .type = CONFIG_STRING, .help = "only the job with this id"},
    {.key = "since",
     .type = CONFIG_STRING,
     .help = "from this place of the stream on: the id of an event, or oldest; else from now on"},
    {.key = "count",
     .type = CONFIG_INTEGER,
     .default_text = "0",
     .min = 0,
     .max = INT32_MAX,
     .help = "ends after so many events; 0: never"},
    COMMAND_KEY_BROKER,
    COMMAND_KEY_GIVE_UP,
    COMMAND_KEY_OUTPUT,
};

const struct config_table tail_table = {
    .program = "tail",
    .usage = "weft tail [flags]",
    .about = "Tells what happens to jobs, as it happens; with -o json one object a line. Where "
             "events may be\nmissing it says so, and goes on.\nExit codes: 0 --count is reached, 1 "
             "refused, 4 no answer, 64 usage.",
    .keys = keys,
    .key_count = sizeof keys / sizeof keys[0],
};

static struct slice text_of(const struct config *config, const char *key)
{
    const char *text = config_text(config, key);
    return text != NULL ? slice_of_text(text) : (struct slice){0};
}

static bool wants_oldest(const struct config *config)
{
    return slice_equal(text_of(config, "since"), slice_of_text("oldest"));
}

// False after a complaint.
static bool read_wishes(const struct config *config, struct msg_watch *out_watch)
{
    struct slice status = text_of(config, "status");
    struct slice job = text_of(config, "job");
    struct slice since = text_of(config, "since");
    *out_watch =
        (struct msg_watch){.queue = text_of(config, "queue"), .type = text_of(config, "type")};
    const char *fault = NULL;
    if (status.len > 0 && !query_states(status, &out_watch->states))
        fault = "--status is a list of states like dead or queued,running";
    else if (job.len > 0 && id_from_text(job, &out_watch->job_id) != OK)
        fault = "--job is an id like 01890a5d-ac96-774b-bcce-b302099a8057";
    else if (since.len > 0 && !wants_oldest(config) &&
             feed_place_read(since, &out_watch->since) != OK)
        fault = "--since is oldest, or the id of an event, as 'weft tail -o json' tells it";
    if (fault != NULL)
        command_complain("tail", "%s", fault);
    return fault == NULL;
}

// As many as are still wanted; 0 wanted: all.
static uint32_t print_events(const struct view *view, const struct msg_event *told, uint32_t wanted)
{
    uint32_t count = wanted > 0 && wanted < told->count ? wanted : told->count;
    if (told->gap)
        view_gap(view, told);
    for (uint32_t i = 0; i < count; i++)
        view_event(view, told, &told->events[i]);
    // Who reads it through a pipe wants the lines as they come.
    (void)fflush(stdout);
    return count;
}

static void tell_where(const struct msg_watch *watch)
{
    char place[FEED_PLACE_LEN + 1];
    if (watch->since.epoch == 0)
        return;
    feed_place_put(&watch->since, place);
    command_complain("tail", "to go on from here: --since %s", place);
}

static int follow(struct ask *ask, const struct config *config, struct msg_watch *watch)
{
    const struct view view = {.out = stdout, .wants_json = command_wants_json(config)};
    uint32_t wanted = (uint32_t)config_number(config, "count");
    uint32_t left = wanted;
    // A question without a place is answered at once with both ends of the stream.
    bool is_oldest_next = wants_oldest(config);
    while (!ferror(stdout)) {
        watch->wait_ms = WAIT_MS;
        const struct msg_event *told = ask_watch(ask, watch);
        if (told == NULL) {
            tell_where(watch);
            return ask->code;
        }
        watch->since = told->gap || is_oldest_next ? feed_oldest(told) : told->next;
        is_oldest_next = false;
        uint32_t count = print_events(&view, told, left);
        if (wanted > 0 && count == left)
            return COMMAND_SUCCEEDED;
        left -= wanted > 0 ? count : 0;
    }
    return COMMAND_SUCCEEDED; // command_end() says that it could not be written
}

int tail_main(int argc, char **argv)
{
    struct config config;
    struct ask ask = {0};
    struct msg_watch watch;
    int code = COMMAND_USAGE;
    if (command_begin(&config, &tail_table, argc, argv, &code) && read_wishes(&config, &watch))
        code = ask_open(&ask, &config) ? follow(&ask, &config, &watch) : ask.code;
    ask_close(&ask);
    config_deinit(&config);
    return command_end("tail", code);
}
