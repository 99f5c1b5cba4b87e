#pragma once

// The checksum of lib/base/crc.h by the processor's own instruction where there is one: sealing
// is a quarter of a commit's work without it. Any thread.

#include "lib/base/slice.h"

#include <stdint.h>

// The same number as crc_more().
uint32_t disk_crc_more(uint32_t crc, struct slice more);
