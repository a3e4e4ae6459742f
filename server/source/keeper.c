/* Happy path: (directory answers) -> find CN=Microsoft Exchange -> watch below it -> all entries are there ->
 * fetch the principals named by DN -> load -> save, publish; and again from the principals on after every
 * change. Failures: no answer within 2 s -> the saved organization is published; lost -> what is in force
 * stays, the watch comes back by itself; nothing to load -> on_failure, what is in force stays; no
 * CN=Microsoft Exchange -> asked for again every 5 s. */
#include "source/keeper.h"

#include "base/event.h"
#include "directory/filter_text.h"
#include "source/config_base.h"
#include "source/image.h"
#include "source/keeper_report.h"
#include "source/load.h"
#include "source/organization_file.h"
#include "source/trustee_lookup.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RESTORE_MS  2000  /* the directory's time before the saved organization is published */
#define COALESCE_MS 20    /* changes within this time make one organization */
#define RETRY_MS    5000  /* for what the directory did not answer */
#define POLL_MS     60000 /* unless configured */

static const char *const watched_attributes[] = {"*", "createTimestamp", "nTSecurityDescriptor", NULL};

struct keeper {
    struct keeper_config config; /* its texts are copies */
    struct directory *directory;
    void (*passed_on_state)(void *owner, bool is_up, const char *why);
    void *passed_on_state_owner;
    struct keeper_gauges gauges;
    char why_down[128];

    struct config_base discovery;
    bool is_told_missing;               /* that no naming context holds an organization */
    char config_base[CONFIG_BASE_SIZE]; /* "" until known */
    char watched_base[CONFIG_BASE_SIZE + sizeof(EXCHANGE_RDNS)];
    struct buffer watched_key; /* its normal form, terminated */
    struct directory_watch watch;
    bool is_watching;
    bool is_complete; /* the watch has handed over the present state */

    struct image *image;
    struct image *saved; /* of the file, until the directory has answered */
    struct trustee_lookup lookup;
    bool is_looking_up;
    bool is_recheck; /* the round under way is one */
    bool is_dirty;   /* something changed since the round began */
    const struct organization *organization;
    bool is_from_disk;
    struct loop_timer restore_timer;
    struct loop_timer rebuild_timer;
    struct loop_timer recheck_timer;
    struct loop_timer retry_timer;
};

/* In force and saved */

static void publish(struct keeper *keeper, const struct organization *organization, bool is_from_disk)
{
    if (keeper->config.state_dir)
        keeper_report_organization(keeper->organization, organization, is_from_disk);
    organization_unref(keeper->organization);
    keeper->organization = organization;
    keeper->is_from_disk = is_from_disk;
    keeper->config.on_publish(keeper->config.owner, organization);
}

static enum error load(struct keeper *keeper, struct image *image, const struct organization **out,
                       struct note *note)
{
    const struct directory_info *info = keeper->directory->ops->info(keeper->directory);
    const struct load_request request = {
        .image = image,
        .config_base = keeper->config_base[0] ? keeper->config_base : NULL,
        .organization_name = keeper->config.organization_name,
        .server_name = keeper->config.server_name,
        .host_fqdn = keeper->config.host_fqdn,
        .flavor = info ? info->flavor : FLAVOR_UNKNOWN,
        .may_lack_containers = info && bytes_starts_nocase(bytes_of_text(info->uri), "ldif:"),
        .previous = keeper->organization,
        .wall_ms = clock_wall_ms(keeper->config.clock),
    };
    enum error error = keeper->config.adjust ? keeper->config.adjust(keeper->config.owner, image, note) : OK;
    return error ? error : load_organization(&request, out, note);
}

static void save(struct keeper *keeper)
{
    struct note note = {0};
    if (!keeper->config.state_dir)
        return;
    if (organization_file_write(keeper->config.state_dir, keeper->image, &note) != OK)
        event_say(EVENT_ERROR, "org.not_saved", "%s/organization.ldif: %s", keeper->config.state_dir,
                  note.text);
}

static void confirm(struct keeper *keeper, bool is_current)
{
    atomic_store(&keeper->gauges.confirmed_wall_ms, clock_wall_ms(keeper->config.clock));
    atomic_store(&keeper->gauges.is_current, is_current);
}

