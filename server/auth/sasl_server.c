#include "auth/sasl_server.h"

#include "auth/credential_form.h"
#include "auth/gss_token.h"
#include "auth/principal_name.h"

#include <sasl/sasl.h>
#include <stdlib.h>
#include <string.h>

#define TLS_STRENGTH 256

struct auth_server {
    struct conversation face;
    enum sasl_mechanism mechanism;
    char *host;
    bool is_tls;
    unsigned input_count;
    sasl_conn_t *connection; /* NULL: before the first input */
    sasl_callback_t callbacks[3];
    enum auth_step verdict;      /* of check_password: CHALLENGE before it was asked */
    const struct account *entry; /* whose password was proven, without a token */
    char principal[PRINCIPAL_NAME_SIZE];
};

/* -- what Cyrus asks -- */

/* A bind, unless so many failed that the directory might lock the account. */
static enum error prove_entry(struct auth_server *server, const struct account *entry, struct bytes password)
{
    const struct conversation_means *means = server->face.means;
    struct note *why = &server->face.why;
    if (means->failures && failure_counts_is_account_over(means->failures, entry->id)) {
        note_set(why, "too many failed logins of this account");
        return ERROR_DENIED_CREDENTIALS;
    }
    enum error error = means->prover->ops->prove(means->prover, entry->dn, password, why);
    if (error == ERROR_DENIED_CREDENTIALS && means->failures)
        failure_counts_add_account(means->failures, entry->id);
    return error;
}

/* The entry that the name means, then a bind as that. */
static enum error prove(struct auth_server *server, struct bytes name, struct bytes password)
{
    struct note *why = &server->face.why;
    enum error error = credential_check_name(name, why);
    if (!error)
        error = credential_check_password(password, why);
    if (error)
        return error;
    struct account_request found = conversation_look_up(&server->face, ACCOUNT_NAME_LOGIN, name);
    if (found.error) {
        *why = found.note;
        note_wrap(why, "%s", error_name(found.error));
        return found.error;
    }
    error = prove_entry(server, found.account, password);
    if (error)
        account_unref(found.account);
    else
        server->entry = found.account;
    return error;
}

static int check_password(sasl_conn_t *connection, void *context, const char *user, const char *password,
                          unsigned password_len, struct propctx *properties)
{
    struct auth_server *server = context;
    (void)connection;
    (void)properties;
    account_unref(server->entry);
    server->entry = NULL;
    enum error error = prove(server, bytes_of_text(user), (struct bytes){password, password_len});
    server->verdict = conversation_step_of(error);
    return error ? SASL_BADAUTH : SASL_OK;
}

/* Judged when the mechanism is through (finish). */
static int allow_identity(sasl_conn_t *connection, void *context, const char *requested,
                          unsigned requested_len, const char *identity, unsigned identity_len,
                          const char *realm, unsigned realm_len, struct propctx *properties)
{
    (void)connection;
    (void)context;
    (void)requested;
    (void)requested_len;
    (void)identity;
    (void)identity_len;
    (void)realm;
    (void)realm_len;
    (void)properties;
    return SASL_OK;
}

/* -- what became of it -- */

static enum auth_step refuse(struct auth_server *server, enum auth_step step, const char *why)
{
    return conversation_refuse(&server->face, step, why);
}

static const char *text_property(struct auth_server *server, int property)
{
    const void *value = NULL;
    return sasl_getprop(server->connection, property, &value) == SASL_OK && value ? value : "";
}

static enum auth_step finish_password(struct auth_server *server)
{
    const struct account *entry = server->entry;
    if (!entry || server->verdict != AUTH_STEP_DONE)
        return refuse(server, AUTH_STEP_REFUSED, "no password was proven");
    server->face.name_kind = ACCOUNT_NAME_ID;
    server->face.name = (struct bytes){(const char *)entry->id, sizeof entry->id};
    const char *requested = text_property(server, SASL_USERNAME);
    if (strcmp(requested, text_property(server, SASL_AUTHUSER)) == 0)
        return AUTH_STEP_DONE;
    return conversation_check_identity(&server->face, bytes_of_text(requested), entry->id);
}

static enum auth_step finish_ticket(struct auth_server *server)
{
    return conversation_take_ticket(&server->face, bytes_of_text(text_property(server, SASL_AUTHUSER)),
                                    bytes_of_text(text_property(server, SASL_USERNAME)), server->principal);
}

static enum auth_step finish(struct auth_server *server)
{
    return server->mechanism == SASL_GSSAPI ? finish_ticket(server) : finish_password(server);
}

static enum auth_step step_of_code(struct auth_server *server, int code)
{
    switch (code) {
    case SASL_CONTINUE:
        return AUTH_STEP_CHALLENGE;
    case SASL_OK:
        return finish(server);
    case SASL_BADPROT:
        return refuse(server, AUTH_STEP_MALFORMED, sasl_errdetail(server->connection));
    case SASL_NOMEM:
        return refuse(server, AUTH_STEP_UNAVAILABLE, "no memory");
    default:
        if (server->verdict == AUTH_STEP_REFUSED || server->verdict == AUTH_STEP_UNAVAILABLE)
            return server->verdict; /* check_password has said why */
        return refuse(server, AUTH_STEP_REFUSED, sasl_errdetail(server->connection));
    }
}

