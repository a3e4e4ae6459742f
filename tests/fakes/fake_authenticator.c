#include "fakes/fake_authenticator.h"

#include "base/list.h"
#include "organization/ace_text.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAME_MAX_BYTES 256

/* One step or renewal on its way to its answer. */
struct fake_step {
    struct fake_step *next;
    struct fake_authenticator *fake;
    struct auth_exchange *exchange; /* NULL: a renewal, a question, or cancelled */
    struct auth_renewal *renewal;
    struct auth_owner_question *question;
    struct loop_timer timer;
    enum auth_step step;
    const struct account *account;
    const char *output;
    bool is_nobodys;
};

/* What an exchange has come to. */
struct state {
    struct fake_step *step; /* under way, or NULL */
    char name[NAME_MAX_BYTES];
    bool has_name;
};

static const struct fake_person *find(const struct fake_authenticator *fake, const char *name)
{
    for (const struct fake_person *person = fake->people; person->name != NULL; person++) {
        if (strcmp(person->name, name) == 0) {
            return person;
        }
    }
    return NULL;
}

static const struct fake_sender *find_sender(const struct fake_authenticator *fake, const char *name)
{
    static const struct fake_sender nobody = {0};
    for (const struct fake_sender *sender = fake->senders; sender != NULL && sender->name != NULL; sender++) {
        if (strcmp(sender->name, name) == 0) {
            return sender;
        }
    }
    return &nobody;
}

static struct sender_access *make_access(const struct fake_sender *sender, struct arena *arena)
{
    struct sender_access *access = arena_alloc(arena, sizeof *access);
    struct access_list_builder builder;
    struct bytes part;
    struct sid *delegates = arena_array(arena, 16, sizeof *delegates);
    assert(access != NULL && delegates != NULL);
    access_list_builder_init(&builder, arena);
    for (struct bytes rest = bytes_of_text(sender->aces); bytes_next(&rest, '\n', &part);) {
        struct ace_text ace;
        enum error error = ace_text_parse(part, &ace, NULL);
        assert(error == OK && ace.trustee_kind == ACE_TRUSTEE_SID);
        const struct access_grant grant = {ace.is_deny, ace.is_all_rights, ace.rights, ace.sid};
        const struct ace_origin origin = {.text = arena_copy(arena, part).ptr, .from = "uid=fake"};
        error = access_list_add_grant(&builder, &grant, 0, &origin);
        assert(error == OK);
    }
    enum error error = sender_access_add_default(&builder);
    assert(error == OK);
    error = access_list_finish(&builder, &access->list);
    assert(error == OK);
    for (struct bytes rest = bytes_of_text(sender->delegates); bytes_next(&rest, ' ', &part);) {
        error = sid_parse(part, &delegates[access->delegate_count++]);
        assert(error == OK);
    }
    access->delegates = delegates;
    return access;
}

static const struct account *make_account(const struct fake_authenticator *fake,
                                          const struct fake_person *person)
{
    struct account *account = calloc(1, sizeof *account);
    struct sid sids[64];
    size_t count = 0;
    struct bytes part;
    assert(account != NULL);
    for (struct bytes rest = bytes_of_text(person->sids); bytes_next(&rest, ' ', &part);) {
        if (sid_parse(part, &sids[count++]) != OK) {
            abort();
        }
    }
    account->references = 1;
    memcpy(account->id, person->name, strnlen(person->name, sizeof account->id));
    account->token = token_new(sids, NULL, count);
    arena_init(&account->arena, 1u << 16);
    struct account_sid *list = arena_array(&account->arena, count, sizeof *list);
    for (size_t i = 0; i < count; i++) {
        list[i] = (struct account_sid){
            .sid = sids[i], .source = i == 0 ? ACCOUNT_SID_SELF : ACCOUNT_SID_GROUP, .via = ACCOUNT_VIA_SELF};
    }
    account->sids = list;
    account->sid_count = count;
    account->name = arena_printf(&account->arena, "%s", person->name);
    account->dn = arena_printf(&account->arena, "uid=%s,ou=people", person->name);
    account->display_name = find_sender(fake, person->name)->display_name;
    struct sender_access *access = make_access(find_sender(fake, person->name), &account->arena);
    access->has_sid = true;
    access->sid = sids[0];
    account->access = access;
    return account;
}

