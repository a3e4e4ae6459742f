/* The rules a connector must keep by itself (facts 1.3, 1.4, contract 7), as tables of condition and sentence. Pure. */
#ifndef ORGANIZATION_VALIDATE_H
#define ORGANIZATION_VALIDATE_H

#include "organization/organization.h"

/* NULL when all rules hold, else the sentence of the first broken rule (static storage): "BasicAuthRequireTLS needs both
 * Tls and BasicAuth". Includes what a later step brings and is closed until then: RequireTLS, DomainSecure, implicit TLS,
 * report-only … */
const char *validate_receive_connector(const struct receive_connector *connector, const struct server *server);
const char *validate_send_connector(const struct send_connector *connector);

#endif
