// Flags into fields.

#include "cli/course.h"

struct msg_defaults course_given(const struct config *config)
{
    return (struct msg_defaults){
        .timeout_ms = (uint32_t)config_number(config, "timeout"),
        .max_attempts = (uint32_t)config_number(config, "max-attempts"),
        .max_crashes = (uint32_t)config_number(config, "max-crashes"),
        .retry_first_ms = (uint32_t)config_number(config, "retry-first"),
        .retry_longest_ms = (uint32_t)config_number(config, "retry-longest"),
        .retry_factor_milli = (uint32_t)config_number(config, "retry-factor") * 1000,
        .retry_within_s = (uint32_t)((config_number(config, "retry-within") + 999) / 1000),
        .keep_s = (uint32_t)((config_number(config, "keep") + 999) / 1000),
    };
}
