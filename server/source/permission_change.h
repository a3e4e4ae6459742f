/* What to write so that a trustee has, or has no longer, rights on an object: dirrelayAce values, or in AD
 * the DACL. Contract 4. Pure. */
#ifndef SOURCE_PERMISSION_CHANGE_H
#define SOURCE_PERMISSION_CHANGE_H

#include "directory/directory.h"
#include "organization/ace_text.h"

struct permission_request {
    bool is_remove;
    struct ace_text ace;  /* what is to be there, or not, with one trustee */
    struct bytes trustee; /* as it is to be written in a line */
    bool has_sid;         /* of a trustee given as a DN: once it is known; AD needs it */
    struct sid sid;
};

/* Everything in it lives in the arena it was made in, or is borrowed of the entry. */
struct permission_change {
    struct directory_edit edits[2];
    size_t edit_count;  /* 0: nothing is to be done */
    uint32_t changed;   /* rights given or taken; RIGHTS_ALL for "*" */
    uint32_t inherited; /* not taken: a container above gives them too */
    uint32_t covered;   /* not taken: a value for all rights gives them, which was not named */
};

/* What the plan reads of the object. NULL-terminated. */
extern const char *const permission_change_attributes[];

/* ERROR_SYNTAX with a note: the object cannot be edited like this (a descriptor in a directory that is not
 * AD, where dirrelayAce would not count; an unreadable or missing DACL). ERROR_DENIED_CREDENTIALS with a
 * note: AD does not show us the descriptor. ERROR_LIMIT: too large. */
MUST_USE enum error permission_change_plan(const struct permission_request *request,
                                           enum directory_flavor flavor, const struct entry *entry,
                                           struct arena *arena, struct permission_change *out,
                                           struct note *note);

#endif
