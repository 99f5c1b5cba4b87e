#pragma once

// The compiled schemas of types, and what they say of payloads. The link thread's.

#include "lib/base/arena.h"
#include "lib/schema/schema.h"
#include "proto/msg.h"

enum {
    SCHEMAS_STEPS_MAX = 4 * SCHEMA_STEPS_MAX, // of all checks of one message
    SCHEMAS_TEXT_MAX = 1024 * 1024,           // violations told in one message
    SCHEMAS_BYTES_MAX = 1024 * 1024, // texts of all schemas; compiled, 80 times as much at most
};

struct schemas;

// Whose it is. An empty tenant is "default".
struct schemas_name {
    struct slice tenant;
    struct slice type;
};

// Room for `cap` types. NULL when there is no memory.
struct schemas *schemas_new(uint32_t cap);
// Takes NULL.
void schemas_free(struct schemas *schemas);

// Takes `schema` over, compiled from `len` bytes; NULL: the type has none any more. `name` is copied.
//   ERR_FULL   the cap is reached; the schema is still the caller's
MUST_USE err schemas_put(struct schemas *schemas, struct schemas_name name, struct schema *schema,
                         size_t len);

// Borrowed until the next schemas_put(); NULL when the type has none.
const struct schema *schemas_peek(const struct schemas *schemas, struct schemas_name name);

// A schema that `set` does not name stays: it is what holds afterwards, from the arena.
//   ERR_NO_MEMORY   no room there; nothing is changed
MUST_USE err schemas_keep(const struct schemas *schemas, struct msg_type_set *set,
                          struct arena *arena);

// Compiles what is given for a type, when all else of it is right: the caller's, NULL when there is
// none or when it is wrong. Fills in the hash; the verdict is in `set`, its text in `arena`.
struct schema *schemas_compile(const struct schemas *schemas, struct msg_type_set *set,
                               struct arena *arena);

// Fills in `schema`, `detail` and `violations` of those jobs whose payload breaks the schema of
// their type; leaves alone those that are refused already. Texts come from `arena`; without room
// there they are shorter.
void schemas_judge(struct schemas *schemas, struct msg_submit *submit, struct arena *arena);
// The same for the job of a schedule that is set; the verdict is in `set`.
void schemas_judge_schedule(struct schemas *schemas, struct msg_schedule_set *set,
                            struct arena *arena);
