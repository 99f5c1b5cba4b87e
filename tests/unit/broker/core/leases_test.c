// The table of leases: ends in order, lists of workers, tokens.

#include "broker/core/leases.h"

#include "lib/base/prng.h"
#include "tests/support/test.h"

#include <stdlib.h>

enum { CAP = 16, WORKERS = 3 };

static void *make(struct leases *leases, uint32_t cap)
{
    struct limits limits = {.lease_count_max = cap};
    void *memory = calloc(1, leases_size(&limits));
    EXPECT(memory != NULL);
    leases_init(leases, memory, &limits);
    return memory;
}

static struct lease lease_of(uint64_t token, when_ms ends_at)
{
    return (struct lease){.token = token, .ends_at = ends_at, .lease_ms = 30};
}

static uint32_t add(struct leases *leases, uint64_t token, when_ms ends_at, uint32_t *list)
{
    struct lease lease = lease_of(token, ends_at);
    return leases_add(leases, &lease, list);
}

TEST(leases, the_first_to_end_comes_first)
{
    struct leases leases;
    void *memory = make(&leases, CAP);
    uint32_t list = LEASES_NONE;
    EXPECT_EQ(leases_first_end(&leases), LEASES_NONE);
    uint32_t late = add(&leases, 1, 50, &list);
    uint32_t early = add(&leases, 2, 40, &list);
    EXPECT_EQ(leases_first_end(&leases), early);
    leases_renew(&leases, early, 30); // until 60
    EXPECT_EQ(leases_first_end(&leases), late);
    leases_pass(&leases, late);
    EXPECT_EQ(leases_first_end(&leases), early);
    EXPECT(!leases_at(&leases, late)->is_live);
    EXPECT_EQ(leases_find(&leases, 1), late); // it is counted still
    free(memory);
}

TEST(leases, a_renewal_never_shortens)
{
    struct leases leases;
    void *memory = make(&leases, CAP);
    uint32_t list = LEASES_NONE;
    uint32_t no = add(&leases, 1, 100, &list);
    leases_renew(&leases, no, 20);
    EXPECT_EQ(leases_at(&leases, no)->ends_at, 100);
    leases_renew(&leases, no, 71);
    EXPECT_EQ(leases_at(&leases, no)->ends_at, 101);
    free(memory);
}

TEST(leases, a_passed_lease_is_not_renewed_and_passes_once)
{
    struct leases leases;
    void *memory = make(&leases, CAP);
    uint32_t list = LEASES_NONE;
    uint32_t no = add(&leases, 1, 100, &list);
    leases_pass(&leases, no);
    EXPECT_DIES(leases_renew(&leases, no, 20));
    EXPECT_DIES(leases_pass(&leases, no));
    leases_drop(&leases, no, &list);
    EXPECT_EQ(list, LEASES_NONE);
    EXPECT_EQ(leases_find(&leases, 1), LEASES_NONE);
    EXPECT_DIES((void)leases_at(&leases, no));
    free(memory);
}

TEST(leases, a_lease_leaves_the_list_it_is_in)
{
    struct leases leases;
    void *memory = make(&leases, CAP);
    uint32_t mine = LEASES_NONE;
    uint32_t other = LEASES_NONE;
    uint32_t no = add(&leases, 1, 10, &mine);
    (void)add(&leases, 2, 10, &other);
    EXPECT_DIES(leases_drop(&leases, no, &other));
    free(memory);
}

TEST(leases, a_full_table_stops_the_process)
{
    struct leases leases;
    void *memory = make(&leases, 1);
    uint32_t list = LEASES_NONE;
    (void)add(&leases, 1, 10, &list);
    EXPECT(!leases_has_room(&leases));
    EXPECT_DIES((void)add(&leases, 2, 10, &list));
    free(memory);
}

struct model {
    bool is_held[CAP];
    uint64_t token[CAP];
    uint32_t worker[CAP];
    uint32_t lists[WORKERS];
};