static void load_and_publish(struct keeper *keeper)
{
    const struct organization *organization = NULL;
    struct note note = {0};
    enum error error = load(keeper, keeper->image, &organization, &note);
    if (error != OK) {
        keeper->config.on_failure(keeper->config.owner, error, note.text);
        return;
    }
    loop_timer_stop(&keeper->restore_timer);
    confirm(keeper, true);
    image_free(keeper->saved);
    keeper->saved = NULL;
    save(keeper); /* first: a right that was seen taken away stays so after a crash */
    publish(keeper, organization, false);
}

/* The directory has not answered in time: what it last said is better than nothing. */
static void on_restore(struct loop_timer *timer)
{
    struct keeper *keeper = list_entry(timer, struct keeper, restore_timer);
    const struct organization *organization = NULL;
    struct note note = {0};
    if (keeper->organization || !keeper->saved)
        return;
    if (load(keeper, keeper->saved, &organization, &note) == OK)
        publish(keeper, organization, true);
    else
        event_say(EVENT_ERROR, "org.not_restored", "%s", note.text);
}

static void read_saved(struct keeper *keeper)
{
    struct note note = {0};
    if (!keeper->config.state_dir)
        return;
    enum error error = organization_file_read(keeper->config.state_dir, &keeper->saved, &note);
    if (error != OK && error != ERROR_NOT_FOUND)
        event_say(EVENT_ERROR, "org.not_restored", "%s/organization.ldif: %s", keeper->config.state_dir,
                  note.text);
}

/* Principals, then the organization */

static uint64_t poll_ms(const struct keeper *keeper)
{
    return keeper->config.poll_ms ? keeper->config.poll_ms : POLL_MS;
}

static void schedule_rebuild(struct keeper *keeper)
{
    keeper->is_dirty = true;
    if (keeper->is_complete && !keeper->is_looking_up && !loop_timer_is_running(&keeper->rebuild_timer))
        loop_timer_start(&keeper->rebuild_timer, COALESCE_MS);
}

static void end_round(struct keeper *keeper, bool has_failed)
{
    bool is_needed = !keeper->is_recheck || keeper->lookup.has_changed;
    keeper->is_looking_up = keeper->is_recheck = false;
    loop_timer_start(&keeper->recheck_timer,
                     has_failed && RETRY_MS < poll_ms(keeper) ? RETRY_MS : poll_ms(keeper));
    /* Lost meanwhile: it is done when the directory is back. */
    if (keeper->is_dirty || (is_needed && !keeper->is_complete))
        schedule_rebuild(keeper);
    if (is_needed && keeper->is_complete)
        load_and_publish(keeper);
}

static void on_lookup_done(struct trustee_lookup *lookup)
{
    struct keeper *keeper = list_entry(lookup, struct keeper, lookup);
    end_round(keeper, lookup->has_failed);
}

static void start_round(struct keeper *keeper, bool is_recheck)
{
    keeper->is_dirty = false;
    keeper->is_recheck = is_recheck;
    keeper->is_looking_up = true;
    if (!trustee_lookup_start(&keeper->lookup, keeper->image, keeper->watched_key.ptr, is_recheck))
        end_round(keeper, false);
}

static void on_rebuild(struct loop_timer *timer)
{
    struct keeper *keeper = list_entry(timer, struct keeper, rebuild_timer);
    if (keeper->is_complete && !keeper->is_looking_up)
        start_round(keeper, false);
}

static void on_recheck(struct loop_timer *timer)
{
    struct keeper *keeper = list_entry(timer, struct keeper, recheck_timer);
    if (keeper->is_complete && !keeper->is_looking_up && !loop_timer_is_running(&keeper->rebuild_timer))
        start_round(keeper, true);
    else
        loop_timer_start(timer, poll_ms(keeper));
}

/* The watch */

static struct keeper *keeper_of(struct directory_watch *watch)
{
    return list_entry(watch, struct keeper, watch);
}

static void on_entry(struct directory_watch *watch, struct entry *entry)
{
    struct keeper *keeper = keeper_of(watch);
    if (image_put(keeper->image, entry) != OK)
        event_say(EVENT_ERROR, "org.entry_lost", "no memory for an entry");
    schedule_rebuild(keeper);
}

static void on_delete(struct directory_watch *watch, const uint8_t id[16])
{
    image_delete(keeper_of(watch)->image, id);
    schedule_rebuild(keeper_of(watch));
}

