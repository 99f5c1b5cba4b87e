// One piece of memory for each question, from the asking to the taking.

#include "notify/parents.h"

#include "gateway/shell/courier.h"
#include "gateway/shell/shown.h"
#include "lib/base/origin.h"
#include "lib/sys/clock.h"
#include "lib/sys/wake.h"

#include <pthread.h>
#include <stdlib.h>

struct parent {
    struct ask ask; // first: `done` gets it back
    struct parents *parents;
    struct parents_answer answer;
    struct parent *next;
    uint8_t tenant[MSG_NAME_LEN_MAX];
    uint8_t endpoint[MSG_NAME_LEN_MAX];
    struct msg question; // of one that disables
    uint8_t url[];
};

struct parents {
    struct courier *courier;
    struct wake wake;
    pthread_mutex_t lock; // first, last
    struct parent *first;
    struct parent *last;
};

static void note_shown(struct parents_answer *answer, struct shown shown)
{
    answer->error = shown.error;
    answer->has_ended = shown.is_final;
}

static void note_disabled(struct parents_answer *answer, const struct msg *said)
{
    const struct msg_webhook_status_is *is = &said->webhook_status_is;
    answer->error = said->kind == MSG_WEBHOOK_STATUS_IS ? is->error : ERR_MALFORMED;
    answer->is_on = answer->error == OK && is->count > 0 && !is->webhooks[0].disabled;
}

// In the courier's thread.
static void on_answer(struct ask *ask, const struct ask_result *result)
{
    struct parent *parent = (struct parent *)(void *)ask;
    struct parents *parents = parent->parents;
    struct parents_answer *answer = &parent->answer;
    struct out body = {0};
    answer->error = result->error;
    if (answer->error == OK && ask->kind == ASK_MSG)
        note_disabled(answer, result->answer);
    else if (answer->error == OK)
        note_shown(answer, shown_of(result, clock_wall_ms()));
    if (answer->error == OK && ask->kind != ASK_MSG)
        answer->error = shown_put(result, OUT_JSON, clock_wall_ms(), 0, &body);
    if (answer->error == OK && body.full)
        answer->error = ERR_TOO_LARGE;
    if (answer->error == OK) {
        answer->data = body.data;
        answer->data_len = body.len;
    } else {
        shown_free(&body);
    }
    (void)pthread_mutex_lock(&parents->lock);
    if (parents->last != NULL)
        parents->last->next = parent;
    else
        parents->first = parent;
    parents->last = parent;
    (void)pthread_mutex_unlock(&parents->lock);
    wake_ring(&parents->wake);
}

err parents_open(const char *endpoint, const struct link_curve *curve, struct parents **out_parents)
{
    struct parents *parents = calloc(1, sizeof *parents);
    if (parents == NULL)
        return ERR_NO_MEMORY;
    (void)pthread_mutex_init(&parents->lock, NULL); // cannot fail with default attributes
    err opened = wake_open(&parents->wake);
    if (opened == OK) {
        opened = courier_open(endpoint, curve, &parents->courier);
        if (opened != OK)
            wake_close(&parents->wake);
    }
    if (opened != OK) {
        (void)pthread_mutex_destroy(&parents->lock);
        free(parents);
        return opened;
    }
    *out_parents = parents;
    return OK;
}

void parents_close(struct parents *parents)
{
    struct parents_answer answer;
    if (parents == NULL)
        return;
    courier_close(parents->courier); // every question has been answered then
    while (parents_take(parents, &answer))
        free(answer.data);
    wake_close(&parents->wake);
    (void)pthread_mutex_destroy(&parents->lock);
    free(parents);
}

static struct slice copy(struct slice from, uint8_t *room, size_t cap)
{
    CHECK(from.len <= cap);
    if (from.len > 0)
        memcpy(room, from.data, from.len);
    return slice_of(room, from.len);
}

err parents_ask(struct parents *parents, const struct parents_question *question)
{
    struct parent *parent = calloc(1, sizeof *parent + question->url.len);
    if (parent == NULL)
        return ERR_NO_MEMORY;
    parent->parents = parents;
    parent->answer = (struct parents_answer){.slot = question->slot, .token = question->token};
    parent->ask = (struct ask){
        .kind = question->disable.len > 0 ? ASK_MSG
                : question->is_batch      ? ASK_BATCH
                                          : ASK_STATUS,
        .tenant = copy(origin_tenant(question->tenant), parent->tenant, sizeof parent->tenant),
        .done = on_answer,
        .id = question->id,
        .question = &parent->question};
    parent->question = (struct msg){.kind = MSG_WEBHOOK_SET};
    parent->question.webhook_set = (struct msg_webhook_set){
        .act = WEBHOOK_DISABLE,
        .given = {.webhook_id = copy(question->disable, parent->endpoint, sizeof parent->endpoint),
                  .url = copy(question->url, parent->url, question->url.len)},
        .reason = slice_of_text("410 Gone"),
    };
    courier_ask(parents->courier, &parent->ask);
    return OK;
}

int parents_fd(const struct parents *parents)
{
    return parents->wake.fd;
}

bool parents_take(struct parents *parents, struct parents_answer *out_answer)
{
    wake_clear(&parents->wake);
    (void)pthread_mutex_lock(&parents->lock);
    struct parent *parent = parents->first;
    if (parent != NULL)
        parents->first = parent->next;
    if (parents->first == NULL)
        parents->last = NULL;
    (void)pthread_mutex_unlock(&parents->lock);
    if (parent == NULL)
        return false;
    *out_answer = parent->answer;
    free(parent);
    return true;
}
