// The table of pasts, against a plain array.

#include "broker/core/pasts.h"

#include "lib/base/prng.h"
#include "tests/support/test.h"

#include <stdlib.h>

enum { CAP = 16 };

static void *make(struct pasts *pasts)
{
    void *memory = calloc(1, pasts_size(CAP));
    EXPECT(memory != NULL);
    pasts_init(pasts, memory, CAP);
    return memory;
}

TEST(pasts, no_past_is_all_zero)
{
    struct pasts pasts;
    void *memory = make(&pasts);
    const struct past *none = pasts_peek(&pasts, PASTS_NONE);
    EXPECT_EQ(none->token, 0);
    EXPECT_EQ(none->errors + none->crashes + none->interruptions, 0);
    EXPECT(id_is_zero(&none->worker));
    EXPECT_DIES((void)pasts_at(&pasts, PASTS_NONE));
    free(memory);
}

TEST(pasts, agree_with_a_plain_array)
{
    struct prng prng = prng_of(test_seed());
    struct pasts pasts;
    void *memory = make(&pasts);
    uint64_t tokens[CAP] = {0};
    uint32_t count = 0;
    for (uint64_t token = 1; token < 20000; token++) {
        uint32_t any = (uint32_t)prng_below(&prng, CAP);
        if (tokens[any] != 0) {
            EXPECT_EQ(pasts_peek(&pasts, any)->token, tokens[any]);
            pasts_give_back(&pasts, any);
            tokens[any] = 0;
            count--;
        } else if (count < CAP) {
            uint32_t no = pasts_take(&pasts);
            EXPECT_EQ(tokens[no], 0);
            EXPECT_EQ(pasts_at(&pasts, no)->token, 0); // nothing of the one before is left
            pasts_at(&pasts, no)->token = tokens[no] = token;
            count++;
        }
        EXPECT_EQ(pasts.count, count);
    }
    free(memory);
}

TEST(pasts, more_than_there_is_room_for_stops_the_process)
{
    struct pasts pasts;
    void *memory = make(&pasts);
    for (unsigned i = 0; i < CAP; i++)
        (void)pasts_take(&pasts);
    EXPECT_DIES((void)pasts_take(&pasts));
    free(memory);
}
