// For LD_PRELOAD: in a weft program the k-th allocation fails, or the k-th call to the disk. WEFT_TEST_FAULTS names a file of
// `struct faults` that the test goes on writing (lib_faults.py); forks of the program count on. Handlers are other
// programs, and nothing of theirs fails.

#include "tests/support/faults.h"

#include <execinfo.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { DEPTH_MAX = 24 };

// glibc's own, behind the names that are taken here.
void *__libc_malloc(size_t len);
void *__libc_calloc(size_t count, size_t len);
void *__libc_realloc(void *memory, size_t len);
void *__libc_memalign(size_t alignment, size_t len);

// Where the call came from, for whoever looks into a run that has failed.
static inline void faults_tell(void)
{
    static const char text[] = "fault: this call fails\n";
    void *frames[DEPTH_MAX];
    int kept = errno;
    (void)!write(STDERR_FILENO, text, sizeof text - 1);
    backtrace_symbols_fd(frames, backtrace(frames, DEPTH_MAX), STDERR_FILENO);
    errno = kept;
}

__attribute__((constructor)) static void begin(void)
{
    const char *path = getenv("WEFT_TEST_FAULTS");
    void *frames[1];
    if (path == NULL || strcmp(program_invocation_short_name, "weft") != 0)
        return;
    (void)backtrace(frames, 1); // loads what it needs
    int file = open(path, O_RDWR | O_CLOEXEC);
    void *map =
        file < 0 ? MAP_FAILED
                 : mmap(NULL, sizeof(struct faults), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (map == MAP_FAILED)
        abort(); // a run without faults would show nothing
    (void)close(file);
    faults = map;
}

static void *no_memory(void)
{
    errno = ENOMEM;
    return NULL;
}

void *malloc(size_t len)
{
    return faults_hit(FAULTS_MEMORY) ? no_memory() : __libc_malloc(len);
}

void *calloc(size_t count, size_t len)
{
    return faults_hit(FAULTS_MEMORY) ? no_memory() : __libc_calloc(count, len);
}

void *realloc(void *memory, size_t len)
{
    return faults_hit(FAULTS_MEMORY) ? no_memory() : __libc_realloc(memory, len);
}

void *aligned_alloc(size_t alignment, size_t len)
{
    return faults_hit(FAULTS_MEMORY) ? no_memory() : __libc_memalign(alignment, len);
}

int posix_memalign(void **out_memory, size_t alignment, size_t len)
{
    void *memory = faults_hit(FAULTS_MEMORY) ? NULL : __libc_memalign(alignment, len);
    if (memory == NULL)
        return ENOMEM;
    *out_memory = memory;
    return 0;
}

// Large tables are mapped, not allocated.
void *mmap(void *at, size_t len, int protection, int flags, int fd, off_t from)
{
    if (fd >= 0 || !faults_hit(FAULTS_MEMORY))
        return FAULTS_REAL(mmap)(at, len, protection, flags, fd, from);
    errno = ENOMEM;
    return MAP_FAILED;
}
