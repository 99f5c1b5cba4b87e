#pragma once

// The model store of a story: rows by number, no more. Not thread-safe.

#include "tests/support/story.h"

// What the core may ask; `store` must outlive the answer.
struct known story_store_known(struct story_store *store);
// Makes a batch durable.
void story_store_apply(struct story_store *store, const struct write *writes, uint32_t count);
// Loads all of it into a fresh core, in the order that core.h asks for.
MUST_USE err story_store_load(struct story_store *store, struct core *core);
