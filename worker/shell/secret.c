// Lines of a small file.

#include "worker/shell/secret.h"

#include "lib/base/base64.h"
#include "lib/base/word.h"
#include "lib/sys/blake.h"
#include "lib/sys/file.h"

#include <stdio.h>
#include <sys/stat.h>

enum { FILE_LEN_MAX = 512, SECRET_LEN_MADE = 32, LINE_LEN_MADE = 64 };

static const char mark[] = "whsec_";
enum { MARK_LEN = sizeof mark - 1 };

static bool read_line(struct slice line, struct secrets *secrets, uint32_t at)
{
    size_t len = 0;
    if (at == SIGNATURE_KEYS_MAX || line.len < MARK_LEN || memcmp(line.data, mark, MARK_LEN) != 0)
        return false;
    struct slice text = slice_of(line.data + MARK_LEN, line.len - MARK_LEN);
    if (base64_get(text, secrets->bytes[at], SECRET_LEN_MAX, &len) != OK || len < SECRET_LEN_MIN)
        return false;
    secrets->lens[at] = len;
    return true;
}

static bool read_lines(struct slice rest, struct secrets *secrets)
{
    uint32_t count = 0;
    while (rest.len > 0) {
        const uint8_t *end = memchr(rest.data, '\n', rest.len);
        size_t len = end != NULL ? (size_t)(end - rest.data) : rest.len;
        struct slice line = word_trim(slice_of(rest.data, len));
        if (line.len > 0 && !read_line(line, secrets, count++))
            return false;
        size_t step = end != NULL ? len + 1 : len;
        rest = slice_of(rest.data + step, rest.len - step);
    }
    return count > 0;
}

err secret_read(const char *path, struct secrets *out_secrets, const char **out_why)
{
    uint8_t bytes[FILE_LEN_MAX];
    struct secrets secrets = {0};
    struct stat about;
    size_t len = 0;
    err read = file_read(path, bytes, sizeof bytes, &len);
    *out_why = err_text(read);
    if (read == OK && stat(path, &about) != 0)
        read = ERR_SYSTEM;
    if (read == OK && (about.st_mode & (S_IRWXG | S_IRWXO)) != 0)
        read = ERR_SCOPE;
    if (read == ERR_TOO_LARGE || (read == OK && !read_lines(slice_of(bytes, len), &secrets)))
        read = ERR_DAMAGED;
    if (read == ERR_SCOPE)
        *out_why = "others than its owner may read it; chmod 600";
    if (read == ERR_DAMAGED)
        *out_why = "it has not one line, or two, of whsec_ and base64 of 24 to 64 bytes";
    if (read == OK)
        *out_secrets = secrets;
    return read;
}

err secret_make(const char *path)
{
    uint8_t bytes[SECRET_LEN_MADE];
    char line[LINE_LEN_MADE];
    blake_random(bytes, sizeof bytes);
    memcpy(line, mark, MARK_LEN);
    base64_put(slice_of(bytes, sizeof bytes), line + MARK_LEN);
    size_t len = MARK_LEN + base64_len(sizeof bytes);
    line[len++] = '\n';
    return file_write(path, slice_of(line, len));
}
