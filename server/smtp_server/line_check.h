/* Can DATA carry the content as it stands? Asked of what came by BDAT, while it arrives. Pure. */
#ifndef SMTP_SERVER_LINE_CHECK_H
#define SMTP_SERVER_LINE_CHECK_H

#include "base/bytes.h"

#define LINE_OCTETS_MAX 998 /* without CRLF; RFC 5322 2.1.1 */

/* Zero-initialised it is at the first octet. */
struct line_check {
    size_t line_octets; /* of the line under way */
    bool has_cr;        /* it ends in a CR so far */
    bool is_broken;     /* something was found: it stays so */
};

/* Takes the next run; any split gives the same answer. */
void line_check_feed(struct line_check *check, struct bytes run);
/* A CR, LF or NUL that stands alone, or a line of more than LINE_OCTETS_MAX, was in all that was taken. The
 * last line may lack its CRLF. */
bool line_check_is_broken(const struct line_check *check);

#endif
