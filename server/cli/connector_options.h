/* The options of connector new|set as attributes of the directory. Contract 4. */
#ifndef CLI_CONNECTOR_OPTIONS_H
#define CLI_CONNECTOR_OPTIONS_H

#include "base/arena.h"
#include "directory/directory.h"
#include "organization/organization.h"

#define CONNECTOR_ATTRIBUTES_MAX 64

enum connector_kind { CONNECTOR_UNKNOWN, CONNECTOR_RECEIVE, CONNECTOR_SEND };

enum connector_given {
    GIVEN_TRANSPORT_ROLE,
    GIVEN_ENABLED,
    GIVEN_FQDN,
    GIVEN_BINDINGS,
    GIVEN_REMOTE_IP_RANGES,
    GIVEN_PERMISSION_GROUPS,
    GIVEN_AUTH_MECHANISM,
    GIVEN_REQUIRE_TLS,
    GIVEN_SMART_HOSTS,
    GIVEN_SMART_HOST_AUTH,
    GIVEN_ADDRESS_SPACES,
    GIVEN_USAGE,
    GIVEN_COUNT
};

/* As they were typed. */
struct connector_options {
    const char *verb; /* "new", "set", "remove" */
    const char *name;
    enum connector_kind kind;
    const char *server; /* NULL: the configuration's */
    bool is_dry_run;
    const char *values[GIVEN_COUNT]; /* NULL: not given */
    const char *const *sets;         /* of --set: "attribute=value" */
    size_t set_count;
};

/* Attributes under construction; everything is in the arena or borrowed of the options. */
struct connector_attributes {
    struct arena *arena;
    enum directory_edit_kind edit; /* EDIT_ADD for a new object, else EDIT_REPLACE */
    struct directory_edit edits[CONNECTOR_ATTRIBUTES_MAX];
    size_t count;
};

/* argv[1] is the verb. The kind is what --type says, else what the options are for. ERROR_SYNTAX with a note:
 * an unknown option, or one that does not fit the type. */
MUST_USE enum error connector_options_parse(int argc, char **argv, struct arena *arena,
                                            struct connector_options *out, struct note *note);
/* Adds one value; the attribute is made when it is not there yet. ERROR_LIMIT. */
MUST_USE enum error connector_attributes_add(struct connector_attributes *attributes, const char *name,
                                             struct bytes value);
/* Takes an attribute's values away. ERROR_LIMIT. */
MUST_USE enum error connector_attributes_clear(struct connector_attributes *attributes, const char *name);
/* Translates the options; --usage alone is the caller's. security and flags: the present values of
 * msExchSmtpReceiveProtocolRestrictions or msExchSmtpOutboundSecurityFlag, and of msExchSmtpSendFlags. What
 * was there before of an attribute that an option or --set names is replaced. ERROR_SYNTAX with a note. */
MUST_USE enum error connector_options_translate(const struct connector_options *options, uint32_t security,
                                                uint32_t flags, struct connector_attributes *out,
                                                struct note *note);

#endif
