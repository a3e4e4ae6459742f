#include "directory/memory_directory.h"

#include "directory/entry_builder.h"
#include "directory/entry_table.h"
#include "directory/filter_text.h"
#include "directory/snapshot.h"
#include "loop/mailbox.h"

#include <stdlib.h>
#include <string.h>

struct memory_directory {
    struct directory face; /* first: the directory is found from it by its address */
    struct directory_info info;
    struct entry_table entries;
    struct list searches;
    struct list modifications;
    struct list watches; /* of struct memory_watch */
    struct mail mail;    /* the next delivery */
    struct loop_end_hook end_hook;
    bool is_posted;
    bool is_up;
    bool was_up;       /* as on_state was told last */
    bool is_state_due; /* on_state is to be told */
    char why[256];
    bool is_delivering;
    bool is_again; /* something became due during the delivery */
    void (*on_free)(void *owner);
    void *owner;
    void (*on_closed)(void *owner);
    void *on_closed_owner;
    bool is_closing;
};

struct memory_watch {
    struct list link;
    struct directory_watch *watch; /* NULL once it was stopped */
    struct snapshot seen;
    bool is_due;
    bool is_lost_due;
};

static struct memory_directory *memory_of(const struct directory *directory)
{
    return (struct memory_directory *)(void *)directory;
}

static void wake(struct memory_directory *memory)
{
    if (memory->is_delivering)
        memory->is_again = true;
    else if (memory->face.loop && !memory->is_posted)
        memory->is_posted = mailbox_post(memory->face.loop, &memory->mail);
}

static void mark_due(struct memory_directory *memory)
{
    list_each(link, &memory->watches) list_entry(link, struct memory_watch, link)->is_due = true;
    wake(memory);
}

enum error memory_directory_put(struct memory_directory *memory, struct entry *entry)
{
    if (!entry->has_id)
        entry_make_id(entry);
    mark_due(memory);
    return entry_table_put(&memory->entries, entry);
}

enum error memory_directory_delete(struct memory_directory *memory, const char *dn)
{
    mark_due(memory);
    return entry_table_delete(&memory->entries, dn);
}

void memory_directory_clear(struct memory_directory *memory)
{
    entry_table_clear(&memory->entries);
    mark_due(memory);
}

size_t memory_directory_count(const struct memory_directory *memory)
{
    return entry_table_count(&memory->entries);
}

/* Searches */

static void run_search(struct memory_directory *memory, struct directory_search *search)
{
    list_remove(&search->link);
    struct entry_selection found = {0};
    struct entry_question question = {search->base, search->scope, search->filter, search->attributes};
    enum error error = ERROR_CANCELED;
    if (!search->state)
        error = memory->is_up ? entry_table_select(&memory->entries, &question, &found) : ERROR_TEMPORARY;
    for (size_t i = 0; error == OK && i < found.count; i++) {
        search->on_entry(search, found.entries[i]);
        found.entries[i] = NULL;
        if (search->state)
            error = ERROR_CANCELED;
    }
    entry_selection_done(&found);
    search->on_done(search, error);
}

static void memory_search(struct directory *directory, struct directory_search *search)
{
    struct memory_directory *memory = memory_of(directory);
    search->directory = directory;
    search->state = NULL; /* set: canceled */
    list_append(&memory->searches, &search->link);
    wake(memory);
}

static void memory_modify(struct directory *directory, struct directory_modification *modification)
{
    struct memory_directory *memory = memory_of(directory);
    modification->directory = directory;
    list_append(&memory->modifications, &modification->link);
    wake(memory);
}

static void memory_search_cancel(struct directory_search *search)
{
    search->state = search->directory;
}

/* Watches */

static void tell_vanished(struct memory_watch *row)
{
    uint8_t id[16];
    while (row->watch && snapshot_take_vanished(&row->seen, id))
        row->watch->on_delete(row->watch, id);
}

static void refresh_watch(struct memory_directory *memory, struct memory_watch *row)
{
    struct entry_selection found = {0};
    struct entry_question question = {row->watch->base, SCOPE_SUBTREE, row->watch->filter,
                                      row->watch->attributes};
    enum error error = entry_table_select(&memory->entries, &question, &found);
    snapshot_begin_round(&row->seen);
    for (size_t i = 0; (error == OK || error == ERROR_NOT_FOUND) && row->watch && i < found.count; i++) {
        enum sighting sighting;
        enum error seen =
            snapshot_see(&row->seen, found.entries[i]->id, entry_digest(found.entries[i]), &sighting);
        if (seen != OK) {
            error = seen;
        } else if (sighting != SIGHTING_SAME) {
            row->watch->on_entry(row->watch, found.entries[i]);
            found.entries[i] = NULL;
        }
    }
    entry_selection_done(&found);
    if (error != OK && error != ERROR_NOT_FOUND) {
        if (row->watch)
            row->watch->on_lost(row->watch, error, "the watch's base or filter can not be read");
        return;
    }
    tell_vanished(row);
    if (row->watch)
        row->watch->on_current(row->watch);
}

