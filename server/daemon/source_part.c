/* The directory loop: the directory and the keeper live there; organizations come to the main loop by mail.
 */
#include "base/event.h"
#include "daemon/part.h"
#include "daemon/process_internal.h"

#include <stdlib.h>

struct publication {
    struct mail mail;
    struct process *process;
    const struct organization *organization;
};

static void on_publication(struct mail *mail)
{
    struct publication *publication = list_entry(mail, struct publication, mail);
    process_take_organization(publication->process, publication->organization);
    free(publication);
}

/* On the directory loop. */
static void on_publish(void *owner, const struct organization *organization)
{
    struct process *process = owner;
    struct publication *publication = malloc(sizeof *publication);
    if (!publication) {
        event_say(EVENT_ERROR, "publish.failed", "no memory: the organization in force stays");
        return;
    }
    *publication = (struct publication){
        .mail.on_mail = on_publication, .process = process, .organization = organization_ref(organization)};
    if (!mailbox_post(process->loop, &publication->mail)) {
        organization_unref(organization);
        free(publication);
    }
}

static void on_failure(void *owner, enum error error, const char *why)
{
    (void)owner;
    event_say(EVENT_ERROR, "org.refused", "%s: %s", error_name(error), why);
}

/* On the directory loop. */
static enum error begin(struct process *process, struct note *note)
{
    const struct config *config = process->config;
    struct arena arena;
    struct directory_config directory;
    arena_init(&arena, 1u << 20);
    enum error error = config_directory(config, NULL, &arena, &directory, note);
    if (!error)
        error = directory_open(&directory, process->directory_loop, &process->directory, note);
    arena_done(&arena);
    if (error)
        return error;
    struct keeper_config keeper = {
        .directory = process->directory,
        .config_base = config->directory.config_base,
        .organization_name = config->server.organization,
        .server_name = config->server.name,
        .host_fqdn = config->server.host_name,
        .state_dir = config->server.state_dir,
        .poll_ms = config->directory.poll_ms,
        .clock = &clock_system,
        .on_publish = on_publish,
        .on_failure = on_failure,
        .owner = process,
    };
    error = keeper_start(&keeper, &process->keeper, note);
    return error ? error : auth_part_begin_accounts(process, note);
}

/* On the directory loop. */
static void on_refresh(struct mail *mail)
{
    struct process *process = list_entry(mail, struct process, refresh_source);
    atomic_store(&process->is_refresh_posted, false);
    if (process->keeper)
        keeper_refresh(process->keeper);
}

enum error source_part_start(struct process *process, struct note *note)
{
    process->refresh_source.on_mail = on_refresh;
    return part_start(process, "directory", &process->directory_loop, begin, note);
}

void source_part_refresh(struct process *process)
{
    if (!atomic_exchange(&process->is_refresh_posted, true))
        mailbox_post(process->directory_loop, &process->refresh_source);
}

static void on_closed(void *owner)
{
    struct process *process = owner;
    mailbox_post(process->loop, &process->source_stopped);
}

/* On the directory loop. */
static void on_stop(struct mail *mail)
{
    struct process *process = list_entry(mail, struct process, stop_source);
    if (process->keeper)
        keeper_stop(process->keeper);
    process->keeper = NULL;
    auth_part_end_accounts(process);
    if (process->directory)
        process->directory->ops->close(process->directory, on_closed, process);
    else
        on_closed(process);
    process->directory = NULL;
}

void source_part_stop(struct process *process)
{
    process->stop_source.on_mail = on_stop;
    if (!process->directory_loop || !mailbox_post(process->directory_loop, &process->stop_source))
        on_closed(process);
}

void source_part_free(struct process *process)
{
    if (!process->directory_loop)
        return;
    loop_end(process->directory_loop);
    loop_join(process->directory_loop);
    loop_free(process->directory_loop);
    process->directory_loop = NULL;
}
