/* What the certificates of next hops are held against: tls.ca_file and tls.crl_file. */
#include "base/event.h"
#include "daemon/process_internal.h"

#include <sys/stat.h>

#define LOOK_MS 2000

/* A number that changes when the file is written or replaced; 0: it is not there, or none is asked for. */
static uint64_t stamp_of_file(const char *path)
{
    struct stat status;
    if (!path || stat(path, &status) != 0)
        return 0;
    return (uint64_t)status.st_ino * 31 + (uint64_t)status.st_size * 17 +
           (uint64_t)status.st_mtim.tv_sec * 1000000007 + (uint64_t)status.st_mtim.tv_nsec;
}

static uint64_t stamp_of(const struct config *config)
{
    return stamp_of_file(config->tls.ca_file) * 3 + stamp_of_file(config->tls.crl_file);
}

enum error trust_part_read(const struct config *config, struct tls_context **out, struct note *note)
{
    return tls_context_new_client(&(struct tls_client_config){.profile = config->tls.profile,
                                                              .ca_file = config->tls.ca_file,
                                                              .crl_file = config->tls.crl_file},
                                  out, note);
}

/* A file that cannot be read now changes nothing: the lists in force have an end of their own. */
void trust_part_reload(struct process *process)
{
    struct tls_context *context = NULL;
    struct note note = {0};
    process->trust_stamp = stamp_of(process->config);
    enum error error = trust_part_read(process->config, &context, &note);
    if (error || note.text[0]) {
        tls_context_free(context);
        event_say(EVENT_ERROR, "trust.refused", "%s: what was read before stays in force", note.text);
        return;
    }
    receive_set_trust(process->receive, tls_context_trust(context));
    delivery_part_set_tls(process, context);
    event_say(EVENT_INFO, "trust.loaded", "anchors and revocation lists are in force");
}

static void on_look(struct loop_timer *timer)
{
    struct process *process = list_entry(timer, struct process, trust_look);
    loop_timer_start(timer, LOOK_MS);
    if (stamp_of(process->config) != process->trust_stamp)
        trust_part_reload(process);
}

void trust_part_start(struct process *process)
{
    process->trust_stamp = stamp_of(process->config);
    loop_timer_init(&process->trust_look, process->loop, on_look);
    loop_timer_start(&process->trust_look, LOOK_MS);
}

void trust_part_stop(struct process *process)
{
    loop_timer_stop(&process->trust_look);
}
