#include "auth/direct_trust.h"
#include "smtp_client/client_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* From EHLO to ready: STARTTLS, the judgement of the certificate, which may wait for revocation lists, EHLO
 * again, AUTH. Failures: what is not
 * offered or not good enough: QUIT; a handshake that comes to nothing: closed, and the owner may try again in
 * clear; a broken answer: closed. */

#define LOGIN_STEPS_MAX 8
#define MESSAGE_MAX     12288
#define MECHANISM_MAX   32
#define NAMES_SIZE      200

static bool can_have_tls(const struct smtp_client *client, enum hop_offer verb)
{
    return (client->offers & verb) && client->config.tls && *client->config.tls;
}

/* A local reply with the hop's last words behind it. */
static void leave_quoting(struct smtp_client *client, const char *reply)
{
    char text[REPLY_TEXT_MAX];
    snprintf(text, sizeof text, "%s (%.*s)", reply, (int)client->text_len, client->text);
    client_leave(client, text);
}

/* -- TLS -- */

static void leave_for_flaw(struct smtp_client *client, enum certificate_flaw flaw,
                           const struct tls_result *result)
{
    char names[NAMES_SIZE], reply[REPLY_TEXT_MAX];
    const char *why = "none was shown";
    if (flaw == CERTIFICATE_NOT_TRUSTED)
        why = result->distrust;
    if (flaw == CERTIFICATE_NOT_MUTUAL)
        why = client->config.identity ? "the hop asks for none of ours" : "this server has none to show";
    if (flaw == CERTIFICATE_OF_ANOTHER) {
        tls_certificate_names(result->peer, names, sizeof names);
        why = names[0] ? names : "it names no host";
    }
    snprintf(reply, sizeof reply, "454 4.7.5 Certificate validation failure: %s%s",
             flaw == CERTIFICATE_OF_ANOTHER ? "the certificate is another host's: " : "", why);
    client_leave(client, reply);
}

static void on_revocation(struct revocation_check *check)
{
    struct smtp_client *client = list_entry(check, struct smtp_client, revocation);
    if (client->state != CLIENT_HANDSHAKE)
        return; /* its name was wrong already, or it is being closed */
    if (check->distrust[0]) {
        client->security.distrust = check->distrust;
        leave_for_flaw(client, CERTIFICATE_NOT_TRUSTED, &(struct tls_result){.distrust = check->distrust});
    } else {
        client_hello(client);
    }
}

/* True: begun, and its answer is still to come; until then the certificate counts as good. */
static bool ask_revocation(struct smtp_client *client, struct tls_result *result)
{
    struct revocation *revocation = client->config.revocation;
    struct revocation_check *check = &client->revocation;
    if (!revocation || !client->config.demand.needs_trust || !result->peer)
        return false;
    check->on_done = on_revocation;
    bool is_open = !revocation_check_start(revocation, client->stream, check);
    result->is_trusted = is_open || !check->distrust[0];
    result->distrust = check->distrust;
    return is_open;
}

/* Validation is presence in the directory, no chain (facts 10.3); what else is demanded of the certificate is
 * judged all the same. */
static bool is_known_server(struct smtp_client *client, const struct tls_result *result)
{
    struct note name = {0};
    char reply[REPLY_TEXT_MAX];
    if (result->peer && client->events.on_server(client->owner, result->peer)) {
        client->security.mechanism = "X-ANONYMOUSTLS";
        client->security.distrust = NULL;
        return true;
    }
    if (result->peer)
        direct_trust_name(result->peer, &name);
    snprintf(reply, sizeof reply,
             "454 4.7.5 Certificate validation failure: the directory knows no server by %s",
             result->peer ? name.text : "none");
    client_leave(client, reply);
    return false;
}

