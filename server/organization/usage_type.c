#include "organization/usage_type.h"

#include "organization/send_connector.h"

#define ALL_FOUR                                                                                             \
    "allow ms-Exch-SMTP-Send-Exch50,ms-Exch-Send-Headers-Routing,ms-Exch-Send-Headers-Forest,"               \
    "ms-Exch-Send-Headers-Organization to "
#define WITH_SHADOW                                                                                          \
    "allow ms-Exch-SMTP-Send-Exch50,ms-Exch-Send-Headers-Routing,ms-Exch-Send-Headers-Forest,"               \
    "ms-Exch-Send-Headers-Organization,ms-Exch-SMTP-Send-XShadow to "
#define OLD_SERVERS "allow ms-Exch-SMTP-Send-Exch50,ms-Exch-Send-Headers-Routing to "
#define ROUTING     "allow ms-Exch-Send-Headers-Routing to "

static const char *const NAMES[] = {
    [USAGE_CUSTOM] = "Custom",     [USAGE_CLIENT] = "Client",   [USAGE_INTERNAL] = "Internal",
    [USAGE_INTERNET] = "Internet", [USAGE_PARTNER] = "Partner",
};
#define USAGE_COUNT (sizeof(NAMES) / sizeof(NAMES[0]))

/* Table 7, and what later versions write. */
static const struct {
    uint32_t mechanism[2]; /* by enum permission_model */
    uint32_t groups;
    uint32_t options; /* beside the default ones */
    const char *binding;
} RECEIVE[USAGE_COUNT] = {
    [USAGE_CUSTOM] = {{0, 0}, 0, 0, NULL},
    [USAGE_CLIENT] = {{[PERMISSION_MODEL_2010] =
                           AUTH_TLS | AUTH_INTEGRATED | AUTH_BASIC | AUTH_BASIC_REQUIRE_TLS,
                       [PERMISSION_MODEL_2007] = AUTH_TLS | AUTH_BASIC | AUTH_BASIC_REQUIRE_TLS},
                      GROUP_EXCHANGE_USERS,
                      0,
                      "0.0.0.0:587"},
    [USAGE_INTERNAL] = {{[PERMISSION_MODEL_2010] = AUTH_TLS | AUTH_EXCHANGE_SERVER,
                         [PERMISSION_MODEL_2007] = AUTH_EXCHANGE_SERVER},
                        GROUP_EXCHANGE_SERVERS | GROUP_EXCHANGE_LEGACY_SERVERS,
                        0,
                        "0.0.0.0:25"},
    [USAGE_INTERNET] = {{[PERMISSION_MODEL_2010] = AUTH_TLS, [PERMISSION_MODEL_2007] = 0},
                        GROUP_ANONYMOUS_USERS | GROUP_PARTNERS,
                        0,
                        "0.0.0.0:25"},
    [USAGE_PARTNER] = {{AUTH_TLS, AUTH_TLS}, GROUP_PARTNERS, OPTION_DOMAIN_SECURE, "0.0.0.0:25"},
};

static const char *const NOBODY[] = {NULL};
static const char *const INTERNAL_2007[] = {ALL_FOUR "hub-servers", ALL_FOUR "edge-servers",
                                            ALL_FOUR "externally-secured-servers", ALL_FOUR "legacy-servers",
                                            NULL};
static const char *const INTERNET_2007[] = {ROUTING "anonymous", NULL};
static const char *const PARTNER_2007[] = {ROUTING "partner-servers", NULL};
/* Facts 5.2: the same whatever the usage. */
static const char *const ANY_2010[] = {ROUTING "anonymous",
                                       ROUTING "partner-servers",
                                       OLD_SERVERS "legacy-servers",
                                       OLD_SERVERS "externally-secured-servers",
                                       WITH_SHADOW "hub-servers",
                                       WITH_SHADOW "edge-servers",
                                       NULL};

/* Table 8; NULL: none such. */
static const char *const *const SEND[USAGE_COUNT][2] = {
    [USAGE_CUSTOM] = {NOBODY, NOBODY},
    [USAGE_INTERNAL] = {[PERMISSION_MODEL_2010] = ANY_2010, [PERMISSION_MODEL_2007] = INTERNAL_2007},
    [USAGE_INTERNET] = {[PERMISSION_MODEL_2010] = ANY_2010, [PERMISSION_MODEL_2007] = INTERNET_2007},
    [USAGE_PARTNER] = {[PERMISSION_MODEL_2010] = ANY_2010, [PERMISSION_MODEL_2007] = PARTNER_2007},
};

bool usage_type_by_name(struct bytes name, enum usage_type *out)
{
    for (size_t i = 0; i < USAGE_COUNT; i++) {
        if (bytes_equal_text_nocase(name, NAMES[i])) {
            *out = (enum usage_type)i;
            return true;
        }
    }
    return false;
}

void usage_type_receive(enum usage_type usage, enum permission_model model, bool is_edge,
                        struct receive_usage *out)
{
    const bool is_inner = usage == USAGE_INTERNAL && model == PERMISSION_MODEL_2010 && !is_edge;
    *out = (struct receive_usage){
        .auth_mechanism = RECEIVE[usage].mechanism[model],
        .groups = RECEIVE[usage].groups,
        .protocol_options =
            PROTOCOL_OPTIONS_DEFAULT | RECEIVE[usage].options | (is_inner ? OPTION_SIZE_HIDDEN : 0u),
        .binding = RECEIVE[usage].binding,
        .percent_per_source = is_inner ? 100 : 2,
    };
    for (uint32_t group = 1; group < GROUP_CUSTOM; group <<= 1) {
        if (!permission_group_is_available((enum permission_group)group, model, is_edge)) {
            out->groups &= ~group;
        }
    }
}

bool usage_type_send(enum usage_type usage, enum permission_model model, struct send_usage *out)
{
    *out = (struct send_usage){.aces = SEND[usage][model],
                               .flags = usage == USAGE_INTERNAL ? SEND_AUTH_EXCHANGE_SERVER : 0};
    return out->aces != NULL;
}