const struct account *fake_authenticator_account(const struct fake_authenticator *fake, const char *name)
{
    return make_account(fake, find(fake, name));
}

static void answer(struct fake_step *step)
{
    struct auth_exchange *exchange = step->exchange;
    struct auth_renewal *renewal = step->renewal;
    struct auth_owner_question *question = step->question;
    struct fake_step taken = *step;
    loop_timer_stop(&step->timer);
    step->fake->pending--;
    free(step);
    if (exchange != NULL) {
        struct state *state = exchange->state;
        state->step = NULL;
        exchange->output = bytes_of_text(taken.output);
        exchange->account = taken.account;
        note_set(&exchange->why, "%s", "as the table says");
        taken.fake->done_count += taken.step == AUTH_STEP_DONE;
        if (taken.step != AUTH_STEP_CHALLENGE) {
            free(state);
            exchange->state = NULL;
        }
        exchange->on_step(exchange, taken.step);
    } else if (renewal != NULL) {
        assert(renewal->old->token != NULL); /* borrowed until now */
        renewal->account = taken.account;
        renewal->on_done(renewal, taken.step);
    } else if (question != NULL) {
        assert(bytes_find(question->address, '@') > 0); /* borrowed until now */
        question->owner = taken.account;
        question->is_nobodys = taken.is_nobodys;
        question->on_done(question, taken.step);
    } else {
        account_unref(taken.account);
    }
}

static void on_timer(struct loop_timer *timer)
{
    answer(list_entry(timer, struct fake_step, timer));
}

static struct fake_step *begin(struct fake_authenticator *fake, struct loop *loop)
{
    struct fake_step *step = calloc(1, sizeof *step);
    assert(step != NULL);
    step->fake = fake;
    step->output = "";
    fake->pending++;
    loop_timer_init(&step->timer, loop, on_timer);
    return step;
}

static void finish(struct fake_step *step)
{
    if (step->fake->is_held) {
        step->next = step->fake->held;
        step->fake->held = step;
    } else {
        loop_timer_start(&step->timer, 0);
    }
}

void fake_authenticator_release(struct fake_authenticator *fake)
{
    struct fake_step *held = fake->held;
    fake->held = NULL;
    fake->is_held = false;
    while (held != NULL) {
        struct fake_step *next = held->next;
        answer(held);
        held = next;
    }
}

static void judge(struct fake_step *step, const char *name, const char *password)
{
    const struct fake_person *person = find(step->fake, name);
    if (person == NULL || (password != NULL && strcmp(person->password, password) != 0)) {
        step->step = AUTH_STEP_REFUSED;
    } else if (person->outcome != AUTH_STEP_CHALLENGE) {
        step->step = person->outcome;
    } else {
        step->step = AUTH_STEP_DONE;
        step->account = make_account(step->fake, person);
    }
}

static void challenge(struct fake_step *step, const char *output)
{
    step->step = AUTH_STEP_CHALLENGE;
    step->output = output;
}

static void take_plain(struct fake_step *step, struct bytes input)
{
    size_t first = bytes_find(input, '\0');
    struct bytes rest = bytes_skip(input, first + 1);
    size_t second = bytes_find(rest, '\0');
    if (first == input.len || second == rest.len) {
        step->step = AUTH_STEP_MALFORMED;
        return;
    }
    char *name = bytes_copy_text(bytes_first(rest, second));
    char *password = bytes_copy_text(bytes_skip(rest, second + 1));
    judge(step, name, password);
    free(name);
    free(password);
}

static void take_login(struct fake_step *step, struct state *state, bool has_input, struct bytes input)
{
    if (!has_input) {
        challenge(step, "Username:");
    } else if (!state->has_name) {
        state->has_name = true;
        snprintf(state->name, sizeof state->name, "%.*s", BYTES_ARG(input));
        challenge(step, "Password:");
    } else {
        char *password = bytes_copy_text(input);
        judge(step, state->name, password);
        free(password);
    }
}

