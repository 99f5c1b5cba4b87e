// Prints the headers of a webhook: hook_sign ID MS BODY SECRET [SECRET], the secrets in hexadecimal.
//
// links: weft_post

#include "lib/post/signature.h"

#include <stdio.h>
#include <stdlib.h>

enum { SECRET_LEN_MAX = 128 };

static struct slice read_hex(const char *text, uint8_t room[SECRET_LEN_MAX])
{
    size_t len = strlen(text) / 2;
    for (size_t i = 0; i < len && i < SECRET_LEN_MAX; i++) {
        char pair[3] = {text[2 * i], text[2 * i + 1], '\0'};
        room[i] = (uint8_t)strtoul(pair, NULL, 16);
    }
    return slice_of(room, len);
}

int main(int argc, char **argv)
{
    static uint8_t rooms[SIGNATURE_KEYS_MAX][SECRET_LEN_MAX];
    struct signature signature;
    if (argc < 5 || argc > 4 + SIGNATURE_KEYS_MAX)
        return 64;
    struct signature_input input = {.id = slice_of_text(argv[1]),
                                    .at = strtoll(argv[2], NULL, 10),
                                    .body = slice_of_text(argv[3])};
    for (int i = 4; i < argc; i++)
        input.keys[i - 4] = read_hex(argv[i], rooms[i - 4]);
    signature_make(&input, &signature);
    (void)printf("%s\n%s\n", signature.time, signature.text);
    return 0;
}
