// One pass, an escape or a group's head at a time. Escapes of letters that ECMA does not know are
// refused: PCRE2 has meanings for them that nobody who writes JSON Schema can count on.

#include "lib/schema/schema_ecma.h"

#include "lib/base/check.h"

// Blanks and line ends of ECMA-262; PCRE2 knows only those of ASCII unless told to use Unicode for
// \d and \w too, which ECMA does not.
static const char BLANKS[] = "\\t\\n\\x{b}\\f\\r\\x{20}\\x{a0}\\x{1680}\\x{2000}-\\x{200a}"
                             "\\x{2028}\\x{2029}\\x{202f}\\x{205f}\\x{3000}\\x{feff}";

// General categories have long names in ECMA only.
static const struct {
    const char *name, *category;
} categories[] = {
    {"Letter", "L"},
    {"Lowercase_Letter", "Ll"},
    {"Uppercase_Letter", "Lu"},
    {"Titlecase_Letter", "Lt"},
    {"Modifier_Letter", "Lm"},
    {"Other_Letter", "Lo"},
    {"Mark", "M"},
    {"Combining_Mark", "M"},
    {"Nonspacing_Mark", "Mn"},
    {"Spacing_Mark", "Mc"},
    {"Enclosing_Mark", "Me"},
    {"Number", "N"},
    {"Decimal_Number", "Nd"},
    {"digit", "Nd"},
    {"Letter_Number", "Nl"},
    {"Other_Number", "No"},
    {"Punctuation", "P"},
    {"punct", "P"},
    {"Connector_Punctuation", "Pc"},
    {"Dash_Punctuation", "Pd"},
    {"Open_Punctuation", "Ps"},
    {"Close_Punctuation", "Pe"},
    {"Initial_Punctuation", "Pi"},
    {"Final_Punctuation", "Pf"},
    {"Other_Punctuation", "Po"},
    {"Symbol", "S"},
    {"Math_Symbol", "Sm"},
    {"Currency_Symbol", "Sc"},
    {"Modifier_Symbol", "Sk"},
    {"Other_Symbol", "So"},
    {"Separator", "Z"},
    {"Space_Separator", "Zs"},
    {"Line_Separator", "Zl"},
    {"Paragraph_Separator", "Zp"},
    {"Other", "C"},
    {"Control", "Cc"},
    {"cntrl", "Cc"},
    {"Format", "Cf"},
    {"Surrogate", "Cs"},
    {"Private_Use", "Co"},
    {"Unassigned", "Cn"},
};

static void put(struct ecma *ecma, const void *data, size_t len)
{
    CHECK(len <= ecma->cap - ecma->len);
    memcpy(ecma->out + ecma->len, data, len);
    ecma->len += len;
}

static void put_text(struct ecma *ecma, const char *text)
{
    put(ecma, text, strlen(text));
}

static void refuse(struct ecma *ecma, const char *why)
{
    if (ecma->why == NULL)
        ecma->why = why;
}

static int peek(const struct ecma *ecma, size_t ahead)
{
    return ahead < ecma->left.len ? ecma->left.data[ahead] : -1;
}

static void skip(struct ecma *ecma, size_t len)
{
    ecma->left = slice_of(ecma->left.data + len, ecma->left.len - len);
}