static void take_token(struct fake_step *step, struct state *state, struct bytes input)
{
    char last = input.len > 0 ? input.ptr[input.len - 1] : '\0';
    if (!state->has_name) {
        bool has_mark = last == '+' || last == '!';
        snprintf(state->name, sizeof state->name, "%.*s",
                 BYTES_ARG(bytes_first(input, input.len - has_mark)));
        state->has_name = true;
        if (last == '+') {
            challenge(step, "go on");
            return;
        }
    }
    judge(step, state->name, NULL);
    step->output = last == '!' ? "farewell" : "";
}

static void take(struct auth_exchange *exchange, bool has_input, struct bytes input)
{
    struct fake_authenticator *fake = list_entry(exchange->authenticator, struct fake_authenticator, face);
    struct state *state = exchange->state;
    struct fake_step *step = begin(fake, exchange->loop);
    assert(state->step == NULL);
    state->step = step;
    step->exchange = exchange;
    switch (exchange->mechanism) {
    case SASL_PLAIN:
        take_plain(step, input);
        break;
    case SASL_LOGIN:
        take_login(step, state, has_input, input);
        break;
    case SASL_GSSAPI:
    case SASL_NTLM:
        assert(has_input);
        take_token(step, state, input);
        break;
    case SASL_MECHANISM_COUNT:
        abort();
    }
    finish(step);
}

static uint32_t fake_mechanisms(const struct authenticator *authenticator)
{
    return list_entry(authenticator, struct fake_authenticator, face)->working;
}

static enum error fake_start(struct authenticator *authenticator, struct auth_exchange *exchange,
                             bool has_input, struct bytes input)
{
    struct fake_authenticator *fake = list_entry(authenticator, struct fake_authenticator, face);
    if (fake->has_no_memory)
        return ERROR_TEMPORARY;
    fake->start_count++;
    assert(strlen(exchange->host) > 0);
    exchange->authenticator = authenticator;
    exchange->state = calloc(1, sizeof(struct state));
    assert(exchange->state != NULL);
    take(exchange, has_input, input);
    return OK;
}

static void fake_step(struct auth_exchange *exchange, struct bytes input)
{
    take(exchange, true, input);
}

static void fake_cancel(struct auth_exchange *exchange)
{
    struct fake_authenticator *fake = list_entry(exchange->authenticator, struct fake_authenticator, face);
    struct state *state = exchange->state;
    fake->cancel_count++;
    if (state->step != NULL) {
        state->step->exchange = NULL;
    }
    free(state);
}

static void fake_renew(struct authenticator *authenticator, struct auth_renewal *renewal)
{
    struct fake_authenticator *fake = list_entry(authenticator, struct fake_authenticator, face);
    struct fake_step *step = begin(fake, renewal->loop);
    step->renewal = renewal;
    fake->renew_count++;
    judge(step, renewal->old->name, NULL);
    if (fake->renewal != AUTH_STEP_CHALLENGE) {
        account_unref(step->account);
        step->account = NULL;
        step->step = fake->renewal;
    }
    finish(step);
}

static void fake_find_owner(struct authenticator *authenticator, struct auth_owner_question *question)
{
    struct fake_authenticator *fake = list_entry(authenticator, struct fake_authenticator, face);
    struct fake_step *step = begin(fake, question->loop);
    char *name = bytes_copy_text(bytes_first(question->address, bytes_find(question->address, '@')));
    step->question = question;
    fake->owner_count++;
    judge(step, name, NULL);
    step->is_nobodys = find(fake, name) == NULL;
    free(name);
    finish(step);
}

static bool fake_is_current(const struct authenticator *authenticator, const struct account *account)
{
    (void)account;
    return !list_entry(authenticator, struct fake_authenticator, face)->is_stale;
}

void fake_authenticator_init(struct fake_authenticator *fake, const struct fake_person *people)
{
    static const struct authenticator_ops ops = {.mechanisms = fake_mechanisms,
                                                 .start = fake_start,
                                                 .step = fake_step,
                                                 .cancel = fake_cancel,
                                                 .renew = fake_renew,
                                                 .is_current = fake_is_current,
                                                 .find_owner = fake_find_owner};
    *fake = (struct fake_authenticator){
        .face.ops = &ops, .people = people, .working = SASL_BIT(SASL_MECHANISM_COUNT) - 1};
}
