#pragma once

// `weft completion bash|zsh|fish`: scripts that ask `weft` itself, so that they never grow old.

int completion_main(int argc, char **argv);
