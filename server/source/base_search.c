#include "source/base_search.h"

#include <stdlib.h>
#include <string.h>

/* Lives until the directory is done with it, whoever has gone. */
struct base_search {
    struct directory_search search;
    struct directory *directory;
    char *dn;
    struct entry *found;
    void (*on_result)(void *owner, enum error error, struct entry *entry); /* NULL: abandoned */
    void *owner;
};

static void on_entry(struct directory_search *search, struct entry *entry)
{
    struct base_search *asked = list_entry(search, struct base_search, search);
    entry_free(asked->found);
    asked->found = entry;
}

static void on_done(struct directory_search *search, enum error error)
{
    struct base_search *asked = list_entry(search, struct base_search, search);
    struct base_search last = *asked;
    free(asked);
    free(last.dn);
    if (error == OK && !last.found)
        error = ERROR_NOT_FOUND;
    if (error != OK || !last.on_result) {
        entry_free(last.found);
        last.found = NULL;
    }
    if (last.on_result)
        last.on_result(last.owner, error, last.found);
}

struct base_search *base_search_start(struct directory *directory, const char *dn,
                                      const char *const *attributes,
                                      void (*on_result)(void *owner, enum error error, struct entry *entry),
                                      void *owner)
{
    struct base_search *asked = calloc(1, sizeof(*asked));
    char *copy = strdup(dn);
    if (!asked || !copy) {
        free(asked);
        free(copy);
        return NULL;
    }
    *asked = (struct base_search){
        .search = {.base = copy,
                   .scope = SCOPE_BASE,
                   .filter = "(objectClass=*)",
                   .attributes = attributes,
                   .on_entry = on_entry,
                   .on_done = on_done},
        .directory = directory,
        .dn = copy,
        .on_result = on_result,
        .owner = owner,
    };
    directory->ops->search(directory, &asked->search);
    return asked;
}

void base_search_abandon(struct base_search *search)
{
    if (!search)
        return;
    search->on_result = NULL;
    search->directory->ops->search_cancel(&search->search);
}
