/* The principals that are known by DN: those of ACE lines, and Exchange's own groups. */
#ifndef SOURCE_TRUSTEE_H
#define SOURCE_TRUSTEE_H

#include "security/sid.h"
#include "source/image.h"

struct trustee_row;

/* The SIDs of the image's entries that come from attributes, to find one on two principals. */
struct trustee_table {
    const struct image *image;
    struct trustee_row *rows;
    size_t count;
};

/* ERROR_TEMPORARY without memory. */
MUST_USE enum error trustee_table_init(struct trustee_table *table, const struct image *image);
void trustee_table_done(struct trustee_table *table);
/* The SID of the principal with this DN. ERROR_NOT_FOUND: the directory has no such entry; ERROR_SYNTAX with
 * a note: no DN, an entry without a SID of its own, or a SID that another principal has too. */
MUST_USE enum error trustee_resolve(const struct trustee_table *table, struct bytes dn, struct sid *out,
                                    struct note *note);

/* Exchange's own groups: what they may do here comes from permission groups. Facts 1.7 and 4. */
enum exchange_group { EXCHANGE_GROUP_SERVERS, EXCHANGE_GROUP_LEGACY_INTEROP, EXCHANGE_GROUP_COUNT };

/* Appends the group's DN: the one that otherWellKnownObjects of the entry CN=Microsoft Exchange gives for its
 * GUID; without such a value the one that Exchange's setup gives it, below OU=Microsoft Exchange Security
 * Groups of the domain that the configuration belongs to. A value whose entry is gone is no reason to take
 * another. ERROR_LIMIT, ERROR_TEMPORARY of the buffer. */
MUST_USE enum error trustee_exchange_group_dn(const struct entry *exchange, enum exchange_group group,
                                              struct buffer *out);
const char *trustee_exchange_group_name(enum exchange_group group);

/* Every DN that makes somebody a principal because of this entry, as it is written. */
void trustee_each_dn(const struct entry *entry, void (*each)(struct bytes dn, void *owner), void *owner);

#endif
