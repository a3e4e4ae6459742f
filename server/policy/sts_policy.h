/* What a domain says of the way to its exchangers: MTA-STS. Pure. Spec: RFC 8461 3, 4. */
#ifndef POLICY_STS_POLICY_H
#define POLICY_STS_POLICY_H

#include "base/buffer.h"

#define STS_ID_SIZE        33 /* with its terminator */
#define STS_TEXT_MAX       (64u << 10)
#define STS_LIFETIME_MAX_S 31557600u

enum sts_mode { STS_MODE_NONE, STS_MODE_TESTING, STS_MODE_ENFORCE };

struct sts_policy {
    enum sts_mode mode;
    uint32_t lifetime_s;
    struct buffer patterns; /* of exchangers, in normal form, a line each */
};

/* One TXT record's data as on the wire, of those below _mta-sts. ERROR_NOT_FOUND: it is about something else;
 * ERROR_SYNTAX: it is broken. Spec: RFC 8461 3.1. */
MUST_USE enum error sts_record_read(struct bytes data, char out_id[STS_ID_SIZE]);

/* The policy's text. Of fields that are there twice the first counts; unknown ones do not; a pattern that no
 * host can have is as if it were not there. ERROR_SYNTAX, with a note; ERROR_LIMIT. sts_policy_done in any
 * case. Spec: RFC 8461 3.2. */
MUST_USE enum error sts_policy_parse(struct bytes text, struct sts_policy *out, struct note *note);
/* Is the exchanger, in normal form, one of the policy's? "*.example.com" stands for one label. */
bool sts_policy_allows(const struct sts_policy *policy, const char *exchanger);
void sts_policy_done(struct sts_policy *policy);

#endif
