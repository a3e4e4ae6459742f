#include "auth/ticket_login.h"
#include "smtp_client/client_internal.h"

#include <unistd.h>

/* X-EXPS GSSAPI. Happy path: ticket_begin, the job, on_step says X-EXPS; ticket_challenge, the job, on_step
 * says the answer; 235, and the hop has proved itself. Failures: no ticket to be had, a hop that does not
 * prove itself: QUIT; an answer that nobody waits for: closed. A session that ends meanwhile drops the login.
 */

const char *ticket_choose(const struct smtp_client *client, struct bytes names)
{
    const struct smtp_client_config *config = &client->config;
    struct bytes word;
    /* A ticket is for a name, not for an address. */
    bool is_possible =
        config->hop_name && config->jobs && config->keytab && access(config->keytab, R_OK) == 0;
    while (is_possible && bytes_next(&names, ' ', &word)) {
        if (bytes_equal_text_nocase(word, "GSSAPI"))
            return "GSSAPI";
    }
    return NULL;
}

static void on_step(void *owner, enum error error, struct bytes message, const char *why)
{
    struct smtp_client *client = owner;
    bool is_first = client->login_steps == 0;
    if (client->state != CLIENT_AUTH)
        return; /* it is being closed */
    if (error)
        security_leave_without_login(client, why);
    else
        security_say_secret(client, is_first ? "X-EXPS GSSAPI" : NULL, &message);
}

void ticket_begin(struct smtp_client *client)
{
    const struct smtp_client_config *config = &client->config;
    client->state = CLIENT_AUTH;
    if (ticket_login_start(config->jobs, stream_loop(client->stream), config->keytab, config->hop_name,
                           on_step, client, &client->ticket))
        security_leave_without_login(client, "too many logins at once");
}

enum error ticket_challenge(struct smtp_client *client, struct bytes challenge)
{
    if (ticket_login_is_busy(client->ticket))
        return ERROR_PROTOCOL;
    if (ticket_login_step(client->ticket, challenge))
        security_leave_without_login(client, "too many logins at once");
    return OK;
}

bool ticket_is_complete(const struct smtp_client *client)
{
    return !ticket_login_is_busy(client->ticket) && ticket_login_is_complete(client->ticket);
}

void ticket_drop(struct smtp_client *client)
{
    ticket_login_drop(client->ticket);
    client->ticket = NULL;
}
