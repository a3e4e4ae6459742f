#include "policy/sender.h"

#include "mail/header_block.h"

/* Is the domain one of ours for the sender check (contract 7)? An address without a domain is the local
 * postmaster's. */
static bool is_own_domain(const struct organization *organization, const struct address *address)
{
    if (address->domain_len == 0) {
        return true;
    }
    const struct accepted_domain *domain =
        address->is_literal ? NULL : accepted_domain_find(organization, address_domain(address));
    if (domain == NULL) {
        return false;
    }
    return domain->type == DOMAIN_AUTHORITATIVE ||
           (domain->type == DOMAIN_INTERNAL_RELAY && organization->server.model == PERMISSION_MODEL_2010);
}

/* Without the rights: is it the directory that decides? */
static bool may_be_send_as(const struct organization *organization, const struct session_rights *rights,
                           enum right needed)
{
    return needed == RIGHT_SMTP_ACCEPT_AUTHORITATIVE_DOMAIN_SENDER && rights->identity == IDENTITY_ACCOUNT &&
           !(organization->server.roles & ROLE_EDGE);
}

struct decision sender_check(const struct organization *organization, const struct session_rights *rights,
                             const struct address *sender, enum send_as send_as)
{
    if (address_is_null(sender)) {
        return decision_allow();
    }
    enum right needed = is_own_domain(organization, sender) ? RIGHT_SMTP_ACCEPT_AUTHORITATIVE_DOMAIN_SENDER
                                                            : RIGHT_SMTP_ACCEPT_ANY_SENDER;
    if (session_rights_has(rights, needed)) {
        return decision_allow();
    }
    if (may_be_send_as(organization, rights, needed) && send_as != SEND_AS_NOT_HELD) {
        return send_as == SEND_AS_HELD ? decision_allow() : decision_need();
    }
    return decision_deny_right(REASON_SEND_AS, needed);
}

/* What the check of the header carries along. */
struct header_check {
    const struct organization *organization;
    const struct session_rights *rights;
    const struct address *envelope_sender;
    bool has_sender; /* Sender was given: From is only parsed */
    size_t address_count;
    struct decision decision; /* the first refusal, or allow */
};

/* Nobody can say who such an address is, so only both rights would do. */
static struct decision refuse_unreadable(const struct session_rights *rights)
{
    bool has_any = session_rights_has(rights, RIGHT_SMTP_ACCEPT_ANY_SENDER);
    return decision_deny_right(REASON_SEND_AS, has_any ? RIGHT_SMTP_ACCEPT_AUTHORITATIVE_DOMAIN_SENDER
                                                       : RIGHT_SMTP_ACCEPT_ANY_SENDER);
}

static void check_address(struct bytes text, void *owner)
{
    struct header_check *check = owner;
    struct address address;
    check->address_count++;
    if (check->decision.verdict != VERDICT_ALLOW) {
        return;
    }
    if (address_parse(text, true, &address) != ADDRESS_OK) {
        check->decision = refuse_unreadable(check->rights);
    } else if (!check->has_sender && !address_equal(&address, check->envelope_sender)) {
        check->decision = sender_check(check->organization, check->rights, &address, SEND_AS_NOT_HELD);
    }
}

/* Asks for every address of every field of this name: where a name stands twice, nobody knows which one a
 * later reader takes (matrix F15). */
static void check_fields(struct header_check *check, struct bytes block, const char *name)
{
    struct header_field field;
    while (check->decision.verdict == VERDICT_ALLOW && header_next(&block, &field)) {
        if (header_name_is(&field, name) && !header_each_address(field.body, check_address, check) &&
            check->decision.verdict == VERDICT_ALLOW) {
            check->decision = refuse_unreadable(check->rights);
        }
    }
}

struct decision sender_check_header(const struct organization *organization,
                                    const struct session_rights *rights,
                                    const struct address *envelope_sender, struct bytes header_block)
{
    struct header_check check = {.organization = organization,
                                 .rights = rights,
                                 .envelope_sender = envelope_sender,
                                 .decision = decision_allow()};
    if (session_rights_has(rights, RIGHT_SMTP_ACCEPT_ANY_SENDER) &&
        session_rights_has(rights, RIGHT_SMTP_ACCEPT_AUTHORITATIVE_DOMAIN_SENDER)) {
        return check.decision;
    }
    check_fields(&check, header_block, "Sender");
    check.has_sender = check.address_count > 0;
    check_fields(&check, header_block, "From");
    return check.decision;
}
