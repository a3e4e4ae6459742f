/* Security descriptors as values: what a DACL says, whether it came from AD's binary form, from SDDL or from ACE lines.
 * Spec: MS-DTYP 2.4.4-2.4.6. */
#ifndef SECURITY_DESCRIPTOR_H
#define SECURITY_DESCRIPTOR_H

#include "base/arena.h"
#include "base/buffer.h"
#include "security/ace.h"

#define DESCRIPTOR_BYTES_MAX 65536
#define DESCRIPTOR_ACE_MAX 10000

/* Four different values (matrix D11): only the engine on its own follows MS-DTYP for absent and NULL, every loader
 * grants nothing and says why. Unreadable has no value: decoding fails. */
enum acl_state { ACL_ABSENT, ACL_NULL, ACL_PRESENT };

struct acl {
    enum acl_state state;
    uint8_t revision;
    size_t count;
    const struct ace *aces; /* in stored order */
};

struct descriptor {
    uint16_t control;
    bool has_owner;
    bool has_group;
    struct sid owner;
    struct sid group;
    struct acl dacl;
    struct acl sacl;
};

/* Decodes the self-relative form; what is variable is allocated in the arena and nothing borrows binary.
 * ERROR_SYNTAX with a note for any unsound part, ERROR_LIMIT past the ceilings above. Pure. */
MUST_USE enum error descriptor_decode(struct bytes binary, struct arena *arena, struct descriptor *out,
                                      struct note *note);
/* Appends the self-relative form. */
MUST_USE enum error descriptor_encode(const struct descriptor *descriptor, struct buffer *out);

#endif
