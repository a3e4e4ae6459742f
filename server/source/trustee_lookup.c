#include "source/trustee_lookup.h"

#include "directory/filter_text.h"
#include "directory/principal_sid.h"
#include "source/trustee.h"

#include <stdlib.h>
#include <string.h>

#define uthash_fatal(message) abort()
#include <uthash.h>

#define TRUSTEES_MAX 20000
#define DN_BYTES_MAX 8192

struct trustee {
    char *dn_key;
    char *dn; /* as it is written where it is named */
    bool is_wanted;
    bool is_known; /* the directory has said whether it is there */
    bool is_present;
    uint8_t id[16]; /* when present: of its entry in the image */
    struct list link;
    UT_hash_handle hh;
};

/* One pass over the image. */
struct collection {
    struct trustee_lookup *lookup;
    struct bytes watched_key;
};

void trustee_lookup_init(struct trustee_lookup *lookup, struct directory *directory,
                         void (*on_done)(struct trustee_lookup *lookup))
{
    *lookup = (struct trustee_lookup){.directory = directory, .on_done = on_done};
    list_init(&lookup->due);
}

static void forget(struct trustee_lookup *lookup, struct trustee *trustee)
{
    HASH_DEL(lookup->trustees, trustee);
    lookup->trustee_count--;
    free(trustee->dn_key);
    free(trustee->dn);
    free(trustee);
}

static void want(struct bytes dn, void *owner)
{
    struct collection *collection = owner;
    struct trustee_lookup *lookup = collection->lookup;
    struct buffer key;
    buffer_init(&key, DN_BYTES_MAX);
    bool is_dn = dn_normalize(dn, &key) == OK && !dn_is_within(buffer_bytes(&key), collection->watched_key);
    struct trustee *trustee = NULL;
    if (is_dn)
        HASH_FIND(hh, lookup->trustees, key.ptr, key.len, trustee);
    if (is_dn && !trustee && lookup->trustee_count < TRUSTEES_MAX) {
        trustee = calloc(1, sizeof(*trustee));
        if (trustee) {
            trustee->dn_key = bytes_copy_text(buffer_bytes(&key));
            trustee->dn = bytes_copy_text(dn);
            HASH_ADD_KEYPTR(hh, lookup->trustees, trustee->dn_key, strlen(trustee->dn_key), trustee);
            lookup->trustee_count++;
        }
    }
    if (trustee)
        trustee->is_wanted = true;
    buffer_done(&key);
}

static void want_all(const struct entry *entry, void *owner)
{
    trustee_each_dn(entry, want, owner);
}

/* Keeps the table and the image to what is named now. */
static void drop_unwanted(struct trustee_lookup *lookup)
{
    struct trustee *trustee, *next;
    HASH_ITER(hh, lookup->trustees, trustee, next)
    {
        if (trustee->is_wanted)
            continue;
        if (trustee->is_present)
            image_delete(lookup->image, trustee->id);
        forget(lookup, trustee);
    }
}

static bool has_other_sid(const struct entry *before, const struct entry *now)
{
    struct sid a = {0}, b = {0};
    enum principal_source source;
    bool has_a = principal_sid(before, &a, &source, NULL) == OK;
    bool has_b = principal_sid(now, &b, &source, NULL) == OK;
    return has_a != has_b || (has_a && !sid_equal(&a, &b)) ||
           memcmp(before->id, now->id, sizeof(now->id)) != 0;
}

static void take_found(struct trustee_lookup *lookup, struct trustee *trustee, struct entry *entry)
{
    const struct entry *before = trustee->is_present ? image_by_id(lookup->image, trustee->id) : NULL;
    trustee->is_known = true;
    if (before && !has_other_sid(before, entry)) {
        entry_free(entry);
        return;
    }
    lookup->has_changed = true;
    if (trustee->is_present)
        image_delete(lookup->image, trustee->id);
    const uint8_t *id = entry->id;
    trustee->is_present = image_put(lookup->image, entry) == OK;
    if (trustee->is_present)
        memcpy(trustee->id, id, sizeof(trustee->id));
    else
        lookup->has_failed = true;
}

static void take_absence(struct trustee_lookup *lookup, struct trustee *trustee)
{
    trustee->is_known = true;
    if (!trustee->is_present)
        return;
    image_delete(lookup->image, trustee->id);
    trustee->is_present = false;
    lookup->has_changed = true;
}

static void ask_next(struct trustee_lookup *lookup);

static void on_result(void *owner, enum error error, struct entry *entry)
{
    struct trustee_lookup *lookup = owner;
    struct trustee *trustee = list_entry(list_first(&lookup->due), struct trustee, link);
    list_remove(&trustee->link);
    lookup->search = NULL;
    if (error == OK)
        take_found(lookup, trustee, entry);
    else if (error == ERROR_NOT_FOUND)
        take_absence(lookup, trustee);
    else
        lookup->has_failed = true;
    /* A directory that does not answer this one does not answer the others. */
    if (error == ERROR_TEMPORARY || error == ERROR_TIMEOUT || error == ERROR_CANCELED)
        while (!list_is_empty(&lookup->due))
            list_remove(list_first(&lookup->due));
    ask_next(lookup);
}

static void ask_next(struct trustee_lookup *lookup)
{
    while (!list_is_empty(&lookup->due)) {
        const struct trustee *trustee = list_entry(list_first(&lookup->due), struct trustee, link);
        lookup->search =
            base_search_start(lookup->directory, trustee->dn, principal_attributes, on_result, lookup);
        if (lookup->search)
            return;
        lookup->has_failed = true;
        list_remove(list_first(&lookup->due));
    }
    lookup->on_done(lookup);
}

bool trustee_lookup_start(struct trustee_lookup *lookup, struct image *image, const char *watched_key,
                          bool is_recheck)
{
    struct collection collection = {lookup, bytes_of_text(watched_key)};
    struct trustee *trustee, *next;
    lookup->image = image;
    lookup->has_changed = lookup->has_failed = false;
    HASH_ITER(hh, lookup->trustees, trustee, next)
    trustee->is_wanted = false;
    image_each(image, want_all, &collection);
    drop_unwanted(lookup);
    HASH_ITER(hh, lookup->trustees, trustee, next)
    if (is_recheck || !trustee->is_known)
        list_append(&lookup->due, &trustee->link);
    if (list_is_empty(&lookup->due))
        return false;
    ask_next(lookup);
    return true;
}

void trustee_lookup_stop(struct trustee_lookup *lookup)
{
    base_search_abandon(lookup->search);
    lookup->search = NULL;
    list_init(&lookup->due);
    while (lookup->trustees)
        forget(lookup, lookup->trustees);
}
