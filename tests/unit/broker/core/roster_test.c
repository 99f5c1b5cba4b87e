// Station roster: workers, page by page.

#include "tests/support/story.h"

static void join(struct story *story, uint32_t peer, const char *name)
{
    story_say(story, peer,
              &(struct msg){.kind = MSG_HELLO,
                            .hello = {.role = ROLE_WORKER,
                                      .name = slice_of_text(name),
                                      .worker_id = story_worker_id(peer % 10),
                                      .session = 1}});
}

static void list(struct story *story, uint64_t cursor, uint32_t limit)
{
    story_say(story, STORY_CLIENT,
              &(struct msg){.kind = MSG_WORKER_LIST, .worker_list = {cursor, limit}});
}

TEST(roster, shows_what_a_worker_said_and_has)
{
    struct story *story = story_new();
    list(story, 0, 0);
    join(story, 11, "render-1");
    list(story, 0, 0);
    struct slice types[] = {slice_of_text("mail"), slice_of_text("resize")};
    struct slice queue = slice_of_text("default");
    struct msg_ready ready = {
        .types = types, .type_count = 2, .queues = &queue, .queue_count = 1, .slots = 3};
    story_say(story, 11, &(struct msg){.kind = MSG_READY, .ready = ready});
    (void)story_told(story);
    story_submit(story, story_job(7));
    (void)story_told(story);
    list(story, 0, 0);
    ready.quiet = true;
    story_say(story, 11, &(struct msg){.kind = MSG_READY, .ready = ready});
    list(story, 0, 0);
    EXPECT_STORY(story, "[0] send client: workers [render-1 1/3 mail,resize of default]\n"
                        "[0] send worker 1: renewed\n"
                        "[0] send client: workers [render-1 1/3 quiet mail,resize of default]\n");
    story_free(story);
}

TEST(roster, shows_who_is_away_with_jobs_and_forgets_who_owes_nothing)
{
    struct story *story = story_new();
    story_worker(story, 11, "mail", 1);
    story_worker(story, 12, "resize", 1);
    story_submit(story, story_job(7));
    (void)story_told(story);
    story_say(story, 11, &(struct msg){.kind = MSG_BYE});
    story_say(story, 12, &(struct msg){.kind = MSG_BYE});
    list(story, 0, 0);
    EXPECT_STORY(story, "[0] send client: workers [ 1/0 away mail of ]\n");
    story_free(story);
}

TEST(roster, shows_what_a_worker_was_told_until_it_comes_back)
{
    struct story *story = story_new();
    story_worker(story, 11, "mail", 1);
    story_say(
        story, STORY_CLIENT,
        &(struct msg){
            .kind = MSG_ACT,
            .act = {.kind = ACT_STOP, .worker_id = story_worker_id(1), .act_id = story_id(1)}});
    (void)story_told(story);
    list(story, 0, 0);
    story_hello(story, 11, 2, NULL);
    story_ready(story, 11, "mail", 1);
    list(story, 0, 0);
    EXPECT_STORY(story, "[0] send client: workers [ 0/1 told stop mail of ]\n"
                        "[0] send worker 1: welcome epoch 1\n"
                        "[0] send worker 1: renewed\n"
                        "[0] send client: workers [ 0/1 mail of ]\n");
    story_free(story);
}

TEST(roster, comes_in_pages)
{
    struct story *story = story_new();
    join(story, 11, "a");
    join(story, 12, "b");
    join(story, 13, "c");
    (void)story_told(story);
    list(story, 0, 2);
    list(story, 2, 2);
    list(story, 3, 2);
    list(story, UINT64_MAX, 2);
    EXPECT_STORY(story, "[0] send client: workers [a 0/0  of ] [b 0/0  of ] and more\n"
                        "[0] send client: workers [c 0/0  of ]\n"
                        "[0] send client: workers\n"
                        "[0] send client: workers\n");
    story_free(story);
}

// Long names fill a page before its count does.
TEST(roster, a_page_has_room_for_the_longest_names)
{
    struct limits limits = story_limits();
    limits.worker_count_max = 5;
    struct story *story = story_new_with(&limits);
    static char text[MSG_NAME_LEN_MAX + 1];
    memset(text, 'x', MSG_NAME_LEN_MAX);
    struct slice names[MSG_TYPES_MAX];
    for (uint32_t i = 0; i < MSG_TYPES_MAX; i++)
        names[i] = slice_of_text(text);
    for (uint32_t peer = 11; peer <= 15; peer++) {
        join(story, peer, text);
        struct msg_ready ready = {.types = names,
                                  .type_count = MSG_TYPES_MAX,
                                  .queues = names,
                                  .queue_count = MSG_TYPES_MAX,
                                  .slots = 1};
        story_say(story, peer, &(struct msg){.kind = MSG_READY, .ready = ready});
    }
    (void)story_told(story);
    uint32_t count = 0;
    for (uint64_t cursor = 0, pages = 0; pages == 0 || cursor != 0; pages++) {
        story_open(story);
        list(story, cursor, 0);
        (void)core_close(story->core, story->now, &story->fx);
        const struct msg_worker_listed *listed = &story->fx.sends[0].msg.worker_listed;
        EXPECT(listed->count > 0 && listed->count < 5);
        EXPECT_EQ(listed->workers[0].types.len, MSG_WORKER_NAMES_LEN_MAX - 1);
        EXPECT_EQ(listed->workers[0].queues.len, MSG_WORKER_NAMES_LEN_MAX - 1);
        count += listed->count;
        cursor = listed->cursor;
        story->is_open = false;
        effects_reset(&story->fx);
    }
    EXPECT_EQ(count, 5);
    story_free(story);
}