static void check_lists(const struct leases *leases, const struct model *model)
{
    uint32_t count = 0;
    for (uint32_t worker = 0; worker < WORKERS; worker++) {
        uint32_t at = model->lists[worker];
        for (uint32_t prev = LEASES_NONE; at != LEASES_NONE; at = leases_at(leases, at)->next) {
            EXPECT(model->is_held[at]);
            EXPECT_EQ(model->worker[at], worker);
            EXPECT_EQ(leases_at(leases, at)->prev, prev);
            prev = at;
            count++;
        }
    }
    EXPECT_EQ(count, leases->count);
}

static void check_first(const struct leases *leases, const struct model *model)
{
    uint32_t first = leases_first_end(leases);
    uint32_t live = 0;
    for (uint32_t no = 0; no < CAP; no++) {
        if (!model->is_held[no] || !leases_at(leases, no)->is_live)
            continue;
        live++;
        EXPECT(leases_at(leases, no)->ends_at >= leases_at(leases, first)->ends_at);
    }
    EXPECT_EQ(live, leases->ends.count);
}

// One random act on lease `no`, which is held.
static void disturb(struct leases *leases, struct model *model, struct prng *prng, uint32_t no)
{
    EXPECT_EQ(leases_find(leases, model->token[no]), no);
    bool is_live = leases_at(leases, no)->is_live;
    if (is_live && prng_chance(prng, 30)) {
        leases_renew(leases, no, (when_ms)prng_below(prng, 1000));
    } else if (is_live && prng_chance(prng, 40)) {
        leases_pass(leases, no);
    } else {
        leases_drop(leases, no, &model->lists[model->worker[no]]);
        model->is_held[no] = false;
        EXPECT_EQ(leases_find(leases, model->token[no]), LEASES_NONE);
    }
}

TEST(leases, agree_with_plain_lists)
{
    struct prng prng = prng_of(test_seed());
    struct leases leases;
    void *memory = make(&leases, CAP);
    struct model model = {.lists = {LEASES_NONE, LEASES_NONE, LEASES_NONE}};
    for (uint64_t token = 1; token < 20000; token++) {
        uint32_t any = (uint32_t)prng_below(&prng, CAP);
        uint32_t worker = (uint32_t)prng_below(&prng, WORKERS);
        if (leases_has_room(&leases) && prng_chance(&prng, 50)) {
            when_ms ends_at = (when_ms)prng_below(&prng, 1000);
            uint32_t no = add(&leases, token, ends_at, &model.lists[worker]);
            EXPECT(!model.is_held[no]);
            model.is_held[no] = true;
            model.token[no] = token;
            model.worker[no] = worker;
        } else if (model.is_held[any]) {
            disturb(&leases, &model, &prng, any);
        }
        check_lists(&leases, &model);
        check_first(&leases, &model);
    }
    free(memory);
}

TEST(leases, a_bound_holds_renewals_back_until_it_is_moved)
{
    struct leases leases;
    void *memory = make(&leases, CAP);
    uint32_t list = LEASES_NONE;
    struct lease lease = lease_of(1, 40);
    lease.cap_at = 50;
    uint32_t no = leases_add(&leases, &lease, &list);
    leases_renew(&leases, no, 15);
    EXPECT_EQ(leases_at(&leases, no)->ends_at, 45);
    EXPECT(!leases_at(&leases, no)->is_held_back);
    leases_renew(&leases, no, 30);
    EXPECT_EQ(leases_at(&leases, no)->ends_at, 50);
    EXPECT(leases_at(&leases, no)->is_held_back);
    leases_extend(&leases, no, 100);
    EXPECT(!leases_at(&leases, no)->is_held_back);
    leases_renew(&leases, no, 31);
    EXPECT_EQ(leases_at(&leases, no)->ends_at, 61);
    leases_cancel(&leases, no, 40);
    leases_extend(&leases, no, 100); // no more time for who is to stop
    leases_renew(&leases, no, 60);
    EXPECT_EQ(leases_at(&leases, no)->ends_at, 70);
    free(memory);
}
