#include "delivery/token.h"

#include "delivery/delivery_internal.h"
#include "loop/http_request.h"
#include "loop/jobs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FETCH_MS   20000
#define FORM_MAX   (64u << 10)
#define ANSWER_MAX (64u << 10)

/* Happy path: token_is_ready says no and fetches; the job reads the secret, asks the endpoint; on_fetched
 * keeps the token and the hop goes on. A token is renewed when four fifths of its life are over, or when a
 * hop did not take it. Failures: the secret's file, the endpoint, its answer: the hop fails. Retiring
 * cancels. */
struct hop_token {
    struct job job;
    struct hop *hop;
    bool is_fetching;
    atomic_bool is_canceled;
    uint64_t fresh_until_ms; /* monotonic; 0: there is none */
    char text[AUTH_PASSWORD_MAX + 1];
    enum error error; /* of the fetch; with why and lifetime_s the job's until it is done */
    struct note why;
    uint64_t lifetime_s;
    char fetched[AUTH_PASSWORD_MAX + 1];
};

/* -- the job -- */

static void wipe(struct buffer *buffer)
{
    if (buffer->len)
        explicit_bzero(buffer->ptr, buffer->len);
    buffer_done(buffer);
}

static enum error ask(struct hop_token *token, struct bytes form)
{
    struct buffer answer;
    struct http_answer head;
    const struct http_request request = {.url = token->hop->connector->token_endpoint,
                                         .scheme = "https",
                                         .ca_file = token->hop->delivery->config.ca_file,
                                         .accept = "application/json",
                                         .form = form,
                                         .timeout_ms = FETCH_MS,
                                         .is_canceled = &token->is_canceled};
    buffer_init(&answer, ANSWER_MAX);
    enum error error = http_request_run(&request, &head, &answer, &token->why);
    if (!error)
        error = token_read_answer(head.status, buffer_bytes(&answer), token->fetched, &token->lifetime_s,
                                  &token->why);
    wipe(&answer);
    return error;
}

static void on_work(struct job *job)
{
    struct hop_token *token = list_entry(job, struct hop_token, job);
    const struct send_connector *connector = token->hop->connector;
    char secret[AUTH_PASSWORD_MAX + 1];
    struct buffer form;
    buffer_init(&form, FORM_MAX);
    token->error = security_read_secret(connector->token_secret_file,
                                        "dirrelaySmartHostOAuthClientSecretFile", secret, &token->why);
    if (!token->error)
        token->error = token_write_form(connector, secret, &form);
    if (!token->error)
        token->error = ask(token, buffer_bytes(&form));
    explicit_bzero(secret, sizeof secret);
    wipe(&form);
}

/* -- on the loop -- */

static void note_failure(struct hop *hop, const char *why)
{
    char text[256];
    int len = snprintf(text, sizeof text, "451 5.7.3 No access token: %s", why);
    hop_note(hop, (struct bytes){text, (size_t)len < sizeof text ? (size_t)len : sizeof text - 1});
}

static void on_fetched(struct job *job)
{
    struct hop_token *token = list_entry(job, struct hop_token, job);
    struct hop *hop = token->hop;
    token->is_fetching = false;
    if (!token->error) {
        memcpy(token->text, token->fetched, sizeof token->text);
        token->fresh_until_ms =
            clock_monotonic_ms(hop->delivery->config.clock) + token->lifetime_s * UINT64_C(800);
    }
    explicit_bzero(token->fetched, sizeof token->fetched);
    if (token->error && !hop->is_old) {
        note_failure(hop, token->why.text[0] ? token->why.text : error_name(token->error));
        hop_failed(hop);
    } else if (!hop->is_old) {
        hop_pump(hop);
    }
    hop_unclaim(hop);
}

static enum error start_fetch(struct hop *hop)
{
    struct delivery *delivery = hop->delivery;
    struct jobs *jobs = security_jobs(delivery);
    enum error error = jobs ? OK : ERROR_TEMPORARY;
    if (!error && !hop->token) {
        hop->token = calloc(1, sizeof *hop->token);
        error = hop->token ? OK : ERROR_TEMPORARY;
    }
    if (error)
        return error;
    hop->token->hop = hop;
    hop->token->why = (struct note){0};
    hop->token->job = (struct job){.work = on_work, .done = on_fetched};
    error = jobs_submit(jobs, delivery->config.loop, &hop->token->job);
    if (error)
        return error;
    hop->token->is_fetching = true;
    hop->claim_count++;
    return OK;
}

bool token_is_ready(struct hop *hop)
{
    if (!hop->connector->token_endpoint)
        return true;
    if (hop->token && hop->token->is_fetching)
        return false;
    if (hop->token && hop->token->fresh_until_ms > clock_monotonic_ms(hop->delivery->config.clock))
        return true;
    if (start_fetch(hop)) {
        note_failure(hop, "too many are asked for");
        hop_failed(hop);
    }
    return false;
}

void token_forget(struct hop *hop)
{
    if (hop->token)
        hop->token->fresh_until_ms = 0;
}

enum error token_credential(const struct hop *hop, struct auth_credential *out, struct note *note)
{
    struct bytes user = bytes_of_text(hop->connector->login_user);
    if (!hop->token || !hop->token->text[0] || user.len > AUTH_USER_MAX) {
        note_set(note, "there is no access token");
        return ERROR_TEMPORARY;
    }
    memcpy(out->user, user.ptr, user.len + 1);
    memcpy(out->password, hop->token->text, sizeof out->password);
    return OK;
}

void token_cancel(struct hop *hop)
{
    if (hop->token)
        atomic_store(&hop->token->is_canceled, true);
}

void token_free(struct hop *hop)
{
    if (hop->token)
        explicit_bzero(hop->token->text, sizeof hop->token->text);
    free(hop->token);
}