static void free_watch(struct memory_watch *row)
{
    list_remove(&row->link);
    snapshot_done(&row->seen);
    free(row);
}

static void memory_watch_start(struct directory *directory, struct directory_watch *watch)
{
    struct memory_directory *memory = memory_of(directory);
    struct memory_watch *row = calloc(1, sizeof *row);
    if (!row)
        abort(); /* a handful are started in a process's life, right after its start */
    watch->directory = directory;
    watch->state = row;
    watch->is_pushed = true;
    row->watch = watch;
    row->is_due = true;
    list_append(&memory->watches, &row->link);
    wake(memory);
}

static void memory_watch_stop(struct directory_watch *watch)
{
    struct memory_watch *row = watch->state;
    if (!row)
        return;
    watch->state = NULL;
    row->watch = NULL;
    if (!memory_of(watch->directory)->is_delivering)
        free_watch(row); /* else the delivery, which may stand on it, frees it */
}

/* State */

static void add_context(struct directory_info *info, const char *dn)
{
    if (info->naming_context_count < 4 && strlen(dn) < sizeof info->naming_contexts[0])
        memcpy(info->naming_contexts[info->naming_context_count++], dn, strlen(dn) + 1);
}

static void copy_value(const struct entry *root, const char *attribute, char *out, size_t size)
{
    struct bytes value;
    if (entry_text(root, attribute, &value) != OK || value.len >= size)
        return;
    memcpy(out, value.ptr, value.len);
    out[value.len] = '\0';
}

/* The topmost entries are the naming contexts. */
static void read_context(const struct entry *entry, void *owner)
{
    struct memory_directory *memory = owner;
    struct bytes parent = dn_parent(bytes_of_text(entry->dn_key));
    if (*entry->dn_key && (parent.len == 0 || !entry_table_find(&memory->entries, parent)))
        add_context(&memory->info, entry->dn);
}

/* An entry with the empty DN says what a rootDSE says. */
static void read_info(struct memory_directory *memory)
{
    struct directory_info *info = &memory->info;
    info->naming_context_count = 0;
    info->configuration_context[0] = info->default_context[0] = '\0';
    entry_table_each(&memory->entries, read_context, memory);
    if (info->naming_context_count > 0)
        memcpy(info->default_context, info->naming_contexts[0], sizeof info->default_context);
    const struct entry *root = entry_table_find(&memory->entries, BYTES_LITERAL(""));
    if (!root)
        return;
    copy_value(root, "configurationNamingContext", info->configuration_context,
               sizeof info->configuration_context);
    copy_value(root, "defaultNamingContext", info->default_context, sizeof info->default_context);
}

static const struct directory_info *memory_info(const struct directory *directory)
{
    const struct memory_directory *memory = memory_of(directory);
    return memory->info.uri[0] && memory->was_up ? &memory->info : NULL;
}

void memory_directory_set_up(struct memory_directory *memory, bool is_up, const char *why)
{
    if (memory->is_up == is_up)
        return;
    memory->is_up = is_up;
    memory->is_state_due = true;
    struct bytes reason = bytes_first(bytes_of_text(why), sizeof memory->why - 1);
    if (reason.len > 0)
        memcpy(memory->why, reason.ptr, reason.len);
    memory->why[reason.len] = '\0';
    if (!is_up)
        list_each(link, &memory->watches) list_entry(link, struct memory_watch, link)->is_lost_due = true;
    mark_due(memory);
}

void memory_directory_set_flavor(struct memory_directory *memory, enum directory_flavor flavor)
{
    memory->info.flavor = flavor;
}

/* Delivery */

static void deliver_state(struct memory_directory *memory)
{
    if (!memory->is_state_due)
        return;
    memory->is_state_due = false;
    if (memory->is_up)
        memory->was_up = true;
    if (memory->face.on_state)
        memory->face.on_state(memory->face.on_state_owner, memory->is_up, memory->why);
}

