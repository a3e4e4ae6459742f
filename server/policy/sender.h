/* May this session use this sender? Facts 8.4; permissions document, table 4 and table 9. */
#ifndef POLICY_SENDER_H
#define POLICY_SENDER_H

#include "mail/address.h"
#include "policy/decision.h"
#include "policy/session_rights.h"

/* What the directory says: does the session hold Send-As on the entry whose address the sender is? Its owner
 * does by default (SELF); an address that is nobody's, or several entries', is never held. */
enum send_as { SEND_AS_NOT_ASKED, SEND_AS_HELD, SEND_AS_NOT_HELD };

/* MAIL FROM. The null path passes; Accept-Any-Sender opens outside domains,
 * Accept-Authoritative-Domain-Sender our own (contract 7: model 2007 authoritative, 2010 also internal
 * relay). Without the right an account may still send as itself from a domain of ours, but not on an edge
 * server, which has no recipients: VERDICT_NEED until the directory was asked. */
struct decision sender_check(const struct organization *organization, const struct session_rights *rights,
                             const struct address *sender, enum send_as send_as);

/* From and Sender, after the header block. With both rights nothing is asked (facts 8.3). The sender is every
 * address of Sender or, without one, of From (several, groups, fields that stand twice); none, and any that
 * equals the envelope sender, passes. A From beside a Sender is only parsed: what the session may send as, it
 * may send on behalf of, and with Accept-Any-Sender the on-behalf rule is not asked (contract 7). A field
 * that cannot be parsed is refused. The directory is not asked about these: what would need it is refused. */
struct decision sender_check_header(const struct organization *organization,
                                    const struct session_rights *rights,
                                    const struct address *envelope_sender, struct bytes header_block);

#endif
