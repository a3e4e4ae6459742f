/* Security descriptors as values: what a DACL says, whether it came from AD's binary form, from SDDL or from
 * ACE lines. Spec: MS-DTYP 2.4.4-2.4.6. */
#ifndef SECURITY_DESCRIPTOR_H
#define SECURITY_DESCRIPTOR_H

#include "base/arena.h"
#include "base/buffer.h"
#include "security/ace.h"

#define DESCRIPTOR_BYTES_MAX 65536
#define DESCRIPTOR_ACE_MAX   10000 /* of each ACL */
/* An arena of this size holds whatever the ceilings above let through. */
#define DESCRIPTOR_ARENA_BYTES (4 * 1024 * 1024)

/* Control bits; a SACL's flag is its DACL twin shifted left by one. MS-DTYP 2.4.6. */
#define DESCRIPTOR_DACL_PRESENT          0x0004
#define DESCRIPTOR_SACL_PRESENT          0x0010
#define DESCRIPTOR_DACL_INHERIT_REQUIRED 0x0100
#define DESCRIPTOR_DACL_AUTO_INHERITED   0x0400
#define DESCRIPTOR_DACL_PROTECTED        0x1000
#define DESCRIPTOR_SELF_RELATIVE         0x8000

/* Four different values (matrix D11): only the engine on its own follows MS-DTYP for absent and NULL, every
 * loader grants nothing and says why. Unreadable has no value: decoding fails. */
enum acl_state { ACL_ABSENT, ACL_NULL, ACL_PRESENT };

#define ACL_REVISION    2
#define ACL_REVISION_DS 4 /* with object ACEs */

struct acl {
    enum acl_state state;
    uint8_t revision; /* one of the two above when present */
    size_t count;
    const struct ace *aces; /* in stored order */
};

struct descriptor {
    uint16_t control; /* the two PRESENT bits follow the ACLs' states and are set anew when it is encoded */
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
/* Appends the self-relative form. ERROR_LIMIT past DESCRIPTOR_BYTES_MAX or the buffer's ceiling; the buffer
 * is then as before. */
MUST_USE enum error descriptor_encode(const struct descriptor *descriptor, struct buffer *out);

#endif