static int hex_of(int c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static bool is_letter(int c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_digit(int c)
{
    return c >= '0' && c <= '9';
}

// `count` hexadecimal digits, taken off; -1 when they are not there.
static int32_t take_hex(struct ecma *ecma, size_t count)
{
    int32_t value = 0;
    for (size_t i = 0; i < count; i++) {
        int digit = hex_of(peek(ecma, i));
        if (digit < 0)
            return -1;
        value = value * 16 + digit;
    }
    skip(ecma, count);
    return value;
}

static void put_code_point(struct ecma *ecma, int32_t code)
{
    if (code < 0 || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) {
        refuse(ecma, "an escape names no character");
        return;
    }
    char digits[8];
    size_t at = sizeof digits;
    do {
        digits[--at] = "0123456789abcdef"[code % 16];
        code /= 16;
    } while (code > 0);
    put_text(ecma, "\\x{");
    put(ecma, digits + at, sizeof digits - at);
    put_text(ecma, "}");
}

// What follows "\u{": up to six digits and the brace.
static int32_t take_braced(struct ecma *ecma)
{
    skip(ecma, 1);
    size_t count = 0;
    while (count < 7 && hex_of(peek(ecma, count)) >= 0)
        count++;
    if (count == 0 || count == 7 || peek(ecma, count) != '}')
        return -1;
    int32_t code = take_hex(ecma, count);
    skip(ecma, 1);
    return code;
}

// What follows "\u", two halves of a character as one.
static int32_t take_unicode(struct ecma *ecma)
{
    if (peek(ecma, 0) == '{')
        return take_braced(ecma);
    int32_t code = take_hex(ecma, 4);
    if (code < 0xd800 || code > 0xdbff || peek(ecma, 0) != '\\' || peek(ecma, 1) != 'u')
        return code;
    skip(ecma, 2);
    int32_t low = take_hex(ecma, 4);
    if (low < 0xdc00 || low > 0xdfff)
        return -1;
    return 0x10000 + (code - 0xd800) * 0x400 + (low - 0xdc00);
}

// What follows "\p" or "\P".
static void put_property(struct ecma *ecma, int letter)
{
    struct slice name = ecma->left;
    size_t len = 1;
    while (len < ecma->left.len && len < 64 &&
           (is_letter(peek(ecma, len)) || is_digit(peek(ecma, len)) || peek(ecma, len) == '_' ||
            peek(ecma, len) == '='))
        len++;
    if (peek(ecma, 0) != '{' || peek(ecma, len) != '}' || len < 2) {
        refuse(ecma, "\\p wants a property in braces");
        return;
    }
    name = slice_of(name.data + 1, len - 1);
    skip(ecma, len + 1);
    static const char *const prefixes[] = {"General_Category=", "gc="};
    for (size_t i = 0; i < 2; i++) {
        size_t prefix = strlen(prefixes[i]);
        if (name.len > prefix && memcmp(name.data, prefixes[i], prefix) == 0)
            name = slice_of(name.data + prefix, name.len - prefix);
    }
    for (size_t i = 0; i < sizeof categories / sizeof *categories; i++)
        if (slice_is_text(name, categories[i].name))
            name = slice_of_text(categories[i].category);
    put(ecma, letter == 'p' ? "\\p{" : "\\P{", 3);
    put(ecma, name.data, name.len);
    put_text(ecma, "}");
}

// A reference back, to a group by its number.
static void put_back_reference(struct ecma *ecma, int first)
{
    if (ecma->is_in_class) {
        refuse(ecma, "a number is escaped within a class");
        return;
    }
    put_text(ecma, "\\g{");
    for (int digit = first; is_digit(digit); digit = peek(ecma, 0)) {
        char c = (char)digit;
        put(ecma, &c, 1);
        if (!is_digit(peek(ecma, 0)))
            break;
        skip(ecma, 1);
    }
    put_text(ecma, "}");
}

// A reference back, to a group by its name.
static void put_name_reference(struct ecma *ecma)
{
    size_t len = 1;
    while (is_letter(peek(ecma, len)) || is_digit(peek(ecma, len)) || peek(ecma, len) == '_')
        len++;
    if (ecma->is_in_class || peek(ecma, 0) != '<' || peek(ecma, len) != '>' || len < 2) {
        refuse(ecma, "\\k wants the name of a group as <name>");
        return;
    }
    put_text(ecma, "\\k");
    put(ecma, ecma->left.data, len + 1);
    skip(ecma, len + 1);
}

static void put_blank(struct ecma *ecma, int letter)
{
    if (ecma->is_in_class && letter == 'S') {
        put_text(ecma, "\\S");
        return;
    }
    if (!ecma->is_in_class)
        put_text(ecma, letter == 's' ? "[" : "[^");
    put_text(ecma, BLANKS);
    if (!ecma->is_in_class)
        put_text(ecma, "]");
}

static void put_control(struct ecma *ecma)
{
    int letter = peek(ecma, 0);
    if (!is_letter(letter)) {
        refuse(ecma, "\\c wants a letter");
        return;
    }
    skip(ecma, 1);
    put_code_point(ecma, letter % 32);
}

static void put_as_it_is(struct ecma *ecma, int letter)
{
    char escape[2] = {'\\', (char)letter};
    put(ecma, escape, 2);
}

static void escape_letter(struct ecma *ecma, int letter)
{
    const char *same = ecma->is_in_class ? "dDwWnrtfb" : "dDwWnrtfbB";
    if (strchr(same, letter) != NULL)
        put_as_it_is(ecma, letter);
    else if (letter == 's' || letter == 'S')
        put_blank(ecma, letter);
    else if (letter == 'v')
        put_code_point(ecma, 0x0b);
    else if (letter == 'u')
        put_code_point(ecma, take_unicode(ecma));
    else if (letter == 'x')
        put_code_point(ecma, take_hex(ecma, 2));
    else if (letter == 'p' || letter == 'P')
        put_property(ecma, letter);
    else if (letter == 'k')
        put_name_reference(ecma);
    else if (letter == 'c')
        put_control(ecma);
    else
        refuse(ecma, "a letter is escaped that has no such meaning");
}

static void translate_escape(struct ecma *ecma)
{
    int next = peek(ecma, 1);
    if (next < 0) {
        refuse(ecma, "it ends in a backslash");
        return;
    }
    skip(ecma, 2);
    if (is_letter(next))
        escape_letter(ecma, next);
    else if (next == '0' && !is_digit(peek(ecma, 0)))
        put_code_point(ecma, 0);
    else if (next >= '1' && next <= '9')
        put_back_reference(ecma, next);
    else if (next < 0x21 || next > 0x7e || next == '0')
        refuse(ecma, "something is escaped that needs no escape");
    else
        put_as_it_is(ecma, next);
}

// "(": of what may follow a question mark ECMA knows five.
static void translate_group(struct ecma *ecma)
{
    int after = peek(ecma, 2);
    bool is_look = after == '=' || after == '!' || after == ':';
    bool is_back = after == '<' && (peek(ecma, 3) == '=' || peek(ecma, 3) == '!');
    bool is_named = after == '<' && (is_letter(peek(ecma, 3)) || peek(ecma, 3) == '_');
    if (peek(ecma, 1) == '*' || (peek(ecma, 1) == '?' && !is_look && !is_back && !is_named))
        refuse(ecma, "a group begins in a way that ECMA-262 does not know");
    put_text(ecma, "(");
    skip(ecma, 1);
}

const char *schema_ecma_translate(struct slice pattern, char *out, size_t cap, size_t *out_len)
{
    CHECK(cap / SCHEMA_ECMA_GROWTH >= pattern.len);
    struct ecma ecma = {.left = pattern, .out = out, .cap = cap};
    while (ecma.left.len > 0 && ecma.why == NULL) {
        int c = peek(&ecma, 0);
        if (c == '\\') {
            translate_escape(&ecma);
            continue;
        }
        if (c == '(' && !ecma.is_in_class) {
            translate_group(&ecma);
            continue;
        }
        // "[[:alpha:]]" is no class of PCRE2's here.
        if (c == '[' && ecma.is_in_class)
            put_text(&ecma, "\\");
        put(&ecma, ecma.left.data, 1);
        ecma.is_in_class = c == '[' || (ecma.is_in_class && c != ']');
        skip(&ecma, 1);
    }
    *out_len = ecma.len;
    return ecma.why;
}
