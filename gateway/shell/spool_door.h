#pragma once

// What HTTP clients see of the spool. Any thread.

#include "gateway/shell/reply.h"
#include "gateway/shell/spool_pack.h"
#include "gateway/shell/tally.h"
#include "lib/http/http.h"

struct gateway;

enum { SPOOL_RETRY_MS = 5000 }; // when to come again to a spool that is full

// No broker has answered for some jobs: can the spool take them? Not when one may have them by now
// and would not know them again: those without a key that were sent.
bool spool_door_takes(const struct gateway *gateway, err said, bool has_keys);

// Answers a question about a job that is in the spool, of this tenant. False: it is not there, and
// nothing has been answered.
bool spool_door_status(const struct gateway *gateway, struct http_request *request,
                       const struct id *id);
// Refuses a question about a job that is in the spool, of this tenant, or an act on it: `e` is
// what the broker has said, OK: nobody has been asked yet. False: go on; nothing has been answered.
bool spool_door_refuses(const struct gateway *gateway, const struct reply *reply,
                        const struct id *id, err e);
// What to say of a job, or of what has jobs, that is not known: while some are on their way to the
// broker nobody can be sure.
err spool_door_unknown(const struct gateway *gateway, err e);
// Does another submission with this id wait in the spool?
bool spool_door_conflicts(const struct gateway *gateway, const struct msg_submit_job *job,
                          uint64_t fingerprint);

// GET /v1/spool, GET /v1/spool/waiting and /refused, DELETE /v1/spool/{id}.
void spool_door_books(const struct gateway *gateway, struct http_request *request);
void spool_door_list(const struct gateway *gateway, struct http_request *request,
                     enum spool_place place);
void spool_door_delete(const struct gateway *gateway, struct http_request *request);
