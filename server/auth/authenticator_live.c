#include "auth/authenticator_live.h"

#include "auth/bound_ticket.h"
#include "auth/conversation.h"
#include "auth/keytab.h"
#include "auth/ntlm.h"
#include "auth/sasl_server.h"
#include "base/buffer.h"
#include "base/event.h"
#include "loop/jobs.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* start, step -> job -> CHALLENGE, or DONE: the account with its token is asked for, then on_step. A pool
 * that is full and a message that is too long are answered by mail, since nothing may come before the call is
 * over. */

struct live {
    struct authenticator face;
    struct authenticator_config config;
    struct conversation_means means;
    struct jobs *jobs;
    atomic_uint mechanisms;
    bool was_looked_at;
};

/* One AUTH command; outlives its exchange when that is canceled while a job runs. */
struct login {
    struct job job;
    struct mail answer;
    struct account_request request;
    struct live *live;
    struct auth_exchange *exchange; /* NULL: canceled. The loop's thread alone looks */
    struct loop *loop;
    struct conversation *conversation;
    struct buffer input;
    bool has_input;
    bool is_busy; /* a job, a mail or the account is under way */
    enum auth_step step;
    struct note why;
};

static struct live *live_of(const struct authenticator *authenticator)
{
    return (struct live *)(uintptr_t)authenticator;
}

static void login_free(struct login *login)
{
    buffer_done(&login->input);
    if (login->conversation)
        login->conversation->ops->free(login->conversation);
    free(login);
}

/* Says the step to the exchange. All but CHALLENGE end the login. */
static void say(struct login *login, enum auth_step step, const struct account *account)
{
    struct auth_exchange *exchange = login->exchange;
    login->is_busy = false;
    if (!exchange) {
        account_unref(account);
        login_free(login);
        return;
    }
    exchange->output = login->conversation ? login->conversation->output : (struct bytes){0};
    exchange->account = account;
    exchange->why = login->why;
    if (step != AUTH_STEP_CHALLENGE)
        exchange->state = NULL;
    exchange->on_step(exchange, step);
    if (step != AUTH_STEP_CHALLENGE)
        login_free(login);
}

static void on_answer(struct mail *mail)
{
    struct login *login = list_entry(mail, struct login, answer);
    say(login, login->step, NULL);
}

/* For what is decided before anything was begun. A loop that has ended has nobody to hear it. */
static void say_later(struct login *login, enum auth_step step, const char *why)
{
    login->step = step;
    note_set(&login->why, "%s", why);
    login->is_busy = true;
    login->answer.on_mail = on_answer;
    mailbox_post(login->loop, &login->answer);
}

/* -- what the accounts are asked for: the account of a login, the same again, the owner of an address -- */

static void ask(struct live *live, struct account_request *request)
{
    struct account_source *accounts = live->config.accounts;
    loop_hold(request->loop);
    accounts->ops->ask(accounts, request);
}

static enum auth_step take_answer(struct account_request *request, struct note *why)
{
    loop_release(request->loop);
    if (request->error != OK) {
        *why = request->note;
        note_wrap(why, "%s", error_name(request->error));
    }
    return conversation_step_of(request->error);
}

static void on_account(struct account_request *request)
{
    struct login *login = list_entry(request, struct login, request);
    enum auth_step step = take_answer(request, &login->why);
    if (step != AUTH_STEP_DONE && request->kind != ACCOUNT_NAME_ID) /* proven, so that it is no password */
        note_wrap(&login->why, "%.*s", BYTES_ARG(request->name));
    say(login, step, step == AUTH_STEP_DONE ? request->account : NULL);
}

static void ask_account(struct login *login)
{
    login->request = (struct account_request){.kind = login->conversation->name_kind,
                                              .name = login->conversation->name,
                                              .loop = login->loop,
                                              .on_done = on_account};
    ask(login->live, &login->request);
}

static void on_renewed(struct account_request *request)
{
    struct auth_renewal *renewal = list_entry(request, struct auth_renewal, request);
    enum auth_step step = take_answer(request, &renewal->why);
    renewal->account = step == AUTH_STEP_DONE ? request->account : NULL;
    renewal->on_done(renewal, step);
}

