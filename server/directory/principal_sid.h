/* The SID of a directory principal. Contract 3. */
#ifndef DIRECTORY_PRINCIPAL_SID_H
#define DIRECTORY_PRINCIPAL_SID_H

#include "directory/entry.h"
#include "security/sid.h"

/* The authorities of the SIDs it makes, and the first number of those of Unix. */
enum { SID_AUTHORITY_NT = 5, SID_AUTHORITY_RESOURCE = 9, SID_AUTHORITY_UNIX = 22 };
enum { SID_UNIX_USER = 1, SID_UNIX_GROUP = 2 };

/* Where a SID was read from. */
enum principal_source { PRINCIPAL_OBJECT_SID, PRINCIPAL_SAMBA_SID, PRINCIPAL_UNIX, PRINCIPAL_ENTRY_UUID };

/* What the rule reads of an entry, for a search. NULL-terminated. */
extern const char *const principal_attributes[];

/* The first that the entry has: objectSid (binary, or "S-1-…" as text), sambaSID, S-1-22-1-<uidNumber>
 * (groups: S-1-22-2-<gidNumber>), else S-1-9- and the entryUUID as four 32-bit numbers, most significant
 * first. An objectSid or sambaSID that is not S-1-5-21-… (groups: also S-1-5-32-…) is refused, and nothing
 * else is tried: a SID of the transport's own or of Windows must not be had by writing it into an entry.
 * ERROR_SYNTAX with a note: refused, unreadable, or the entry has nothing to make a SID of. Pure. */
MUST_USE enum error principal_sid(const struct entry *entry, struct sid *out,
                                  enum principal_source *out_source, struct note *note);
bool principal_is_group(const struct entry *entry);
/* One value of an attribute that holds SIDs: binary, or "S-1-…" as text. ERROR_SYNTAX. */
MUST_USE enum error principal_sid_value(struct bytes value, struct sid *out);
/* S-1-5-21-…, of a group also S-1-5-32-…: what an attribute may say. */
bool principal_sid_may_be_read(const struct sid *sid, bool is_group);

#endif
