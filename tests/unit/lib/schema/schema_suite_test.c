// links: PkgConfig::jansson

// The official test suite of JSON Schema, as Debian packages it, for both drafts. What is not passed
// is listed here by name, with the reason: a listed group that would pass, or that fails for another
// reason, fails the test, and so does a list that has grown without its count.

#include "lib/schema/schema.h"

#include "tests/support/test.h"

#include <dirent.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

struct exception {
    const char *draft, *file, *group;
    const char *fault; // what the refusal to compile says; NULL: it compiles, and judges otherwise
};

#define REMOTE "references to other documents are not followed"
#define DRAFT "expected draft 2020-12 or draft 7"

static const struct exception exceptions[] = {
#include "tests/unit/lib/schema/schema_suite_exceptions.inc"
};
enum { EXCEPTION_COUNT = sizeof exceptions / sizeof *exceptions };

struct run {
    const char *draft, *file;
    json_t
        *bundle; // documents that schemas may refer to, by name; NULL: those that do are excepted
    unsigned group_count, test_count;
    unsigned wrong; // verdicts of the group at hand
    bool used[EXCEPTION_COUNT];
    unsigned failures;
};

static const struct exception *exception_of(struct run *run, const char *group)
{
    for (size_t i = 0; i < EXCEPTION_COUNT; i++) {
        const struct exception *e = &exceptions[i];
        if (strcmp(e->draft, run->draft) == 0 && strcmp(e->file, run->file) == 0 &&
            strcmp(e->group, group) == 0) {
            run->used[i] = true;
            return e;
        }
    }
    return NULL;
}

static void complain(struct run *run, const char *group, const char *what, const char *detail)
{
    run->failures++;
    print_message("%s/%s: \"%s\": %s: %s\n", run->draft, run->file, group, what, detail);
}

static void judge(struct run *run, const struct schema *schema, json_t *tests, const char *group,
                  bool is_excepted)
{
    run->wrong = 0;
    size_t i;
    json_t *test;
    json_array_foreach(tests, i, test)
    {
        static struct schema_report report;
        json_t *data = json_object_get(test, "data");
        bool wanted = json_is_true(json_object_get(test, "valid"));
        bool is_valid = schema_check(schema, data, &report);
        EXPECT_EQ(is_valid, report.count == 0);
        EXPECT(!report.is_stopped);
        for (uint32_t v = 0; v < report.count; v++) {
            EXPECT(report.violations[v].message[0] != '\0');
            EXPECT(memchr(report.violations[v].path, 0, SCHEMA_TEXT_MAX) != NULL);
        }
        run->test_count++;
        if (is_valid == wanted)
            continue;
        run->wrong++;
        if (!is_excepted)
            complain(run, group, wanted ? "should be valid" : "should be invalid",
                     json_string_value(json_object_get(test, "description")));
    }
}

// A schema without $schema is one of the draft whose folder it is in.
static char *text_of(const struct run *run, json_t *schema)
{
    if (json_is_object(schema) && json_object_get(schema, "$schema") == NULL &&
        strcmp(run->draft, "draft7") == 0)
        (void)json_object_set_new(schema, "$schema",
                                  json_string("http://json-schema.org/draft-07/schema#"));
    return json_dumps(schema, JSON_ENCODE_ANY);
}

static void run_group(struct run *run, json_t *group)
{
    const char *name = json_string_value(json_object_get(group, "description"));
    const struct exception *exception = exception_of(run, name);
    char *text = text_of(run, json_object_get(group, "schema"));
    struct schema *schema = NULL;
    struct schema_fault fault;
    err e = schema_compile(slice_of_text(text), &schema, &fault);
    free(text);
    run->group_count++;
    if (e != OK) {
        bool is_known = exception != NULL && exception->fault != NULL &&
                        strstr(fault.message, exception->fault) != NULL;
        if (!is_known)
            complain(run, name, fault.pointer, fault.message);
        return;
    }
    judge(run, schema, json_object_get(group, "tests"), name, exception != NULL);
    schema_free(schema);
    if (exception != NULL && (exception->fault != NULL || run->wrong == 0))
        complain(run, name, "is listed as an exception", "but passes, or compiles");
}

// The same group, with the documents that it refers to put into its schema.
static void run_bundled(struct run *run, json_t *group)
{
    const char *name = json_string_value(json_object_get(group, "description"));
    const struct exception *exception = exception_of(run, name);
    bool is_remote =
        exception != NULL && exception->fault != NULL && strcmp(exception->fault, REMOTE) == 0;
    json_t *schema = json_object_get(group, "schema");
    if (!is_remote)
        return;
    json_t *defs = json_object_get(schema, "$defs");
    if (defs == NULL)
        (void)json_object_set_new(schema, "$defs", defs = json_object());
    (void)json_object_update(defs, run->bundle);
    char *text = text_of(run, schema);
    struct schema *compiled = NULL;
    struct schema_fault fault;
    err e = schema_compile(slice_of_text(text), &compiled, &fault);
    free(text);
    // The drafts' own meta-schemas are not among them, nor what refers to places that no draft names.
    if (e != OK && strstr(fault.message, REMOTE) != NULL)
        return;
    run->group_count++;
    if (e != OK)
        complain(run, name, fault.pointer, fault.message);
    else
        judge(run, compiled, json_object_get(group, "tests"), name, false);
    schema_free(compiled);
}

