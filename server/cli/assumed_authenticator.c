#include "cli/assumed_authenticator.h"

static struct assumed_authenticator *assumed_of(const struct authenticator *authenticator)
{
    return list_entry(authenticator, struct assumed_authenticator, face);
}

static uint32_t assumed_mechanisms(const struct authenticator *authenticator)
{
    return assumed_of(authenticator)->mechanisms;
}

static void on_answer(struct loop_timer *timer)
{
    struct assumed_authenticator *assumed = list_entry(timer, struct assumed_authenticator, answer);
    struct auth_exchange *exchange = assumed->exchange;
    assumed->exchange = NULL;
    const struct account *account = assumed->loaded->account;
    exchange->account = account != NULL ? account_ref(account) : NULL;
    exchange->on_step(exchange, exchange->account != NULL ? AUTH_STEP_DONE : AUTH_STEP_REFUSED);
}

static void answer(struct assumed_authenticator *assumed, struct auth_exchange *exchange)
{
    assumed->exchange = exchange;
    loop_timer_start(&assumed->answer, 0);
}

static enum error assumed_start(struct authenticator *authenticator, struct auth_exchange *exchange,
                                bool has_input, struct bytes input)
{
    (void)has_input;
    (void)input;
    exchange->authenticator = authenticator;
    answer(assumed_of(authenticator), exchange);
    return OK;
}

static void assumed_step(struct auth_exchange *exchange, struct bytes input)
{
    (void)input;
    answer(assumed_of(exchange->authenticator), exchange);
}

static void assumed_cancel(struct auth_exchange *exchange)
{
    struct assumed_authenticator *assumed = assumed_of(exchange->authenticator);
    assumed->exchange = NULL;
    loop_timer_stop(&assumed->answer);
}

/* Never asked: the account is current. */
static void assumed_renew(struct authenticator *authenticator, struct auth_renewal *renewal)
{
    (void)authenticator;
    renewal->on_done(renewal, AUTH_STEP_UNAVAILABLE);
}

static bool assumed_is_current(const struct authenticator *authenticator, const struct account *account)
{
    (void)authenticator;
    (void)account;
    return true;
}

static void on_owner(struct loop_timer *timer)
{
    struct assumed_authenticator *assumed = list_entry(timer, struct assumed_authenticator, owner);
    struct auth_owner_question *question = assumed->question;
    const struct loaded_account *loaded = assumed->loaded;
    bool is_owned = loaded->owner_error == OK && account_owns(loaded->owner, question->address);
    bool is_refused = loaded->owner_error == OK || loaded->owner_error == ERROR_NOT_FOUND ||
                      loaded->owner_error == ERROR_DENIED_CREDENTIALS || loaded->owner_error == ERROR_SYNTAX;
    assumed->question = NULL;
    question->owner = is_owned ? account_ref(loaded->owner) : NULL;
    question->is_nobodys = loaded->owner_error == ERROR_NOT_FOUND;
    question->why = loaded->owner_note;
    question->on_done(question, is_owned     ? AUTH_STEP_DONE
                                : is_refused ? AUTH_STEP_REFUSED
                                             : AUTH_STEP_UNAVAILABLE);
}

static void assumed_find_owner(struct authenticator *authenticator, struct auth_owner_question *question)
{
    struct assumed_authenticator *assumed = assumed_of(authenticator);
    assumed->question = question;
    loop_timer_start(&assumed->owner, 0);
}

void assumed_authenticator_init(struct assumed_authenticator *assumed, struct loop *loop, uint32_t mechanisms,
                                const struct loaded_account *loaded)
{
    static const struct authenticator_ops ops = {.mechanisms = assumed_mechanisms,
                                                 .start = assumed_start,
                                                 .step = assumed_step,
                                                 .cancel = assumed_cancel,
                                                 .renew = assumed_renew,
                                                 .is_current = assumed_is_current,
                                                 .find_owner = assumed_find_owner};
    *assumed = (struct assumed_authenticator){.face.ops = &ops, .mechanisms = mechanisms, .loaded = loaded};
    loop_timer_init(&assumed->answer, loop, on_answer);
    loop_timer_init(&assumed->owner, loop, on_owner);
}
