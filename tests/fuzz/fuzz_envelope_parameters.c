/* room: smtp_server */
/* The parameters of MAIL and RCPT from a hostile client. The first byte chooses what is offered. Properties:
 * what is taken is within its bounds, and what a report will repeat decodes to printable ASCII. */
#include "mail/parameter.h"
#include "policy/offer.h"
#include "smtp_server/envelope_parameters.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_printable(struct bytes xtext)
{
    char plain[500];
    size_t length = 0;
    assert(xtext.len <= sizeof plain && parameter_decode_xtext(xtext, plain, &length) == OK);
    for (size_t i = 0; i < length; i++) {
        assert(plain[i] >= ' ' && plain[i] <= '~');
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct mail_parameters mail;
    struct recipient_parameters recipient;
    if (size == 0) {
        return 0;
    }
    uint32_t offered = data[0] & 1 ? UINT32_MAX : (uint32_t)data[0] << 4;
    struct bytes text = {(const char *)data + 1, size - 1};
    if (mail_parameters_parse(offered, text, &mail) == REPLY_COUNT) {
        assert(mail.envelope_id.len <= 100 && mail.auth.len <= 500);
        assert((offered & OFFER_DSN) || (mail.envelope_id.len == 0 && mail.dsn_return == RETURN_UNSAID));
        assert((offered & OFFER_SMTPUTF8) || !mail.is_utf8);
        assert((offered & OFFER_BINARYMIME) || mail.body != BODY_BINARYMIME);
        check_printable(mail.envelope_id);
    }
    if (recipient_parameters_parse(offered, text, &recipient) == REPLY_COUNT) {
        assert(!(recipient.notify & NOTIFY_NEVER) || recipient.notify == NOTIFY_NEVER);
        assert((offered & OFFER_DSN) || (recipient.notify == 0 && recipient.original.len == 0));
        if (recipient.original.len > 0) {
            check_printable(bytes_skip(recipient.original, bytes_find(recipient.original, ';') + 1));
        }
    }
    return 0;
}