static void deliver_watches(struct memory_directory *memory)
{
    list_each(link, &memory->watches)
    {
        struct memory_watch *row = list_entry(link, struct memory_watch, link);
        if (row->watch && row->is_lost_due)
            row->watch->on_lost(row->watch, ERROR_TEMPORARY, memory->why);
        row->is_lost_due = false;
        if (row->watch && row->is_due && memory->is_up) {
            row->is_due = false;
            refresh_watch(memory, row);
        }
    }
    list_each_safe(dead, &memory->watches)
    {
        struct memory_watch *row = list_entry(dead, struct memory_watch, link);
        if (!row->watch)
            free_watch(row);
    }
}

static void deliver_searches(struct memory_directory *memory)
{
    /* Only those that were asked before: a callback that asks again must not keep us here for ever. */
    struct list due;
    list_init(&due);
    struct list *link;
    while ((link = list_first(&memory->searches))) {
        list_remove(link);
        list_append(&due, link);
    }
    while ((link = list_first(&due)))
        run_search(memory, list_entry(link, struct directory_search, link));
}

/* What is in memory comes from a file or a test: neither is written. */
static void deliver_modifications(struct memory_directory *memory)
{
    struct list *link;
    while ((link = list_first(&memory->modifications))) {
        struct directory_modification *modification = list_entry(link, struct directory_modification, link);
        list_remove(link);
        modification->on_done(modification, ERROR_DENIED_CREDENTIALS, "a file is not written to");
    }
}

static void finish_close(struct memory_directory *memory)
{
    void (*on_closed)(void *owner) = memory->on_closed;
    void *owner = memory->on_closed_owner;
    list_each_safe(link, &memory->watches) free_watch(list_entry(link, struct memory_watch, link));
    entry_table_clear(&memory->entries);
    if (memory->on_free)
        memory->on_free(memory->owner);
    free(memory);
    if (on_closed)
        on_closed(owner);
}

/* True when a callback made something due again. */
static bool deliver_once(struct memory_directory *memory)
{
    memory->is_delivering = true;
    memory->is_again = false;
    if (!memory->is_closing) {
        read_info(memory);
        deliver_state(memory);
        deliver_watches(memory);
    }
    deliver_searches(memory);
    deliver_modifications(memory);
    memory->is_delivering = false;
    return memory->is_again;
}

void memory_directory_deliver(struct memory_directory *memory)
{
    bool is_due = deliver_once(memory);
    while (is_due && !memory->face.loop)
        is_due = deliver_once(memory);
    if (memory->is_closing && list_is_empty(&memory->searches) && list_is_empty(&memory->modifications) &&
        !memory->is_posted)
        finish_close(memory);
    else if (is_due)
        wake(memory);
}

static void on_mail(struct mail *mail)
{
    struct memory_directory *memory = list_entry(mail, struct memory_directory, mail);
    memory->is_posted = false;
    memory_directory_deliver(memory);
}

static void memory_close(struct directory *directory, void (*on_closed)(void *owner), void *owner)
{
    struct memory_directory *memory = memory_of(directory);
    memory->is_closing = true;
    if (directory->loop)
        loop_off_end(&memory->end_hook);
    memory->on_closed = on_closed;
    memory->on_closed_owner = owner;
    list_each(link, &memory->searches) list_entry(link, struct directory_search, link)->state = directory;
    wake(memory);
}

/* Nobody closed it before the loop's end. */
static void on_loop_end(struct loop_end_hook *hook)
{
    struct memory_directory *memory = list_entry(hook, struct memory_directory, end_hook);
    memory_close(&memory->face, NULL, NULL);
}

static const struct directory_ops memory_ops = {
    .search = memory_search,
    .search_cancel = memory_search_cancel,
    .modify = memory_modify,
    .watch_start = memory_watch_start,
    .watch_stop = memory_watch_stop,
    .info = memory_info,
    .close = memory_close,
};

struct memory_directory *memory_directory_new(struct loop *loop, const char *uri,
                                              void (*on_free)(void *owner), void *owner)
{
    struct memory_directory *memory = calloc(1, sizeof *memory);
    if (!memory)
        return NULL;
    memory->face.ops = &memory_ops;
    memory->face.loop = loop;
    memory->info.flavor = FLAVOR_OPENLDAP;
    struct bytes shown = bytes_first(bytes_of_text(uri), sizeof memory->info.uri - 1);
    memcpy(memory->info.uri, shown.ptr, shown.len);
    memory->on_free = on_free;
    memory->owner = owner;
    list_init(&memory->searches);
    list_init(&memory->modifications);
    list_init(&memory->watches);
    memory->mail.on_mail = on_mail;
    memory->end_hook.on_end = on_loop_end;
    if (loop)
        loop_on_end(loop, &memory->end_hook);
    return memory;
}

struct directory *memory_directory_face(struct memory_directory *memory)
{
    return &memory->face;
}