static void live_renew(struct authenticator *authenticator, struct auth_renewal *renewal)
{
    renewal->request =
        (struct account_request){.kind = ACCOUNT_NAME_ID,
                                 .name = {(const char *)renewal->old->id, sizeof renewal->old->id},
                                 .loop = renewal->loop,
                                 .on_done = on_renewed};
    ask(live_of(authenticator), &renewal->request);
}

static void on_owner(struct account_request *request)
{
    struct auth_owner_question *question = list_entry(request, struct auth_owner_question, request);
    enum auth_step step = take_answer(request, &question->why);
    question->why = request->note;
    question->owner = NULL;
    question->is_nobodys = request->error == ERROR_NOT_FOUND;
    if (step == AUTH_STEP_DONE && account_owns(request->account, question->address)) {
        question->owner = request->account;
    } else if (step == AUTH_STEP_DONE) { /* equal to the directory, which folds blanks, and not to us */
        account_unref(request->account);
        note_set(&question->why, "another address");
        step = AUTH_STEP_REFUSED;
    }
    question->on_done(question, step);
}

static void live_find_owner(struct authenticator *authenticator, struct auth_owner_question *question)
{
    question->request =
        (struct account_request){.kind = question->needs_access ? ACCOUNT_NAME_SENDER : ACCOUNT_NAME_ADDRESS,
                                 .name = question->address,
                                 .is_name_only = true,
                                 .loop = question->loop,
                                 .on_done = on_owner};
    ask(live_of(authenticator), &question->request);
}

/* -- a step -- */

/* On a worker. */
static void work(struct job *job)
{
    struct login *login = list_entry(job, struct login, job);
    struct conversation *conversation = login->conversation;
    login->step = conversation->ops->step(conversation, login->has_input, buffer_bytes(&login->input));
    login->why = conversation->why;
    buffer_clear(&login->input);
}

static void on_work_done(struct job *job)
{
    struct login *login = list_entry(job, struct login, job);
    if (login->step == AUTH_STEP_DONE && login->exchange)
        ask_account(login);
    else
        say(login, login->step, NULL);
}

static void submit(struct login *login, bool has_input, struct bytes input)
{
    assert(!login->is_busy);
    buffer_clear(&login->input);
    login->has_input = has_input;
    login->job = (struct job){.work = work, .done = on_work_done};
    if (input.len > AUTH_MESSAGE_MAX)
        say_later(login, AUTH_STEP_MALFORMED, "a message that is too long");
    else if (buffer_append(&login->input, input) != OK)
        say_later(login, AUTH_STEP_UNAVAILABLE, "no memory");
    else if (jobs_submit(login->live->jobs, login->loop, &login->job) != OK)
        say_later(login, AUTH_STEP_UNAVAILABLE, "too many logins at once");
    login->is_busy = true;
}

/* -- the face -- */

static uint32_t live_mechanisms(const struct authenticator *authenticator)
{
    return atomic_load_explicit(&live_of(authenticator)->mechanisms, memory_order_relaxed);
}

static struct conversation *conversation_of(const struct live *live, const struct auth_exchange *exchange)
{
    bool is_bound = exchange->protection != EXTENDED_PROTECTION_NONE && exchange->end_point.len > 0;
    if (exchange->mechanism == SASL_NTLM)
        return ntlm_new(&live->means, exchange);
    if (exchange->mechanism == SASL_GSSAPI && is_bound)
        return bound_ticket_new(&live->means, exchange);
    return auth_server_new(&live->means, exchange);
}

/* A proof that must name its channel, and the channel has no name. Passwords name none. */
static bool lacks_channel(const struct auth_exchange *exchange)
{
    return exchange->protection == EXTENDED_PROTECTION_REQUIRE && exchange->end_point.len == 0 &&
           (exchange->mechanism == SASL_GSSAPI || exchange->mechanism == SASL_NTLM);
}

