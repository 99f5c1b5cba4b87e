#include "lib/sys/config.h"
#include "lib/sys/config_value.h"
#include "lib/sys/file.h"
#include "tests/support/test.h"

static const struct config_key keys[] = {
    {.key = "data", .type = CONFIG_STRING, .default_text = "./weft-data", .help = "directory"},
    {.key = "zmq",
     .type = CONFIG_ENDPOINT,
     .default_text = "tcp://127.0.0.1:7400",
     .help = "door for services"},
    {.key = "slots",
     .type = CONFIG_INTEGER,
     .default_text = "4",
     .help = "jobs at once",
     .letter = 'c',
     .min = 1,
     .max = 64},
    {.key = "lease",
     .type = CONFIG_DURATION,
     .default_text = "30s",
     .help = "of a job",
     .min = 1000,
     .max = 3600000},
    {.key = "body-max", .type = CONFIG_BYTES, .default_text = "1MiB", .help = "of a request"},
    {.key = "journal", .type = CONFIG_BOOL, .default_text = "true", .help = "keep outcomes"},
    {.key = "output",
     .type = CONFIG_WORD,
     .words = "text|json",
     .default_text = "text",
     .help = "form",
     .letter = 'o'},
    {.key = "type", .type = CONFIG_STRING, .help = "of the jobs"},
    {.key = "wait", .type = CONFIG_DURATION, .alone = "36500d", .help = "for an end"},
    CONFIG_LOG_LEVEL,
};

static const struct config_table table = {
    .program = "broker",
    .usage = "weft broker [flags] [FILE]",
    .about = "Keeps jobs.",
    .keys = keys,
    .key_count = sizeof keys / sizeof keys[0],
    .argument_count_max = 1,
};

static const struct config_key door_keys[] = {
    {.key = "http", .type = CONFIG_ENDPOINT, .help = "door for clients"}, CONFIG_LOG_LEVEL};
static const struct config_table door_table = {
    .program = "gateway", .usage = "weft gateway", .about = "", .keys = door_keys, .key_count = 2};
static const struct config_key each_keys[] = {
    {.key = "each", .type = CONFIG_STRING, .is_many = true, .help = "some"},
    {.key = "some", .type = CONFIG_STRING, .is_many = true, .help = "more"}};
static const struct config_table each_table = {
    .program = "each", .usage = "weft each", .about = "", .keys = each_keys, .key_count = 2};
static const struct config_key show_keys[] = {
    {.key = "wait", .type = CONFIG_BOOL, .help = "until it has ended"}};
static const struct config_key log_keys[] = {
    {.key = "follow", .type = CONFIG_BOOL, .help = "go on reading"}};
static const struct config_table show_table = {.program = "job show",
                                               .usage = "weft job show",
                                               .about = "",
                                               .keys = show_keys,
                                               .key_count = 1};
static const struct config_table log_table = {
    .program = "job log", .usage = "weft job log", .about = "", .keys = log_keys, .key_count = 1};
static const struct config_table *const all_tables[] = {&table, &door_table, &show_table,
                                                        &log_table};

static struct config config;

static const struct config_table program_table = {.program = "worker",
                                                  .usage = "weft worker TYPE -- program",
                                                  .about = "",
                                                  .argument_count_max = 1,
                                                  .takes_program = true};

static bool is_score(struct slice word)
{
    return word.data[word.len - 1] >= '0' && word.data[word.len - 1] <= '9';
}

static const struct config_table scores_table = {.program = "scores",
                                                 .usage = "weft scores [SCORE …]",
                                                 .about = "",
                                                 .keys = keys,
                                                 .key_count = 1,
                                                 .argument_count_max = 2,
                                                 .is_argument = is_score};

// Reads the words, which end with NULL.
static err read_words(const struct config_table *asked, const char *const *words)
{
    static char *argv[32];
    int argc = 0;
    for (; words[argc] != NULL; argc++) {
        free(argv[argc]);
        argv[argc] = strdup(words[argc]);
    }
    config_deinit(&config);
    return config_read(&config, asked, argc, argv);
}

#define READ_AS(asked, ...) read_words(asked, (const char *const[]){__VA_ARGS__, NULL})
#define READ(...) READ_AS(&table, __VA_ARGS__)

