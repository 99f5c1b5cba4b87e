#pragma once

#include "tests/support/test.h"

#include <stdio.h>

// Compares with hexadecimal text in which spaces are free; prints what was made when it differs.
static inline void expect_hex(const uint8_t *bytes, size_t len, const char *hex)
{
    char made[4096] = "";
    char wanted[4096] = "";
    size_t at = 0;
    for (size_t i = 0; i < len; i++)
        at += (size_t)snprintf(made + at, sizeof made - at, "%02x", bytes[i]);
    at = 0;
    for (const char *c = hex; *c != '\0'; c++) {
        if (*c != ' ')
            wanted[at++] = *c;
    }
    EXPECT_STR(made, wanted);
}
