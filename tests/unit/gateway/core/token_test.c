// Tokens as text: what is written is read again, and nothing else is.

#include "gateway/core/token.h"

#include "tests/support/test.h"

#include "lib/base/crc.h"

static struct token some_token(void)
{
    struct token token = {
        .tenant = slice_of_text("acme"),
        .name = slice_of_text("ci.deploy_1-x"),
        .scopes = SCOPE_SUBMIT | SCOPE_ADMIN,
        .created_at = 1795661173204,
        .expires_at = WHEN_NEVER,
    };
    for (size_t i = 0; i < TOKEN_HASH_LEN; i++)
        token.hash[i] = (uint8_t)(i * 7 + 9);
    return token;
}

static struct slice line_of(const struct token *token, uint8_t room[TOKEN_LINE_LEN_MAX])
{
    struct bytes_out out = {.data = room, .cap = TOKEN_LINE_LEN_MAX};
    token_put(&out, token);
    EXPECT(!out.full);
    EXPECT_EQ(room[out.len - 1], '\n');
    return slice_of(room, out.len - 1);
}

TEST(token, line_is_as_documented)
{
    uint8_t room[TOKEN_LINE_LEN_MAX];
    struct token token = some_token();
    struct slice line = line_of(&token, room);
    EXPECT(slice_is_text(line,
                         "token 0910171e252c333a41484f565d646b727980878e959ca3aab1b8bfc6cdd4dbe2 "
                         "acme ci.deploy_1-x submit,admin 1795661173204 - 17097a85"));
}

TEST(token, line_is_read_as_it_was_written)
{
    uint8_t room[TOKEN_LINE_LEN_MAX];
    struct token token = some_token();
    struct token again;
    token.expires_at = 0;
    token.created_at = 253402300799999;
    EXPECT_EQ(token_read(line_of(&token, room), &again), OK);
    EXPECT_MEM(again.hash, token.hash, TOKEN_HASH_LEN);
    EXPECT(slice_equal(again.tenant, token.tenant));
    EXPECT(slice_equal(again.name, token.name));
    EXPECT_EQ(again.scopes, token.scopes);
    EXPECT_EQ(again.created_at, token.created_at);
    EXPECT_EQ(again.expires_at, 0);
}

TEST(token, longest_line_has_room)
{
    uint8_t room[TOKEN_LINE_LEN_MAX];
    char name[TOKEN_NAME_LEN_MAX + 1];
    memset(name, 'n', TOKEN_NAME_LEN_MAX);
    name[TOKEN_NAME_LEN_MAX] = '\0';
    struct token token = some_token();
    struct token again;
    token.tenant = token.name = slice_of_text(name);
    token.scopes = SCOPE_ALL;
    token.created_at = token.expires_at = WHEN_NEVER - 1;
    struct slice line = line_of(&token, room);
    EXPECT_EQ(token_read(line, &again), ERR_DAMAGED); // beyond what is ever written
    token.created_at = token.expires_at = 253402300799999;
    line = line_of(&token, room);
    EXPECT_EQ(token_read(line, &again), OK);
}

TEST(token, every_changed_byte_is_found)
{
    uint8_t room[TOKEN_LINE_LEN_MAX];
    struct token token = some_token();
    struct token again;
    struct slice line = line_of(&token, room);
    for (size_t i = 0; i < line.len; i++) {
        room[i] ^= 1;
        EXPECT_EQ(token_read(line, &again), ERR_DAMAGED);
        room[i] ^= 1;
    }
    for (size_t len = 0; len < line.len; len++)
        EXPECT_EQ(token_read(slice_of(room, len), &again), ERR_DAMAGED);
    EXPECT_EQ(token_read(slice_of(room, line.len + 1), &again), ERR_DAMAGED);
    EXPECT_EQ(token_read(line, &again), OK);
}

// With a right checksum, so that what is behind it is judged.
static err read_sealed(const char *text)
{
    char line[TOKEN_LINE_LEN_MAX];
    struct token token;
    int len = snprintf(line, sizeof line, "%s %08x", text, crc_of(slice_of_text(text)));
    return token_read(slice_of(line, (size_t)len), &token);
}

