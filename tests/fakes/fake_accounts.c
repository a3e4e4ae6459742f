#include "fakes/fake_accounts.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct fake_accounts *of_source(const struct account_source *source)
{
    return list_entry((uintptr_t)source, struct fake_accounts, source);
}

static const struct account *account_of(const struct fake_accounts *fake, size_t number, bool is_name_only)
{
    struct account *account = calloc(1, sizeof *account);
    struct sid sid;
    char text[64];
    assert(account);
    arena_init(&account->arena, 65536);
    atomic_init(&account->references, 1);
    memset(account->id, (int)number + 1, sizeof account->id);
    account->name = arena_printf(&account->arena, "%s", fake->people[number].name);
    account->dn = arena_printf(&account->arena, "uid=%s,ou=people,dc=example,dc=test", account->name);
    account->expires_ms = ACCOUNT_NEVER;
    if (is_name_only)
        return account;
    snprintf(text, sizeof text, "S-1-5-21-1-2-3-%zu", 1000 + number);
    enum error error = sid_parse(bytes_of_text(text), &sid);
    assert(!error);
    (void)error;
    account->token = token_new(&sid, NULL, 1);
    return account;
}

static bool is_named(const struct fake_person *person, struct bytes name)
{
    return bytes_equal_text_nocase(name, person->name) ||
           (person->also && bytes_equal_text_nocase(name, person->also));
}

static bool is_meant(const struct fake_accounts *fake, size_t number, const struct account_request *request)
{
    uint8_t id[16];
    memset(id, (int)number + 1, sizeof id);
    if (!fake->people[number].name)
        return false;
    if (request->kind == ACCOUNT_NAME_ID)
        return bytes_equal(request->name, (struct bytes){(const char *)id, sizeof id});
    return is_named(&fake->people[number], request->name);
}

static void answer(struct fake_accounts *fake, struct account_request *request)
{
    request->account = NULL;
    request->error = fake->source_error ? fake->source_error : ERROR_NOT_FOUND;
    note_set(&request->note, "the fake directory knows no %.*s", BYTES_ARG(request->name));
    for (size_t i = 0; !fake->source_error && i < FAKE_PEOPLE_MAX; i++) {
        if (!is_meant(fake, i, request))
            continue;
        request->error = request->is_name_only ? OK : fake->people[i].full_error;
        if (request->error == OK)
            request->account = account_of(fake, i, request->is_name_only);
    }
}

static void on_mail(struct mail *mail)
{
    struct account_request *request = list_entry(mail, struct account_request, mail);
    request->on_done(request);
}

static void ask(struct account_source *source, struct account_request *request)
{
    struct fake_accounts *fake = of_source(source);
    atomic_fetch_add(&fake->ask_count, 1);
    answer(fake, request);
    request->mail.on_mail = on_mail;
    mailbox_post(request->loop, &request->mail);
}

static void ask_and_wait(struct account_source *source, struct account_request *request)
{
    struct fake_accounts *fake = of_source(source);
    atomic_fetch_add(&fake->wait_count, 1);
    answer(fake, request);
}

static bool is_current(const struct account_source *source, const struct account *account)
{
    (void)account;
    return of_source(source)->is_current;
}

static enum error prove(struct password_prover *prover, const char *dn, struct bytes password,
                        struct note *why)
{
    struct fake_accounts *fake = list_entry(prover, struct fake_accounts, prover);
    atomic_fetch_add(&fake->prove_count, 1);
    assert(password.len > 0 && bytes_find(password, '\0') == password.len); /* RFC 4513, 5.1.2 */
    if (fake->on_prove)
        fake->on_prove(fake);
    if (fake->prover_error) {
        note_set(why, "the fake prover does not answer");
        return fake->prover_error;
    }
    for (size_t i = 0; i < FAKE_PEOPLE_MAX && fake->people[i].name; i++) {
        const struct fake_person *person = &fake->people[i];
        size_t len = strlen(person->name);
        if (person->password && strncmp(dn + 4, person->name, len) == 0 && dn[4 + len] == ',' &&
            bytes_equal(password, bytes_of_text(person->password)))
            return OK;
    }
    note_set(why, "wrong password");
    return ERROR_DENIED_CREDENTIALS;
}

void fake_accounts_init(struct fake_accounts *fake)
{
    static const struct account_source_ops source_ops = {ask, ask_and_wait, is_current};
    static const struct password_prover_ops prover_ops = {prove};
    *fake = (struct fake_accounts){.source.ops = &source_ops, .prover.ops = &prover_ops, .is_current = true};
}