TEST(config, a_key_may_be_given_several_times)
{
    char words[][16] = {"--each", "a", "--some=x", "--each=b"};
    char *argv[] = {words[0], words[1], words[2], words[3]};
    EXPECT_EQ(config_read(&config, &each_table, 4, argv), OK);
    EXPECT_STR(config_each(&config, "each", 0), "a");
    EXPECT_STR(config_each(&config, "each", 1), "b");
    EXPECT(config_each(&config, "each", 2) == NULL);
    EXPECT_STR(config_each(&config, "some", 0), "x");
    EXPECT(config_each(&config, "some", 1) == NULL);
    char *many[2 * CONFIG_EACH_MAX + 2];
    for (int i = 0; i < 2 * CONFIG_EACH_MAX + 2; i++)
        many[i] = words[i % 2];
    config_deinit(&config);
    EXPECT_EQ(config_read(&config, &each_table, 2 * CONFIG_EACH_MAX, many), OK);
    config_deinit(&config);
    EXPECT_EQ(config_read(&config, &each_table, 2 * CONFIG_EACH_MAX + 2, many), ERR_BAD_FIELD);
    config_deinit(&config);
    EXPECT_EQ(setenv("WEFT_EACH", "v", 1), 0);
    EXPECT_EQ(config_read(&config, &each_table, 0, argv), OK);
    EXPECT_STR(config_each(&config, "each", 0), "v");
    EXPECT(config_each(&config, "each", 1) == NULL);
    EXPECT_EQ(unsetenv("WEFT_EACH"), 0);
}
#define REFUSED(problem_text, ...)                                                                 \
    do {                                                                                           \
        EXPECT_EQ(READ(__VA_ARGS__), ERR_BAD_FIELD);                                               \
        EXPECT_STR(config.problem, problem_text);                                                  \
    } while (0)

static const char *file_with(const char *text)
{
    static char path[256];
    (void)snprintf(path, sizeof path, "%s/weft.zpl", test_temp_dir());
    EXPECT_EQ(file_write(path, slice_of_text(text)), OK);
    return path;
}

TEST(config, has_defaults)
{
    EXPECT_EQ(READ(NULL), OK);
    EXPECT_STR(config_text(&config, "data"), "./weft-data");
    EXPECT_EQ(config_number(&config, "slots"), 4);
    EXPECT_EQ(config_number(&config, "lease"), 30000);
    EXPECT_EQ(config_number(&config, "body-max"), 1048576);
    EXPECT(config_is_on(&config, "journal"));
    EXPECT_EQ(config_number(&config, "output"), 0);
    EXPECT_EQ(config_number(&config, "log-level"), 1);
    EXPECT(config_text(&config, "type") == NULL);
    EXPECT(!config_is_given(&config, "data"));
    config_deinit(&config);
}

TEST(config, reads_flags_in_every_form)
{
    EXPECT_EQ(READ("--data", "/a b", "--lease=5m", "-c", "8", "--no-journal", "-ojson", "--zmq",
                   "tcp://[::1]:0", "--type", "-5", "-"),
              OK);
    EXPECT_STR(config_text(&config, "data"), "/a b");
    EXPECT_EQ(config_number(&config, "lease"), 300000);
    EXPECT_EQ(config_number(&config, "slots"), 8);
    EXPECT(!config_is_on(&config, "journal"));
    EXPECT_EQ(config_number(&config, "output"), 1);
    EXPECT_STR(config_text(&config, "type"), "-5");
    EXPECT(config_is_given(&config, "journal"));
    EXPECT_EQ(config.argument_count, 1);
    EXPECT_STR(config.arguments[0], "-");
    EXPECT_EQ(READ("--journal", "--data=", "--data=last"), OK);
    EXPECT(config_is_on(&config, "journal"));
    EXPECT_STR(config_text(&config, "data"), "last");
    EXPECT_EQ(READ("--journal=no"), OK);
    EXPECT(!config_is_on(&config, "journal"));
    config_deinit(&config);
}

TEST(config, takes_a_flag_alone_when_no_value_follows)
{
    EXPECT_EQ(READ("--wait", "5s", "x"), OK);
    EXPECT_EQ(config_number(&config, "wait"), 5000);
    EXPECT_STR(config.arguments[0], "x");
    EXPECT_EQ(READ("--wait", "x"), OK);
    EXPECT_EQ(config_number(&config, "wait"), INT64_C(36500) * 86400000);
    EXPECT_STR(config.arguments[0], "x");
    EXPECT_EQ(READ("x", "--wait"), OK);
    EXPECT_EQ(config_number(&config, "wait"), INT64_C(36500) * 86400000);
    EXPECT_EQ(READ("--wait=0"), OK);
    EXPECT_EQ(config_number(&config, "wait"), 0);
    REFUSED("--wait: \"yes\" is not a duration (like 250ms, 30s, 5m, 2h, 7d)", "--wait=yes");
    config_deinit(&config);
}