static void on_secured(void *owner, const struct tls_result *shown)
{
    struct smtp_client *client = owner;
    struct tls_result own = *shown, *result = &own;
    if (client->state != CLIENT_HANDSHAKE)
        return; /* it is being closed */
    if (result->error) {
        char reply[REPLY_TEXT_MAX];
        snprintf(reply, sizeof reply, "451 5.7.3 STARTTLS is required to send mail (handshake: %s)",
                 result->why);
        client_set_text(client, reply);
        client->security.is_handshake_lost = true;
        client->state = CLIENT_OVER; /* the stream says its alert and closes */
        return;
    }
    client->security.tls_version = result->version;
    client->security.tls_cipher = result->cipher;
    client->security.wish_flaw = demand_judge(&client->config.wish, shown);
    bool is_open = ask_revocation(client, result);
    client->security.distrust = result->is_trusted ? NULL : result->peer ? result->distrust : "none shown";
    if (client->is_direct_tls && !is_known_server(client, result))
        return;
    enum certificate_flaw flaw = demand_judge(&client->config.demand, result);
    if (flaw)
        leave_for_flaw(client, flaw, result);
    else if (!is_open)
        client_hello(client);
}

void security_starttls_reply(struct smtp_client *client, uint16_t code)
{
    const struct tls_client_request request = {
        .server_name = client->config.hop_name,
        .dane = client->config.demand.dane,
        .identity = client->is_direct_tls ? client->config.direct_identity : client->config.identity,
        .on_secured = on_secured};
    if (code != 220) {
        client->is_starttls_refused = true;
        security_proceed(client);
        return;
    }
    client->state = CLIENT_HANDSHAKE;
    if (!can_have_tls(client, client->is_direct_tls ? HOP_ANONYMOUSTLS : HOP_STARTTLS) ||
        stream_start_tls_client(client->stream, *client->config.tls, &request))
        client_fail(client, "421 4.3.0 Out of memory");
}

/* -- AUTH -- */

void security_read_mechanisms(struct smtp_client *client, bool is_exchange, struct bytes names)
{
    enum login_demand login = client->config.demand.login;
    if (is_exchange != (login == LOGIN_DEMAND_EXCHANGE))
        return;
    client->mechanism =
        is_exchange ? ticket_choose(client, names) : auth_client_choose(names, login == LOGIN_DEMAND_TOKEN);
}

void security_leave_without_login(struct smtp_client *client, const char *more)
{
    char reply[REPLY_TEXT_MAX];
    snprintf(reply, sizeof reply, "%s (%s)", demand_needs_login(&client->config.demand), more);
    client_leave(client, reply);
}

/* In base64, which is wiped. */
static enum error append_encoded(struct smtp_client *client, struct bytes message)
{
    size_t size = 4 * ((message.len + 2) / 3) + 1;
    char *text = malloc(size);
    if (!text)
        return ERROR_TEMPORARY;
    bytes_to_base64(message, text);
    enum error error = buffer_append_text(&client->output, text);
    explicit_bzero(text, size);
    free(text);
    return error;
}

void security_say_secret(struct smtp_client *client, const char *command, const struct bytes *message)
{
    enum error error = OK;
    if (command)
        error = buffer_printf(&client->output, "%s%s", command, message ? " " : "");
    if (!error && message)
        error = append_encoded(client, *message);
    if (!error)
        error = buffer_append_text(&client->output, "\r\n");
    if (error) {
        client_fail(client, "421 4.3.0 Out of memory");
        return;
    }
    client_protocol_secret(client);
    struct bytes said = buffer_bytes(&client->output);
    stream_write(client->stream, said);
    explicit_bzero((char *)(uintptr_t)said.ptr, said.len);
    buffer_clear(&client->output);
    stream_set_deadline(client->stream, client->config.command_timeout_ms);
}

static void wipe(struct buffer *message)
{
    if (message->len)
        explicit_bzero(message->ptr, message->len);
    buffer_done(message);
}

static enum error begin_login(struct smtp_client *client, struct buffer *message, bool *out_is_first,
                              struct note *note)
{
    char address[IP_TEXT_SIZE];
    struct auth_credential credential = {0};
    ip_format_address(&stream_remote(client->stream)->address, address);
    const char *host = client->config.hop_name ? client->config.hop_name : address;
    enum error error = client->events.on_credential(client->owner, &credential, note);
    if (!error)
        error = auth_client_new(client->mechanism, host, &credential, &client->login, out_is_first, message,
                                note);
    auth_credential_wipe(&credential);
    return error;
}

