// A question, an answer. A log is text for whoever asks for text/plain.

#include "gateway/shell/histories.h"

#include "gateway/core/history.h"
#include "gateway/core/media.h"
#include "gateway/core/query.h"
#include "gateway/shell/gateway.h"
#include "gateway/shell/guard.h"
#include "gateway/shell/reply.h"
#include "gateway/shell/spool_door.h"

#include <stdlib.h>

enum { NOTE_LEN_MAX = 48 };

struct glance {
    struct ask ask; // first: the courier's pointer is ours
    struct msg question;
    const struct gateway *gateway;
    struct http_request *request;
};

static void refuse(const struct glance *glance, err e, const char *detail)
{
    struct reply reply = {glance->gateway->tally, TALLY_JOB, glance->request};
    reply_problem(&reply, &(struct problem){.error = e, .detail = slice_of_text(detail)}, NULL);
}

// Of a job that is on its way there is no history yet.
static bool is_in_spool(const struct glance *glance, err e)
{
    struct reply reply = {glance->gateway->tally, TALLY_JOB, glance->request};
    return spool_door_refuses(glance->gateway, &reply, &glance->ask.id, e);
}

static bool wants_text(const struct http_request *request)
{
    struct slice accept = request->headers[HTTP_ACCEPT];
    return media_wanted(accept) == MEDIA_OTHER && accept.len >= 5 &&
           memcmp(accept.data, "text/", 5) == 0;
}

static void answer_value(const struct glance *glance, const struct msg *msg)
{
    struct reply reply = {glance->gateway->tally, TALLY_JOB, glance->request};
    struct reply_headers headers = {0};
    bool is_log = msg->kind == MSG_LOG_IS;
    size_t cap = is_log ? history_log_len(&msg->log_is) : history_timeline_len(&msg->timeline_is);
    struct out out = {.data = malloc(cap), .cap = cap, .format = reply_format(glance->request)};
    if (out.data == NULL) {
        refuse(glance, ERR_NO_MEMORY, "");
        return;
    }
    if (is_log) {
        reply_etag(&headers, msg->log_is.version);
        history_log(&out, &msg->log_is, glance->question.log.after);
    } else { // it grows while the version of the job stands still
        history_timeline(&out, &msg->timeline_is);
    }
    reply_value(&reply, 200, &out, &headers);
    free(out.data);
}

static size_t put_line(uint8_t *to, struct slice text)
{
    if (text.len > 0)
        memcpy(to, text.data, text.len);
    to[text.len] = '\n';
    return text.len + 1;
}

static void answer_text(const struct glance *glance, const struct msg_log_is *log)
{
    struct reply reply = {glance->gateway->tally, TALLY_JOB, glance->request};
    size_t cap = NOTE_LEN_MAX;
    for (uint32_t i = 0; i < log->line_count; i++)
        cap += log->lines[i].text.len + 1 + NOTE_LEN_MAX;
    uint8_t *text = malloc(cap);
    if (text == NULL) {
        refuse(glance, ERR_NO_MEMORY, "");
        return;
    }
    size_t len = 0;
    for (uint32_t i = 0; i < log->line_count; i++) {
        char note[NOTE_LEN_MAX];
        uint32_t dropped = history_dropped(log, glance->question.log.after, i);
        (void)snprintf(note, sizeof note, "... %u lines were dropped ...", dropped);
        if (dropped > 0)
            len += put_line(text + len, slice_of_text(note));
        len += put_line(text + len, log->lines[i].text);
    }
    reply_text(&reply, 200, "text/plain; charset=utf-8", slice_of(text, len));
    free(text);
}

static void tell_refusal(const struct glance *glance, err e)
{
    if (!is_in_spool(glance, e))
        refuse(glance, spool_door_unknown(glance->gateway, e), "");
}

static void answered(struct ask *ask, const struct ask_result *result)
{
    struct glance *glance = (struct glance *)ask;
    const struct msg *msg = result->answer;
    err e = result->error;
    bool is_log = e == OK && msg->kind == MSG_LOG_IS;
    if (is_log)
        e = msg->log_is.error;
    else if (e == OK)
        e = msg->kind == MSG_TIMELINE_IS ? msg->timeline_is.error : ERR_MALFORMED;
    if (e != OK)
        tell_refusal(glance, e);
    else if (is_log && wants_text(glance->request))
        answer_text(glance, &msg->log_is);
    else
        answer_value(glance, msg);
    free(glance);
}

static void look_at(const struct gateway *gateway, struct http_request *request, bool is_log)
{
    struct glance first = {.gateway = gateway, .request = request};
    struct query query;
    char fault[QUERY_FAULT_LEN] = "";
    err e = query_read(request->query, is_log ? 1u << QUERY_AFTER_LINE : 0, &query, fault);
    if (e == OK && id_from_text(request->segment, &first.ask.id) != OK)
        e = ERR_NOT_FOUND;
    if (e == OK && is_in_spool(&first, OK))
        return;
    struct glance *glance = e == OK ? malloc(sizeof *glance) : NULL;
    if (e == OK && glance == NULL)
        e = ERR_NO_MEMORY;
    if (e != OK) {
        refuse(&first, e, fault);
        return;
    }
    *glance = first;
    const struct id id = first.ask.id;
    glance->question =
        is_log ? (struct msg){.kind = MSG_LOG, .log = {.job_id = id, .after = query.after_line}}
               : (struct msg){.kind = MSG_TIMELINE, .timeline = {.job_id = id}};
    glance->ask =
        (struct ask){.kind = ASK_MSG, .done = answered, .id = id, .question = &glance->question};
    guard_ask(gateway, glance->request, &glance->ask);
}

void histories_timeline(const struct gateway *gateway, struct http_request *request)
{
    look_at(gateway, request, false);
}

void histories_log(const struct gateway *gateway, struct http_request *request)
{
    look_at(gateway, request, true);
}
