#include "source/config_base.h"

#include <stdio.h>

static const char *const no_attributes[] = {"objectClass", NULL};

static void ask(struct config_base *found);

static const struct directory_info *info_of(const struct config_base *found)
{
    return found->directory->ops->info(found->directory);
}

static void on_result(void *owner, enum error error, struct entry *entry)
{
    struct config_base *found = owner;
    const struct directory_info *info = info_of(found);
    found->search = NULL;
    entry_free(entry);
    if (error == OK && info && found->naming_context < info->naming_context_count) {
        char base[CONFIG_BASE_SIZE];
        (void)snprintf(base, sizeof(base), "CN=Configuration,%s",
                       info->naming_contexts[found->naming_context]);
        found->on_found(found, base);
    } else if (error == ERROR_NOT_FOUND || error == ERROR_DENIED_CREDENTIALS) {
        found->naming_context++;
        ask(found);
    } else {
        found->on_missing(found, NULL);
    }
}

static void ask(struct config_base *found)
{
    const struct directory_info *info = info_of(found);
    if (!info) {
        found->on_missing(found, NULL);
        return;
    }
    if (found->naming_context >= info->naming_context_count) {
        found->on_missing(found, "no naming context of the directory holds "
                                 "CN=Microsoft Exchange,CN=Services,CN=Configuration");
        return;
    }
    char dn[CONFIG_BASE_SIZE];
    (void)snprintf(dn, sizeof(dn), EXCHANGE_RDNS "CN=Configuration,%s",
                   info->naming_contexts[found->naming_context]);
    found->search = base_search_start(found->directory, dn, no_attributes, on_result, found);
    if (!found->search)
        found->on_missing(found, NULL);
}

void config_base_init(struct config_base *found, struct directory *directory,
                      void (*on_found)(struct config_base *found, const char *config_base),
                      void (*on_missing)(struct config_base *found, const char *why))
{
    *found = (struct config_base){.directory = directory, .on_found = on_found, .on_missing = on_missing};
}

void config_base_find(struct config_base *found)
{
    const struct directory_info *info = info_of(found);
    if (found->search || !info)
        return;
    found->naming_context = 0;
    if (info->configuration_context[0])
        found->on_found(found, info->configuration_context);
    else
        ask(found);
}

void config_base_stop(struct config_base *found)
{
    base_search_abandon(found->search);
    found->search = NULL;
}
