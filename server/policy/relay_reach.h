/* Who may reach any recipient: all addresses and identities, exactly. For lint --who-may-relay. */
#ifndef POLICY_RELAY_REACH_H
#define POLICY_RELAY_REACH_H

#include "base/machine.h"
#include "organization/organization.h"

/* One run of client addresses at one binding. What stands in no run reaches no recipient but those of
 * accepted domains. */
struct relay_run {
    struct ip_endpoint local; /* 0.0.0.0 or ::: every address that has no binding of its own at that port */
    struct ip_range clients;
    const struct receive_connector *connector;
    uint32_t identities;                      /* of the fixed ones: 1u << enum identity */
    const struct ace_origin *const *accounts; /* the ACEs that let accounts, once they have logged in */
    size_t account_count;
    bool is_every_account; /* whoever logs in */
};

/* By binding, then by address; neighbours that differ in nothing are one run. "May relay" is Submit together
 * with Accept-Any-Recipient (or an accepted domain "*"), held or only reported (dirrelayReportOnly); the
 * identities are those that the connector can give a session, and a gateway of the machine is one by itself.
 * For accounts an ACE is named where it decides for a token of its trustee; a deny for another of the
 * account's groups may still take the right away. All of it is in the arena or in the organization. Linear in
 * the segments of connector_index. ERROR_LIMIT. */
MUST_USE enum error relay_reach(const struct organization *organization, const struct machine *machine,
                                struct arena *arena, const struct relay_run **out, size_t *out_count);

#endif
