#pragma once

// Everything that can go wrong outside a bug, as one table: name, frozen wire number, HTTP
// status, may the caller retry, slug (stable, used in problem types), text with the fix.
// Adding an error is adding a row; a number is never used twice. Pure.

#include "lib/base/check.h"

#include <stdbool.h>
#include <stdint.h>

#define ERR_TABLE(X)                                                                               \
    X(OK, 0, 200, false, "ok", "no error")                                                         \
    X(ERR_AGAIN, 1, 503, true, "again", "nothing there yet; ask again")                            \
    X(ERR_MALFORMED, 2, 400, false, "malformed", "the bytes do not follow the format")             \
    X(ERR_STALE_LEASE, 3, 409, false, "stale-lease", "the lease is no longer held; drop the job")  \
    X(ERR_FULL, 4, 429, true, "full", "a limit is reached; retry later or raise the limit")        \
    X(ERR_KEY_REUSED, 5, 422, false, "key-reused",                                                 \
      "the key belongs to another submission; use a new key or send the same body")                \
    X(ERR_NOT_FOUND, 6, 404, false, "not-found", "not there, or no longer known; check the id")    \
    X(ERR_GONE, 7, 410, false, "gone", "the job has been removed, by retention or on request")     \
    X(ERR_TOO_LARGE, 8, 413, false, "too-large", "a size limit is passed; send less")              \
    X(ERR_ID_TOO_OLD, 9, 422, false, "id-too-old",                                                 \
      "the id's time is too far from the broker's; mint a new one by its time")                    \
    X(ERR_ID_MISMATCH, 10, 422, false, "id-mismatch",                                              \
      "the id is not the one derived from tenant, queue and key")                                  \
    X(ERR_BAD_FIELD, 11, 400, false, "bad-field", "a field has a value that is not allowed")       \
    X(ERR_UNKNOWN_PEER, 12, 409, true, "unknown-peer", "say HELLO first, then repeat")             \
    X(ERR_VERSION, 13, 400, false, "version", "this protocol version is not spoken here")          \
    X(ERR_NO_BROKER, 14, 503, true, "no-broker", "the broker does not answer; retry")              \
    X(ERR_TIMEOUT, 15, 504, true, "timeout", "no answer in time; repeat with the same key")        \
    X(ERR_DISK, 16, 507, true, "disk",                                                             \
      "the disk is full or refused; make room and send the same again")                            \
    X(ERR_DAMAGED, 17, 500, false, "damaged", "a stored record fails its checksum")                \
    X(ERR_LOCKED, 18, 409, false, "locked", "another process uses this data directory")            \
    X(ERR_UNSUPPORTED, 19, 400, false, "unsupported", "this is not supported here")                \
    X(ERR_NO_MEMORY, 20, 503, true, "no-memory", "out of memory")                                  \
    X(ERR_METHOD, 21, 405, false, "method", "the method is not allowed on this resource")          \
    X(ERR_MEDIA_TYPE, 22, 415, false, "media-type", "this content type is not understood")         \
    X(ERR_LENGTH_REQUIRED, 23, 411, false, "length-required", "send a Content-Length")             \
    X(ERR_HEADERS, 24, 431, false, "headers", "the request head is too large")                     \
    X(ERR_SYSTEM, 25, 500, false, "system", "the operating system refused; see the log")           \
    X(ERR_CONFLICT, 26, 409, false, "conflict", "the present state does not allow this")           \
    X(ERR_SHUTTING_DOWN, 27, 503, true, "shutting-down", "the process is stopping; try another")   \
    X(ERR_NO_RESOURCE, 28, 404, false, "no-resource",                                              \
      "nothing is served at this path; GET / names what is")                                       \
    X(ERR_ADDRESS_IN_USE, 29, 409, false, "address-in-use",                                        \
      "another process has the address; stop it or choose another port")                           \
    X(ERR_UNIQUE, 30, 409, false, "unique",                                                        \
      "another job holds the unique key; wait for its end or follow that job instead")             \
    X(ERR_DEPENDENCY, 31, 422, false, "dependency",                                                \
      "a job to wait for is not known or no longer kept; submit that one first, or leave it out")  \
    X(ERR_ATOMIC, 32, 422, false, "atomic",                                                        \
      "another record of the same request was refused; correct that one and send all again")       \
    X(ERR_PAUSED, 33, 503, true, "paused",                                                         \
      "the queue takes no jobs until it is resumed; send the same again later")                    \
    X(ERR_SCHEMA, 34, 422, false, "schema",                                                        \
      "the payload breaks the schema of its type; correct what the violations name")               \
    X(ERR_NO_TOKEN, 35, 401, false, "no-token",                                                    \
      "a valid token is needed; send Authorization: Bearer and one that 'weft token new' made")    \
    X(ERR_SCOPE, 36, 403, false, "scope",                                                          \
      "the token or key has not the scope that this needs; use one that has it")                   \
    X(ERR_QUOTA, 37, 429, true, "quota",                                                           \
      "the tenant's quota is used up for now; send the same again after Retry-After")              \
    X(ERR_SPOOL_FULL, 38, 503, true, "spool-full",                                                 \
      "no broker answers, and the gateway's spool has no room; send the same again later")         \
    X(ERR_UNKNOWN_YET, 39, 404, true, "unknown-yet",                                               \
      "not known yet, as this gateway still has jobs for the broker; ask again later")             \
    X(ERR_WEBHOOK, 43, 422, false, "webhook",                                                      \
      "no such webhook endpoint, or none that signs; set it first (PUT /v1/webhooks/{id}), or "    \
      "give the url a secret of its own: \"secret\": \"new\"")                                     \
    X(ERR_RESERVED, 44, 422, false, "reserved",                                                    \
      "queues whose names begin with 'weft.' are the fabric's own; choose another")                \
    X(ERR_NO_KEY, 47, 403, false, "no-key",                                                        \
      "the broker does not allow this key (any more); whoever runs it sees by 'weft key list' "    \
      "which it does, and allows it by 'weft key allow'")                                          \
    X(ERR_FOREIGN_TENANT, 48, 403, false, "foreign-tenant",                                        \
      "the key is another tenant's; name the tenant that it was allowed for, or none")             \
    X(ERR_HANDSHAKE, 49, 503, true, "handshake",                                                   \
      "broker and peer do not agree on encryption; give --curve-key and --curve-server to match "  \
      "the broker, or neither")                                                                    \
    X(ERR_SPOOLED, 60, 409, true, "spooled",                                                       \
      "the job waits in the gateway's spool for a broker; look at it with GET /v1/jobs/{id}, and " \
      "ask for this again when its status is another")                                             \
    X(ERR_SPOOL_SHARE, 61, 503, true, "spool-share",                                               \
      "no broker answers, and the tenant has used up its share of the gateway's spool; send the "  \
      "same again later")                                                                          \
    X(ERR_MISDIRECTED, 62, 421, false, "misdirected",                                              \
      "this host is not served here; ask for localhost or a loopback address, or have the name "   \
      "given to the gateway (--hosts)")

#define ERR_ENUM(name, number, http, retry, slug, text) name = (number),
typedef enum err { ERR_TABLE(ERR_ENUM) } err;
#undef ERR_ENUM

// The enum's name ("ERR_FULL"), for logs. Static.
const char *err_name(err e);
// The stable slug ("full"), used in problem types and machine output. Static.
const char *err_slug(err e);
// One sentence that says the fix. Static.
const char *err_text(err e);
// The HTTP status that tells this error to a client.
int err_http(err e);
// True when the same request may succeed later.
bool err_may_retry(err e);
// The error with this wire number; an unknown number is ERR_MALFORMED.
err err_from_number(uint32_t number);
