#pragma once

// What is wrong with a document that a client has sent, as a sentence that names the field and says what would be
// right. Pure.

#include "lib/base/slice.h"

enum { SUBMIT_DETAIL_LEN = 384 };

struct submit_fault {
    char detail[SUBMIT_DETAIL_LEN]; // a sentence that names the field; zero-terminated
};

// `prefix` `name` " " `rule`, and what was probably meant when `near` is not NULL.
void submit_fault_tell(struct submit_fault *fault, const char *prefix, struct slice name,
                       const char *rule, const char *near);

struct submit_names {
    const char *const *items;
    uint32_t count;
};
// The same of a name that is not among `known`: which of them was probably meant, or all of them.
void submit_fault_unknown(struct submit_fault *fault, const char *prefix, struct slice name,
                          const char *rule, const struct submit_names *known);
