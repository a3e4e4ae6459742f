#include "source/load_once.h"

#include "source/keeper.h"
#include "source/what_if.h"

#include <string.h>

struct once {
    struct loop *loop;
    struct directory *directory;
    struct keeper *keeper;
    struct loop_timer deadline;
    const struct organization *organization;
    enum error error;
    struct note *note;
    const struct what_if *what_if;
    char why_down[128];
};

static void on_closed(void *owner)
{
    struct once *once = owner;
    loop_end(once->loop);
}

/* Stops everything; the loop then returns. */
static void finish(struct loop_timer *timer)
{
    struct once *once = list_entry(timer, struct once, deadline);
    struct keeper_status status;
    keeper_status(once->keeper, &status);
    const char *why = once->why_down[0] ? once->why_down : status.directory_why;
    if (once->error == ERROR_TIMEOUT)
        note_set(once->note, "the directory does not answer%s%s", why ? ": " : "", why ? why : "");
    keeper_stop(once->keeper);
    once->directory->ops->close(once->directory, on_closed, once);
}

/* The keeper is still on the stack when it calls: end on the next turn. */
static void finish_soon(struct once *once, enum error error)
{
    once->error = error;
    loop_timer_start(&once->deadline, 0);
}

static void on_publish(void *owner, const struct organization *organization)
{
    struct once *once = owner;
    if (once->organization)
        return;
    once->organization = organization_ref(organization);
    finish_soon(once, OK);
}

static enum error adjust(void *owner, struct image *image, struct note *note)
{
    const struct once *once = owner;
    return once->what_if ? what_if_apply(once->what_if, image, note) : OK;
}

static void on_failure(void *owner, enum error error, const char *why)
{
    struct once *once = owner;
    note_set(once->note, "%s", why);
    finish_soon(once, error);
}

/* Down: every server has been tried. Nobody waits for the next round. */
static void on_state(void *owner, bool is_up, const char *why)
{
    struct once *once = owner;
    if (is_up)
        return;
    if (why)
        strncpy(once->why_down, why, sizeof once->why_down - 1);
    if (!once->organization && once->error == ERROR_TIMEOUT)
        finish_soon(once, ERROR_TIMEOUT);
}

static enum error start(struct once *once, const struct load_once_request *request)
{
    enum error error = directory_open(request->directory, once->loop, &once->directory, once->note);
    if (error)
        return error;
    once->directory->on_state = on_state;
    once->directory->on_state_owner = once;
    struct keeper_config config = {
        .directory = once->directory,
        .config_base = request->config_base,
        .organization_name = request->organization_name,
        .server_name = request->server_name,
        .host_fqdn = request->host_fqdn,
        .clock = &clock_system,
        .on_publish = on_publish,
        .on_failure = on_failure,
        .adjust = adjust,
        .owner = once,
    };
    return keeper_start(&config, &once->keeper, once->note);
}

enum error load_once(const struct load_once_request *request, const struct organization **out,
                     struct note *note)
{
    struct note scratch = {0};
    struct once once = {.error = ERROR_TIMEOUT,
                        .what_if = request->what_if,
                        .note = note ? note : &scratch,
                        .loop = loop_new("load", NULL)};
    if (!once.loop)
        return ERROR_TEMPORARY;
    loop_timer_init(&once.deadline, once.loop, finish);
    enum error error = start(&once, request);
    if (error) {
        /* Nothing runs yet: an opened directory is closed by its own turn of the loop. */
        if (once.directory)
            once.directory->ops->close(once.directory, on_closed, &once);
        else
            loop_end(once.loop);
        loop_run(once.loop);
        loop_free(once.loop);
        return error;
    }
    loop_timer_start(&once.deadline, request->timeout_ms);
    loop_run(once.loop);
    loop_free(once.loop);
    if (once.error == OK)
        *out = once.organization;
    return once.error;
}