TEST(config, leaves_a_program_and_its_flags_alone)
{
    EXPECT_EQ(READ_AS(&program_table, "one", "--", "program", "--data", "x"), OK);
    EXPECT_EQ(config.argument_count, 1);
    EXPECT_EQ(config.rest_count, 3);
    EXPECT_STR(config.rest[0], "program");
    EXPECT_STR(config.rest[2], "x");
    EXPECT_EQ(READ_AS(&program_table, "--"), OK);
    EXPECT(config.rest != NULL);
    EXPECT_EQ(config.rest_count, 0);
    EXPECT_EQ(READ_AS(&program_table, "-z"), ERR_BAD_FIELD);
    EXPECT_STR(config.problem, "there is no flag -z; see weft worker --help");
    config_deinit(&config);
}

TEST(config, behind_two_dashes_there_are_arguments)
{
    EXPECT_EQ(READ("--data", "x", "--", "--data"), OK);
    EXPECT_STR(config_text(&config, "data"), "x");
    EXPECT_EQ(config.argument_count, 1);
    EXPECT_STR(config.arguments[0], "--data");
    EXPECT_EQ(READ("--", "--"), OK);
    EXPECT_STR(config.arguments[0], "--");
    REFUSED("\"-b\" is not expected here: weft broker [flags] [FILE]", "a", "--", "-b");
    EXPECT_EQ(READ("a", "--"), OK);
    EXPECT_EQ(config.argument_count, 1);
    config_deinit(&config);
}

TEST(config, an_argument_that_is_known_as_one_may_begin_with_a_dash)
{
    EXPECT_EQ(READ_AS(&scores_table, "-7", "--data", "-7", "--8"), OK);
    EXPECT_EQ(config.argument_count, 2);
    EXPECT_STR(config.arguments[0], "-7");
    EXPECT_STR(config.arguments[1], "--8");
    EXPECT_STR(config_text(&config, "data"), "-7");
    EXPECT_EQ(READ_AS(&scores_table, "--data=7", "--dat=7", "-=7"), OK);
    EXPECT_STR(config_text(&config, "data"), "7");
    EXPECT_EQ(config.argument_count, 2);
    EXPECT_EQ(READ_AS(&scores_table, "--config=/7"), ERR_BAD_FIELD); // there is no such file
    EXPECT_EQ(READ_AS(&scores_table, "-x"), ERR_BAD_FIELD);
    EXPECT_EQ(READ_AS(&scores_table, "--x"), ERR_BAD_FIELD);
    config_deinit(&config);
}

TEST(config, names_the_nearest_flag)
{
    REFUSED("there is no flag --leese; did you mean --lease?", "--leese", "3s");
    REFUSED("there is no flag --bodymax; did you mean --body-max?", "--bodymax=1");
    REFUSED("there is no flag --confg; did you mean --config?", "--confg");
    REFUSED("there is no flag --pigeon; see weft broker --help", "--pigeon");
    REFUSED("there is no flag --no-data; --data has a value, it is not on or off", "--no-data");
    REFUSED("there is no flag -z; see weft broker --help (an argument that begins with a dash goes "
            "behind --)",
            "-z");
    REFUSED("--lease needs a value", "--lease");
    REFUSED("--slots needs a value", "-c");
}

TEST(config, says_what_is_wrong_with_a_value)
{
    REFUSED("--lease: \"30\" is not a duration (like 250ms, 30s, 5m, 2h, 7d)", "--lease", "30");
    REFUSED("--lease: \"2h\" is out of range (1s to 1h)", "--lease", "2h");
    REFUSED("--slots: \"0\" is out of range (1 to 64)", "-c", "0");
    REFUSED("--slots: \"4x\" is not a whole number", "-c4x");
    REFUSED("--body-max: \"-1\" is out of range (not below 0)", "--body-max", "-1");
    REFUSED("--body-max: \"1kb\" is not a number of bytes (like 512, 64KiB, 8MiB, 2GiB)",
            "--body-max", "1kb");
    REFUSED("--body-max: \"9999999TiB\" is not a number of bytes (like 512, 64KiB, 8MiB, 2GiB)",
            "--body-max", "9999999TiB");
    REFUSED("--journal: \"maybe\" is neither true nor false", "--journal=maybe");
    REFUSED("--output: \"xml\" is not one of text|json", "-o", "xml");
    REFUSED("--zmq: \"tcp://x:70000\" is not an endpoint (like tcp://127.0.0.1:7400 or "
            "127.0.0.1:7410)",
            "--zmq", "tcp://x:70000");
    REFUSED("\"two\" is not expected here: weft broker [flags] [FILE]", "one", "two");
}

