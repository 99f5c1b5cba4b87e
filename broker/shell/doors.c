// Made, tested, served, closed.

#include "broker/shell/doors.h"

#include "broker/shell/porter.h"
#include "lib/base/check.h"
#include "lib/link/cert.h"
#include "lib/sys/blake.h"
#include "lib/sys/clock.h"
#include "lib/sys/log.h"
#include "lib/sys/program.h"

#include <stdio.h>

enum { TEST_MS = 5000, ENDPOINT_LEN_MAX = 256, ADMITS_PER_ROUND = 1024, REVIEW_MS = 60000 };

// --- who may come in ---

bool doors_admits(const struct broker *broker, const struct zap_request *request)
{
    const struct holder *holder =
        keyring_find(broker->keyring, slice_of_text(request->key), clock_wall_ms());
    if (holder == NULL)
        return false;
    if (strcmp(request->domain, DOORS_TAIL) == 0) // it tells of all tenants
        return keyring_hears_all(holder);
    return strcmp(request->domain, DOORS_ROUTER) == 0;
}

static bool admits(const void *context, const struct zap_request *request)
{
    return doors_admits(context, request);
}

static uint32_t answer_all(struct link *zap, const struct doors_judge *judge)
{
    struct zap_request request;
    uint32_t refused_count = 0;
    for (uint32_t i = 0; i < ADMITS_PER_ROUND && zap_take(zap, &request) == OK; i++) {
        bool is_allowed = judge->admits(judge->context, &request);
        zap_answer(zap, &request, is_allowed);
        refused_count += !is_allowed;
        if (!is_allowed && log_is_on(LOG_LEVEL_DEBUG))
            log_debug("peer.refused", "address=%s key=%s door=%s",
                      log_quote_text(request.address).text, log_quote_text(request.key).text,
                      request.domain);
    }
    return refused_count;
}

// --- the self-test ---

static err knock(const struct doors_test *test, const struct link_curve *curve,
                 const struct doors_judge *judge)
{
    struct link *stranger = NULL;
    struct link_options options = {
        .kind = LINK_DEALER, .endpoint = test->endpoint, .message_bytes_max = 1024, .curve = curve};
    err e = link_open(test->context, &options, &stranger);
    when_ms until = clock_mono_ms() + test->patience_ms;
    when_ms left = test->patience_ms;
    while (e == OK && left > 0 && link_connection_count(stranger) == 0 &&
           link_refusal(stranger) == OK) {
        struct link_wait items[2] = {{.link = stranger}, {.link = test->zap}};
        e = link_wait(items, 2, left);
        (void)answer_all(test->zap, judge);
        left = until - clock_mono_ms();
    }
    if (e == OK && (link_connection_count(stranger) > 0 || link_refusal(stranger) == OK))
        e = ERR_NO_KEY;
    link_close(stranger);
    return e;
}

err doors_test_strangers(const struct doors_test *test, const struct doors_judge *judge)
{
    struct cert cert;
    struct link_curve curve = {0};
    CHECK(strlen(test->server_key) == LINK_KEY_LEN);
    cert_make(&cert);
    memcpy(curve.public_key, cert.public_key, sizeof curve.public_key);
    memcpy(curve.secret_key, cert.secret_key, sizeof curve.secret_key);
    memcpy(curve.server_key, test->server_key, sizeof curve.server_key);
    err e = knock(test, &curve, judge);
    return e == OK ? knock(test, NULL, judge) : e;
}

static err test_doors(struct broker *broker, const char **out_why)
{
    struct link *const doors[] = {broker->router, broker->publisher};
    const struct doors_judge judge = {.admits = admits, .context = broker};
    for (uint32_t i = 0; i < 2; i++) {
        char endpoint[ENDPOINT_LEN_MAX];
        err e = link_endpoint(doors[i], endpoint, sizeof endpoint);
        const struct doors_test test = {.context = broker->context,
                                        .zap = broker->zap,
                                        .endpoint = endpoint,
                                        .server_key = keyring_own(broker->keyring)->public_key,
                                        .patience_ms = TEST_MS};
        *out_why = "the self-test failed: a stranger's key was not refused; report this";
        if (e == OK)
            e = doors_test_strangers(&test, &judge);
        if (e != OK)
            return e;
    }
    return OK;
}

// --- making ---

static err judge_address(const struct broker *broker, const char *flag, const char *endpoint,
                         const char **out_why)
{
    static char why[ENDPOINT_LEN_MAX + 192];
    if (broker->options->keys != NULL || link_is_local(endpoint))
        return OK;
    (void)snprintf(why, sizeof why,
                   "%s %.200s: in the clear only loopback addresses are served; give --keys DIR, "
                   "and each peer a key of it by 'weft key new NAME --keys DIR'",
                   flag, endpoint);
    *out_why = why;
    return ERR_UNSUPPORTED;
}