static enum error live_start(struct authenticator *authenticator, struct auth_exchange *exchange,
                             bool has_input, struct bytes input)
{
    struct live *live = live_of(authenticator);
    struct login *login = calloc(1, sizeof *login);
    if (!login)
        return ERROR_TEMPORARY;
    login->live = live;
    login->exchange = exchange;
    login->loop = exchange->loop;
    buffer_init_secret(&login->input, AUTH_MESSAGE_MAX);
    exchange->authenticator = authenticator;
    exchange->state = login;
    exchange->account = NULL;
    if (!(live_mechanisms(authenticator) & SASL_BIT(exchange->mechanism)))
        say_later(login, AUTH_STEP_UNAVAILABLE, "the mechanism does not work here");
    else if (lacks_channel(exchange))
        say_later(login, AUTH_STEP_REFUSED, "nothing names this TLS channel (ExtendedProtectionPolicy)");
    else if (!(login->conversation = conversation_of(live, exchange)))
        say_later(login, AUTH_STEP_UNAVAILABLE, "no memory");
    else
        submit(login, has_input, input);
    return OK;
}

static void live_step(struct auth_exchange *exchange, struct bytes input)
{
    submit(exchange->state, true, input);
}

static void live_cancel(struct auth_exchange *exchange)
{
    struct login *login = exchange->state;
    if (!login)
        return;
    exchange->state = NULL;
    login->exchange = NULL;
    if (!login->is_busy)
        login_free(login);
}

static bool live_is_current(const struct authenticator *authenticator, const struct account *account)
{
    const struct account_source *accounts = live_of(authenticator)->config.accounts;
    return accounts->ops->is_current(accounts, account);
}

/* -- what works here -- */

static bool has_keytab(const struct live *live, struct note *note)
{
    const char *keytab = live->config.keytab;
    return keytab && keytab_look_for(keytab, live->config.service, note) == OK;
}

/* Said when it changes, the first time where it does not work. */
static uint32_t look_at(const struct live *live, enum sasl_mechanism mechanism, bool works,
                        const struct note *note)
{
    bool did_work = live_mechanisms(&live->face) & SASL_BIT(mechanism);
    if (works && !did_work)
        event_say(EVENT_INFO, "auth.mechanism", "%s works", sasl_mechanism_name(mechanism));
    else if (!works && (did_work || !live->was_looked_at))
        event_say(did_work ? EVENT_WARNING : EVENT_INFO, "auth.mechanism", "%s is not offered: %s",
                  sasl_mechanism_name(mechanism), note->text[0] ? note->text : "no keytab");
    return works ? SASL_BIT(mechanism) : 0;
}

void authenticator_live_look(struct authenticator *authenticator)
{
    struct live *live = live_of(authenticator);
    struct note ticket = {0}, ntlm = {0};
    uint32_t mechanisms = live->config.prover ? SASL_BIT(SASL_PLAIN) | SASL_BIT(SASL_LOGIN) : 0;
    mechanisms |= look_at(live, SASL_GSSAPI, has_keytab(live, &ticket), &ticket);
    mechanisms |= look_at(live, SASL_NTLM, ntlm_look(&ntlm) == OK, &ntlm);
    atomic_store_explicit(&live->mechanisms, mechanisms, memory_order_relaxed);
    live->was_looked_at = true;
}

enum error authenticator_live_new(const struct authenticator_config *config, struct authenticator **out)
{
    static const struct authenticator_ops ops = {
        live_mechanisms, live_start, live_step, live_cancel, live_renew, live_is_current, live_find_owner,
    };
    struct live *live = calloc(1, sizeof *live);
    if (!live)
        return ERROR_TEMPORARY;
    live->face.ops = &ops;
    live->config = *config;
    live->means = (struct conversation_means){config->accounts, config->prover, config->service,
                                              config->account_failures};
    enum error error = jobs_new("auth", config->workers, config->queue, &live->jobs);
    if (error) {
        free(live);
        return error;
    }
    authenticator_live_look(&live->face);
    *out = &live->face;
    return OK;
}

void authenticator_live_free(struct authenticator *authenticator)
{
    if (!authenticator)
        return;
    struct live *live = live_of(authenticator);
    jobs_free(live->jobs);
    free(live);
}