TEST(config, judges_endpoints)
{
    static const struct config_key key = {.key = "e", .type = CONFIG_ENDPOINT};
    static const char *const good[] = {"tcp://127.0.0.1:0", "tcp://[::1]:65535", "localhost:80",
                                       "tcp://*:7400", "ipc:///run/weft"};
    static const char *const bad[] = {"",       "tcp://",    "tcp://:7400", "127.0.0.1",
                                      "a:",     "a:x",       "a:-1",        "a:65536",
                                      "ipc://", "udp://a:1", "a b:1",       "tcp://a:1/x"};
    char why[160];
    int64_t number = 0;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        EXPECT_EQ(config_value_parse(&key, good[i], &number, why, sizeof why), OK);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        EXPECT_EQ(config_value_parse(&key, bad[i], &number, why, sizeof why), ERR_BAD_FIELD);
}

TEST(config, prefers_flags_to_variables_to_the_file_to_defaults)
{
    const char *path = file_with("lease = 1m\nslots = 5\ndata = from-file\n"
                                 "broker\n    data = from-section\n    body-max = 2MiB\n"
                                 "gateway\n    http = 127.0.0.1:1\n");
    config_know(all_tables, 4);
    EXPECT_EQ(setenv("WEFT_LEASE", "2m", 1), 0);
    EXPECT_EQ(setenv("WEFT_BODY_MAX", "3MiB", 1), 0);
    EXPECT_EQ(setenv("WEFT_TYPE", "", 1), 0); // empty is not given
    EXPECT_EQ(READ("--config", path, "--body-max", "4MiB"), OK);
    EXPECT_EQ(config_number(&config, "body-max"), INT64_C(4) << 20);
    EXPECT_EQ(config_number(&config, "lease"), 120000);
    EXPECT_EQ(config_number(&config, "slots"), 5);
    EXPECT_STR(config_text(&config, "data"), "from-section");
    EXPECT_STR(config_text(&config, "output"), "text");
    EXPECT(config_text(&config, "type") == NULL);

    EXPECT_EQ(setenv("WEFT_CONFIG", path, 1), 0);
    EXPECT_EQ(READ(NULL), OK);
    EXPECT_EQ(config_number(&config, "slots"), 5);
    EXPECT_EQ(config_number(&config, "body-max"), INT64_C(3) << 20);

    EXPECT_EQ(setenv("WEFT_LEASE", "soon", 1), 0);
    REFUSED("from the environment, lease: \"soon\" is not a duration (like 250ms, 30s, 5m, 2h, "
            "7d)",
            "--data=x");
    EXPECT_EQ(unsetenv("WEFT_LEASE"), 0);
    EXPECT_EQ(unsetenv("WEFT_BODY_MAX"), 0);
    EXPECT_EQ(unsetenv("WEFT_TYPE"), 0);
    EXPECT_EQ(unsetenv("WEFT_CONFIG"), 0);
    config_deinit(&config);
}

static err read_show(const char *text)
{
    static char flag[] = "--config";
    static char path[256];
    (void)snprintf(path, sizeof path, "%s", file_with(text));
    char *argv[] = {flag, path};
    config_deinit(&config);
    return config_read(&config, &show_table, 2, argv);
}

TEST(config, passes_over_what_other_programs_know)
{
    config_know(all_tables, 4);
    const char *path = file_with("http = 127.0.0.1:1\nfollow = true\nslots = 5\nzmq =\n"
                                 "gateway\n    nonsense = is not ours to judge\n"
                                 "job\n    wait = true\n");
    EXPECT_EQ(READ("--config", path), OK);
    EXPECT_EQ(config_number(&config, "slots"), 5);
    EXPECT_EQ(READ("--config", file_with("htpp = 3\n")), ERR_BAD_FIELD);
    EXPECT_STR(config.problem, "there is no key htpp; did you mean http?");
    EXPECT_EQ(READ("--config", file_with("pigeon-post = 3\n")), ERR_BAD_FIELD);
    EXPECT_STR(config.problem, "there is no key pigeon-post; see weft VERB --help");
    config_deinit(&config);
}

TEST(config, knows_every_section_by_its_verb)
{
    config_know(all_tables, 4);
    REFUSED("the file has a section brokr, and there is no such verb; did you mean broker?",
            "--config", file_with("brokr\n    slots = 3\n"));
    REFUSED("the file has a section pigeons, and there is no such verb; see weft help", "--config",
            file_with("pigeons\n    slots = 3\n"));
    config_deinit(&config);
}

