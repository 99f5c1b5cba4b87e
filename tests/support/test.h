#pragma once

// A thin layer on cmocka. A test is a claim about a noun:
//
//     TEST(lease, silent_worker_loses_the_job)
//     {
//         EXPECT_EQ(leases_deadline(&leases), 35);
//     }
//
// It registers itself; main() is in test.c and runs all of them, or those whose name contains the
// word on the command line. Not thread-safe: EXPECT only from the thread that runs the test.

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#define TEST(noun, claim)                                                                          \
    static void test_##noun##__##claim(void);                                                      \
    static void test_run_##noun##__##claim(void **state)                                           \
    {                                                                                              \
        (void)state;                                                                               \
        test_##noun##__##claim();                                                                  \
    }                                                                                              \
    __attribute__((constructor)) static void test_add_##noun##__##claim(void)                      \
    {                                                                                              \
        test_add(#noun ": " #claim, test_run_##noun##__##claim);                                   \
    }                                                                                              \
    static void test_##noun##__##claim(void)

// EXPECT takes anything that is true or false; EXPECT_EQ integers of any kind, enums and bools.
#define EXPECT(claim) _assert_true((claim) ? 1 : 0, #claim, __FILE__, __LINE__)
#define EXPECT_EQ(actual, expected)                                                                \
    test_expect_eq((intmax_t)(actual), (intmax_t)(expected), #actual " == " #expected, __FILE__,   \
                   __LINE__)
#define EXPECT_STR(actual, expected) test_expect_str((actual), (expected), __FILE__, __LINE__)
#define EXPECT_MEM(actual, expected, len)                                                          \
    _assert_memory_equal((actual), (expected), (len), __FILE__, __LINE__)

// The statement must end the process by a signal, as a failed CHECK does. It runs in a child, so
// nothing it changes is seen afterwards; what it writes to stderr is dropped.
#define EXPECT_DIES(statement)                                                                     \
    do {                                                                                           \
        if (test_fork()) {                                                                         \
            statement;                                                                             \
            test_child_survived();                                                                 \
        }                                                                                          \
        _assert_true(test_child_died() ? 1 : 0, "dies: " #statement, __FILE__, __LINE__);          \
    } while (0)

// Called by TEST. `name` must live for ever.
void test_add(const char *name, CMUnitTestFunction run);

// The seed of this run: --seed N, else fresh. It is printed at the start; random tests draw from it.
uint64_t test_seed(void);

// A new empty directory, removed with all in it when the process ends. Lives until then.
const char *test_temp_dir(void);

// A page of docs/, open for reading; the caller closes it.
FILE *test_open_page(const char *name);

// Zeroed memory for a core or a ledger, which takes no time for what is not touched. Aligned to a page; it lives until the
// process ends.
void *test_zeroed(size_t size);

// The machinery of EXPECT_EQ, EXPECT_STR and EXPECT_DIES.
void test_expect_eq(intmax_t actual, intmax_t expected, const char *claim, const char *file,
                    int line);
void test_expect_str(const char *actual, const char *expected, const char *file, int line);
bool test_fork(void);
void test_child_survived(void);
bool test_child_died(void);
