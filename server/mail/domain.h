/* Domain names: one normal form for comparing and for the wire. */
#ifndef MAIL_DOMAIN_H
#define MAIL_DOMAIN_H

#include "base/bytes.h"

#define DOMAIN_TEXT_SIZE 256 /* 255 octets and a terminator */

/* Lower-case A-labels without a trailing dot: IDNA 2008 (libidn2, non-transitional) for U-labels, U+3002,
 * U+FF0E and U+FF61 counting as dots. Labels of letters, digits, hyphen and underscore. ERROR_SYNTAX: empty
 * name or label, label over 63, name over 255, a bad character, "%00", an address literal. ERROR_LIMIT never.
 * Pure, any thread. Matrix A6. Spec: RFC 5321 4.1.2, RFC 5890. */
MUST_USE enum error domain_normalize(struct bytes text, char out[DOMAIN_TEXT_SIZE]);
/* "[1.2.3.4]", "[IPv6:::1]" with correct syntax inside. */
bool domain_is_literal(struct bytes text);
/* name is parent, or ends with "." parent. Both normal forms. */
bool domain_is_within(struct bytes name, struct bytes parent);

#endif
