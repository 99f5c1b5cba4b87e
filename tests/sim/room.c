// Memory of a run. Large pages, because a shrunk run touches new ones in a process of its own.

#define _GNU_SOURCE

#include "tests/sim/sim.h"

#include <sys/mman.h>

enum { ROOM = 256 * 1024 * 1024, LARGE_PAGE = 2 * 1024 * 1024 };

static uint8_t *the_room;

static void *take_pages(size_t size)
{
    void *pages = mmap(NULL, size + LARGE_PAGE, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    SIM_EXPECT(pages != MAP_FAILED, "there is memory");
    uintptr_t first = ((uintptr_t)pages + LARGE_PAGE - 1) / LARGE_PAGE * LARGE_PAGE;
    void *aligned = (void *)first;
    (void)madvise(aligned, size, MADV_HUGEPAGE); // only faster
    return aligned;
}

struct sim *room_begin(void)
{
    if (sim_now == NULL) {
        sim_now = take_pages(sizeof *sim_now);
        the_room = take_pages(ROOM);
    } else {
        memset(sim_now, 0, offsetof(struct sim, log));
    }
    sim_now->arena = (struct arena){.data = the_room, .cap = ROOM};
    return sim_now;
}

void room_leave(void)
{
    sim_now = NULL;
}
