#pragma once

// CRC-32C (Castagnoli, RFC 3720 appendix B.4) of stored records. Pure; any thread.

#include "lib/base/slice.h"

#include <stdint.h>

uint32_t crc_of(struct slice bytes);

// The checksum of some bytes followed by `more`, from the checksum of the former.
uint32_t crc_more(uint32_t crc, struct slice more);
