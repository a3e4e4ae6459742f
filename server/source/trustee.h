/* The principals that ACE lines and otherWellKnownObjects name by DN. */
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

/* The DN that otherWellKnownObjects of the entry gives for a GUID (32 hexadecimal digits, any case), or
 * empty. */
struct bytes trustee_well_known(const struct entry *entry, const char *guid_digits);
#define WELL_KNOWN_EXCHANGE_SERVERS "6C01D2A7F08345038132789EEB127B84"
#define WELL_KNOWN_LEGACY_INTEROP   "3F965B9CF1674B4A936CB8EFB19C4784"

/* Every DN an entry names as a principal, as it is written there. */
void trustee_each_dn(const struct entry *entry, void (*each)(struct bytes dn, void *owner), void *owner);

#endif
