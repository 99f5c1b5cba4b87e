// A random life of a peer, against a table that is searched in full.

#include "lib/base/prng.h"
#include "lib/peer/peer.h"
#include "tests/support/test.h"

enum { MODEL_ASKS = 64, MODEL_STEPS = 60000 };

struct model_ask {
    uint64_t corr; // 0: none
    when_ms deadline;
    bool is_sent; // since the last WELCOME
};

struct model {
    struct peer peer;
    when_ms now;
    struct model_ask asks[MODEL_ASKS]; // by user
    uint32_t count;
};

static void model_forget(struct model *model, uint64_t user)
{
    model->asks[user] = (struct model_ask){0};
    model->count--;
}

static void model_act(struct model *model, struct prng *prng)
{
    struct peer_action action;
    while ((action = peer_next(&model->peer, model->now)).kind != PEER_NOTHING) {
        struct model_ask *asked = &model->asks[action.user];
        switch (action.kind) {
        case PEER_NOTHING:
        case PEER_RECONNECT: break;
        case PEER_HELLO: EXPECT(!peer_is_known(&model->peer)); break;
        case PEER_SEND:
            EXPECT(peer_is_known(&model->peer));
            EXPECT_EQ(asked->corr, action.corr);
            asked->is_sent = true;
            break;
        case PEER_GIVE_UP:
            EXPECT_EQ(asked->corr, action.corr);
            EXPECT(asked->deadline <= model->now);
            model_forget(model, action.user);
            break;
        }
        bool is_message = action.kind == PEER_HELLO || action.kind == PEER_SEND;
        if (is_message && prng_chance(prng, 5)) {
            peer_unsent(&model->peer, model->now, &action);
            if (action.kind == PEER_SEND)
                asked->is_sent = false;
        }
    }
    EXPECT(peer_wait_ms(&model->peer, model->now) != 0);
    EXPECT_EQ(model->peer.ask_count, model->count);
    for (uint32_t user = 0; user < MODEL_ASKS; user++) {
        const struct model_ask *asked = &model->asks[user];
        if (asked->corr == 0)
            continue;
        EXPECT(asked->deadline > model->now);
        // Whoever is known has sent everything, unless the link refused.
        if (peer_is_known(&model->peer) && model->peer.blocked_until <= model->now)
            EXPECT(asked->is_sent);
    }
}

static void model_welcome(struct model *model)
{
    if (!peer_welcomed(&model->peer, model->now, model->peer.hello_corr))
        return;
    for (uint32_t user = 0; user < MODEL_ASKS; user++)
        model->asks[user].is_sent = false;
}

static void model_ask(struct model *model, uint64_t user, struct prng *prng)
{
    struct model_ask *asked = &model->asks[user];
    struct peer_request request = {.user = user, .deadline = WHEN_NEVER};
    if (asked->corr != 0)
        return;
    if (prng_chance(prng, 50))
        request.deadline = model->now + 1 + (when_ms)prng_below(prng, 20000);
    if (prng_chance(prng, 30))
        request.patience = (when_ms)prng_below(prng, 10000);
    EXPECT_EQ(peer_ask(&model->peer, model->now, &request, &asked->corr), OK);
    asked->deadline = request.deadline;
    model->count++;
}

static void model_answer(struct model *model, uint64_t user)
{
    uint64_t found = 0;
    if (model->asks[user].corr == 0)
        return;
    EXPECT(peer_answered(&model->peer, model->asks[user].corr, &found));
    EXPECT_EQ(found, user);
    model_forget(model, user);
}

static void model_step(struct model *model, struct prng *prng)
{
    uint64_t user = prng_below(prng, MODEL_ASKS);
    switch (prng_below(prng, 20)) {
    case 0: peer_connected(&model->peer, model->now); break;
    case 1: peer_unknown(&model->peer, model->now, model->asks[user].corr); break;
    case 2: model->now += (when_ms)prng_below(prng, 30000); break;
    case 3: peer_heard(&model->peer); break;
    case 4:
    case 5:
    case 6: model_welcome(model); break;
    case 7:
    case 8:
    case 9:
    case 10: model_answer(model, user); break;
    case 11:
        if (model->asks[user].corr != 0 && peer_drop(&model->peer, model->asks[user].corr))
            model_forget(model, user);
        break;
    case 12:
    case 13: model->now += (when_ms)prng_below(prng, 200); break;
    default: model_ask(model, user, prng); break;
    }
}

TEST(peer, forgets_nothing_in_a_random_life)
{
    static struct model model;
    struct prng prng = prng_of(test_seed());
    void *memory =
        malloc(peer_size(MODEL_ASKS)); // of exactly this size, so that a sanitizer sees more
    EXPECT(memory != NULL);
    peer_init(&model.peer, memory, MODEL_ASKS, test_seed());
    for (uint32_t i = 0; i < MODEL_STEPS; i++) {
        model_step(&model, &prng);
        model_act(&model, &prng);
    }
    free(memory);
}