static void on_current(struct directory_watch *watch)
{
    struct keeper *keeper = keeper_of(watch);
    bool is_news = !keeper->is_complete;
    keeper->is_complete = true;
    if (keeper->saved)
        image_take_good(keeper->image, keeper->saved);
    if (keeper->organization && !keeper->is_from_disk)
        confirm(keeper, true);
    /* The first time there is nothing to wait for. */
    if (is_news && (keeper->is_dirty || !keeper->organization || keeper->is_from_disk)) {
        loop_timer_stop(&keeper->rebuild_timer);
        if (!keeper->is_looking_up)
            start_round(keeper, false);
    }
}

/* A server that is there and refuses: nobody else would say so. A lost connection is told as directory.down.
 */
static bool is_refusal(enum error error)
{
    return error != ERROR_TEMPORARY && error != ERROR_TIMEOUT && error != ERROR_IO && error != ERROR_CANCELED;
}

static void on_lost(struct directory_watch *watch, enum error error, const char *why)
{
    struct keeper *keeper = keeper_of(watch);
    char text[sizeof(keeper->why_down)];
    (void)snprintf(text, sizeof(text), "%s: %s", error_name(error), why ? why : "");
    bool is_news = keeper->is_complete || strcmp(text, keeper->why_down) != 0;
    if (keeper->is_complete && atomic_load(&keeper->gauges.is_current))
        confirm(keeper, false);
    keeper->is_complete = false;
    loop_timer_stop(&keeper->rebuild_timer);
    memcpy(keeper->why_down, text, sizeof(text));
    if (is_news && is_refusal(error) && keeper->config.state_dir)
        event_say(EVENT_ERROR, "directory.refused", "%s: %s", keeper->watched_base, text);
}

static void start_watch(struct keeper *keeper, const char *config_base)
{
    (void)snprintf(keeper->config_base, sizeof(keeper->config_base), "%s", config_base);
    (void)snprintf(keeper->watched_base, sizeof(keeper->watched_base), EXCHANGE_RDNS "%s", config_base);
    buffer_clear(&keeper->watched_key);
    enum error error = dn_normalize(bytes_of_text(keeper->watched_base), &keeper->watched_key);
    if (error == OK)
        error = buffer_append_byte(&keeper->watched_key, '\0');
    if (error != OK) {
        keeper->config.on_failure(keeper->config.owner, ERROR_SYNTAX, "directory.config_base is not a DN");
        return;
    }
    keeper->watch = (struct directory_watch){
        .base = keeper->watched_base,
        .filter = "(objectClass=*)",
        .attributes = watched_attributes,
        .on_entry = on_entry,
        .on_delete = on_delete,
        .on_current = on_current,
        .on_lost = on_lost,
    };
    keeper->is_watching = true;
    keeper->directory->ops->watch_start(keeper->directory, &keeper->watch);
}

/* Where it lives */

static void on_config_base(struct config_base *found, const char *config_base)
{
    start_watch(list_entry(found, struct keeper, discovery), config_base);
}

static void on_no_config_base(struct config_base *found, const char *why)
{
    struct keeper *keeper = list_entry(found, struct keeper, discovery);
    loop_timer_start(&keeper->retry_timer, RETRY_MS);
    bool is_news = why && !keeper->is_told_missing;
    keeper->is_told_missing = keeper->is_told_missing || why;
    if (is_news)
        keeper->config.on_failure(keeper->config.owner, ERROR_NOT_FOUND, why);
}

static void discover(struct keeper *keeper)
{
    if (keeper->is_watching)
        return;
    loop_timer_stop(&keeper->retry_timer);
    if (keeper->config.config_base)
        start_watch(keeper, keeper->config.config_base);
    else
        config_base_find(&keeper->discovery);
}

static void on_retry(struct loop_timer *timer)
{
    discover(list_entry(timer, struct keeper, retry_timer));
}

static void on_state(void *owner, bool is_up, const char *why)
{
    struct keeper *keeper = owner;
    if (keeper->config.state_dir)
        keeper_report_directory(is_up, why);
    if (!is_up)
        (void)snprintf(keeper->why_down, sizeof(keeper->why_down), "%s", why ? why : "");
    else
        discover(keeper);
    if (keeper->passed_on_state)
        keeper->passed_on_state(keeper->passed_on_state_owner, is_up, why);
}

/* Life */

static void free_config(struct keeper_config *config)
{
    free((char *)config->config_base);
    free((char *)config->organization_name);
    free((char *)config->server_name);
    free((char *)config->host_fqdn);
    free((char *)config->state_dir);
}

static bool copy_text(const char **text)
{
    *text = *text ? strdup(*text) : NULL;
    return *text != NULL;
}

