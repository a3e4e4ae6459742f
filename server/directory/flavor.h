/* What differs between OpenLDAP and Active Directory. Internal to the room. */
#ifndef DIRECTORY_FLAVOR_H
#define DIRECTORY_FLAVOR_H

#include "directory/directory.h"

struct flavor {
    enum directory_flavor kind;
    const char *id_attribute;
    /* A control every search carries, or NULL: AD hides descriptors from plain users unless told to leave out
     * the SACL. */
    const char *control_oid;
    struct bytes control_value;
    struct bytes modify_control_value; /* of the same control with a modification: the DACL alone is meant */
    /* slapd keeps one paging state for a whole connection: pages of two searches must not mix. */
    bool has_single_pager;
};

/* Which controls the server said it knows. */
struct features {
    bool has_paging;       /* RFC 2696 */
    bool has_sync;         /* RFC 4533 */
    bool has_notification; /* of AD */
};

/* Never NULL; FLAVOR_UNKNOWN reads as OpenLDAP. */
const struct flavor *flavor_row(enum directory_flavor kind);
/* The edits need the control with the value for modifications. */
bool flavor_needs_control(const struct flavor *flavor, const struct directory_edit *edits, size_t edit_count);
/* What to ask the rootDSE for. NULL-terminated. */
extern const char *const flavor_root_attributes[];
/* Reads the rootDSE. wanted: as configured; FLAVOR_UNKNOWN: by what the server says. */
void flavor_read_root(const struct entry *root, enum directory_flavor wanted, struct directory_info *info,
                      struct features *features);

#endif
