// Scopes as the flags of `weft token` and `weft key` have them.

#include "tests/support/test.h"

#include "lib/base/scope.h"

TEST(scope, they_are_words)
{
    uint32_t scopes = 99;
    char text[SCOPE_TEXT_LEN];
    EXPECT(scope_read(slice_of_text("admin,submit"), &scopes));
    EXPECT_EQ(scopes, SCOPE_ADMIN | SCOPE_SUBMIT);
    scope_put(SCOPE_ALL, text);
    EXPECT_STR(text, "submit,read,work,admin");
    EXPECT(scope_read(slice_of_text(text), &scopes));
    EXPECT_EQ(scopes, SCOPE_ALL);
    EXPECT(!scope_read(slice_of_text(""), &scopes));
    EXPECT(!scope_read(slice_of_text("read,"), &scopes));
    EXPECT(!scope_read(slice_of_text(",read"), &scopes));
    EXPECT(!scope_read(slice_of_text("read,read"), &scopes));
    EXPECT(!scope_read(slice_of_text("read, work"), &scopes));
    EXPECT_EQ(scopes, SCOPE_ALL);
    EXPECT_STR(scope_name(SCOPE_WORK), "work");
}
