#include "auth/ticket_login.h"

#include <stdlib.h>
#include <string.h>

/* Happy path: start, work on a job's thread, on_done on the loop, on_step; the same for each step. Failures:
 * an error of the library, said by on_step; dropped while a job runs: on_done frees it. */
struct ticket_login {
    struct job job;
    struct jobs *jobs;
    struct loop *loop;
    char *keytab;
    char *host;
    ticket_login_on_step *on_step; /* NULL: dropped */
    void *owner;
    bool is_busy;
    /* The job's while it is busy. */
    struct auth_client *client;
    struct buffer challenge;
    struct buffer message;
    enum error error;
    struct note why;
};

static void destroy(struct ticket_login *login)
{
    auth_client_free(login->client);
    buffer_done(&login->challenge);
    buffer_done(&login->message);
    free(login->keytab);
    free(login->host);
    free(login);
}

static void on_work(struct job *job)
{
    struct ticket_login *login = list_entry(job, struct ticket_login, job);
    if (login->client)
        login->error = auth_client_step(login->client, buffer_bytes(&login->challenge), &login->message);
    else
        login->error =
            auth_client_new_ticket(login->keytab, login->host, &login->client, &login->message, &login->why);
}

static void on_done(struct job *job)
{
    struct ticket_login *login = list_entry(job, struct ticket_login, job);
    login->is_busy = false;
    if (!login->on_step) {
        destroy(login);
        return;
    }
    const char *why = login->why.text[0] ? login->why.text : "the hop did not prove itself";
    login->on_step(login->owner, login->error, buffer_bytes(&login->message), why);
}

static enum error submit(struct ticket_login *login)
{
    buffer_clear(&login->message);
    login->job = (struct job){.work = on_work, .done = on_done};
    enum error error = jobs_submit(login->jobs, login->loop, &login->job);
    login->is_busy = error == OK;
    return error;
}

enum error ticket_login_start(struct jobs *jobs, struct loop *loop, const char *keytab, const char *host,
                              ticket_login_on_step *on_step, void *owner, struct ticket_login **out)
{
    struct ticket_login *login = calloc(1, sizeof *login);
    if (!login)
        return ERROR_TEMPORARY;
    *login = (struct ticket_login){.jobs = jobs, .loop = loop, .on_step = on_step, .owner = owner};
    buffer_init(&login->challenge, TICKET_MESSAGE_MAX);
    buffer_init(&login->message, TICKET_MESSAGE_MAX);
    login->keytab = strdup(keytab);
    login->host = strdup(host);
    enum error error = login->keytab && login->host ? submit(login) : ERROR_TEMPORARY;
    if (error)
        destroy(login);
    else
        *out = login;
    return error;
}

bool ticket_login_is_busy(const struct ticket_login *login)
{
    return login->is_busy;
}

enum error ticket_login_step(struct ticket_login *login, struct bytes challenge)
{
    buffer_clear(&login->challenge);
    enum error error = buffer_append(&login->challenge, challenge);
    return error ? error : submit(login);
}

bool ticket_login_is_complete(const struct ticket_login *login)
{
    return login->client && auth_client_is_complete(login->client);
}

void ticket_login_drop(struct ticket_login *login)
{
    if (!login)
        return;
    login->on_step = NULL;
    if (!login->is_busy)
        destroy(login);
}
