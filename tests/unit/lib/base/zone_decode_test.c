// Files and rules of the zone database, whole and broken.

#include "tests/support/test.h"

#include "lib/base/bytes.h"
#include "lib/base/zone.h"

struct file {
    uint8_t bytes[8192];
    struct bytes_out out;
};

static void header(struct file *file, uint8_t version, uint32_t changes, uint32_t types,
                   uint32_t leaps)
{
    bytes_put(&file->out, "TZif", 4);
    bytes_put_u8(&file->out, version);
    for (unsigned i = 0; i < 15; i++)
        bytes_put_u8(&file->out, 0);
    bytes_put_u32(&file->out, 0);
    bytes_put_u32(&file->out, 0);
    bytes_put_u32(&file->out, leaps);
    bytes_put_u32(&file->out, changes);
    bytes_put_u32(&file->out, types);
    bytes_put_u32(&file->out, 4);
}

static void type(struct file *file, int32_t offset)
{
    bytes_put_u32(&file->out, (uint32_t)offset);
    bytes_put_u16(&file->out, 0);
}

// Two changes: from -100 s to an hour at the second 1000, to an unchanged hour at 2000.
static void make(struct file *file, uint8_t version, const char *rule)
{
    file->out = (struct bytes_out){.data = file->bytes, .cap = sizeof file->bytes};
    header(file, version, 0, 1, 0);
    type(file, 0);
    bytes_put(&file->out, "LMT", 4);
    header(file, version, 2, 3, 0);
    bytes_put_u64(&file->out, 1000);
    bytes_put_u64(&file->out, 2000);
    bytes_put_u8(&file->out, 1);
    bytes_put_u8(&file->out, 2);
    type(file, -100);
    type(file, 3600);
    type(file, 3600);
    bytes_put(&file->out, "LMT", 4);
    bytes_put_u8(&file->out, '\n');
    bytes_put(&file->out, rule, strlen(rule));
    bytes_put_u8(&file->out, '\n');
    EXPECT(!file->out.full);
}

static err decode(const struct file *file, struct zone *out_zone)
{
    return zone_decode(slice_of(file->bytes, file->out.len), out_zone);
}

TEST(zone_decode, file_gives_table_and_rule)
{
    struct file file;
    struct zone zone;
    make(&file, '2', "CET-1CEST,M3.5.0,M10.5.0/3");
    EXPECT_EQ(decode(&file, &zone), OK);
    // The second change changed a name only.
    EXPECT_EQ(zone.count, 1);
    EXPECT_EQ(zone.first_offset, -100);
    EXPECT_EQ(zone.at[0], 1000);
    EXPECT_EQ(zone.offset[0], 3600);
    EXPECT(zone.has_rule && zone.has_summer);
    EXPECT_EQ(zone.winter_offset, 3600);
    EXPECT_EQ(zone.summer_offset, 7200);
    EXPECT_EQ(zone.summer_begins.kind, 'M');
    EXPECT_EQ(zone.summer_begins.month, 3);
    EXPECT_EQ(zone.summer_begins.week, 5);
    EXPECT_EQ(zone.summer_begins.day, 0);
    EXPECT_EQ(zone.summer_begins.second, 7200);
    EXPECT_EQ(zone.winter_begins.second, 10800);
}

TEST(zone_decode, rule_may_be_empty_or_without_summer)
{
    struct file file;
    struct zone zone;
    make(&file, '3', "");
    EXPECT_EQ(decode(&file, &zone), OK);
    EXPECT(!zone.has_rule);
    make(&file, '4', "<+01>-1");
    EXPECT_EQ(decode(&file, &zone), OK);
    EXPECT(zone.has_rule && !zone.has_summer);
    EXPECT_EQ(zone.winter_offset, 3600);
}

TEST(zone_decode, every_beginning_of_a_file_is_refused)
{
    struct file file;
    make(&file, '2', "CET-1CEST,M3.5.0,M10.5.0/3");
    for (size_t len = 0; len < file.out.len; len++) {
        struct zone zone = {.count = 77};
        EXPECT_EQ(zone_decode(slice_of(file.bytes, len), &zone), ERR_MALFORMED);
        EXPECT_EQ(zone.count, 77);
    }
}

