/* How many relays a message has passed, also where Received fields were taken away (matrix R15). */
#ifndef MAIL_HOP_COUNT_H
#define MAIL_HOP_COUNT_H

#include "mail/header_block.h"

#define HOP_COUNT_MAX 1000 /* more is not told apart */

/* The Received fields of a block and those that its X-Dirrelay-Hops fields speak of. Pure. */
uint64_t hop_count(struct bytes block);
/* The Received fields whose "by" is one of these names, in any case: how often a server was here before.
 * Pure. */
uint64_t hop_count_local(struct bytes block, const struct bytes *names, size_t name_count);
/* Is it X-Dirrelay-Hops? */
bool hop_count_is_field(const struct header_field *field);
/* Appends "X-Dirrelay-Hops: n\r\n"; nothing for 0. */
MUST_USE enum error hop_count_append(struct buffer *out, uint64_t hops);

#endif
