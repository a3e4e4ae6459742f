/* room: auth */
/* fakes: accounts */
/* A conversation of PLAIN or LOGIN with a hostile client. Only who sends a right password becomes an account,
 * and it is his; the prover (a fake) aborts on what no bind may be sent with. The first byte is the mechanism
 * (its high bit: no initial response), then messages, each with its length in two bytes before it. */
#include "auth/gss_token.h"
#include "auth/sasl_library.h"
#include "auth/sasl_server.h"
#include "fakes/fake_accounts.h"

#include <assert.h>
#include <string.h>

#define MESSAGES_MAX 4
#define PASSWORD     "secret"

int LLVMFuzzerInitialize(int *count, char ***arguments);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct fake_accounts fake;

int LLVMFuzzerInitialize(int *count, char ***arguments)
{
    struct note note = {0};
    (void)count;
    (void)arguments;
    enum error error = sasl_library_start(NULL, &note);
    assert(error == OK);
    (void)error;
    fake_accounts_init(&fake);
    fake.people[0] = (struct fake_person){"alice", "alice@example.test", PASSWORD, OK};
    fake.people[1] = (struct fake_person){"bob", NULL, "other", OK};
    return 0;
}

static bool next_message(struct bytes *rest, struct bytes *out)
{
    if (rest->len < 2)
        return false;
    size_t len = ((size_t)(uint8_t)rest->ptr[0] << 8) | (uint8_t)rest->ptr[1];
    *rest = bytes_skip(*rest, 2);
    *out = bytes_first(*rest, len);
    *rest = bytes_skip(*rest, len);
    return true;
}

/* A password that is right stands in the messages of whoever is let in, and it is his. */
static void check_done(const struct conversation *conversation, struct bytes messages)
{
    assert(conversation->name_kind == ACCOUNT_NAME_ID && conversation->name.len == 16);
    const char *password = conversation->name.ptr[0] == 1 ? PASSWORD : "other";
    assert(bytes_find_text(messages, password) < messages.len);
    assert(atomic_load(&fake.prove_count) > 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct conversation_means means = {
        .accounts = &fake.source, .prover = &fake.prover, .service = "smtp"};
    if (size == 0)
        return 0;
    const struct auth_exchange exchange = {
        .mechanism = data[0] & 1 ? SASL_LOGIN : SASL_PLAIN, .host = "mail.example.test", .is_tls = true};
    struct bytes rest = {(const char *)data + 1, size - 1}, all = rest, message;
    (void)gss_token_is_spnego(rest);
    struct conversation *conversation = auth_server_new(&means, &exchange);
    assert(conversation);
    enum auth_step step = AUTH_STEP_CHALLENGE;
    atomic_store(&fake.prove_count, 0);
    if (data[0] & 0x80)
        step = conversation->ops->step(conversation, false, (struct bytes){0});
    for (int i = 0; i < MESSAGES_MAX && step == AUTH_STEP_CHALLENGE && next_message(&rest, &message); i++)
        step = conversation->ops->step(conversation, true, message);
    if (step == AUTH_STEP_DONE)
        check_done(conversation, all);
    else if (step != AUTH_STEP_CHALLENGE)
        assert(conversation->why.text[0]);
    conversation->ops->free(conversation);
    return 0;
}