#define HASH "0910171e252c333a41484f565d646b727980878e959ca3aab1b8bfc6cdd4dbe2"

TEST(token, fields_follow_their_rules)
{
    EXPECT_EQ(read_sealed("token " HASH " acme ci read 7 8"), OK);
    EXPECT_EQ(read_sealed("token " HASH " acme ci read 0 -"), OK);
    EXPECT_EQ(read_sealed("tokens " HASH " acme ci read 7 8"), ERR_DAMAGED);
    EXPECT_EQ(read_sealed("token 00" HASH " acme ci read 7 8"), ERR_DAMAGED);
    EXPECT_EQ(read_sealed("token " HASH " Acme ci read 7 8"), ERR_DAMAGED);
    EXPECT_EQ(read_sealed("token " HASH " acme  read 7 8"), ERR_DAMAGED);
    EXPECT_EQ(read_sealed("token " HASH " acme c/i read 7 8"), ERR_DAMAGED);
    EXPECT_EQ(read_sealed("token " HASH " acme ci reads 7 8"), ERR_DAMAGED);
    EXPECT_EQ(read_sealed("token " HASH " acme ci read,submit 7 8"), ERR_DAMAGED);
    EXPECT_EQ(read_sealed("token " HASH " acme ci read -7 8"), ERR_DAMAGED);
    EXPECT_EQ(read_sealed("token " HASH " acme ci read - 8"), ERR_DAMAGED);
    EXPECT_EQ(read_sealed("token " HASH " acme ci read 07 8"), ERR_DAMAGED);
    EXPECT_EQ(read_sealed("token " HASH " acme ci read 7 99999999999999999999"), ERR_DAMAGED);
    EXPECT_EQ(read_sealed("token " HASH " acme ci read 7"), ERR_DAMAGED);
    EXPECT_EQ(read_sealed("token " HASH " acme ci read 7 8 9"), ERR_DAMAGED);
}

static err read_quota_sealed(const char *text)
{
    char line[TOKEN_LINE_LEN_MAX];
    struct token_quota quota;
    int len = snprintf(line, sizeof line, "%s %08x", text, crc_of(slice_of_text(text)));
    return token_read_quota(slice_of(line, (size_t)len), &quota);
}

TEST(token, quota_is_read_as_it_was_written)
{
    uint8_t room[TOKEN_LINE_LEN_MAX];
    struct bytes_out out = {.data = room, .cap = sizeof room};
    struct token_quota again;
    token_put_quota(&out, &(struct token_quota){slice_of_text("acme"), 600, 0, 0});
    struct slice line = slice_of(room, out.len - 1);
    EXPECT_MEM(room, "quota acme 600 - ", 17);
    EXPECT(token_is_quota(line));
    EXPECT_EQ(token_read_quota(line, &again), OK);
    EXPECT(slice_is_text(again.tenant, "acme"));
    EXPECT_EQ(again.requests, 600);
    EXPECT_EQ(again.bytes, 0);
    room[6] ^= 1;
    EXPECT_EQ(token_read_quota(line, &again), ERR_DAMAGED);
    EXPECT(!token_is_quota(slice_of_text("token x")));
    EXPECT(!token_is_quota((struct slice){0}));
}

TEST(token, quota_of_open_jobs_is_a_field_more)
{
    uint8_t room[TOKEN_LINE_LEN_MAX];
    struct bytes_out out = {.data = room, .cap = sizeof room};
    struct token_quota again;
    token_put_quota(&out, &(struct token_quota){slice_of_text("acme"), 0, 0, 500});
    EXPECT_MEM(room, "quota acme - - 500 ", 19);
    EXPECT_EQ(token_read_quota(slice_of(room, out.len - 1), &again), OK);
    EXPECT_EQ(again.open, 500);
    EXPECT_EQ(again.requests + again.bytes, 0);
}

