/* Record data of name servers as values: hostile bytes. Pure. Private to resolver.c. */
#ifndef LOOP_RESOLVER_ANSWER_H
#define LOOP_RESOLVER_ANSWER_H

#include "base/bytes.h"
#include "loop/resolver.h"

enum { RESOLVER_TYPE_A = 1, RESOLVER_TYPE_MX = 15, RESOLVER_TYPE_AAAA = 28 };

/* data: of an A or AAAA record; false: of another length or type. */
bool resolver_answer_address(int type, struct bytes data, struct ip_address *out);
/* data: of an MX record (preference, uncompressed name). False: malformed, or a name that no host has, the
 * text of an IP address among them (RFC 5321 5.1 wants a name). Spec: RFC 1035 3.3.9. */
bool resolver_answer_exchanger(struct bytes data, struct resolver_exchanger *out);

/* A name as text, without its final dot, in normal form. False: one that no host has; out holds rubbish then.
 */
bool resolver_answer_host(struct bytes name, char out[RESOLVER_NAME_SIZE]);

#endif
