#include "daemon/process.h"

#include "base/event.h"
#include "base/exit_code.h"
#include "base/metric.h"
#include "daemon/process_internal.h"

#include <signal.h>
#include <stdio.h>
#include <unistd.h>

/* Happy path: spool, loops, organization, listeners; SIGTERM: drain sessions, stop delivery, stop the
 * directory, end. Failures: spool locked or unreadable, a port that another process holds at start, the
 * control socket: exit 1. */

#define LAST_MS 5000 /* what each step of stopping gets when the time of draining is over */

static void stop_delivery(struct process *process);

/* -- pages -- */

static int page_metrics(void *owner, struct buffer *body)
{
    (void)owner;
    return metric_write(body) == OK ? 200 : 500;
}

static int page_health(void *owner, struct buffer *body)
{
    (void)owner;
    return buffer_append_text(body, "ok\n") == OK ? 200 : 500;
}

/* Ready: an organization is in force and mail can be taken. */
static int page_ready(void *owner, struct buffer *body)
{
    const struct process *process = owner;
    const char *why = !process->admin.organization ? "no organization yet\n"
                      : process->is_draining       ? "draining\n"
                      : process->spool->ops->health(process->spool) != SPOOL_READY
                          ? "the spool takes no mail\n"
                          : "ok\n";
    return buffer_append_text(body, why) == OK && why[0] == 'o' ? 200 : 503;
}

static const struct http_page PAGES[] = {
    {"/metrics", "text/plain; version=0.0.4; charset=utf-8", page_metrics},
    {"/healthz", "text/plain; charset=utf-8", page_health},
    {"/readyz", "text/plain; charset=utf-8", page_ready},
    {NULL, NULL, NULL},
};

/* -- organizations -- */

void process_take_organization(struct process *process, const struct organization *organization)
{
    bool is_first = !process->admin.organization, is_taken = false;
    organization_unref(process->admin.organization);
    process->admin.organization = organization;
    if (process->is_draining)
        return;
    receive_set_organization(process->receive, organization, &is_taken);
    delivery_part_set_organization(process, organization);
    certificate_part_check(process);
    gateway_part_check(process);
    if (is_first && is_taken) {
        event_say(EVENT_ERROR, "start.failed", "another process listens on a connector's port");
        process->exit_code = EXIT_NEGATIVE;
        process->is_draining = true;
        stop_delivery(process);
    }
}

/* -- stopping -- */

/* Nothing but the main loop's own is left. */
static void finish(struct process *process)
{
    loop_timer_stop(&process->deadline);
    source_part_free(process);
    certificate_part_stop(process);
    pressure_part_stop(process);
    trust_part_stop(process);
    organization_unref(process->admin.organization);
    process->admin.organization = NULL;
    http_stop(process->http);
    loop_end(process->loop);
}

static void on_source_stopped(struct mail *mail)
{
    finish(list_entry(mail, struct process, source_stopped));
}

static void stop_source(struct process *process)
{
    loop_timer_start(&process->deadline, LAST_MS);
    process->is_delivery_over = true;
    delivery_part_end(process);
    source_part_stop(process);
}

static void on_delivery_stopped(struct mail *mail)
{
    stop_source(list_entry(mail, struct process, delivery_stopped));
}

/* The sessions are gone, or their time is over. */
static void stop_delivery(struct process *process)
{
    if (process->is_stopping)
        return;
    process->is_stopping = true;
    if (!loop_timer_is_running(&process->deadline))
        loop_timer_start(&process->deadline, LAST_MS);
    control_stop(process->control);
    process->control = NULL;
    auth_part_give_up(process);
    receive_stop(process->receive);
    auth_part_stop(process);
    delivery_part_stop(process);
}

static void on_drained(void *owner)
{
    struct process *process = owner;
    stop_delivery(process);
}

/* Time is over: first for the sessions, then for delivery, at last for whatever hangs. What was answered 250
 * is on disk. */
static void on_deadline(struct loop_timer *timer)
{
    struct process *process = list_entry(timer, struct process, deadline);
    loop_timer_start(&process->deadline, LAST_MS);
    if (!process->is_stopping) {
        stop_delivery(process);
    } else if (!process->is_aborting && !process->is_delivery_over) {
        process->is_aborting = true;
        delivery_part_abort(process);
    } else {
        event_say(EVENT_ERROR, "server.stuck", "a part does not stop: ending at once");
        event_writer_stop(LAST_MS);
        _exit(EXIT_NEGATIVE);
    }
}

