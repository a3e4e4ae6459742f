#include "organization/permission_group.h"

#define BIT(name) RIGHT_BIT(RIGHT_##name)

/* Permissions document, table 6: the nine rights of Exchange 2003 servers, which externally secured servers
 * have too (relay document). */
#define NINE_RIGHTS                                                                                          \
    (BIT(SMTP_SUBMIT) | BIT(SMTP_ACCEPT_ANY_RECIPIENT) | BIT(SMTP_ACCEPT_AUTHENTICATION_FLAG) |              \
     BIT(SMTP_ACCEPT_ANY_SENDER) | BIT(SMTP_ACCEPT_AUTHORITATIVE_DOMAIN_SENDER) | BIT(BYPASS_ANTI_SPAM) |    \
     BIT(BYPASS_MESSAGE_SIZE_LIMIT) | BIT(SMTP_ACCEPT_EXCH50) | BIT(ACCEPT_HEADERS_ROUTING))
#define FOREST_AND_ORGANIZATION (BIT(ACCEPT_HEADERS_FOREST) | BIT(ACCEPT_HEADERS_ORGANIZATION))
/* "All receive rights": the eleven of table 4. */
#define ELEVEN_RIGHTS (NINE_RIGHTS | FOREST_AND_ORGANIZATION)
/* What Exchange 2010 and 2013 added for their own servers (facts 5.1). */
#define NEWER_RIGHTS                                                                                         \
    (BIT(SMTP_ACCEPT_XSHADOW) | BIT(SMTP_ACCEPT_XPROXYFROM) | BIT(SMTP_ACCEPT_XSESSIONPARAMS) |              \
     BIT(SMTP_ACCEPT_XATTR) | BIT(SMTP_ACCEPT_XSYSPROBE) |                                                   \
     BIT(SMTP_ACCEPT_XMESSAGECONTEXT_ADRECIPIENTCACHE) |                                                     \
     BIT(SMTP_ACCEPT_XMESSAGECONTEXT_EXTENDEDPROPERTIES) | BIT(SMTP_ACCEPT_XMESSAGECONTEXT_FASTINDEX))
#define ANONYMOUS_RIGHTS (BIT(SMTP_SUBMIT) | BIT(SMTP_ACCEPT_ANY_SENDER) | BIT(ACCEPT_HEADERS_ROUTING))
#define USER_RIGHTS      (BIT(SMTP_SUBMIT) | BIT(SMTP_ACCEPT_ANY_RECIPIENT))
#define PARTNER_RIGHTS   (BIT(SMTP_SUBMIT) | BIT(ACCEPT_HEADERS_ROUTING))

/* In each table the rows of hubs alone stand first, then those of both roles, then those of edges alone: a
 * hub takes a prefix and an edge a suffix. */
static const struct group_grant GRANTS_2007[] = {
    {GROUP_EXCHANGE_USERS, PRINCIPAL_AUTHENTICATED, USER_RIGHTS | BIT(BYPASS_ANTI_SPAM), 0},
    {GROUP_EXCHANGE_SERVERS, PRINCIPAL_EXCHANGE_SERVERS_GROUP, ELEVEN_RIGHTS, 0},
    {GROUP_EXCHANGE_LEGACY_SERVERS, PRINCIPAL_EXCHANGE_LEGACY_INTEROP_GROUP, NINE_RIGHTS, 0},
    {GROUP_EXCHANGE_LEGACY_SERVERS, PRINCIPAL_LEGACY_SERVERS, NINE_RIGHTS, 0},
    {GROUP_ANONYMOUS_USERS, PRINCIPAL_ANONYMOUS, ANONYMOUS_RIGHTS, 0},
    {GROUP_EXCHANGE_SERVERS, PRINCIPAL_HUB_SERVERS, ELEVEN_RIGHTS, 0},
    {GROUP_EXCHANGE_SERVERS, PRINCIPAL_EDGE_SERVERS, ELEVEN_RIGHTS, 0},
    {GROUP_EXCHANGE_SERVERS, PRINCIPAL_EXTERNALLY_SECURED, NINE_RIGHTS, 0},
    {GROUP_PARTNERS, PRINCIPAL_PARTNER_SERVERS, PARTNER_RIGHTS, 0},
};
#define EDGE_START_2007 4
#define HUB_COUNT_2007  9

