// The vectors of docs/protocol.md. A change of one byte here orphans every stored key.

#include "tests/support/test.h"

#include "lib/sys/mint.h"

struct vector {
    const char *queue;
    const char *key;
    uint16_t slot;
    const char *id;
};

static const struct vector vectors[] = {
    {"default", "order-1001", 1996, "7cc54e2d-2845-8ede-933b-c09d9f66d601"},
    {"default", "order-1002", 1996, "7cc9cdfe-e9c9-8b5a-8ff3-6dd369e7a758"},
    {"mail", "order-1001", 875, "36badbca-c7b7-82fb-ab74-107bb0a3b743"},
    {"a.b_c-d", "key with space", 594, "252d3063-ffb7-88f7-bfd6-ac08641ea08d"},
};

static struct origin origin_of(const char *queue)
{
    return (struct origin){.tenant = slice_of_text("default"), .queue = slice_of_text(queue)};
}

TEST(mint, keyed_ids_and_slots_are_those_of_the_document)
{
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
        struct origin origin = origin_of(vectors[i].queue);
        struct id id = mint_keyed(&origin, slice_of_text(vectors[i].key));
        char text[ID_TEXT_LEN + 1];
        id_to_text(&id, text);
        EXPECT_STR(text, vectors[i].id);
        EXPECT_EQ(mint_slot(&origin), vectors[i].slot);
        EXPECT_EQ(id_slot(&id), vectors[i].slot);
        EXPECT_EQ(id_version(&id), 8);
        struct id again = mint_keyed_in(vectors[i].slot, &origin, slice_of_text(vectors[i].key));
        EXPECT(id_equal(&again, &id));
    }
}

TEST(mint, a_key_by_content_is_that_of_the_document)
{
    static const struct {
        const char *queue, *type, *payload;
        uint8_t kind;
        const char *key;
    } rows[] = {
        {"default", "invoice.render", "{\"invoice\": 7}", 2,
         "content-f1cfae5da9347fb821831b8f860cfa52"},
        {"mail", "invoice.render", "{\"invoice\": 7}", 2,
         "content-4c7c622184e991378af2067e7baafa4d"},
        {"default", "invoice.render", "{\"invoice\":7}", 2,
         "content-82b93c38ed06a1205f93752dd3211a58"},
        {"default", "invoice.render", "", 0, "content-bee177a13df880832217320fa985407c"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char key[MINT_CONTENT_LEN + 1];
        mint_content(&(struct mint_content){.queue = slice_of_text(rows[i].queue),
                                            .type = slice_of_text(rows[i].type),
                                            .payload = slice_of_text(rows[i].payload),
                                            .kind = rows[i].kind},
                     key);
        EXPECT_STR(key, rows[i].key);
    }
}

TEST(mint, another_tenant_has_other_ids)
{
    struct origin mine = origin_of("default");
    struct origin theirs = {.tenant = slice_of_text("other"), .queue = mine.queue};
    struct id a = mint_keyed(&mine, slice_of_text("k"));
    struct id b = mint_keyed(&theirs, slice_of_text("k"));
    EXPECT(!id_equal(&a, &b));
}

TEST(mint, a_unique_key_means_something_only_in_its_queue_and_tenant)
{
    struct origin mail = origin_of("mail");
    struct origin slow = origin_of("slow");
    struct id a = mint_unique(&mail, slice_of_text("k"));
    struct id same = mint_unique(&mail, slice_of_text("k"));
    struct id b = mint_unique(&slow, slice_of_text("k"));
    struct id job = mint_keyed(&mail, slice_of_text("k"));
    EXPECT(id_equal(&a, &same));
    EXPECT(!id_equal(&a, &b));
    EXPECT(!id_equal(&a, &job));
}

TEST(mint, fresh_id_has_time_and_slot_and_is_new)
{
    struct origin origin = origin_of("mail");
    struct id a = mint_fresh(1800000000000, &origin);
    struct id b = mint_fresh(1800000000000, &origin);
    EXPECT_EQ(id_version(&a), 7);
    EXPECT_EQ(id_time(&a), 1800000000000);
    EXPECT_EQ(id_slot(&a), 875);
    EXPECT(!id_equal(&a, &b));
}

TEST(mint, longest_names_fit_and_an_empty_key_is_a_bug)
{
    static const char long_name[300] = {'x'};
    struct slice longest = slice_of(long_name, sizeof long_name);
    struct origin origin = {.tenant = longest, .queue = longest};
    struct id id = mint_keyed(&origin, longest);
    EXPECT_EQ(id_version(&id), 8);
    EXPECT_DIES((void)mint_keyed(&origin, (struct slice){0}));
}

// As Python's hashlib makes them; docs/protocol.md says how.
TEST(mint, moment_of_a_schedule_has_one_id)
{
    struct origin origin = origin_of("mail");
    struct id id = mint_moment(&origin, slice_of_text("nightly"), 1796112000000);
    char text[ID_TEXT_LEN + 1];
    id_to_text(&id, text);
    EXPECT_STR(text, "36b0ee07-e075-8b45-a321-61063daa21a5");
    EXPECT_EQ(id_version(&id), 8);
    EXPECT_EQ(id_slot(&id), 875);
    struct id other = mint_moment(&origin, slice_of_text("nightly"), 1796112060000);
    EXPECT(!id_equal(&id, &other));
    other = mint_moment(&origin, slice_of_text("nightlz"), 1796112000000);
    EXPECT(!id_equal(&id, &other));
}
