// links: weft_http

// The admission rule over raw heads.

#include "lib/http/admission.h"

#include "tests/support/head.h"
#include "tests/support/test.h"

enum expectation { GOOD, BAD, NO_LENGTH, UNREAD }; // UNREAD: the library refuses it by itself

struct row {
    const char *name;
    enum expectation expectation;
    const char *head;
    size_t len; // of a head with zeros in it
};

#define ZEROS(text) (text), sizeof(text) - 1

static const struct row rows[] = {
    {"plain post", GOOD, "POST /v1/jobs HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n", 0},
    {"no body", GOOD, "POST /v1/jobs HTTP/1.1\r\nHost: a\r\n\r\n", 0},
    {"old version without a host", GOOD, "GET / HTTP/1.0\r\n\r\n", 0},
    {"many blanks before a value", GOOD, "GET / HTTP/1.1\r\nHost: \t  a\r\n\r\n", 0},
    {"blank behind a value", GOOD, "GET / HTTP/1.1\r\nHost: a \r\n\r\n", 0},
    {"empty value", GOOD, "GET / HTTP/1.1\r\nHost: a\r\nAccept:\r\n\r\n", 0},
    {"host with a port", GOOD, "GET / HTTP/1.1\r\nHost: [::1]:7410\r\n\r\n", 0},
    {"percent in the target", GOOD, "GET /a%20b?c=%c3%a9 HTTP/1.1\r\nHost: a\r\n\r\n", 0},
    {"chunks alone", GOOD, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", 0},
    {"chunks in capitals", GOOD, "POST / HTTP/1.1\r\nHost: a\r\nTRANSFER-ENCODING: CHUNKED\r\n\r\n",
     0},
    {"length and chunks", BAD,
     "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", 0},
    {"chunks and length", BAD,
     "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n", 0},
    {"two lengths", BAD,
     "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n", 0},
    {"two lengths in one", BAD, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5, 5\r\n\r\n", 0},
    {"length with a sign", BAD, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +5\r\n\r\n", 0},
    {"negative length", BAD, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -5\r\n\r\n", 0},
    {"length in hexadecimal", BAD, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0x5\r\n\r\n", 0},
    {"length of nothing", BAD, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: \r\n\r\n", 0},
    {"length beyond all numbers", BAD,
     "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\n", 0},
    {"length with a blank inside", BAD, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5 0\r\n\r\n",
     0},
    {"two codings", BAD,
     "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: "
     "chunked\r\n\r\n",
     0},
    {"coding before chunks", BAD,
     "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", 0},
    {"identity", BAD, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: identity\r\n\r\n", 0},
    {"chunks with a form feed", BAD,
     "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: \x0c"
     "chunked\r\n\r\n",
     0},
    {"chunks for an old version", BAD, "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 0},
    {"blank before the colon", BAD,
     "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding : chunked\r\n\r\n", 0},
    {"blank in a name", BAD, "GET / HTTP/1.1\r\nHost: a\r\nA B: c\r\n\r\n", 0},
    {"empty name", BAD, "GET / HTTP/1.1\r\nHost: a\r\n: c\r\n\r\n", 0},
    {"name beyond ASCII", BAD, "GET / HTTP/1.1\r\nHost: a\r\n\xc3\xa9: c\r\n\r\n", 0},
    {"no colon", UNREAD, "GET / HTTP/1.1\r\nHost: a\r\nnothing\r\n\r\n", 0},
    {"folded line", BAD, "GET / HTTP/1.1\r\nHost: a\r\nX: b\r\n c\r\n\r\n", 0},
    {"folded length", BAD, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n 0\r\n\r\n", 0},
    {"fold of blanks only", BAD,
     "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n \r\nX: y\r\n\r\n", 0},
    {"fold in the first line", UNREAD, "GET / HTTP/1.1\r\n Host: a\r\n\r\n", 0},
    {"bare line feed", BAD, "GET / HTTP/1.1\r\nHost: a\nX: b\r\n\r\n", 0},
    {"bare line feed at the end", BAD, "GET / HTTP/1.1\r\nHost: a\r\n\n", 0},
    {"bare carriage return", BAD, "GET / HTTP/1.1\r\nHost: a\r\nX: a\rb\r\n\r\n", 0},
    {"no host", BAD, "GET / HTTP/1.1\r\n\r\n", 0},
    {"two hosts", BAD, "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 0},
    {"list of hosts", BAD, "GET / HTTP/1.1\r\nHost: a,b\r\n\r\n", 0},
    {"host with a path", BAD, "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 0},
    {"control byte in a value", BAD, "GET / HTTP/1.1\r\nHost: a\r\nX: \x01\r\n\r\n", 0},
    {"delete in a value", BAD, "GET / HTTP/1.1\r\nHost: a\r\nX: \x7f\r\n\r\n", 0},
    {"version of tomorrow", BAD, "GET / HTTP/2.0\r\nHost: a\r\n\r\n", 0},
    {"version in small letters", BAD, "GET / http/1.1\r\nHost: a\r\n\r\n", 0},
    {"no version", UNREAD, "GET /\r\nHost: a\r\n\r\n", 0},
    {"two blanks", BAD, "GET  / HTTP/1.1\r\nHost: a\r\n\r\n", 0},
    {"blank in the target", BAD, "GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", 0},
    {"whole address as a target", BAD, "GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n", 0},
    {"star as a target", BAD, "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", 0},
    {"fragment", BAD, "GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n", 0},
    {"backslash", BAD, "GET /a\\b HTTP/1.1\r\nHost: a\r\n\r\n", 0},
    {"zero by percent", BAD, "GET /a%00b HTTP/1.1\r\nHost: a\r\n\r\n", 0},
    {"line feed by percent", BAD, "GET /a%0ab HTTP/1.1\r\nHost: a\r\n\r\n", 0},
    {"half a percent", BAD, "GET /a%2 HTTP/1.1\r\nHost: a\r\n\r\n", 0},
    {"target beyond ASCII", BAD, "GET /\xc3\xa9 HTTP/1.1\r\nHost: a\r\n\r\n", 0},
    {"method with a colon", BAD, "G:T / HTTP/1.1\r\nHost: a\r\n\r\n", 0},
    {"zero in the target", BAD, ZEROS("GET /a\0b HTTP/1.1\r\nHost: a\r\n\r\n")},
    {"zero in the version", BAD, ZEROS("GET / HTTP/1.1\0\r\nHost: a\r\n\r\n")},
    {"zero in a value", BAD, ZEROS("GET / HTTP/1.1\r\nHost: a\0b\r\nX: y\r\n\r\n")},
    {"zero in the last value", BAD, ZEROS("GET / HTTP/1.1\r\nHost: a\0b\r\n\r\n")},
    {"two zeros in the last value", BAD, ZEROS("GET / HTTP/1.1\r\nHost: a\0\0b\r\n\r\n")},
    {"zero that ends the head early", BAD,
     ZEROS("POST / HTTP/1.1\r\nHost: a\r\n\0Content-Length: 5\r\n\r\n")},
};

static err judge(const struct row *row, bool takes_chunks)
{
    struct head_room room;
    struct slice raw = slice_of(row->head, row->len > 0 ? row->len : strlen(row->head));
    struct admission_verdict verdict = {.error = ERR_SYSTEM};
    if (head_split(raw, &room)) {
        verdict = admission_judge(&room.head);
        EXPECT_EQ(verdict.error == OK, verdict.detail == NULL);
        if (verdict.error == OK)
            admission_apply(&verdict, &(struct admission_rule){true, takes_chunks});
    }
    head_free(&room);
    return verdict.error;
}

TEST(admission, each_head_is_judged)
{
    static const err wanted[] = {[GOOD] = OK,
                                 [BAD] = ERR_MALFORMED,
                                 [NO_LENGTH] = ERR_LENGTH_REQUIRED,
                                 [UNREAD] = ERR_SYSTEM};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        err got = judge(&rows[i], true);
        if (got != wanted[rows[i].expectation])
            print_error("%s: %s\n", rows[i].name, err_name(got));
        EXPECT_EQ(got, wanted[rows[i].expectation]);
    }
}

TEST(admission, chunks_need_a_route_that_takes_them)
{
    EXPECT_EQ(judge(&rows[8], true), OK);
    EXPECT_EQ(judge(&rows[8], false), ERR_LENGTH_REQUIRED);
}

TEST(admission, a_length_is_told_and_a_body_needs_a_route_that_takes_it)
{
    struct head_room room;
    EXPECT(head_split(slice_of_text(rows[0].head), &room));
    struct admission_verdict verdict = admission_judge(&room.head);
    EXPECT_EQ(verdict.body_len, 5);
    admission_apply(&verdict, &(struct admission_rule){.body = false});
    EXPECT_EQ(verdict.error, ERR_MALFORMED);
    head_free(&room);
}
