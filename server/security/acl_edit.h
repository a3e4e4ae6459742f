/* Gives and takes extended rights in a stored DACL and leaves every other ACE as it is. Facts 5.1. Pure. */
#ifndef SECURITY_ACL_EDIT_H
#define SECURITY_ACL_EDIT_H

#include "security/descriptor.h"
#include "security/rights.h"

struct acl_edit {
    bool is_deny;
    bool is_all_rights; /* "*": the ACE without an object type; rights says nothing then */
    uint32_t rights;    /* RIGHT_BITs: one object ACE each */
    struct sid sid;
};

/* What became of it. With is_all_rights the sets are RIGHTS_ALL or 0. */
struct acl_edit_outcome {
    struct acl acl;     /* lives in the arena; shares what the old ACEs borrow */
    uint32_t changed;   /* given, or taken */
    uint32_t inherited; /* removing: an ACE of a container says the same; it can be taken away only there */
    uint32_t covered;   /* removing: the ACE for all rights says the same; it was not named, so it stays */
};

/* Adds an ACE for this object and all children where none says exactly that: a deny behind the explicit
 * denies at the head, an allow before the first inherited ACE. That is the canonical order where the list has
 * it, and right in any other. ERROR_SYNTAX with a note: no list (absent, NULL), where an ACE would take away
 * what everybody has. ERROR_LIMIT: too many ACEs, or memory. */
MUST_USE enum error acl_edit_add(const struct acl *acl, const struct acl_edit *edit, struct arena *arena,
                                 struct acl_edit_outcome *out, struct note *note);
/* Takes the control-access bit out of the trustee's explicit ACEs for these rights, and the ACE with its last
 * bit. Inherited ones, those for other objects (inherit-only, an inherited object type), callbacks and
 * unknown types stay. Errors as above. */
MUST_USE enum error acl_edit_remove(const struct acl *acl, const struct acl_edit *edit, struct arena *arena,
                                    struct acl_edit_outcome *out, struct note *note);

#endif
