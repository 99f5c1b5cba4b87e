#pragma once

// `weft job show` and `weft batch show`.

// `argv` begins after the first word. The exit codes are those of command.h.
int show_job_main(int argc, char **argv);
int show_batch_main(int argc, char **argv);
