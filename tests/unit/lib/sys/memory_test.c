#include "lib/sys/memory.h"

#include "tests/support/test.h"

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