static void run_file(struct run *run, const char *path)
{
    json_error_t error;
    json_t *groups = json_load_file(path, JSON_ALLOW_NUL, &error);
    // The suite's numbers of more than 64 bits are read as schema_check_text() reads them.
    if (groups == NULL && json_error_code(&error) == json_error_numeric_overflow)
        groups = json_load_file(path, JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL, &error);
    if (groups == NULL)
        complain(run, path, "cannot be read", error.text);
    size_t i;
    json_t *group;
    json_array_foreach(groups, i, group) if (run->bundle == NULL) run_group(run, group);
    else run_bundled(run, group);
    json_decref(groups);
}

static void run_folder(struct run *run, const char *draft, const char *below)
{
    char path[1024];
    (void)snprintf(path, sizeof path, "%s/%s%s", WEFT_SCHEMA_SUITE, draft, below);
    DIR *folder = opendir(path);
    EXPECT(folder != NULL);
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        if (strstr(entry->d_name, ".json") == NULL)
            continue;
        char file[2048], name[512];
        (void)snprintf(file, sizeof file, "%s/%s", path, entry->d_name);
        (void)snprintf(name, sizeof name, "%s%s%s", below[0] == '/' ? below + 1 : below,
                       below[0] != '\0' ? "/" : "", entry->d_name);
        run->draft = draft;
        run->file = name;
        run_file(run, file);
    }
    (void)closedir(folder);
}

static unsigned used_count(const struct run *run)
{
    unsigned count = 0;
    for (size_t i = 0; i < EXCEPTION_COUNT; i++)
        count += run->used[i] ? 1 : 0;
    return count;
}

// What has been run, so that neither a suite that is not found nor a longer list goes unnoticed.
static void expect_counts(const struct run *run, unsigned least_verdicts, unsigned excepted)
{
    unsigned used = used_count(run);
    print_message("%u groups, %u verdicts, %u groups excepted\n", run->group_count, run->test_count,
                  used);
    EXPECT_EQ(run->failures, 0);
    EXPECT_EQ(used, excepted);
    EXPECT(run->test_count >= least_verdicts);
}

TEST(schema, passes_the_suite_of_draft_2020_12)
{
    static struct run run;
    run_folder(&run, "draft2020-12", "");
    run_folder(&run, "draft2020-12", "/optional");
    expect_counts(&run, 1245, 33);
}

TEST(schema, passes_the_suite_of_draft_7)
{
    static struct run run;
    run_folder(&run, "draft7", "");
    run_folder(&run, "draft7", "/optional");
    expect_counts(&run, 942, 16);
}

// A document under the address it is served from; one that names itself otherwise is found by both.
static void add_document(json_t *bundle, const char *address)
{
    static const char server[] = "http://localhost:1234/";
    char path[1024], uri[256];
    (void)snprintf(path, sizeof path, "%s/../remotes/%s", WEFT_SCHEMA_SUITE, address);
    (void)snprintf(uri, sizeof uri, "%s%s", server, address);
    json_t *document = json_load_file(path, 0, NULL);
    EXPECT(document != NULL);
    json_t *id = json_object_get(document, "$id");
    if (id == NULL)
        (void)json_object_set_new(document, "$id", json_string(uri));
    else if (strcmp(json_string_value(id), uri) != 0)
        document = json_pack("{s:s,s:O,s:{s:o}}", "$id", uri, "$ref", id, "$defs", "it", document);
    EXPECT_EQ(json_object_set_new(bundle, uri, document), 0);
}

static void run_with_documents(struct run *run, const char *draft, const char *const *documents)
{
    run->bundle = json_object();
    for (; *documents != NULL; documents++)
        add_document(run->bundle, *documents);
    run_folder(run, draft, "");
    json_decref(run->bundle);
    EXPECT_EQ(run->failures, 0);
    print_message("%u groups, %u verdicts\n", run->group_count, run->test_count);
}

TEST(schema, passes_what_it_excepts_when_the_documents_are_one)
{
    static const char *const newer[] = {"draft2020-12/integer.json",
                                        "draft2020-12/subSchemas-defs.json",
                                        "draft2020-12/locationIndependentIdentifier.json",
                                        "draft2020-12/baseUriChange/folderInteger.json",
                                        "draft2020-12/baseUriChangeFolder/folderInteger.json",
                                        "draft2020-12/baseUriChangeFolderInSubschema/"
                                        "folderInteger.json",
                                        "draft2020-12/name-defs.json",
                                        "draft2020-12/ref-and-defs.json",
                                        "draft2020-12/nested/foo-ref-string.json",
                                        "draft2020-12/nested/string.json",
                                        "draft2020-12/tree.json",
                                        "draft2020-12/extendible-dynamic-ref.json",
                                        "different-id-ref-string.json",
                                        "urn-ref-string.json",
                                        "nested-absolute-ref-to-string.json",
                                        NULL};
    static const char *const older[] = {"integer.json",
                                        "locationIndependentIdentifierPre2019.json",
                                        "baseUriChange/folderInteger.json",
                                        "baseUriChangeFolder/folderInteger.json",
                                        "baseUriChangeFolderInSubschema/folderInteger.json",
                                        "name.json",
                                        "ref-and-definitions.json",
                                        "nested/foo-ref-string.json",
                                        "nested/string.json",
                                        NULL};
    static struct run run, other;
    run_with_documents(&run, "draft2020-12", newer);
    EXPECT_EQ(run.group_count, 18);
    run_with_documents(&other, "draft7", older);
    EXPECT_EQ(other.group_count, 8);
}

TEST(schema, excepts_no_group_that_is_not_there)
{
    static struct run run;
    run_folder(&run, "draft2020-12", "");
    run_folder(&run, "draft2020-12", "/optional");
    run_folder(&run, "draft7", "");
    run_folder(&run, "draft7", "/optional");
    EXPECT_EQ(used_count(&run), EXCEPTION_COUNT);
}
