// Workers page by page, as a table or as the objects of the HTTP door.

#include "cli/roster.h"

#include "cli/ask.h"
#include "cli/plain.h"
#include "cli/view.h"
#include "gateway/core/roster.h"
#include "lib/base/moment.h"

#include <inttypes.h>

static const struct config_key keys[] = {
    COMMAND_LIST_KEYS,
};

const struct config_table roster_table = {
    .program = "workers list",
    .usage = "weft workers list [flags]",
    .about = "Lists the workers that are connected, or still have jobs. With -o json one object "
             "for each page of 64.\nExit codes: 0 listed, 4 no answer, 64 usage.",
    .keys = keys,
    .key_count = sizeof keys / sizeof keys[0],
};

// A page's JSON: names may be escaped byte by byte.
enum { PAGE_LEN = 64 * 1024 + 6 * 64 * 1024 };

static void print_json(const struct view *view, const struct msg_worker_listed *listed)
{
    struct out json = {.data = malloc(PAGE_LEN), .cap = PAGE_LEN, .format = OUT_JSON};
    if (json.data == NULL) {
        (void)fprintf(stderr, "weft: out of memory\n");
        return;
    }
    roster_answer(&json, listed);
    struct slice text = out_slice(&json);
    (void)fwrite(text.data, 1, text.len, view->out); // command_end() asks ferror()
    (void)fputc('\n', view->out);
    free(json.data);
}

static void print_line(const struct view *view, const struct msg_worker_line *line)
{
    char id[ID_TEXT_LEN + 1];
    char since[MOMENT_TEXT_LEN + 1] = "-";
    char running[32];
    char name[MSG_NAME_LEN_MAX + 1];
    id_to_text(&line->worker_id, id);
    if (line->since_at > 0 && line->since_at <= MOMENT_MAX)
        moment_format(line->since_at, since);
    (void)snprintf(running, sizeof running, "%" PRIu32 "/%" PRIu32, line->running, line->slots);
    plain_copy(line->name, name, sizeof name);
    (void)fprintf(view->out, "%-36s %-16s %-9s %9s %-24s ", id, name, roster_status(line), running,
                  since);
    plain_put(view->out, line->types);
    (void)fputc('\n', view->out);
}

static int list(struct ask *ask, const struct config *config)
{
    struct view view = {.out = stdout, .wants_json = command_wants_json(config)};
    struct msg_worker_list question = {0};
    bool needs_header = command_wants_header(config);
    do {
        const struct msg_worker_listed *listed = ask_workers(ask, &question);
        if (listed == NULL)
            return ask->code;
        if (needs_header)
            (void)fprintf(view.out, "%-36s %-16s %-9s %9s %-24s %s\n", "WORKER", "NAME", "STATUS",
                          "RUNNING", "SINCE", "TYPES");
        needs_header = false;
        if (view.wants_json)
            print_json(&view, listed);
        for (uint32_t i = 0; i < listed->count && !view.wants_json; i++)
            print_line(&view, &listed->workers[i]);
        question.cursor = listed->cursor;
    } while (question.cursor != 0);
    return COMMAND_SUCCEEDED;
}

int roster_main(int argc, char **argv)
{
    return ask_run(&roster_table, argc, argv, list);
}