/* -- the steps -- */

static enum auth_step open_connection(struct auth_server *server)
{
    static const sasl_ssf_t strength = TLS_STRENGTH;
    static const sasl_security_properties_t no_layer = {.security_flags = SASL_SEC_NOANONYMOUS};
    int code = sasl_server_new(server->face.means->service, server->host, NULL, NULL, NULL, server->callbacks,
                               0, &server->connection);
    if (code == SASL_OK)
        code = sasl_setprop(server->connection, SASL_SEC_PROPS, &no_layer);
    if (code == SASL_OK && server->is_tls)
        code = sasl_setprop(server->connection, SASL_SSF_EXTERNAL, &strength);
    return code == SASL_OK ? AUTH_STEP_CHALLENGE
                           : refuse(server, AUTH_STEP_UNAVAILABLE, sasl_errstring(code, NULL, NULL));
}

static const char *plugin_of(const struct auth_server *server, struct bytes first_token)
{
    if (server->mechanism == SASL_GSSAPI && gss_token_is_spnego(first_token))
        return "GSS-SPNEGO";
    return sasl_mechanism_name(server->mechanism);
}

/* The server speaks first in LOGIN: its question is asked for, thrown away, and answered. */
static enum auth_step run(struct auth_server *server, struct bytes input)
{
    const char *output = NULL;
    unsigned output_len = 0, input_len = (unsigned)input.len;
    int code = SASL_CONTINUE;
    if (server->input_count == 1) {
        bool is_asked = server->mechanism == SASL_LOGIN;
        code = sasl_server_start(server->connection, plugin_of(server, input), is_asked ? NULL : input.ptr,
                                 is_asked ? 0 : input_len, &output, &output_len);
        if (is_asked && code == SASL_CONTINUE)
            code = sasl_server_step(server->connection, input.ptr, input_len, &output, &output_len);
    } else {
        code = sasl_server_step(server->connection, input.ptr, input_len, &output, &output_len);
    }
    enum auth_step step = step_of_code(server, code);
    server->face.output = (struct bytes){output, output ? output_len : 0};
    if (step == AUTH_STEP_CHALLENGE && server->mechanism == SASL_LOGIN)
        server->face.output = BYTES_LITERAL("Password:");
    return step;
}

static enum error check_form(struct auth_server *server, struct bytes input)
{
    struct note *why = &server->face.why;
    switch (server->mechanism) {
    case SASL_PLAIN:
        return credential_check_plain(input, why);
    case SASL_LOGIN:
        return server->input_count == 1 ? credential_check_name(input, why)
                                        : credential_check_password(input, why);
    case SASL_GSSAPI:
    case SASL_NTLM:
    case SASL_MECHANISM_COUNT:
        break;
    }
    return OK;
}

static enum auth_step auth_server_step(struct conversation *conversation, bool has_input, struct bytes input)
{
    struct auth_server *server = (struct auth_server *)conversation;
    if (!has_input) {
        conversation->output =
            server->mechanism == SASL_LOGIN ? BYTES_LITERAL("Username:") : (struct bytes){0};
        return AUTH_STEP_CHALLENGE;
    }
    server->input_count++;
    enum error error = check_form(server, input);
    if (error)
        return error == ERROR_SYNTAX ? AUTH_STEP_MALFORMED : AUTH_STEP_REFUSED;
    enum auth_step step = server->connection ? AUTH_STEP_CHALLENGE : open_connection(server);
    return step == AUTH_STEP_CHALLENGE ? run(server, input) : step;
}

static void auth_server_free(struct conversation *conversation)
{
    struct auth_server *server = (struct auth_server *)conversation;
    if (server->connection)
        sasl_dispose(&server->connection);
    account_unref(server->entry);
    free(server->host);
    free(server);
}

struct conversation *auth_server_new(const struct conversation_means *means,
                                     const struct auth_exchange *exchange)
{
    static const struct conversation_ops ops = {auth_server_step, auth_server_free};
    struct auth_server *server = calloc(1, sizeof *server);
    if (!server)
        return NULL;
    server->face = (struct conversation){.ops = &ops, .means = means};
    server->mechanism = exchange->mechanism;
    server->is_tls = exchange->is_tls;
    server->host = strdup(exchange->host ? exchange->host : "");
    server->callbacks[0] = (sasl_callback_t){SASL_CB_SERVER_USERDB_CHECKPASS,
                                             (int (*)(void))(void (*)(void))check_password, server};
    server->callbacks[1] =
        (sasl_callback_t){SASL_CB_PROXY_POLICY, (int (*)(void))(void (*)(void))allow_identity, server};
    server->callbacks[2] = (sasl_callback_t){SASL_CB_LIST_END, NULL, NULL};
    if (server->host)
        return &server->face;
    free(server);
    return NULL;
}
