// Bodies of single submissions from anybody: judged as jansson judges them, and mapped without
// touching anything that is not theirs.
//
// links: weft_gateway_core weft_proto weft_base PkgConfig::jansson

#include "gateway/core/submit.h"

#include "tests/support/oracle.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { KEYS = 1024 };

static struct names_key keys[KEYS];
static _Alignas(16) uint8_t memory[4096];

static bool is_within(struct slice part, struct slice whole)
{
    bool is_decoded = part.data >= memory && part.data + part.len <= memory + sizeof memory;
    return part.len == 0 || is_decoded ||
           (part.data >= whole.data && part.data + part.len <= whole.data + whole.len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice text = slice_of(data, size);
    struct scan scan = {.text = text, .keys = keys, .key_cap = KEYS};
    struct scan_value value;
    err e = scan_value(&scan, &value);
    if (e == OK && !scan_is_end(&scan))
        e = ERR_MALFORMED;
    CHECK(scan.at <= size);
    CHECK(oracle_agrees(text, e));

    struct arena arena = {.data = memory, .cap = sizeof memory};
    struct doc_room room = {keys, KEYS, &arena};
    struct submit_fault fault = {{0}};
    struct msg_submit_job job;
    struct webhook_secret secret;
    struct slice webhook;
    const struct webhook_place place = {&webhook, &secret, true};
    const char *wrong = NULL;
    err batch = submit_read_batch((struct doc_value){DOC_JSON, text}, &room, &place, &fault);
    CHECK(batch == OK || fault.detail[0] != '\0');
    CHECK(batch != OK || hook_check(webhook, &wrong) != ERR_MALFORMED);
    CHECK(secret.len == 0 || (secret.len >= WEBHOOK_SECRET_LEN_MIN && webhook.len > 0));
    arena.used = 0;
    fault.detail[0] = '\0';
    err read = submit_read(
        (struct doc_value){DOC_JSON, text},
        &(struct submit_options){.is_record = true, .opens_batch = batch == OK, .secret = &secret},
        &room, &job, &fault);
    CHECK(read != ERR_MALFORMED || e != OK || fault.detail[0] != '\0');
    if (read != OK) {
        CHECK(fault.detail[0] != '\0');
        return 0;
    }
    CHECK(e == OK);
    CHECK(is_within(job.type, text) && is_within(job.queue, text) && is_within(job.key, text));
    CHECK(is_within(job.payload.bytes, text));
    const char *detail = NULL;
    CHECK(secret.len == 0 || (secret.len >= WEBHOOK_SECRET_LEN_MIN && job.webhook.len > 0));
    CHECK(is_within(job.webhook, text) && hook_check(job.webhook, &detail) != ERR_MALFORMED);
    return 0;
}
