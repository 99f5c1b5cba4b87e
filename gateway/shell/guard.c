// 401 and 403 as RFC 6750 has them.

#include "gateway/shell/guard.h"

#include "gateway/shell/gateway.h"
#include "gateway/shell/reply.h"
#include "lib/base/check.h"
#include "lib/sys/clock.h"

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
    if ((caller->scopes & scope) == scope)
        return true;
    refuse_scope(gateway, request, caller, token_scope_name(scope));
    return false;
}

const struct caller *guard_caller(const struct http_request *request)
{
    CHECK(request->tag != NULL);
    return request->tag;
}

void guard_ask(const struct gateway *gateway, const struct http_request *request, struct ask *ask)
{
    ask->tenant = guard_caller(request)->tenant;
    courier_ask(gateway->courier, ask);
}

void guard_release(const void *tag)
{
    callers_give(tag);
}