TEST(config, gives_verbs_of_two_words_the_section_of_the_first)
{
    config_know(all_tables, 4);
    EXPECT_EQ(read_show("job\n    wait = true\n    follow = true\n"), OK);
    EXPECT(config_is_on(&config, "wait"));
    EXPECT_EQ(read_show("job\n    wiat = true\n"), ERR_BAD_FIELD);
    EXPECT_STR(config.problem, "there is no key wiat; did you mean wait?");
    EXPECT_EQ(read_show("job\n    http = 127.0.0.1:1\n"), ERR_BAD_FIELD);
    EXPECT_STR(config.problem, "there is no key http; see weft job show --help");
    config_deinit(&config);
}

TEST(config, refuses_files_it_does_not_understand)
{
    REFUSED("lease stands twice in one place of the file; keep one", "--config",
            file_with("lease = 3s\nlease = 4s\n"));
    REFUSED("lease stands twice in one place of the file; keep one", "--config",
            file_with("broker\n    lease = 3s\n    data = x\n    lease = 3s\n"));
    REFUSED("broker stands twice in one place of the file; keep one", "--config",
            file_with("broker\n    lease = 3s\nbroker\n    data = x\n"));
    REFUSED("there is no key leas; did you mean lease?", "--config", file_with("leas = 3s\n"));
    REFUSED("there is no key http; see weft broker --help", "--config",
            file_with("broker\n    http = 3\n"));
    REFUSED("in the file, slots: \"many\" is not a whole number", "--config",
            file_with("slots = many\n"));
    EXPECT_EQ(READ("--config", file_with("slots = 3\n  bad indent\n\t= =\n")), ERR_BAD_FIELD);
    EXPECT(strstr(config.problem, "is not a settings file") != NULL);
    EXPECT_EQ(READ("--config", "/nowhere/weft.zpl"), ERR_BAD_FIELD);
    EXPECT_STR(config.problem, "/nowhere/weft.zpl cannot be read: No such file or directory");
    config_deinit(&config);
}

TEST(config, wants_what_is_required)
{
    static const struct config_key required = {
        .key = "broker-at", .type = CONFIG_ENDPOINT, .required = true};
    static const struct config_table strict = {.program = "worker",
                                               .usage = "weft worker TYPE",
                                               .about = "",
                                               .keys = &required,
                                               .key_count = 1,
                                               .argument_count_min = 1,
                                               .argument_count_max = 1};
    char *words[] = {strdup("--broker-at=a:1"), strdup("mail")};
    EXPECT_EQ(config_read(&config, &strict, 0, words), ERR_BAD_FIELD);
    EXPECT_STR(config.problem, "--broker-at (or WEFT_BROKER_AT) must be given");
    EXPECT_EQ(config_read(&config, &strict, 1, words), ERR_BAD_FIELD);
    EXPECT_STR(config.problem, "something is missing: weft worker TYPE");
    EXPECT_EQ(config_read(&config, &strict, 2, words), OK);
    EXPECT_STR(config.arguments[0], "mail");
    free(words[0]);
    free(words[1]);
}

TEST(config, helps)
{
    EXPECT_EQ(READ("--help"), OK);
    EXPECT(config.help_asked);
    EXPECT_EQ(READ("-h"), OK);
    EXPECT(config.help_asked);

    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    config_help(&table, out);
    EXPECT_EQ(fclose(out), 0);
    EXPECT(strstr(text, "Usage: weft broker [flags] [FILE]\n\nKeeps jobs.\n") == text);
    EXPECT(strstr(text, "  -c, --slots N                  jobs at once (WEFT_SLOTS; 1 to 64; "
                        "default 4)\n") != NULL);
    EXPECT(strstr(text, "  -o, --output text|json         form (WEFT_OUTPUT; default text)\n") !=
           NULL);
    EXPECT(strstr(text, "      --lease DURATION           of a job (WEFT_LEASE; 1s to 1h; default "
                        "30s)\n") != NULL);
    EXPECT(strstr(text, "      --body-max BYTES           of a request (WEFT_BODY_MAX; default "
                        "1MiB)\n") != NULL);
    EXPECT(strstr(text, "      --wait [DURATION]          for an end (WEFT_WAIT)\n") != NULL);
    EXPECT(strstr(text, "  -h, --help                     this text\n") != NULL);
    free(text);
    config_deinit(&config);
}

TEST(config, takes_an_unknown_getter_for_a_bug)
{
    EXPECT_EQ(READ(NULL), OK);
    EXPECT_DIES((void)config_text(&config, "pigeon"));
    config_deinit(&config);
}
