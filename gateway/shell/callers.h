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

struct caller {
    struct slice tenant;
    struct slice name;
    uint32_t scopes;    // bits of enum scope
    when_ms expires_at; // wall clock
    struct roll *roll;  // keeps the names; NULL: they are static
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