TEST(token, quotas_follow_their_rules)
{
    EXPECT_EQ(TOKEN_QUOTA_MAX, 1099511627776);
    EXPECT_EQ(read_quota_sealed("quota acme 1 1099511627776"), OK);
    EXPECT_EQ(read_quota_sealed("quota acme - -"), OK);
    EXPECT_EQ(read_quota_sealed("quota acme 1 1099511627777"), ERR_DAMAGED);
    EXPECT_EQ(read_quota_sealed("quota acme 0 1"), ERR_DAMAGED);
    EXPECT_EQ(read_quota_sealed("quota acme 01 1"), ERR_DAMAGED);
    EXPECT_EQ(read_quota_sealed("quota acme 1"), ERR_DAMAGED);
    EXPECT_EQ(read_quota_sealed("quota acme 1 2 3"), OK);
    EXPECT_EQ(read_quota_sealed("quota acme - - 1073741824"), OK); // TOKEN_OPEN_MAX
    EXPECT_EQ(read_quota_sealed("quota acme - - 1073741825"), ERR_DAMAGED);
    EXPECT_EQ(read_quota_sealed("quota acme 1 2 -"), ERR_DAMAGED);
    EXPECT_EQ(read_quota_sealed("quota acme 1 2 0"), ERR_DAMAGED);
    EXPECT_EQ(read_quota_sealed("quota acme 1 2 3 4"), ERR_DAMAGED);
    EXPECT_EQ(read_quota_sealed("quota Acme 1 2"), ERR_DAMAGED);
    EXPECT_EQ(read_quota_sealed("quotas acme 1 2"), ERR_DAMAGED);
}

TEST(token, text_is_the_secret_in_base64url)
{
    uint8_t secret[TOKEN_SECRET_LEN];
    char text[TOKEN_TEXT_LEN + 1];
    for (size_t i = 0; i < sizeof secret; i++)
        secret[i] = (uint8_t)(255 - i * 8);
    token_text(secret, text);
    EXPECT_STR(text, "weft___fv59_Xz8e_t6-nn5ePh393b2dfV09HPzcvJx8XDwc");
    memset(secret, 0, sizeof secret);
    token_text(secret, text);
    EXPECT_STR(text, "weft_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
    EXPECT_EQ(strlen(text), TOKEN_TEXT_LEN);
}

static bool bearer_is(const char *header, const char *token)
{
    return slice_is_text(token_bearer(slice_of_text(header)), token);
}

TEST(token, bearer_is_what_follows_the_scheme)
{
    EXPECT(bearer_is("Bearer weft_A-b9=", "weft_A-b9="));
    EXPECT(bearer_is("bearer   x ", "x"));
    EXPECT(bearer_is("BEARER a.b~c+d/e", "a.b~c+d/e"));
}

TEST(token, other_headers_have_none)
{
    static const char *const headers[] = {
        "",           "Bearer",     "Bearer ", "Bearer\tx",    "Bearerx y",      "Basic eDp5",
        "Bearer x y", "Bearer x,y", "x",       "Bearer \"x\"", "Bearer \xc3\xa9"};
    char longest[TOKEN_BEARER_MAX + 16] = "Bearer ";
    for (size_t i = 0; i < sizeof headers / sizeof headers[0]; i++)
        EXPECT_EQ(token_bearer(slice_of_text(headers[i])).len, 0);
    EXPECT_EQ(token_bearer((struct slice){0}).len, 0);
    EXPECT_EQ(token_bearer(slice_of("Bearer x\0", 9)).len, 0);
    memset(longest + 7, 'x', TOKEN_BEARER_MAX);
    EXPECT_EQ(token_bearer(slice_of(longest, 7 + TOKEN_BEARER_MAX)).len, TOKEN_BEARER_MAX);
    longest[7 + TOKEN_BEARER_MAX] = 'x';
    EXPECT_EQ(token_bearer(slice_of(longest, 8 + TOKEN_BEARER_MAX)).len, 0);
}
