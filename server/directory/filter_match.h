/* Does an entry in memory match a filter? RFC 4515 text, for directories that have no server. Internal to the
 * room. */
#ifndef DIRECTORY_FILTER_MATCH_H
#define DIRECTORY_FILTER_MATCH_H

#include "directory/entry.h"

/* And, or, not, equality, presence, substrings, >= and <= (numbers as numbers, else text). Values compare
 * without case, DNs by their normal form. NULL or "": everything matches. ERROR_SYNTAX: not a filter, nested
 * deeper than 32, or an extensible match. Differs: no schema, so an undefined attribute is false where a
 * server says undefined (only "not" can tell). */
MUST_USE enum error filter_match(const char *filter, const struct entry *entry, bool *out_matches);

#endif