static err bind_door(struct broker *broker, const char *flag, const struct link_options *options,
                     struct link **out_link, const char **out_why)
{
    err e = judge_address(broker, flag, options->endpoint, out_why);
    if (e != OK)
        return e;
    e = link_open(broker->context, options, out_link);
    if (e != OK)
        *out_why = program_door_problem(flag, options->endpoint, e);
    else
        link_guard_add(broker->guard, *out_link);
    return e;
}

static err make_watchers(struct broker *broker)
{
    const struct link_guard_options guard = {.unended_bytes_max = (uint64_t)4 * MSG_BYTES_MAX};
    uint64_t seed = 0;
    blake_random(&seed, sizeof seed);
    broker->guard = link_guard_new(&guard);
    broker->warden = warden_new(seed);
    return broker->guard != NULL && broker->warden != NULL ? OK : ERR_NO_MEMORY;
}

// The handler stands before the doors, so that there is no moment without it.
static err open_keys(struct broker *broker, const char **out_why)
{
    if (broker->options->keys == NULL)
        return OK;
    err e = keyring_open(broker->options->keys, &broker->keyring, out_why);
    if (e == OK)
        e = zap_open(broker->context, &broker->zap);
    if (e == OK && keyring_count(broker->keyring) == 0)
        log_warn("keys.none", "dir=%s fix=%s", log_quote_text(broker->options->keys).text,
                 log_quote_text("nobody gets in; make keys with 'weft key new NAME'").text);
    return e;
}

err doors_open(struct broker *broker, const char **out_why)
{
    *out_why = "there is not enough memory: lower the limits";
    err e = link_context_open(&broker->context);
    if (e == OK)
        e = make_watchers(broker);
    if (e == OK)
        e = open_keys(broker, out_why);
    if (e != OK)
        return e;
    struct link_curve curves[2] = {{.domain = DOORS_ROUTER}, {.domain = DOORS_TAIL}};
    for (uint32_t i = 0; broker->keyring != NULL && i < 2; i++)
        memcpy(curves[i].secret_key, keyring_own(broker->keyring)->secret_key,
               sizeof curves[i].secret_key);
    struct link_options router = {.kind = LINK_ROUTER,
                                  .endpoint = broker->options->zmq,
                                  .bind = true,
                                  .message_bytes_max = MSG_BYTES_MAX,
                                  .curve = broker->keyring != NULL ? &curves[0] : NULL};
    struct link_options publisher = router;
    publisher.kind = LINK_PUB;
    publisher.endpoint = broker->options->pub;
    publisher.curve = broker->keyring != NULL ? &curves[1] : NULL;
    e = bind_door(broker, "--zmq", &router, &broker->router, out_why);
    if (e == OK)
        e = bind_door(broker, "--pub", &publisher, &broker->publisher, out_why);
    return e == OK && broker->keyring != NULL ? test_doors(broker, out_why) : e;
}

void doors_close(struct broker *broker)
{
    link_close(broker->publisher);
    link_close(broker->router);
    link_close(broker->zap);
    link_context_close(broker->context);
    keyring_close(broker->keyring);
    link_guard_free(broker->guard);
    warden_free(broker->warden);
}

// --- serving ---

// The tail hears nothing from who listens, so it cannot tell whose a connection is. All are ended, and
// whoever may still listen comes back by himself.
static void review_tail(struct broker *broker, when_ms wall)
{
    if (!keyring_lost_a_listener(broker->keyring, wall))
        return;
    uint32_t count = link_guard_cut_all(broker->publisher);
    if (count > 0)
        log_info("tail.cut", "count=%u why=%s", count,
                 log_quote_text("a key may not listen any more; the others connect again").text);
    porter_count_cut(broker, count);
}

void doors_serve(struct broker *broker)
{
    if (broker->keyring == NULL)
        return;
    const struct doors_judge judge = {.admits = admits, .context = broker};
    bool is_time = broker->now.mono >= broker->review_at;
    if (keyring_refresh(broker->keyring, broker->now.mono) || is_time) {
        when_ms wall = clock_wall_ms();
        when_ms at = keyring_deadline(broker->keyring, wall);
        porter_review(broker);
        review_tail(broker, wall);
        // The wall clock may be set meanwhile, so it is asked again from time to time.
        broker->review_at =
            broker->now.mono + (at == WHEN_NEVER ? REVIEW_MS : when_min(at - wall, REVIEW_MS));
    }
    uint32_t refused_count = answer_all(broker->zap, &judge);
    broker->counters.keys_refused += refused_count;
    if (refused_count > 0)
        metrics_mark(broker->metrics);
}

when_ms doors_wait_ms(const struct broker *broker)
{
    // Without room nothing is received, so that the guard cannot judge.
    bool is_receiving = batch_has_room(broker->filling) && broker->held == NULL;
    when_ms at = is_receiving ? link_guard_at(broker->guard) : WHEN_NEVER;
    if (broker->keyring != NULL)
        at = when_min(at, broker->review_at);
    if (at == WHEN_NEVER)
        return WHEN_NEVER;
    return at > broker->now.mono ? at - broker->now.mono : 0;
}
