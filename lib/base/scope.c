// Scopes as text: words with commas between, in our order.

#include "lib/base/scope.h"

#include "lib/base/check.h"

static const char *const names[SCOPE_COUNT] = {"submit", "read", "work", "admin"};

static uint32_t scope_of(struct slice word)
{
    for (uint32_t i = 0; i < SCOPE_COUNT; i++) {
        if (slice_is_text(word, names[i]))
            return 1u << i;
    }
    return 0;
}

// Cuts the part before the next comma, or all, off `text`.
static struct slice cut(struct slice *text)
{
    const uint8_t *at = text->len > 0 ? memchr(text->data, ',', text->len) : NULL;
    size_t len = at != NULL ? (size_t)(at - text->data) : text->len;
    struct slice part = slice_of(text->data, len);
    size_t gone = at != NULL ? len + 1 : len;
    *text = slice_of(text->data + gone, text->len - gone);
    return part;
}

bool scope_read(struct slice text, uint32_t *out_scopes)
{
    uint32_t scopes = 0;
    bool ends_open = text.len > 0 && text.data[text.len - 1] == ',';
    if (text.len == 0 || ends_open)
        return false;
    while (text.len > 0) {
        uint32_t scope = scope_of(cut(&text));
        if (scope == 0 || (scopes & scope) != 0)
            return false;
        scopes |= scope;
    }
    *out_scopes = scopes;
    return true;
}

void scope_put(uint32_t scopes, char out[SCOPE_TEXT_LEN])
{
    size_t len = 0;
    for (uint32_t i = 0; i < SCOPE_COUNT; i++) {
        if ((scopes & 1u << i) == 0)
            continue;
        if (len > 0)
            out[len++] = ',';
        size_t name_len = strlen(names[i]);
        CHECK(len + name_len < SCOPE_TEXT_LEN);
        memcpy(out + len, names[i], name_len);
        len += name_len;
    }
    out[len] = '\0';
}

const char *scope_name(uint32_t scope)
{
    for (uint32_t i = 0; i < SCOPE_COUNT; i++) {
        if (scope == 1u << i)
            return names[i];
    }
    UNREACHABLE();
}
