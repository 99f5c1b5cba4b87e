// Lines of the list of tokens, and Authorization headers. The first byte of the input chooses: the
// line as it lies there, or with a right checksum, so that what is behind it is reached too; or a
// header. A line that is read must be written the same again.

// links: weft_gateway_core

#include "gateway/core/token.h"
#include "lib/base/crc.h"

#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool fact)
{
    if (!fact)
        abort();
}

static void judge_quota(struct slice line)
{
    struct token_quota quota;
    uint8_t room[TOKEN_LINE_LEN_MAX];
    struct bytes_out out = {.data = room, .cap = sizeof room};
    if (token_read_quota(line, &quota) != OK)
        return;
    must(token_is_quota(line) && token_is_name(quota.tenant));
    token_put_quota(&out, &quota);
    must(!out.full && slice_equal(slice_of(room, out.len - 1), line));
}

static void judge(struct slice line)
{
    struct token token;
    uint8_t room[TOKEN_LINE_LEN_MAX];
    struct bytes_out out = {.data = room, .cap = sizeof room};
    judge_quota(line);
    err e = token_read(line, &token);
    must(e == OK || e == ERR_DAMAGED);
    if (e != OK)
        return;
    must(token.scopes != 0 && token_is_name(token.tenant) && token_is_name(token.name));
    token_put(&out, &token);
    must(!out.full && slice_equal(slice_of(room, out.len - 1), line));
}

static void judge_header(struct slice header)
{
    struct slice token = token_bearer(header);
    must(token.len <= TOKEN_BEARER_MAX && token.len < header.len + 1);
    must(token.len == 0 ||
         (token.data > header.data && token.data + token.len <= header.data + header.len));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    struct slice rest = slice_of(data + 1, size - 1);
    char *room = malloc(rest.len + 16);
    must(room != NULL);
    if (rest.len > 0)
        memcpy(room, rest.data, rest.len);
    (void)snprintf(room + rest.len, 16, " %08x", crc_of(rest));
    if (data[0] % 3 == 0)
        judge(rest);
    else if (data[0] % 3 == 1)
        judge(slice_of(room, rest.len + 9));
    else
        judge_header(rest);
    free(room);
    return 0;
}
