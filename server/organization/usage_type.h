/* What a new connector is given by what it is for: permissions document tables 7 and 8; facts 2.1, 5.2;
 * contract 7. Tables. */
#ifndef ORGANIZATION_USAGE_TYPE_H
#define ORGANIZATION_USAGE_TYPE_H

#include "organization/permission_group.h"

enum usage_type { USAGE_CUSTOM, USAGE_CLIENT, USAGE_INTERNAL, USAGE_INTERNET, USAGE_PARTNER };

struct receive_usage {
    uint32_t auth_mechanism;   /* enum auth_mechanism bits */
    uint32_t groups;           /* enum permission_group bits */
    uint32_t protocol_options; /* enum protocol_option bits */
    const char *binding;       /* where it listens unless said; NULL: that has to be said */
    uint32_t percent_per_source;
};

struct send_usage {
    const char *const *aces; /* dirrelayAce values, NULL-terminated */
    uint32_t flags;          /* enum send_flag bits, where there are smart hosts */
};

/* "Client", "Custom", "Internal", "Internet", "Partner"; any case. */
bool usage_type_by_name(struct bytes name, enum usage_type *out);
void usage_type_receive(enum usage_type usage, enum permission_model model, bool is_edge,
                        struct receive_usage *out);
/* False: there is no such send connector (Client). The group Exchange Servers of table 8 is left out: its
 * servers come as hub or edge servers. */
bool usage_type_send(enum usage_type usage, enum permission_model model, struct send_usage *out);

#endif
