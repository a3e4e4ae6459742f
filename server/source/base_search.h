/* Reads one entry by its DN; the asker may go away meanwhile. Internal to the room. */
#ifndef SOURCE_BASE_SEARCH_H
#define SOURCE_BASE_SEARCH_H

#include "directory/directory.h"

struct base_search;

/* Asks; dn is copied, attributes are kept. on_result comes once, never before the call returns: OK with the
 * entry, which it takes; ERROR_NOT_FOUND; or what the directory ended with. NULL without memory. */
struct base_search *base_search_start(struct directory *directory, const char *dn,
                                      const char *const *attributes,
                                      void (*on_result)(void *owner, enum error error, struct entry *entry),
                                      void *owner);
/* on_result does not come any more. NULL is a no-op; not after on_result. */
void base_search_abandon(struct base_search *search);

#endif
