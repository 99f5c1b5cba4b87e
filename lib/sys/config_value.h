#pragma once

// One setting's text as a number, and the words for telling what is wrong with it. Any thread.

#include "lib/sys/config.h"

// Judges `text` by the type and range of `key`. The number is what struct config_value says.
//   ERR_BAD_FIELD   `problem` gets the rest of a sentence: "is not a duration (like 30s …)"
MUST_USE err config_value_parse(const struct config_key *key, const char *text, int64_t *out_number,
                                char *problem, size_t cap);

// What the help shows for a value: "N", "DURATION", "text|json"; "" for a bool.
const char *config_value_shape(const struct config_key *key);

// "1 to 64", or "" when every number is allowed.
void config_value_range(const struct config_key *key, char *out, size_t cap);
