/* The extended rights of transport (facts 3), as an enum and as a bit set with the protocol log's bit values.
 */
#ifndef SECURITY_RIGHTS_H
#define SECURITY_RIGHTS_H

#include "security/guid.h"

/* The order is the bit order: RIGHT_BIT(RIGHT_SMTP_SUBMIT) is 0x1 "SMTPSubmit". */
enum right {
    RIGHT_SMTP_SUBMIT,
    RIGHT_SMTP_SUBMIT_FOR_MLS,
    RIGHT_SMTP_ACCEPT_ANY_RECIPIENT,
    RIGHT_SMTP_ACCEPT_AUTHENTICATION_FLAG,
    RIGHT_SMTP_ACCEPT_ANY_SENDER,
    RIGHT_SMTP_ACCEPT_AUTHORITATIVE_DOMAIN_SENDER,
    RIGHT_BYPASS_ANTI_SPAM,
    RIGHT_BYPASS_MESSAGE_SIZE_LIMIT,
    RIGHT_SMTP_SEND_EXCH50,
    RIGHT_SMTP_ACCEPT_EXCH50,
    RIGHT_ACCEPT_HEADERS_ROUTING,
    RIGHT_ACCEPT_HEADERS_FOREST,
    RIGHT_ACCEPT_HEADERS_ORGANIZATION,
    RIGHT_SEND_HEADERS_ROUTING,
    RIGHT_SEND_HEADERS_FOREST,
    RIGHT_SEND_HEADERS_ORGANIZATION,
    RIGHT_SEND_AS,
    RIGHT_SMTP_SEND_XSHADOW,
    RIGHT_SMTP_ACCEPT_XSHADOW,
    RIGHT_SMTP_ACCEPT_XPROXYFROM,
    RIGHT_SMTP_ACCEPT_XSESSIONPARAMS,
    RIGHT_SMTP_ACCEPT_XMESSAGECONTEXT_ADRECIPIENTCACHE,
    RIGHT_SMTP_ACCEPT_XMESSAGECONTEXT_EXTENDEDPROPERTIES,
    RIGHT_SMTP_ACCEPT_XMESSAGECONTEXT_FASTINDEX,
    RIGHT_SMTP_ACCEPT_XATTR,
    RIGHT_SMTP_ACCEPT_XSYSPROBE,
    RIGHT_COUNT
};

#define RIGHT_BIT(right) (UINT32_C(1) << (right))
#define RIGHTS_ALL       (RIGHT_BIT(RIGHT_COUNT) - 1)

struct right_row {
    const char *name;         /* cn of the controlAccessRight: "ms-Exch-SMTP-Submit" */
    const char *display_name; /* "Submit Messages to Server" */
    const char *log_name;     /* "SMTPSubmit" */
    struct guid guid;
};

/* Static; below RIGHT_COUNT. */
const struct right_row *right_row(enum right right);
static inline const char *right_name(enum right right)
{
    return right_row(right)->name;
}
/* Any case; both spellings of the Exch50 rights. */
bool right_by_name(struct bytes name, enum right *out);
/* Constant time on the average (the walk asks for every object ACE). */
bool right_by_guid(const struct guid *guid, enum right *out);

#endif