static void authenticate(struct smtp_client *client)
{
    struct buffer message;
    struct note note = {0};
    bool is_first = false;
    buffer_init(&message, MESSAGE_MAX);
    if (begin_login(client, &message, &is_first, &note)) {
        security_leave_without_login(client, note.text);
    } else {
        const struct bytes first = buffer_bytes(&message);
        char command[sizeof "AUTH " + MECHANISM_MAX];
        snprintf(command, sizeof command, "AUTH %s", client->mechanism);
        client->state = CLIENT_AUTH;
        security_say_secret(client, command, is_first ? &first : NULL);
    }
    wipe(&message);
}

static enum error answer_challenge(struct smtp_client *client, struct bytes challenge)
{
    struct buffer message;
    buffer_init(&message, MESSAGE_MAX);
    enum error error = auth_client_step(client->login, challenge, &message);
    if (!error) {
        const struct bytes answer = buffer_bytes(&message);
        security_say_secret(client, NULL, &answer);
    }
    wipe(&message);
    return error;
}

static enum error take_challenge(struct smtp_client *client, struct bytes text)
{
    char challenge[REPLY_LINE_MAX];
    size_t len = 0;
    enum error error = bytes_from_base64(bytes_trim(text), challenge, &len);
    if (!error && ++client->login_steps > LOGIN_STEPS_MAX)
        error = ERROR_LIMIT;
    if (error)
        return error;
    const struct bytes decoded = {challenge, len};
    return client->ticket ? ticket_challenge(client, decoded) : answer_challenge(client, decoded);
}

void security_auth_reply(struct smtp_client *client, uint16_t code, struct bytes text)
{
    if (code == 334) {
        if (take_challenge(client, text))
            client_fail(client, CLIENT_NOT_CONFORMANT);
        return;
    }
    bool is_proven = !client->ticket || ticket_is_complete(client);
    security_done(client);
    if (code == 235 && !is_proven) {
        security_leave_without_login(client, "the hop did not prove itself");
    } else if (code == 235) {
        client->security.mechanism = client->mechanism;
        security_proceed(client);
    } else if (code >= 400) {
        client->security.is_login_refused = true;
        leave_quoting(client, demand_needs_login(&client->config.demand));
    } else {
        client_fail(client, CLIENT_NOT_CONFORMANT);
    }
}

void security_done(struct smtp_client *client)
{
    revocation_check_cancel(&client->revocation);
    auth_client_free(client->login);
    client->login = NULL;
    ticket_drop(client);
}

/* -- the way -- */

void security_proceed(struct smtp_client *client)
{
    const struct smtp_situation situation = {
        .offers_tls = can_have_tls(client, HOP_STARTTLS),
        .offers_direct_tls = client->config.direct_identity && can_have_tls(client, HOP_ANONYMOUSTLS),
        .is_tls_refused = client->is_starttls_refused,
        .is_tls = client->security.tls_version != NULL,
        .offers_mechanism = client->mechanism != NULL,
        .is_authenticated = client->security.mechanism != NULL,
    };
    const char *why = NULL;
    switch (demand_next_step(&client->config.demand, &situation, &why)) {
    case SMTP_STEP_STARTTLS:
        client_command(client, CLIENT_STARTTLS, "STARTTLS", NULL);
        return;
    case SMTP_STEP_DIRECT_TLS:
        client->is_direct_tls = true;
        client_command(client, CLIENT_STARTTLS, "X-ANONYMOUSTLS", NULL);
        return;
    case SMTP_STEP_AUTHENTICATE:
        if (client->config.demand.login == LOGIN_DEMAND_EXCHANGE)
            ticket_begin(client);
        else
            authenticate(client);
        return;
    case SMTP_STEP_READY:
        client_become_ready(client);
        return;
    case SMTP_STEP_LEAVE:
        if (client->is_starttls_refused)
            leave_quoting(client, why);
        else
            client_leave(client, why);
        return;
    }
}
