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
#define NAMES_SIZE      200

static bool can_have_tls(const struct smtp_client *client)
{
    return (client->offers & HOP_STARTTLS) && client->config.tls && *client->config.tls;
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
    enum certificate_flaw flaw = demand_judge(&client->config.demand, result);
    if (flaw)
        leave_for_flaw(client, flaw, result);
    else if (!is_open)
        client_hello(client);
}

void security_starttls_reply(struct smtp_client *client, uint16_t code)
{
    const struct tls_client_request request = {
        .server_name = client->config.hop_name, .dane = client->config.demand.dane, .on_secured = on_secured};
    if (code != 220) {
        client->is_starttls_refused = true;
        security_proceed(client);
        return;
    }
    client->state = CLIENT_HANDSHAKE;
    if (!can_have_tls(client) || stream_start_tls_client(client->stream, *client->config.tls, &request))
        client_fail(client, "421 4.3.0 Out of memory");
}

/* -- AUTH -- */

/* In base64; both forms are wiped. */
static enum error append_encoded(struct smtp_client *client, const struct buffer *message)
{
    char text[4 * ((MESSAGE_MAX + 2) / 3) + 1];
    bytes_to_base64(buffer_bytes(message), text);
    enum error error = buffer_append_text(&client->output, text);
    explicit_bzero(text, sizeof text);
    return error;
}

static void say_secret(struct smtp_client *client, enum error error)
{
    if (error == OK)
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
    char reply[REPLY_TEXT_MAX];
    buffer_init(&message, MESSAGE_MAX);
    if (begin_login(client, &message, &is_first, &note)) {
        snprintf(reply, sizeof reply, "451 5.7.3 Require basic authentication (%s)", note.text);
        client_leave(client, reply);
    } else {
        client->state = CLIENT_AUTH;
        enum error error =
            buffer_printf(&client->output, "AUTH %s%s", client->mechanism, is_first ? " " : "");
        if (!error && is_first)
            error = append_encoded(client, &message);
        say_secret(client, error);
    }
    wipe(&message);
}

static enum error answer_challenge(struct smtp_client *client, struct bytes text, struct buffer *message)
{
    char challenge[REPLY_LINE_MAX];
    size_t len = 0;
    struct bytes encoded = bytes_trim(text);
    enum error error = bytes_from_base64(encoded, challenge, &len);
    if (!error && ++client->login_steps > LOGIN_STEPS_MAX)
        error = ERROR_LIMIT;
    return error ? error : auth_client_step(client->login, (struct bytes){challenge, len}, message);
}

void security_auth_reply(struct smtp_client *client, uint16_t code, struct bytes text)
{
    struct buffer message;
    if (code == 334) {
        buffer_init(&message, MESSAGE_MAX);
        if (answer_challenge(client, text, &message))
            client_fail(client, CLIENT_NOT_CONFORMANT);
        else
            say_secret(client, append_encoded(client, &message));
        wipe(&message);
        return;
    }
    security_done(client);
    if (code == 235) {
        client->security.mechanism = client->mechanism;
        security_proceed(client);
    } else if (code >= 400) {
        client->security.is_login_refused = true;
        leave_quoting(client, "451 5.7.3 Require basic authentication");
    } else {
        client_fail(client, CLIENT_NOT_CONFORMANT);
    }
}

void security_done(struct smtp_client *client)
{
    revocation_check_cancel(&client->revocation);
    auth_client_free(client->login);
    client->login = NULL;
}

/* -- the way -- */

void security_proceed(struct smtp_client *client)
{
    const struct smtp_situation situation = {
        .offers_tls = can_have_tls(client),
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
    case SMTP_STEP_AUTHENTICATE:
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