static void on_terminate(void *owner, int number)
{
    struct process *process = owner;
    (void)number;
    if (process->is_draining)
        _exit(EXIT_NEGATIVE); /* the second one: at once. What was answered 250 is on disk. */
    event_say(EVENT_INFO, "server.draining", "running transactions may finish for %llu s",
              (unsigned long long)process->config->server.drain_ms / 1000);
    process->is_draining = true;
    loop_timer_start(&process->deadline, process->config->server.drain_ms);
    receive_drain(process->receive, on_drained, process);
}

/* SIGHUP: a wrong file changes nothing and is named; the organization is read anew. */
static void on_hang_up(void *owner, int number)
{
    struct process *process = owner;
    struct config config;
    struct note note = {0};
    (void)number;
    if (process->is_draining)
        return;
    enum error error = config_read(process->config_path, !process->config_path, true, &config, &note);
    if (error) {
        event_say(EVENT_ERROR, "config.refused", "%s", note.text);
    } else {
        event_set_level(config.log.level);
        event_say(EVENT_INFO, "config.reloaded",
                  "log.level is in force; other changed keys are at the next start");
    }
    config_done(&config);
    certificate_part_reload(process);
    trust_part_reload(process);
    auth_part_look(process);
    source_part_refresh(process);
}

/* -- starting -- */

static enum error start_admin(struct process *process, struct note *note)
{
    process->admin.clock = &clock_system;
    process->admin.spool = process->spool;
    process->admin.delivery = process->delivery;
    process->admin.delivery_loop = process->delivery_loop;
    process->admin.keeper = process->keeper;
    process->admin.directory_loop = process->directory_loop;
    process->admin.limits = receive_limits(process->receive);
    enum error error = control_start(process->loop, process->config->server.control, ADMIN_COMMANDS,
                                     &process->admin, &process->control, note);
    const struct ip_endpoint *listen = &process->config->metrics.listen;
    if (!error && listen->address.family != IP_NONE)
        error = http_start(process->loop, listen, PAGES, process, &process->http, note);
    if (!error)
        error = loop_signal(process->loop, SIGTERM, on_terminate, process);
    if (!error)
        error = loop_signal(process->loop, SIGINT, on_terminate, process);
    return error ? error : loop_signal(process->loop, SIGHUP, on_hang_up, process);
}

static enum error start(struct process *process, struct note *note)
{
    char path[1024];
    const struct config *config = process->config;
    snprintf(path, sizeof path, "%s/spool", config->server.state_dir);
    struct spool_config spool = {
        .directory = path, .reserve_bytes = config->queue.reserve_bytes, .clock = &clock_system};
    enum error error = spool_open(&spool, &process->spool, note);
    if (!error)
        error = receive_start(process->loop, config, process->spool, &process->receive, note);
    if (!error)
        error = certificate_part_start(process, note);
    if (!error) {
        pressure_part_start(process);
        trust_part_start(process);
        error = delivery_part_start(process, note);
    }
    if (!error)
        error = source_part_start(process, note);
    if (!error)
        error = auth_part_start(process, note);
    return error ? error : start_admin(process, note);
}

/* On the main loop's first turn. */
static void on_start(struct loop_timer *timer)
{
    struct process *process = list_entry(timer, struct process, deadline);
    struct note note = {0};
    loop_timer_init(&process->deadline, process->loop, on_deadline);
    enum error error = start(process, &note);
    if (!error) {
        event_say(EVENT_INFO, "server.started", "dirrelayd %s", DIRRELAY_VERSION);
        return;
    }
    event_say(EVENT_ERROR, "start.failed", "%s", note.text[0] ? note.text : error_name(error));
    process->exit_code = EXIT_NEGATIVE;
    process->is_draining = true;
    if (process->receive)
        stop_delivery(process);
    else
        finish(process);
}

int process_run(const struct config *config, const char *config_path)
{
    struct process process = {.config = config, .config_path = config_path, .loop = loop_new("main", NULL)};
    if (!process.loop)
        return EXIT_NEGATIVE;
    process.delivery_stopped.on_mail = on_delivery_stopped;
    process.source_stopped.on_mail = on_source_stopped;
    loop_timer_init(&process.deadline, process.loop, on_start);
    loop_timer_start(&process.deadline, 0);
    loop_run(process.loop);
    if (process.spool)
        process.spool->ops->close(process.spool);
    delivery_part_free(&process);
    receive_free(process.receive);
    loop_free(process.loop);
    event_say(EVENT_INFO, "server.stopped", "exit %d", process.exit_code);
    return process.exit_code;
}
