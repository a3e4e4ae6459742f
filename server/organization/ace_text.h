/* dirrelayAce: one readable line an ACE. Contract 3. */
#ifndef ORGANIZATION_ACE_TEXT_H
#define ORGANIZATION_ACE_TEXT_H

#include "security/rights.h"
#include "security/sid.h"

#define ACE_TEXT_MAX 8192 /* bytes of a line */

enum ace_trustee_kind { ACE_TRUSTEE_SID, ACE_TRUSTEE_DN };

/* Borrows the line. */
struct ace_text {
    bool is_deny;
    uint32_t rights; /* RIGHT_BITs; RIGHTS_ALL with is_all_rights for "*" */
    bool is_all_rights;
    bool has_unknown_guid; /* a GUID that names no known right: kept, grants nothing of ours */
    enum ace_trustee_kind trustee_kind;
    struct sid sid;  /* ACE_TRUSTEE_SID: well-known names and S-1-… */
    struct bytes dn; /* ACE_TRUSTEE_DN: to be resolved by the loader */
};

/* "allow RIGHT[,RIGHT…] to TRUSTEE" | "deny …": any case, blanks folded. ERROR_SYNTAX with a note that names
 * the word; also for control characters and lines past ACE_TEXT_MAX. Pure. */
MUST_USE enum error ace_text_parse(struct bytes line, struct ace_text *out, struct note *note);

#endif
