/* One access control entry. Spec: MS-DTYP 2.4.4. */
#ifndef SECURITY_ACE_H
#define SECURITY_ACE_H

#include "base/arena.h"
#include "base/buffer.h"
#include "base/reader.h"
#include "security/guid.h"
#include "security/sid.h"

enum ace_type {
    ACE_ALLOW = 0x00,
    ACE_DENY = 0x01,
    ACE_AUDIT = 0x02,
    ACE_ALLOW_OBJECT = 0x05,
    ACE_DENY_OBJECT = 0x06,
    ACE_AUDIT_OBJECT = 0x07,
    ACE_ALLOW_CALLBACK = 0x09,
    ACE_DENY_CALLBACK = 0x0A,
    ACE_ALLOW_CALLBACK_OBJECT = 0x0B,
    ACE_DENY_CALLBACK_OBJECT = 0x0C,
};

#define ACE_FLAG_OBJECT_INHERIT    0x01
#define ACE_FLAG_CONTAINER_INHERIT 0x02
#define ACE_FLAG_NO_PROPAGATE      0x04
#define ACE_FLAG_INHERIT_ONLY      0x08
#define ACE_FLAG_INHERITED         0x10
#define ACE_FLAG_SUCCESS_AUDIT     0x40
#define ACE_FLAG_FAILED_AUDIT      0x80

#define ACE_MASK_CONTROL_ACCESS 0x00000100u
#define ACE_MASK_GENERIC_ALL    0x10000000u

/* A value; opaque and condition borrow the arena it was decoded into. */
struct ace {
    uint8_t type; /* enum ace_type, or one we keep and do not evaluate */
    uint8_t flags;
    uint32_t mask;
    bool has_object_type;
    bool has_inherited_object_type;
    struct guid object_type;
    struct guid inherited_object_type;
    struct sid sid;
    bool is_opaque;    /* body holds everything behind the header, type unknown to us */
    struct bytes body; /* opaque: the whole body; else what stands behind the SID (a callback's condition) */
};

/* The object types carry two optional GUIDs. */
bool ace_is_object(const struct ace *ace);
/* The types whose mask, GUIDs and SID we read; all others are kept as opaque bytes. */
bool ace_type_is_known(uint8_t type);
/* Takes one ACE off the reader, which ends where its ACL ends. ERROR_SYNTAX with a note, ERROR_LIMIT when the
 * arena is full. */
MUST_USE enum error ace_decode(struct reader *reader, struct arena *arena, struct ace *out,
                               struct note *note);
/* Appends the binary form. ERROR_LIMIT past 65,535 bytes; ERROR_SYNTAX when its length is no multiple of 4,
 * which no decoded or parsed ACE can be. */
MUST_USE enum error ace_encode(const struct ace *ace, struct buffer *out);

#endif
