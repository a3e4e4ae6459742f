/* The one DACL walk: all extended rights of a token at once, with the ACE that decided each. Facts 9.4. */
#ifndef SECURITY_ACCESS_CHECK_H
#define SECURITY_ACCESS_CHECK_H

#include "security/descriptor.h"
#include "security/rights.h"
#include "security/token.h"

#define ACCESS_NO_ACE                                                                                        \
    UINT16_MAX /* no ACE spoke of the right: not granted (or all granted, absent and NULL DACL) */

struct access_result {
    uint32_t granted;          /* RIGHT_BIT set */
    uint16_t ace[RIGHT_COUNT]; /* index into the DACL of the ACE that allowed or denied, or ACCESS_NO_ACE */
};

/* Pure, no allocation, any thread; linear in the ACEs. An absent or NULL DACL grants all (MS-DTYP 2.5.3.2):
 * refusing such an object is the loader's business. Callback allow never applies, callback deny always does.
 * Spec: MS-DTYP 2.5.3.2. */
void access_check(const struct acl *dacl, const struct token *token, struct access_result *out);

#endif
