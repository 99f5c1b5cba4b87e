#pragma once

// Who asks: the caller of each request, by its token. The list of tokens is looked at with every
// request, so that a new token works and a revoked one does not from the next request on. Any
// thread.
//
//   no list, and never one   everybody is the caller "http" of the tenant "default", with all scopes
//   a list                   only its tokens
//   the list has gone        nobody: what was closed does not open by itself
//   a list that is damaged   the tokens of the last good one; at the start nothing is served

#include "gateway/core/token.h"
#include "lib/base/err.h"

struct callers;
struct allowance;

struct caller {
    struct slice tenant;
    struct slice name;
    uint32_t scopes;             // bits of enum scope
    when_ms expires_at;          // wall clock
    struct roll *roll;           // keeps the names; NULL: they are static
    struct allowance *allowance; // what all of its tenant may do; NULL: what they like
};

// `dir` is that of token_file.h.
//   ERR_DAMAGED and others of token_file_read(), `out_why` is a sentence then
MUST_USE err callers_open(const char *dir, struct callers **out_callers, const char **out_why);
// Callers that were given out live on. NULL is allowed.
void callers_close(struct callers *callers);

// False: everybody may ask.
bool callers_need_tokens(struct callers *callers);

// Who an Authorization header stands for; `header` is empty without one. To be given back.
// NULL: nobody.
const struct caller *callers_take(struct callers *callers, struct slice header, when_ms wall);
void callers_give(const struct caller *caller);
// It needed no token, and need not be given back.
bool callers_is_anybody(const struct caller *caller);

// A quota of a tenant: so much a minute.
struct caller_quota {
    const char *name; // static; NULL: there is none
    uint64_t count;
    uint64_t left;
    when_ms full_ms; // until nothing of it is used
    when_ms wait_ms; // until what was asked for is there; 0: it was
};
enum { CALLER_REQUESTS, CALLER_BYTES, CALLER_QUOTAS };

// Takes one request with a body of `bytes` from what the tenant may. False: it is not there, and
// nothing was taken; `out_short` is the quota that is used up.
bool callers_charge(const struct caller *caller, uint64_t bytes, when_ms mono,
                    struct caller_quota *out_short);
// Bytes that have come already: they are paid for by what is refused later.
void callers_charge_more(const struct caller *caller, uint64_t bytes);
// Unfinished jobs that its tenant may have; 0: no quota. The broker counts them.
uint32_t callers_open_max(const struct caller *caller);
// The same for a tenant, whoever asks for it.
uint32_t callers_open_max_of(struct callers *callers, struct slice tenant);
// False: there are no quotas.
bool callers_quotas(const struct caller *caller, struct caller_quota out_quotas[CALLER_QUOTAS]);
