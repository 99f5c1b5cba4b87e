// Words between blanks, each a name, '=' and a value.

#include "cli/ready.h"

// Takes the next word off `rest`; false when there is none.
static bool next_word(struct slice *rest, struct slice *out_word)
{
    while (rest->len > 0 && rest->data[0] == ' ')
        *rest = slice_of(rest->data + 1, rest->len - 1);
    size_t len = 0;
    while (len < rest->len && rest->data[len] != ' ')
        len++;
    *out_word = slice_of(rest->data, len);
    *rest = slice_of(rest->data + len, rest->len - len);
    return len > 0;
}

bool ready_is_line(struct slice line)
{
    struct slice word;
    return line.len > 0 && line.data[0] != ' ' && next_word(&line, &word) &&
           slice_is_text(word, "ready");
}

bool ready_value(struct slice line, const char *name, struct slice *out_value)
{
    size_t name_len = strlen(name);
    struct slice word;
    while (next_word(&line, &word)) {
        bool is_it = word.len > name_len && word.data[name_len] == '=' &&
                     memcmp(word.data, name, name_len) == 0;
        if (!is_it)
            continue;
        *out_value = slice_of(word.data + name_len + 1, word.len - name_len - 1);
        return true;
    }
    return false;
}
