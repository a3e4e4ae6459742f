/* The effective DACL of an object, with where each ACE came from. */
#ifndef ORGANIZATION_ACCESS_LIST_H
#define ORGANIZATION_ACCESS_LIST_H

#include "security/access_check.h"

struct ace_origin {
    const char
        *text; /* the ACE as a person writes it: "allow ms-Exch-SMTP-Submit to anonymous" or its SDDL */
    const char *from;  /* DN of the object that holds it */
    const char *group; /* the permission group that wrote it, or NULL */
    bool is_inherited;
};

/* Contract 3: explicit deny, explicit allow (ACE lines and permission groups), then level by level from the
 * nearest ancestor outwards inherited deny, inherited allow; or an nTSecurityDescriptor's DACL as stored. */
struct access_list {
    struct acl acl;
    const struct ace_origin *origins; /* acl.count of them */
};

/* Builds an access list from parts given in any order. All memory comes from the arena. */
struct access_list_builder {
    struct arena *arena;
    struct access_list_part *parts; /* private */
    size_t count;
    size_t capacity;
};
void access_list_builder_init(struct access_list_builder *builder, struct arena *arena);
/* level 0 is the object itself, 1 its parent, … Keeps the texts of origin. ERROR_LIMIT past 10,000 ACEs or
 * memory. */
MUST_USE enum error access_list_add(struct access_list_builder *builder, const struct ace *ace,
                                    unsigned level, const struct ace_origin *origin);

/* Rights for one trustee, as an ACE line or a permission group gives them. */
struct access_grant {
    bool is_deny;
    bool is_all_rights; /* "*": one ACE without an object type, whatever rights says */
    uint32_t rights;    /* RIGHT_BITs: one object ACE each; none is allowed */
    struct sid sid;
};
/* Adds the ACEs of a grant. origin->text is kept for all of them (an ACE line as it was written, so that
 * `delete:` finds it); NULL: each gets "allow RIGHT to TRUSTEE" made in the arena. ERROR_LIMIT. */
MUST_USE enum error access_list_add_grant(struct access_list_builder *builder,
                                          const struct access_grant *grant, unsigned level,
                                          const struct ace_origin *origin);

/* Canonical order; the order of addition within a class is kept. State: ACL_PRESENT with any part, else
 * ACL_ABSENT. ERROR_LIMIT. */
MUST_USE enum error access_list_finish(struct access_list_builder *builder, struct access_list *out);

/* The list of a stored DACL (an nTSecurityDescriptor's), whose order is not touched; each text is the ACE's
 * SDDL. Keeps acl's ACEs and from. ERROR_LIMIT past 10,000 ACEs or memory. */
MUST_USE enum error access_list_of_acl(const struct acl *acl, const char *from, struct arena *arena,
                                       struct access_list *out);

/* access_check that fails closed: a list that is not ACL_PRESENT, or grants_nothing, gives no right (matrix
 * D11). */
void access_list_check(const struct access_list *list, bool grants_nothing, const struct token *token,
                       struct access_result *out);

/* Gives this list nobody a right that the earlier one withheld? Only that is told for sure where it was made
 * of the earlier one by taking allows away and adding denies; for anything else the answer is false. Linear.
 */
bool access_list_is_within(const struct access_list *list, const struct access_list *earlier);

/* The origin of the ACE that decided a right, or NULL (no ACE spoke of it). */
const struct ace_origin *access_list_origin(const struct access_list *list,
                                            const struct access_result *result, enum right right);

#endif
