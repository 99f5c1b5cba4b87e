// A look remembers the count, and the next one sees what has been added.

#include "broker/core/ebbs.h"

#include "lib/base/check.h"

size_t ebbs_size(uint32_t cap)
{
    return cap * sizeof(struct ebb);
}

void ebbs_init(struct ebbs *ebbs, void *memory, uint32_t cap)
{
    *ebbs = (struct ebbs){.items = memory, .cap = cap};
}

when_ms ebbs_look(struct ebbs *ebbs, uint32_t no, uint64_t ended, when_ms now)
{
    CHECK(no < ebbs->cap);
    struct ebb *ebb = &ebbs->items[no];
    when_ms span = now - ebb->since;
    CHECK(span >= 0);
    if (ebb->since == 0 || span > EBBS_GAP_MS || ended < ebb->ended) {
        *ebb = (struct ebb){.since = now, .ended = ended};
        return 0;
    }
    uint64_t count = ended - ebb->ended;
    if (span < EBBS_LOOK_MS)
        return ebb->span_ms;
    if (count == 0) // none for so long: it takes longer than that
        return ebb->span_ms > span ? ebb->span_ms : span;
    // At most a gap, so it fits.
    *ebb = (struct ebb){
        .since = now, .ended = ended, .span_ms = (when_ms)(((uint64_t)span + count - 1) / count)};
    return ebb->span_ms;
}
