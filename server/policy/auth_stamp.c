#include "policy/auth_stamp.h"

#define PREFIX             "X-MS-Exchange-Organization-"
#define DOMAIN_SECURE_MARK "030e9e2f-134b-4020-861c-5bfc616f113d" /* the Classification of facts 6.2 */

static bool has(const struct auth_evidence *evidence, enum right right)
{
    return (evidence->rights & RIGHT_BIT(right)) != 0;
}

enum auth_as auth_stamp_decide(const struct auth_evidence *evidence)
{
    bool may_flag = has(evidence, RIGHT_SMTP_ACCEPT_AUTHENTICATION_FLAG);
    if (evidence->is_declared_anonymous && may_flag) {
        return AUTH_AS_ANONYMOUS;
    }
    if (evidence->identity == IDENTITY_PARTNER) {
        return AUTH_AS_PARTNER;
    }
    bool speaks_for_itself = !has(evidence, RIGHT_SMTP_ACCEPT_ANY_SENDER) &&
                             !has(evidence, RIGHT_SMTP_ACCEPT_AUTHORITATIVE_DOMAIN_SENDER);
    return evidence->identity != IDENTITY_ANONYMOUS && (may_flag || speaks_for_itself) ? AUTH_AS_INTERNAL
                                                                                       : AUTH_AS_ANONYMOUS;
}

static const char *auth_as_name(enum auth_as as)
{
    switch (as) {
    case AUTH_AS_ANONYMOUS:
        return "Anonymous";
    case AUTH_AS_INTERNAL:
        return "Internal";
    case AUTH_AS_PARTNER:
        return "Partner";
    }
    return NULL;
}

static unsigned mechanism_code(const struct auth_evidence *evidence)
{
    switch (evidence->identity) {
    case IDENTITY_ANONYMOUS:
        return STAMP_NONE;
    case IDENTITY_PARTNER:
        return STAMP_MUTUAL_TLS;
    case IDENTITY_HUB:
    case IDENTITY_EDGE:
        return STAMP_DIRECT_TRUST;
    case IDENTITY_EXTERNALLY_SECURED:
        return STAMP_EXTERNALLY_SECURED;
    case IDENTITY_LEGACY:
    case IDENTITY_ACCOUNT:
        break;
    }
    return evidence->mechanism;
}

struct auth_stamp auth_stamp_plan(const struct auth_evidence *evidence, struct bytes block)
{
    struct auth_stamp stamp = {.as = auth_stamp_decide(evidence)};
    struct header_field field;
    if (has(evidence, RIGHT_ACCEPT_HEADERS_ORGANIZATION) && header_find(block, PREFIX "AuthAs", &field)) {
        stamp.is_trusted = stamp.as != AUTH_AS_ANONYMOUS;
        stamp.keeps_source = stamp.as == AUTH_AS_ANONYMOUS && header_count(block, PREFIX "AuthSource") == 1 &&
                             bytes_equal_text_nocase(header_value(&field), "Anonymous");
    }
    return stamp;
}

bool auth_stamp_removes(const struct auth_stamp *stamp, const struct header_field *field)
{
    if (stamp->is_trusted || (stamp->keeps_source && header_name_is(field, PREFIX "AuthSource"))) {
        return false;
    }
    return header_name_starts(field, PREFIX "Auth");
}

static enum error append_field(struct buffer *out, const char *name, struct bytes value)
{
    enum error error = buffer_append_text(out, name);
    if (error == OK) {
        error = buffer_append(out, value);
    }
    return error == OK ? buffer_append_text(out, "\r\n") : error;
}

static enum error append_mechanism(struct buffer *out, unsigned code)
{
    static const char digits[] = "0123456789abcdef";
    const char text[2] = {digits[code >> 4 & 15], digits[code & 15]};
    return append_field(out, PREFIX "AuthMechanism: ", (struct bytes){text, sizeof text});
}

enum error auth_stamp_append(const struct auth_stamp *stamp, const struct auth_evidence *evidence,
                             struct buffer *out)
{
    if (stamp->is_trusted) {
        return OK;
    }
    enum error error = OK;
    if (!stamp->keeps_source) {
        error = append_field(out, PREFIX "AuthSource: ", evidence->server);
    }
    if (error == OK) {
        error = append_field(out, PREFIX "AuthAs: ", bytes_of_text(auth_as_name(stamp->as)));
    }
    if (error == OK && stamp->as != AUTH_AS_ANONYMOUS) {
        error = append_mechanism(out, mechanism_code(evidence));
    }
    if (error == OK && stamp->as == AUTH_AS_PARTNER) {
        error = append_field(out, PREFIX "AuthDomain: ", evidence->partner_domain);
    }
    if (error == OK && stamp->as == AUTH_AS_PARTNER) {
        error = append_field(out, PREFIX "Classification: ", BYTES_LITERAL(DOMAIN_SECURE_MARK));
    }
    return error;
}

bool auth_stamp_is_internal(struct bytes block)
{
    struct header_field field;
    return header_count(block, PREFIX "AuthAs") == 1 && header_find(block, PREFIX "AuthAs", &field) &&
           bytes_equal_text_nocase(header_value(&field), "Internal");
}

bool auth_stamp_makes_internal(const struct auth_evidence *evidence, struct bytes block)
{
    struct auth_stamp stamp = auth_stamp_plan(evidence, block);
    return stamp.is_trusted ? auth_stamp_is_internal(block) : stamp.as == AUTH_AS_INTERNAL;
}
