/* ESMTP parameters of MAIL FROM and RCPT TO. */
#ifndef MAIL_PARAMETER_H
#define MAIL_PARAMETER_H

#include "base/bytes.h"

/* One "KEYWORD" or "KEYWORD=value". */
struct parameter {
    struct bytes keyword;
    struct bytes value;
    bool has_value;
};

/* Takes the next parameter off *rest. ERROR_NOT_FOUND: none left (only blanks). ERROR_SYNTAX: not
 * esmtp-keyword
 * ["=" esmtp-value] separated by blanks, a control character, or over 64 KiB; *rest stays then. Pure. Spec:
 * RFC 5321 4.1.2. */
MUST_USE enum error parameter_next(struct bytes *rest, struct parameter *out);

/* RFC 3461 xtext. out must hold text.len bytes. The result may hold any octet, line ends and zeros
 * too: whoever prints it escapes it. ERROR_SYNTAX. */
MUST_USE enum error parameter_decode_xtext(struct bytes text, char *out, size_t *out_len);

#endif
