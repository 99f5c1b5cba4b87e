#pragma once

// `weft mdp`: the Majordomo front.

#include "lib/sys/config.h"

extern const struct config_table mdp_table;

int mdp_main(int argc, char **argv);
