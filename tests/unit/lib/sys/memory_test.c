#include "lib/sys/memory.h"

#include "tests/support/test.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

enum { PAGES = 64 };

static size_t resident_pages(const unsigned char *memory, size_t size)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    unsigned char seen[PAGES] = {0};
    size_t sum = 0;
    EXPECT_EQ(mincore((void *)(uintptr_t)memory, size, seen), 0);
    for (size_t i = 0; i < size / page; i++)
        sum += seen[i] & 1u;
    return sum;
}

TEST(memory, only_whole_pages_inside_are_given_back)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t size = PAGES * page;
    unsigned char *memory =
        mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    EXPECT(memory != MAP_FAILED);
    (void)madvise(memory, size, MADV_NOHUGEPAGE);
    memset(memory, 7, size);
    EXPECT_EQ(resident_pages(memory, size), PAGES);
    memory_give_back(memory + page + 16, size - 2 * page - 32);
    EXPECT_EQ(resident_pages(memory, size), 4);
    EXPECT_EQ(memory[page + 16], 7);
    EXPECT_EQ(memory[2 * page], 0);
    EXPECT_EQ(memory[size - page - 17], 7);
    EXPECT_EQ(munmap(memory, size), 0);
}

// The kernel's view, so that nothing dies of asking.
static bool may_be_read(const unsigned char *byte)
{
    int ends[2];
    EXPECT_EQ(pipe(ends), 0);
    ssize_t written = write(ends[1], byte, 1);
    EXPECT(written == 1 || errno == EFAULT);
    EXPECT_EQ(close(ends[0]) + close(ends[1]), 0);
    return written == 1;
}

TEST(memory, a_reserved_piece_costs_what_is_written_and_has_an_end)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    static const size_t sizes[] = {1, 16, 4095, 4096, 4097, 1000 * 1000};
    for (unsigned i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        size_t size = sizes[i];
        unsigned char *memory = memory_reserve(size);
        EXPECT(memory != NULL);
        EXPECT_EQ((uintptr_t)memory % 16, 0);
        EXPECT_EQ(memory[0] | memory[size - 1], 0);
        memory[0] = memory[size - 1] = 7;
        EXPECT(may_be_read(memory + size - 1));
        EXPECT(!may_be_read(memory + (size + 15) / 16 * 16));
        memory_release(memory, size);
        EXPECT(!may_be_read(memory));
    }
    memory_release(NULL, 7);
    size_t size = PAGES * page;
    unsigned char *memory = memory_reserve(size);
    EXPECT_EQ(resident_pages(memory, size), 0);
    memory[page] = 1;
    EXPECT_EQ(resident_pages(memory, size), 1);
    memory_release(memory, size);
}

TEST(memory, less_than_a_page_stays)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    unsigned char *memory = calloc(4, page);
    EXPECT(memory != NULL);
    memset(memory, 7, 4 * page);
    memory_give_back(memory + 1, 0);
    memory_give_back(memory + 1, page - 1);
    for (size_t i = 0; i < page; i++)
        EXPECT_EQ(memory[i], 7);
    free(memory);
}

TEST(memory, what_was_freed_can_be_trimmed)
{
    void *pieces[1024];
    for (size_t i = 0; i < 1024; i++)
        pieces[i] = malloc(1024);
    for (size_t i = 0; i < 1024; i++)
        free(pieces[i]);
    memory_trim();
    void *again = malloc(1024);
    EXPECT(again != NULL);
    free(again);
}