static bool copy_config(struct keeper_config *config)
{
    const char **const texts[] = {&config->config_base, &config->organization_name, &config->server_name,
                                  &config->host_fqdn, &config->state_dir};
    bool is_whole = true;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        if (*texts[i])
            is_whole = copy_text(texts[i]) && is_whole;
    return is_whole;
}

static void start_timers(struct keeper *keeper)
{
    struct loop *loop = keeper->directory->loop;
    loop_timer_init(&keeper->restore_timer, loop, on_restore);
    loop_timer_init(&keeper->rebuild_timer, loop, on_rebuild);
    loop_timer_init(&keeper->recheck_timer, loop, on_recheck);
    loop_timer_init(&keeper->retry_timer, loop, on_retry);
    if (keeper->saved)
        loop_timer_start(&keeper->restore_timer,
                         keeper->config.restore_ms ? keeper->config.restore_ms : RESTORE_MS);
    /* Never a callback before keeper_start returns: begin on the next turn. */
    loop_timer_start(&keeper->retry_timer, 0);
}

enum error keeper_start(const struct keeper_config *config, struct keeper **out, struct note *note)
{
    struct keeper *keeper = calloc(1, sizeof(*keeper));
    if (!keeper)
        return ERROR_TEMPORARY;
    keeper->config = *config;
    keeper->directory = config->directory;
    keeper->image = image_new();
    if (!copy_config(&keeper->config) || !keeper->image) {
        note_set(note, "no memory");
        free_config(&keeper->config);
        image_free(keeper->image);
        free(keeper);
        return ERROR_TEMPORARY;
    }
    buffer_init(&keeper->watched_key, 2 * sizeof(keeper->watched_base));
    config_base_init(&keeper->discovery, keeper->directory, on_config_base, on_no_config_base);
    trustee_lookup_init(&keeper->lookup, keeper->directory, on_lookup_done);
    keeper->gauges.clock = config->clock;
    if (config->state_dir)
        keeper_report_open(&keeper->gauges);
    read_saved(keeper);
    start_timers(keeper);
    keeper->passed_on_state = keeper->directory->on_state;
    keeper->passed_on_state_owner = keeper->directory->on_state_owner;
    keeper->directory->on_state = on_state;
    keeper->directory->on_state_owner = keeper;
    *out = keeper;
    return OK;
}

void keeper_status(const struct keeper *keeper, struct keeper_status *out)
{
    bool is_current = keeper->is_complete;
    *out = (struct keeper_status){
        .is_directory_up = is_current,
        .is_from_disk = keeper->is_from_disk,
        .confirmed_wall_ms = is_current && !keeper->is_from_disk
                                 ? clock_wall_ms(keeper->config.clock)
                                 : atomic_load(&keeper->gauges.confirmed_wall_ms),
        .directory_why = is_current || !keeper->why_down[0] ? NULL : keeper->why_down,
    };
}

static void stop_watching(struct keeper *keeper)
{
    config_base_stop(&keeper->discovery);
    if (keeper->is_watching)
        keeper->directory->ops->watch_stop(&keeper->watch);
    keeper->is_watching = keeper->is_complete = keeper->is_looking_up = false;
    trustee_lookup_stop(&keeper->lookup);
    loop_timer_stop(&keeper->rebuild_timer);
    loop_timer_stop(&keeper->recheck_timer);
    loop_timer_stop(&keeper->retry_timer);
}

void keeper_refresh(struct keeper *keeper)
{
    struct image *image = image_new();
    if (!image)
        return;
    stop_watching(keeper);
    if (keeper->saved)
        image_free(keeper->image);
    else
        keeper->saved = keeper->image; /* its good versions go over to the entries that come now */
    keeper->image = image;
    keeper->is_dirty = true;
    loop_timer_start(&keeper->retry_timer, 0);
}

void keeper_stop(struct keeper *keeper)
{
    if (!keeper)
        return;
    stop_watching(keeper);
    loop_timer_stop(&keeper->restore_timer);
    keeper->directory->on_state = keeper->passed_on_state;
    keeper->directory->on_state_owner = keeper->passed_on_state_owner;
    if (keeper->config.state_dir)
        keeper_report_close();
    organization_unref(keeper->organization);
    image_free(keeper->image);
    image_free(keeper->saved);
    buffer_done(&keeper->watched_key);
    free_config(&keeper->config);
    free(keeper);
}
