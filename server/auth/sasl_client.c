#include "auth/sasl_client.h"

#include "auth/ticket_credential.h"

#include <sasl/sasl.h>
#include <stdlib.h>
#include <string.h>

#define SERVICE "smtp"
/* The library has no such mechanism: one message, and an empty answer to the challenge that says why not. */
#define BEARER "XOAUTH2"
/* What Exchange means by GSSAPI. */
#define TICKETS "GSS-SPNEGO"

struct auth_client {
    sasl_conn_t *connection;
    sasl_callback_t callbacks[4];
    struct auth_credential credential;
    sasl_secret_t *secret;             /* the password in the library's form */
    struct gss_cred_id_struct *ticket; /* of ours, or NULL */
    bool is_complete;
    bool is_bearer; /* none of the library's */
    unsigned bearer_steps;
};

void auth_credential_wipe(struct auth_credential *credential)
{
    explicit_bzero(credential, sizeof *credential);
}

static bool is_among(struct bytes offered, const char *mechanism)
{
    struct bytes word;
    while (bytes_next(&offered, ' ', &word)) {
        if (bytes_equal_text_nocase(word, mechanism)) {
            return true;
        }
    }
    return false;
}

const char *auth_client_choose(struct bytes offered, bool is_token)
{
    if (is_token) {
        return is_among(offered, BEARER) ? BEARER : NULL;
    }
    return is_among(offered, "LOGIN") ? "LOGIN" : is_among(offered, "PLAIN") ? "PLAIN" : NULL;
}

/* -- what the library asks -- */

/* The identity to act as is left to the hop: that of the login. */
static int on_name(void *context, int id, const char **result, unsigned *len)
{
    const struct auth_client *client = context;
    *result = id == SASL_CB_AUTHNAME ? client->credential.user : "";
    if (len != NULL) {
        *len = (unsigned)strlen(*result);
    }
    return SASL_OK;
}

static int on_secret(sasl_conn_t *connection, void *context, int id, sasl_secret_t **out)
{
    (void)connection;
    (void)id;
    *out = ((struct auth_client *)context)->secret;
    return SASL_OK;
}

static sasl_secret_t *new_secret(const char *password)
{
    size_t len = strlen(password);
    sasl_secret_t *secret = malloc(sizeof *secret + len);
    if (secret != NULL) {
        secret->len = len;
        memcpy(secret->data, password, len + 1);
    }
    return secret;
}

/* -- the exchange -- */

/* No security layer is ever put on; passwords may be said: whether the line is good enough for them is
 * decided before. With tickets a layer is asked for all the same, since only then the library has the host
 * prove itself. */
static int open_connection(struct auth_client *client, const char *host)
{
    sasl_security_properties_t properties = {.max_ssf = client->ticket != NULL, .maxbufsize = 65536};
    sasl_callback_t callbacks[] = {
        {SASL_CB_USER, (int (*)(void))(void *)on_name, client},
        {SASL_CB_AUTHNAME, (int (*)(void))(void *)on_name, client},
        {SASL_CB_PASS, (int (*)(void))(void *)on_secret, client},
        {SASL_CB_LIST_END, NULL, NULL},
    };
    memcpy(client->callbacks, callbacks, sizeof callbacks);
    int code = sasl_client_new(SERVICE, host, NULL, NULL, client->callbacks, 0, &client->connection);
    if (code == SASL_OK && client->ticket != NULL) {
        code = sasl_setprop(client->connection, SASL_GSS_CREDS, client->ticket);
    }
    return code == SASL_OK ? sasl_setprop(client->connection, SASL_SEC_PROPS, &properties) : code;
}

static enum error append(struct buffer *out, const char *message, unsigned len)
{
    return message != NULL ? buffer_append(out, (struct bytes){message, len}) : OK;
}

static enum error start_library(struct auth_client *client, const char *mechanism, const char *host,
                                bool *out_is_first, struct buffer *out_message, struct note *note)
{
    const char *message = NULL, *chosen;
    unsigned len = 0;
    int code = (client->secret = new_secret(client->credential.password)) != NULL
                   ? open_connection(client, host)
                   : SASL_NOMEM;
    if (code == SASL_OK) {
        code = sasl_client_start(client->connection, mechanism, NULL, &message, &len, &chosen);
    }
    if (code != SASL_OK && code != SASL_CONTINUE) {
        note_set(note, "SASL %s: %s", mechanism,
                 client->connection != NULL ? sasl_errdetail(client->connection)
                                            : sasl_errstring(code, NULL, NULL));
        return ERROR_TEMPORARY;
    }
    client->is_complete = code == SASL_OK;
    *out_is_first = message != NULL;
    return append(out_message, message, len);
}

static enum error start_bearer(struct auth_client *client, bool *out_is_first, struct buffer *out_message)
{
    client->is_bearer = true;
    *out_is_first = true;
    return buffer_printf(out_message,
                         "user=%s\x01"
                         "auth=Bearer %s\x01\x01",
                         client->credential.user, client->credential.password);
}

enum error auth_client_new(const char *mechanism, const char *host, const struct auth_credential *credential,
                           struct auth_client **out, bool *out_is_first, struct buffer *out_message,
                           struct note *note)
{
    struct auth_client *client = calloc(1, sizeof *client);
    if (client == NULL) {
        return ERROR_TEMPORARY;
    }
    client->credential = *credential;
    enum error error = strcmp(mechanism, BEARER) == 0
                           ? start_bearer(client, out_is_first, out_message)
                           : start_library(client, mechanism, host, out_is_first, out_message, note);
    if (error != OK) {
        auth_client_free(client);
        return ERROR_TEMPORARY;
    }
    *out = client;
    return OK;
}

enum error auth_client_new_ticket(const char *keytab, const char *host, struct auth_client **out,
                                  struct buffer *out_message, struct note *note)
{
    bool is_first = false;
    struct auth_client *client = calloc(1, sizeof *client);
    if (client == NULL) {
        return ERROR_TEMPORARY;
    }
    enum error error = ticket_credential_acquire(keytab, &client->ticket, note);
    if (error == OK) {
        error = start_library(client, TICKETS, host, &is_first, out_message, note);
    }
    if (error != OK || !is_first) {
        auth_client_free(client);
        return ERROR_TEMPORARY;
    }
    *out = client;
    return OK;
}

bool auth_client_is_complete(const struct auth_client *client)
{
    return client->is_complete;
}

enum error auth_client_step(struct auth_client *client, struct bytes challenge, struct buffer *out_message)
{
    const char *message = NULL;
    unsigned len = 0;
    if (client->is_bearer) {
        return client->bearer_steps++ == 0 ? OK : ERROR_PROTOCOL;
    }
    int code = sasl_client_step(client->connection, challenge.ptr != NULL ? challenge.ptr : "",
                                (unsigned)challenge.len, NULL, &message, &len);
    client->is_complete = code == SASL_OK;
    if (code != SASL_OK && code != SASL_CONTINUE) {
        return ERROR_PROTOCOL;
    }
    return append(out_message, message, len);
}

void auth_client_free(struct auth_client *client)
{
    if (client == NULL) {
        return;
    }
    if (client->connection != NULL) {
        sasl_dispose(&client->connection);
    }
    if (client->secret != NULL) {
        explicit_bzero(client->secret, sizeof *client->secret + client->secret->len);
        free(client->secret);
    }
    ticket_credential_release(client->ticket);
    auth_credential_wipe(&client->credential);
    free(client);
}
