// The processor's checksum is the table's, whatever the length and wherever the bytes lie.

#include "lib/base/crc.h"
#include "lib/disk/disk_crc.h"
#include "tests/support/test.h"

TEST(disk_crc, agrees_with_the_table)
{
    uint8_t bytes[600];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(i * i * 31 + i * 7 + 3);
    for (size_t from = 0; from < 9; from++) {
        for (size_t len = 0; len + from <= sizeof bytes; len++) {
            uint32_t crc = (uint32_t)(len * 2654435761u);
            struct slice slice = slice_of(bytes + from, len);
            EXPECT_EQ(disk_crc_more(crc, slice), crc_more(crc, slice));
        }
    }
}

TEST(disk_crc, known_answer)
{
    EXPECT_EQ(disk_crc_more(0, slice_of_text("123456789")), 0xe3069283u);
    EXPECT_EQ(disk_crc_more(disk_crc_more(0, slice_of_text("1234")), slice_of_text("56789")),
              0xe3069283u);
}
