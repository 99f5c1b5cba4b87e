#include "worker/exec/lookup.h"

#include "lib/sys/file.h"
#include "tests/support/test.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

static const char *dir;

static const char *in_dir(const char *name)
{
    static char path[512];
    (void)snprintf(path, sizeof path, "%s/%s", dir, name);
    return path;
}

static void make(const char *name, mode_t mode)
{
    EXPECT_EQ(file_write(in_dir(name), slice_of_text("#!/bin/sh\n")), OK);
    EXPECT_EQ(chmod(in_dir(name), mode), 0);
}

TEST(lookup, finds_a_path_as_it_is)
{
    dir = test_temp_dir();
    make("program", 0755);
    EXPECT_EQ(lookup_program(in_dir("program")), OK);
    EXPECT_EQ(lookup_program(in_dir("nothing")), ERR_NOT_FOUND);
    EXPECT_EQ(errno, ENOENT);
    EXPECT_EQ(lookup_program(""), ERR_NOT_FOUND);
}

TEST(lookup, a_file_that_may_not_run_is_no_program)
{
    dir = test_temp_dir();
    make("plain", 0644);
    EXPECT_EQ(lookup_program(in_dir("plain")), ERR_NOT_FOUND);
    EXPECT_EQ(errno, EACCES);
    EXPECT_EQ(lookup_program(dir), ERR_NOT_FOUND);
    EXPECT_EQ(errno, EACCES);
}

TEST(lookup, goes_along_the_path)
{
    dir = test_temp_dir();
    make("program", 0755);
    make("plain", 0644);
    char path[1024];
    (void)snprintf(path, sizeof path, "/does/not/exist::%s:/bin", dir);
    EXPECT_EQ(setenv("PATH", path, 1), 0);
    EXPECT_EQ(lookup_program("program"), OK);
    EXPECT_EQ(lookup_program("sh"), OK);
    EXPECT_EQ(lookup_program("plain"), ERR_NOT_FOUND);
    EXPECT_EQ(errno, EACCES);
    EXPECT_EQ(lookup_program("no-such-program"), ERR_NOT_FOUND);
    EXPECT_EQ(errno, ENOENT);
    EXPECT_EQ(unsetenv("PATH"), 0);
    EXPECT_EQ(lookup_program("sh"), OK);
}