TEST(zone_decode, what_does_not_fit_is_refused)
{
    struct file file;
    struct zone zone;
    make(&file, '1', "UTC0");
    EXPECT_EQ(decode(&file, &zone), ERR_MALFORMED);
    make(&file, '2', "UTC0");
    size_t times = 44 + 6 + 4 + 44;
    file.bytes[times + 7] = 0xff; // the first change is now after the second
    file.bytes[times + 6] = 0xff;
    EXPECT_EQ(decode(&file, &zone), ERR_MALFORMED);
    make(&file, '2', "UTC0");
    file.bytes[times + 16] = 3; // there are types 0 to 2
    EXPECT_EQ(decode(&file, &zone), ERR_MALFORMED);
    make(&file, '2', "UTC0");
    file.bytes[times + 18] = 0x70; // an offset of years
    EXPECT_EQ(decode(&file, &zone), ERR_MALFORMED);
    make(&file, '2', "UTC0 ");
    EXPECT_EQ(decode(&file, &zone), ERR_MALFORMED);
    file.out = (struct bytes_out){.data = file.bytes, .cap = sizeof file.bytes};
    header(&file, '2', 0, 1, 0);
    type(&file, 0);
    bytes_put(&file.out, "LMT", 4);
    header(&file, '2', 0, 1, 1); // leap seconds
    EXPECT_EQ(decode(&file, &zone), ERR_MALFORMED);
}

TEST(zone_decode, table_has_a_limit)
{
    static struct file file;
    struct zone zone;
    for (uint32_t count = ZONE_CHANGES_MAX; count <= ZONE_CHANGES_MAX + 1; count++) {
        file.out = (struct bytes_out){.data = file.bytes, .cap = sizeof file.bytes};
        header(&file, '2', 0, 1, 0);
        type(&file, 0);
        bytes_put(&file.out, "LMT", 4);
        header(&file, '2', count, 2, 0);
        for (uint32_t i = 0; i < count; i++)
            bytes_put_u64(&file.out, (uint64_t)i * 86400);
        for (uint32_t i = 0; i < count; i++)
            bytes_put_u8(&file.out, i % 2 == 0);
        type(&file, 0);
        type(&file, 3600);
        bytes_put(&file.out, "LMT", 4);
        bytes_put(&file.out, "\n\n", 2);
        EXPECT(!file.out.full);
        EXPECT_EQ(decode(&file, &zone), count > ZONE_CHANGES_MAX ? ERR_MALFORMED : OK);
    }
    static const uint8_t large[ZONE_BYTES_MAX + 1];
    EXPECT_EQ(zone_decode(slice_of(large, sizeof large), &zone), ERR_MALFORMED);
}

TEST(zone_decode, rules_are_read_whole)
{
    static const struct {
        const char *text;
        int32_t winter, summer;
    } rows[] = {
        {"UTC0", 0, 0},
        {"<-00>0", 0, 0},
        {"IST-5:30", 19800, 0},
        {"<+0545>-5:45", 20700, 0},
        {"NST3:30NDT,M3.2.0,M11.1.0", -12600, -9000},
        {"IST-1GMT0,M10.5.0,M3.5.0/1", 3600, 0}, // Ireland's winter is the exception
        {"AAA+12:30:15BBB-14,J1,365/-167:59:59", -45015, 50400},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct zone zone;
        EXPECT_EQ(zone_of_rule(slice_of_text(rows[i].text), &zone), OK);
        EXPECT_EQ(zone.winter_offset, rows[i].winter);
        EXPECT_EQ(zone.summer_offset, rows[i].summer);
    }
}

TEST(zone_decode, broken_rules_are_refused)
{
    static const char *const bad[] = {"",
                                      "CET",
                                      "CE-1",
                                      "<CET-1",
                                      "CET-1CEST",
                                      "CET-1CEST,M3.5.0",
                                      "CET-1CEST,M3.5.0,",
                                      "CET-1CEST,M13.5.0,M10.5.0",
                                      "CET-1CEST,M3.6.0,M10.5.0",
                                      "CET-1CEST,M3.5.7,M10.5.0",
                                      "CET-1CEST,J0,J10",
                                      "CET-1CEST,J366,J10",
                                      "CET-1CEST,366,10",
                                      "CET-25",
                                      "CET-1:60",
                                      "CET-1CEST,M3.5.0/168,M10.5.0",
                                      "CET-1CEST,M3.5.0,M10.5.0/3 ",
                                      "CET-1CEST,M3.5.0,M10.5.0,",
                                      "CET--1"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct zone zone;
        EXPECT_EQ(zone_of_rule(slice_of_text(bad[i]), &zone), ERR_MALFORMED);
    }
}
