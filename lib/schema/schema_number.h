#pragma once

// Numbers of JSON as jansson gives them, 64-bit integers and doubles, compared without loss. Pure.

#include "lib/schema/schema_private.h"

// `value` is a number.
struct number schema_number_of(const json_t *value);
// -1, 0 or 1; exact also between an integer and a real.
int schema_number_compare(struct number a, struct number b);
// 5 and 5.0, but not 5.5.
bool schema_number_is_integer(struct number number);
// The shortest decimal that reads back as this number: what somebody has written.
struct decimal schema_number_decimal(struct number number);
// Is `a` a multiple of `b`, as decimals? Exact. `b` is not 0.
bool schema_number_is_multiple(struct decimal a, struct decimal b);
