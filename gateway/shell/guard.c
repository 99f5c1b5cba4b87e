// 401 and 403 as RFC 6750 has them.

#include "gateway/shell/guard.h"

#include "gateway/core/host.h"
#include "gateway/shell/ask.h"
#include "gateway/shell/gateway.h"
#include "gateway/shell/reply.h"
#include "lib/base/check.h"
#include "lib/sys/clock.h"

#include <inttypes.h>
#include <stdio.h>

#define CHALLENGE "Bearer realm=\"weft\""

static void refuse(const struct gateway *gateway, struct http_request *request,
                   const struct problem *problem, const char *challenge)
{
    struct reply reply = {gateway->tally, TALLY_OTHER, request};
    struct reply_headers headers = {0};
    reply_header(&headers, "WWW-Authenticate", challenge);
    reply_problem(&reply, problem, &headers);
}

static void refuse_stranger(const struct gateway *gateway, struct http_request *request,
                            struct slice header)
{
    bool has_sent = header.data != NULL;
    refuse(gateway, request,
           &(struct problem){
               .error = ERR_NO_TOKEN,
               .detail = slice_of_text(has_sent ? "the Authorization header has no token that is "
                                                  "valid: unknown, revoked or expired"
                                                : "there is no Authorization header"),
           },
           has_sent ? CHALLENGE ", error=\"invalid_token\"" : CHALLENGE);
}

// A page of another site asks through a browser on this machine: an act without a body needs nobody's
// consent there. Nothing but browsers says so, and no page can make them say otherwise.
static bool is_from_elsewhere(const struct http_request *request)
{
    struct slice site = request->headers[HTTP_SEC_FETCH_SITE];
    return site.data != NULL && !slice_is_text(site, "same-origin") && !slice_is_text(site, "none");
}

static void refuse_page(const struct gateway *gateway, struct http_request *request)
{
    refuse(gateway, request,
           &(struct problem){
               .error = ERR_NO_TOKEN,
               .detail = slice_of_text("without tokens no page of another site is served, and "
                                       "Sec-Fetch-Site says that one asks"),
           },
           CHALLENGE);
}

// Such a page may have made its name one of this machine
// (DNS rebinding), and then it is no other site to the browser; the Host still says that name. Who
// has a token is no page that happens to reach this door.
static bool is_meant_for_another(const struct gateway *gateway, const struct http_request *request,
                                 const struct caller *caller)
{
    const char *names = gateway->settings->hosts;
    if (names == NULL && !callers_is_anybody(caller))
        return false;
    return !host_is_served(request->headers[HTTP_HOST], slice_of_text(names != NULL ? names : ""));
}

static void refuse_host(const struct gateway *gateway, struct http_request *request)
{
    enum { TOLD_LEN = 64 };
    struct reply reply = {gateway->tally, TALLY_OTHER, request};
    struct slice host = request->headers[HTTP_HOST];
    char detail[TOLD_LEN + 32];
    (void)snprintf(detail, sizeof detail, "the Host is \"%.*s\"",
                   (int)(host.len < TOLD_LEN ? host.len : TOLD_LEN), (const char *)host.data);
    reply_problem(
        &reply, &(struct problem){.error = ERR_MISDIRECTED, .detail = slice_of_text(detail)}, NULL);
}

static void refuse_scope(const struct gateway *gateway, struct http_request *request,
                         const struct caller *caller, const char *scope)
{
    char detail[TOKEN_NAME_LEN_MAX + 64];
    char challenge[REPLY_VALUE_LEN];
    (void)snprintf(detail, sizeof detail, "the token \"%.*s\" has not the scope \"%s\"",
                   (int)caller->name.len, (const char *)caller->name.data, scope);
    (void)snprintf(challenge, sizeof challenge,
                   CHALLENGE ", error=\"insufficient_scope\", scope=\"%s\"", scope);
    refuse(gateway, request, &(struct problem){.error = ERR_SCOPE, .detail = slice_of_text(detail)},
           challenge);
}

static void refuse_quota(const struct gateway *gateway, struct http_request *request,
                         const struct caller *caller, const struct caller_quota *quota)
{
    char detail[TOKEN_NAME_LEN_MAX + 96];
    struct reply reply = {gateway->tally, TALLY_OTHER, request};
    struct reply_headers headers = {0};
    reply_retry_after(&headers, (uint32_t)when_min(quota->wait_ms, UINT32_MAX));
    (void)snprintf(detail, sizeof detail, "%s: the tenant %.*s may have %" PRIu64 " a minute",
                   quota->name, (int)caller->tenant.len, (const char *)caller->tenant.data,
                   quota->count);
    reply_problem(&reply, &(struct problem){.error = ERR_QUOTA, .detail = slice_of_text(detail)},
                  &headers);
}

