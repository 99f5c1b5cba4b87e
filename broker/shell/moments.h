#pragma once

// Moments of schedules that are due become proposals to the core, in the batch being filled.

struct broker;

void moments_run(struct broker *broker);
