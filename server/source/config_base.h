/* Where CN=Services lives when the configuration does not say (contract 2): the rootDSE's
 * configurationNamingContext, else CN=Configuration below the first naming context that holds CN=Microsoft
 * Exchange. Internal to the room. */
#ifndef SOURCE_CONFIG_BASE_H
#define SOURCE_CONFIG_BASE_H

#include "source/base_search.h"

#define CONFIG_BASE_SIZE 1024
#define EXCHANGE_RDNS    "CN=Microsoft Exchange,CN=Services,"

/* One of the two callbacks ends a search. */
struct config_base {
    struct directory *directory;
    size_t naming_context; /* the one asked for */
    struct base_search *search;
    /* config_base is valid during the call. */
    void (*on_found)(struct config_base *found, const char *config_base);
    /* why: no naming context holds one; NULL: the directory does not answer. Search again later. */
    void (*on_missing)(struct config_base *found, const char *why);
};

void config_base_init(struct config_base *found, struct directory *directory,
                      void (*on_found)(struct config_base *found, const char *config_base),
                      void (*on_missing)(struct config_base *found, const char *why));
/* Begins, unless a search is under way or the directory has not said anything of itself yet. A callback may
 * come before it returns. */
void config_base_find(struct config_base *found);
void config_base_stop(struct config_base *found);

#endif
