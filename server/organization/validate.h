/* The rules a connector must keep by itself (facts 1.3, 1.4, contract 7), as tables of condition and
 * sentence. Pure. */
#ifndef ORGANIZATION_VALIDATE_H
#define ORGANIZATION_VALIDATE_H

#include "organization/organization.h"

/* NULL when all rules hold, else the sentence of the first broken rule (static storage): "BasicAuthRequireTLS
 * needs Tls". Includes what a later step brings and is closed until then: RequireTLS, DomainSecure, implicit
 * TLS, report-only … Mechanisms and EHLO keywords that are on by default are simply not offered and break no
 * rule. */
const char *validate_receive_connector(const struct receive_connector *connector,
                                       const struct server *server);
const char *validate_send_connector(const struct send_connector *connector);

/* An attribute that has no field here since nothing enforces it yet: why this value refuses the object
 * (static storage), or NULL when the value is the default or the attribute is not one of these. `attribute`
 * in any case. */
const char *validate_closed_attribute(struct bytes attribute, struct bytes value);

#endif
