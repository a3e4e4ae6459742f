/* May this session use this sender? Facts 8.4; permissions document, table 4 and table 9. */
#ifndef POLICY_SENDER_H
#define POLICY_SENDER_H

#include "mail/address.h"
#include "policy/decision.h"
#include "policy/session_rights.h"

/* What the directory says: does the session hold Send-As on the entry whose address the sender is? Its owner
 * does by default (SELF); an address that is nobody's, or several entries', is never held. */
enum send_as { SEND_AS_NOT_ASKED, SEND_AS_HELD, SEND_AS_NOT_HELD };

/* Is the address of a domain of ours for the sender check (contract 7)? One without a domain is the local
 * postmaster's. */
bool sender_is_own(const struct organization *organization, const struct address *address);

/* MAIL FROM. The null path passes, and a partner's own domain; Accept-Any-Sender opens outside domains,
 * Accept-Authoritative-Domain-Sender our own (contract 7: model 2007 authoritative, 2010 also internal
 * relay). Without the right an account may still send as itself from a domain of ours, but not on an edge
 * server, which has no recipients: VERDICT_NEED until the directory was asked. */
struct decision sender_check(const struct organization *organization, const struct session_rights *rights,
                             const struct address *sender, enum send_as send_as);

/* What is to be asked of an address in the header. */
enum sender_matter {
    SENDER_SEND_AS,   /* it is to pass sender_check */
    SENDER_ON_BEHALF, /* it is to pass sender_check_on_behalf */
};
struct sender_question {
    struct address address;
    enum sender_matter matter;
};

#define SENDER_QUESTIONS_MAX 8

/* Different addresses. Where something is asked on behalf, the first is the sender's. */
struct sender_questions {
    struct sender_question rows[SENDER_QUESTIONS_MAX];
    size_t count;
};

/* From and Sender, after the header block. With both rights nothing is asked (facts 8.3). The sender is every
 * address of Sender or, without one, of From (several, groups, fields that stand twice); none, and any that
 * equals the envelope sender, passes. A From beside a Sender is only parsed where the session has a right for
 * senders: with Accept-Any-Sender the on-behalf rule is not asked (contract 7), and behind the other no
 * look-up was needed (facts 8.4). Without, it is to be the sender, or somebody on whose behalf that one
 * sends; several senders send on nobody's. A field that cannot be parsed is refused. VERDICT_NEED:
 * *out_needed are the addresses for which the directory decides. More of them than it holds are refused. */
struct decision sender_check_header(const struct organization *organization,
                                    const struct session_rights *rights,
                                    const struct address *envelope_sender, struct bytes header_block,
                                    struct sender_questions *out_needed);

/* What the directory says of a From beside a Sender. */
struct on_behalf {
    bool is_nobodys;  /* no entry has the address: there is nobody who would have to allow it */
    bool is_held;     /* the session holds Send-As on its entry, and could have done without the Sender */
    bool is_delegate; /* its publicDelegates name the sender, or a group of his */
};
/* Facts 8.4. Differs: meeting requests are no exception. */
struct decision sender_check_on_behalf(const struct on_behalf *on_behalf);

#endif
