#pragma once

// The compiled schemas of types, and what they say of payloads. The link thread's.

#include "lib/base/arena.h"
#include "lib/schema/schema.h"
#include "proto/msg.h"

enum {
    SCHEMAS_STEPS_MAX = 4 * SCHEMA_STEPS_MAX, // of all checks of one message
    SCHEMAS_TEXT_MAX = 1024 * 1024,           // violations told in one message
};

struct schemas;

// Room for `cap` types. NULL when there is no memory.
struct schemas *schemas_new(uint32_t cap);
// Takes NULL.
void schemas_free(struct schemas *schemas);

// Takes `schema` over; NULL: the type has none any more. `type` is copied.
//   ERR_FULL   the cap is reached; the schema is still the caller's
MUST_USE err schemas_put(struct schemas *schemas, struct slice type, struct schema *schema);

// Borrowed until the next schemas_put(); NULL when the type has none.
const struct schema *schemas_peek(const struct schemas *schemas, struct slice type);

// Fills in `schema`, `detail` and `violations` of those jobs whose payload breaks the schema of
// their type; leaves alone those that are refused already. Texts come from `arena`; without room
// there they are shorter.
void schemas_judge(struct schemas *schemas, struct msg_submit *submit, struct arena *arena);
