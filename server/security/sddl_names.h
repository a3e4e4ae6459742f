/* The words of SDDL, shared by the parser and the formatter of this room. Spec: MS-DTYP 2.5.1.1. */
#ifndef SECURITY_SDDL_NAMES_H
#define SECURITY_SDDL_NAMES_H

#include "security/sid.h"

/* Tables end with a NULL text. */
struct sddl_name {
    const char *text;
    uint32_t value;
};

extern const struct sddl_name sddl_ace_types[]; /* value: enum ace_type */
extern const struct sddl_name sddl_ace_flags[]; /* in the order they are written */
extern const struct sddl_name sddl_acl_flags[]; /* control bits of the DACL, in the order they are written */
extern const struct sddl_name sddl_rights[];    /* single bits, ascending */
/* Names for several bits, read but never written. */
extern const struct sddl_name sddl_combined_rights[];

#define SDDL_NO_ACCESS_CONTROL "NO_ACCESS_CONTROL"

/* The row whose text begins the given text (any case), or NULL. */
const struct sddl_name *sddl_name_find(const struct sddl_name *table, struct bytes text);
/* The text of a value, or NULL. */
const char *sddl_name_text(const struct sddl_name *table, uint32_t value);

enum sddl_alias_result { SDDL_ALIAS_KNOWN, SDDL_ALIAS_UNKNOWN, SDDL_ALIAS_NEEDS_DOMAIN };

/* Two letters -> SID; domain_sid NULL: the domain-relative ones answer SDDL_ALIAS_NEEDS_DOMAIN. */
enum sddl_alias_result sddl_alias_find(struct bytes text, const struct sid *domain_sid, struct sid *out);
/* The alias of a SID that needs no domain, or NULL. */
const char *sddl_alias_text(const struct sid *sid);

#endif
