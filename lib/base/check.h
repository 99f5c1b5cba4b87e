#pragma once

// Assertions that stay in release builds. A failed CHECK is a bug and ends the process;
// input from outside is never checked with it. Pure: the handler lives in lib/sys/check.c.

// Logs the fact and aborts. Any thread.
_Noreturn void check_failed(const char *file, int line, const char *fact);

// `fact` must be true and free of side effects.
#define CHECK(fact) ((fact) ? (void)0 : check_failed(__FILE__, __LINE__, #fact))

// Whenever `a` holds, `b` must hold too.
#define CHECK_IMPLIES(a, b)                                                                        \
    ((!(a) || (b)) ? (void)0 : check_failed(__FILE__, __LINE__, #a " implies " #b))

// Closes a switch that lists every value of its enum.
#define UNREACHABLE() check_failed(__FILE__, __LINE__, "unreachable")

// The caller must look at the result.
#define MUST_USE __attribute__((warn_unused_result))
