/* MAIL and RCPT say what the hop takes, and nothing else. */
#include "smtp_client/client_internal.h"
#include "smtp_client/envelope_command.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

static const struct bytes recipients[] = {BYTES_LITERAL("kate@fabrikam.com"),
                                          BYTES_LITERAL("bob@fabrikam.com")};
static const struct smtp_dsn_request requests[] = {
    {BYTES_LITERAL("SUCCESS,DELAY"), BYTES_LITERAL("rfc822;old+2Bname@contoso.com")},
    {BYTES_LITERAL("NEVER"), {0}},
};

#define PLAIN                                                                                                \
    .sender = BYTES_LITERAL("chris@contoso.com"), .recipients = recipients, .recipient_count = 2,            \
    .size_bytes = 42
#define ASKED                                                                                                \
    PLAIN, .dsn_return = BYTES_LITERAL("HDRS"), .envelope_id = BYTES_LITERAL("QQ+2B1"),                      \
           .dsn_requests = requests
#define NOTHING_ELSE (~(uint32_t)(HOP_SIZE | HOP_DSN | HOP_AUTH))

static const struct {
    struct smtp_transaction transaction;
    uint32_t offers;
    const char *mail; /* behind the path */
    const char *recipients[2];
} rows[] = {
    {{PLAIN}, 0, "", {"", ""}},
    {{PLAIN}, HOP_SIZE, " SIZE=42", {"", ""}},
    {{PLAIN}, HOP_DSN, "", {"", ""}},
    {{PLAIN, .is_8bit = true}, HOP_8BITMIME, " BODY=8BITMIME", {"", ""}},
    {{PLAIN, .is_binary = true}, HOP_BINARYMIME | HOP_CHUNKING, " BODY=BINARYMIME", {"", ""}},
    {{PLAIN, .is_chunk_only = true}, HOP_BINARYMIME | HOP_CHUNKING, "", {"", ""}},
    {{PLAIN, .needs_utf8 = true}, HOP_SMTPUTF8, " SMTPUTF8", {"", ""}},
    {{ASKED},
     HOP_DSN,
     " RET=HDRS ENVID=QQ+2B1",
     {" NOTIFY=SUCCESS,DELAY ORCPT=rfc822;old+2Bname@contoso.com", " NOTIFY=NEVER"}},
    {{ASKED, .is_8bit = true},
     HOP_DSN | HOP_SIZE,
     " SIZE=42 BODY=8BITMIME RET=HDRS ENVID=QQ+2B1",
     {" NOTIFY=SUCCESS,DELAY ORCPT=rfc822;old+2Bname@contoso.com", " NOTIFY=NEVER"}},
    {{PLAIN}, HOP_AUTH, "", {"", ""}},
    {{PLAIN, .auth = BYTES_LITERAL("<>")}, HOP_AUTH | HOP_SIZE, " SIZE=42 AUTH=<>", {"", ""}},
    {{PLAIN, .auth = BYTES_LITERAL("e+3Dmc2@b.example")}, HOP_AUTH, " AUTH=e+3Dmc2@b.example", {"", ""}},
    {{ASKED, .auth = BYTES_LITERAL("<>")}, NOTHING_ELSE, "", {"", ""}},
};

static void assert_command(struct buffer *out, const char *before, struct bytes address,
                           const char *parameters)
{
    struct buffer wanted;
    buffer_init(&wanted, 4096);
    assert_int_equal(buffer_printf(&wanted, "%s<%.*s>%s\r\n", before, BYTES_ARG(address), parameters), OK);
    assert_int_equal(buffer_append_byte(&wanted, '\0'), OK);
    assert_int_equal(buffer_append_byte(out, '\0'), OK);
    assert_string_equal(out->ptr, wanted.ptr);
    buffer_done(&wanted);
    buffer_clear(out);
}

/* proves: R17 */
static void each_hop_hears_what_it_offers(void **state)
{
    (void)state;
    struct buffer out;
    buffer_init(&out, 4096);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct smtp_transaction *transaction = &rows[i].transaction;
        assert_int_equal(envelope_command_append_mail(transaction, rows[i].offers, &out), OK);
        assert_command(&out, "MAIL FROM:", transaction->sender, rows[i].mail);
        for (size_t k = 0; k < 2; k++) {
            assert_int_equal(envelope_command_append_recipient(transaction, k, rows[i].offers, &out), OK);
            assert_command(&out, "RCPT TO:", recipients[k], rows[i].recipients[k]);
        }
    }
    buffer_done(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(each_hop_hears_what_it_offers)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