static const struct group_grant GRANTS_2010[] = {
    {GROUP_EXCHANGE_USERS, PRINCIPAL_AUTHENTICATED,
     USER_RIGHTS | BIT(BYPASS_ANTI_SPAM) | BIT(ACCEPT_HEADERS_ROUTING), 0},
    {GROUP_EXCHANGE_SERVERS, PRINCIPAL_EXCHANGE_SERVERS_GROUP, ELEVEN_RIGHTS | NEWER_RIGHTS, 0},
    {GROUP_EXCHANGE_LEGACY_SERVERS, PRINCIPAL_EXCHANGE_LEGACY_INTEROP_GROUP, NINE_RIGHTS,
     FOREST_AND_ORGANIZATION},
    {GROUP_EXCHANGE_LEGACY_SERVERS, PRINCIPAL_LEGACY_SERVERS, NINE_RIGHTS, FOREST_AND_ORGANIZATION},
    {GROUP_ANONYMOUS_USERS, PRINCIPAL_ANONYMOUS,
     ANONYMOUS_RIGHTS | BIT(SMTP_ACCEPT_AUTHORITATIVE_DOMAIN_SENDER), 0},
    {GROUP_EXCHANGE_SERVERS, PRINCIPAL_HUB_SERVERS, ELEVEN_RIGHTS | NEWER_RIGHTS, 0},
    {GROUP_EXCHANGE_SERVERS, PRINCIPAL_EDGE_SERVERS, ELEVEN_RIGHTS | NEWER_RIGHTS, 0},
    {GROUP_EXCHANGE_SERVERS, PRINCIPAL_EXTERNALLY_SECURED, NINE_RIGHTS, 0},
    {GROUP_PARTNERS, PRINCIPAL_PARTNER_SERVERS, PARTNER_RIGHTS, 0},
    /* Facts 5.1: Bypass-Anti-Spam is for hubs only. */
    {GROUP_EXCHANGE_USERS, PRINCIPAL_AUTHENTICATED, USER_RIGHTS | BIT(ACCEPT_HEADERS_ROUTING), 0},
};
#define EDGE_START_2010 4
#define HUB_COUNT_2010  9

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

static const struct {
    const char *name;
    enum permission_group group;
} NAMES[] = {
    {"AnonymousUsers", GROUP_ANONYMOUS_USERS},
    {"ExchangeUsers", GROUP_EXCHANGE_USERS},
    {"ExchangeServers", GROUP_EXCHANGE_SERVERS},
    {"ExchangeLegacyServers", GROUP_EXCHANGE_LEGACY_SERVERS},
    {"Partners", GROUP_PARTNERS},
    {"Partner", GROUP_PARTNERS},
};

bool permission_group_by_name(struct bytes name, enum permission_group *out)
{
    for (size_t i = 0; i < COUNT_OF(NAMES); i++) {
        if (bytes_equal_text_nocase(name, NAMES[i].name)) {
            *out = NAMES[i].group;
            return true;
        }
    }
    return false;
}

const char *permission_group_name(enum permission_group group)
{
    for (size_t i = 0; i < COUNT_OF(NAMES); i++) {
        if (NAMES[i].group == group) {
            return NAMES[i].name;
        }
    }
    return "Custom";
}

const struct group_grant *permission_group_grants(enum permission_model model, bool is_edge,
                                                  size_t *out_count)
{
    switch (model) {
    case PERMISSION_MODEL_2007:
        *out_count = is_edge ? COUNT_OF(GRANTS_2007) - EDGE_START_2007 : HUB_COUNT_2007;
        return is_edge ? GRANTS_2007 + EDGE_START_2007 : GRANTS_2007;
    case PERMISSION_MODEL_2010:
        break;
    }
    *out_count = is_edge ? COUNT_OF(GRANTS_2010) - EDGE_START_2010 : HUB_COUNT_2010;
    return is_edge ? GRANTS_2010 + EDGE_START_2010 : GRANTS_2010;
}

bool permission_group_is_available(enum permission_group group, enum permission_model model, bool is_edge)
{
    size_t count;
    const struct group_grant *grants = permission_group_grants(model, is_edge, &count);
    for (size_t i = 0; i < count; i++) {
        if (grants[i].group == group) {
            return true;
        }
    }
    return false;
}

const struct sid *permission_group_sid(enum group_principal principal, const struct group_sids *sids)
{
    switch (principal) {
    case PRINCIPAL_ANONYMOUS:
        return sid_known(SID_ANONYMOUS);
    case PRINCIPAL_AUTHENTICATED:
        return sid_known(SID_AUTHENTICATED);
    case PRINCIPAL_PARTNER_SERVERS:
        return sid_known(SID_PARTNER_SERVERS);
    case PRINCIPAL_HUB_SERVERS:
        return sid_known(SID_HUB_SERVERS);
    case PRINCIPAL_EDGE_SERVERS:
        return sid_known(SID_EDGE_SERVERS);
    case PRINCIPAL_EXTERNALLY_SECURED:
        return sid_known(SID_EXTERNALLY_SECURED);
    case PRINCIPAL_LEGACY_SERVERS:
        return sid_known(SID_LEGACY_SERVERS);
    case PRINCIPAL_EXCHANGE_SERVERS_GROUP:
        return sids->exchange_servers;
    case PRINCIPAL_EXCHANGE_LEGACY_INTEROP_GROUP:
        return sids->legacy_interop;
    }
    return NULL;
}

enum error permission_group_add(struct access_list_builder *builder, uint32_t groups,
                                enum permission_model model, bool is_edge, const struct group_sids *sids,
                                const char *from)
{
    size_t count;
    const struct group_grant *grants = permission_group_grants(model, is_edge, &count);
    for (size_t i = 0; i < count; i++) {
        const struct sid *sid = permission_group_sid(grants[i].principal, sids);
        if (!(groups & grants[i].group) || sid == NULL) {
            continue;
        }
        struct access_grant grant = {.is_deny = true, .rights = grants[i].denied, .sid = *sid};
        struct ace_origin origin = {.from = from, .group = permission_group_name(grants[i].group)};
        enum error error = access_list_add_grant(builder, &grant, 0, &origin);
        if (error == OK) {
            grant.is_deny = false;
            grant.rights = grants[i].allowed;
            error = access_list_add_grant(builder, &grant, 0, &origin);
        }
        if (error != OK) {
            return error;
        }
    }
    return OK;
}
