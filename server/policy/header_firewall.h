/* Header classes that stay only with the right. Facts 6.1. */
#ifndef POLICY_HEADER_FIREWALL_H
#define POLICY_HEADER_FIREWALL_H

#include "base/buffer.h"
#include "mail/header_block.h"
#include "security/rights.h"

/* For who walks the fields himself: header_remove's question, with a struct header_firewall as owner. */
struct header_firewall {
    uint32_t rights; /* RIGHT_BITs */
    bool is_inbound;
    bool has_cross_premises; /* some of them were removed */
};
bool header_firewall_removes(const struct header_field *field, void *firewall);

/* Appends the block without the classes whose rights are missing; what stays is byte-identical. Inbound looks
 * at the Accept-Headers-* bits, outbound at Send-Headers-*. Cross-premises headers never pass; outbound,
 * X-CrossPremisesHeadersFilteredBySendConnector tells who took them away: host, or nobody when that is empty.
 * *out_removed may be NULL. */
MUST_USE enum error header_firewall_inbound(struct bytes block, uint32_t rights, struct buffer *out,
                                            size_t *out_removed);
MUST_USE enum error header_firewall_outbound(struct bytes block, uint32_t rights, struct bytes host,
                                             struct buffer *out, size_t *out_removed);

/* The Accept-Headers-* bits that the block's fields ask for. */
uint32_t header_firewall_needed(struct bytes block);

#endif
