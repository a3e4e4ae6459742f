/* Descriptors as SDDL text, both ways. Spec: MS-DTYP 2.5.1.1; the canonical form is
 * tests/vectors/README.md's. */
#ifndef SECURITY_SDDL_H
#define SECURITY_SDDL_H

#include "security/descriptor.h"

/* domain_sid resolves the domain-relative aliases; NULL refuses them. ERROR_SYNTAX with a note that names the
 * place. */
MUST_USE enum error sddl_parse(struct bytes text, const struct sid *domain_sid, struct arena *arena,
                               struct descriptor *out, struct note *note);
/* Appends the canonical text; ACEs whose type SDDL cannot write are left out and counted in *out_left_out
 * (may be NULL). */
MUST_USE enum error sddl_format(const struct descriptor *descriptor, struct buffer *out,
                                size_t *out_left_out);
/* One ACE as "(A;…)", for explanations. */
MUST_USE enum error sddl_format_ace(const struct ace *ace, struct buffer *out);

#endif
