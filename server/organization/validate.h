/* The rules a connector must keep by itself (facts 1.3, 1.4, contract 7), as tables of condition and
 * sentence. Pure. */
#ifndef ORGANIZATION_VALIDATE_H
#define ORGANIZATION_VALIDATE_H

#include "organization/organization.h"

/* NULL when all rules hold, else the sentence of the first broken rule (static storage): "BasicAuthRequireTLS
 * needs Tls". Includes what a later step brings and is closed until then: LongAddressesEnabled …
 * Mechanisms and EHLO keywords that are on by default are simply not offered and break no rule. An attribute
 * that has no field here is the source's to refuse until something enforces it. */
const char *validate_receive_connector(const struct receive_connector *connector,
                                       const struct server *server);
const char *validate_send_connector(const struct send_connector *connector);

#endif
