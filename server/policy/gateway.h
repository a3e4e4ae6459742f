/* A client that comes from a router's address may be anybody: a user-land proxy or NAT stands between, and
 * whoever names that address in a connector's ranges names the world (matrix D13). */
#ifndef POLICY_GATEWAY_H
#define POLICY_GATEWAY_H

#include "base/machine.h"
#include "policy/session_rights.h"

/* How clients keep their addresses. */
#define GATEWAY_MEND "network_mode: host, the PROXY protocol (server.proxy_trusted), or userland-proxy off"

/* Takes Accept-Any-Recipient from a session that has it by its address alone (anonymous, or externally
 * secured by its connector), or whose want of it would only be reported, when the address is that of one of
 * the machine's gateways and the administrator has not acknowledged an open relay. Who has proved himself
 * keeps it. Pure. */
void gateway_withhold(const struct machine *machine, const struct ip_address *client,
                      struct session_rights *rights);
/* Has gateway_withhold taken something that the session would have had? */
bool gateway_has_withheld(const struct session_rights *rights);
/* The first gateway that lies in a range of a connector in service whose clients may relay by their address,
 * or NULL: what will be withheld once somebody comes. */
const struct ip_address *gateway_in_range(const struct machine *machine,
                                          const struct receive_connector *connector);

#endif