bool guard_admits(const struct gateway *gateway, struct http_request *request, uint32_t scope)
{
    struct slice header = request->headers[HTTP_AUTHORIZATION];
    CHECK(scope != 0);
    if (scope == GUARD_OPEN)
        return true;
    if (request->repeated[HTTP_AUTHORIZATION])
        header.len = 0; // whose would it be?
    const struct caller *caller = callers_take(gateway->callers, header, clock_wall_ms());
    if (caller == NULL) {
        refuse_stranger(gateway, request, header);
        return false;
    }
    request->tag = caller;
    if (is_meant_for_another(gateway, request, caller)) {
        refuse_host(gateway, request);
        return false;
    }
    if (callers_is_anybody(caller) && is_from_elsewhere(request)) {
        refuse_page(gateway, request);
        return false;
    }
    struct caller_quota quota;
    if ((caller->scopes & scope) != scope)
        refuse_scope(gateway, request, caller, scope_name(scope));
    else if (!callers_charge(caller, request->body_len, clock_mono_ms(), &quota))
        refuse_quota(gateway, request, caller, &quota);
    else
        return true;
    return false;
}

void guard_count_body(const struct http_request *request)
{
    const struct caller *caller = request->tag;
    if (caller != NULL && request->body.len > request->body_len)
        callers_charge_more(caller, request->body.len - request->body_len);
}

static void add_text(char *out, const char *text)
{
    size_t len = strlen(out);
    CHECK(len + strlen(text) < GUARD_HEADER_LEN);
    memcpy(out + len, text, strlen(text) + 1);
}

// Structured fields, as draft-ietf-httpapi-ratelimit-headers has them.
static void tell_quota(const struct caller_quota *quota, bool is_bytes, char *out_policy,
                       char *out_left)
{
    char text[GUARD_HEADER_LEN];
    const char *comma = out_policy[0] != '\0' ? ", " : "";
    if (quota->name == NULL)
        return;
    (void)snprintf(text, sizeof text, "%s\"%s\";q=%" PRIu64 ";w=60%s", comma, quota->name,
                   quota->count, is_bytes ? ";qu=\"content-bytes\"" : "");
    add_text(out_policy, text);
    (void)snprintf(text, sizeof text, "%s\"%s\";r=%" PRIu64 ";t=%" PRId64, comma, quota->name,
                   quota->left, (quota->full_ms + 999) / 1000);
    add_text(out_left, text);
}

// It has no window: room comes as jobs end.
static void tell_open(const struct open_quota *open, char *out_policy, char *out_left)
{
    char text[GUARD_HEADER_LEN];
    const char *comma = out_policy[0] != '\0' ? ", " : "";
    if (open->max == 0)
        return;
    (void)snprintf(text, sizeof text, "%s\"open-jobs\";q=%" PRIu64, comma, open->max);
    add_text(out_policy, text);
    (void)snprintf(text, sizeof text, "%s\"open-jobs\";r=%" PRIu64, comma, open->left);
    add_text(out_left, text);
}

bool guard_tell_quotas(const struct http_request *request, const struct open_quota *open,
                       char out_policy[GUARD_HEADER_LEN], char out_left[GUARD_HEADER_LEN])
{
    const struct caller *caller = request->tag;
    struct caller_quota quotas[CALLER_QUOTAS];
    out_policy[0] = out_left[0] = '\0';
    if (caller == NULL)
        return false;
    bool has_quotas = callers_quotas(caller, quotas);
    for (uint32_t at = 0; at < CALLER_QUOTAS && has_quotas; at++)
        tell_quota(&quotas[at], at == CALLER_BYTES, out_policy, out_left);
    tell_open(open, out_policy, out_left);
    return out_policy[0] != '\0';
}

const struct caller *guard_caller(const struct http_request *request)
{
    CHECK(request->tag != NULL);
    return request->tag;
}

static void name(const struct http_request *request, struct ask *ask)
{
    const struct caller *caller = guard_caller(request);
    ask->tenant = caller->tenant;
    ask->tenant_open_max = callers_open_max(caller);
}

void guard_ask(const struct gateway *gateway, const struct http_request *request, struct ask *ask)
{
    name(request, ask);
    courier_ask(gateway->courier, ask);
}

void guard_put(const struct gateway *gateway, const struct http_request *request, struct ask *ask)
{
    name(request, ask);
    courier_put(gateway->courier, ask);
}

void guard_put_status(const struct gateway *gateway, const struct http_request *request,
                      struct ask *ask)
{
    ask->tenant = guard_caller(request)->tenant;
    statuses_put(gateway->statuses, ask);
}

void guard_ask_status(const struct gateway *gateway, const struct http_request *request,
                      struct ask *ask)
{
    guard_put_status(gateway, request, ask);
    courier_send(gateway->courier);
}

void guard_release(const void *tag)
{
    callers_give(tag);
}
