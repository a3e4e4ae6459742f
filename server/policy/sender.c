#include "policy/sender.h"

#include "mail/header_block.h"

bool sender_is_own(const struct organization *organization, const struct address *address)
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

/* Facts 8.4: a partner sends from the domain it proved. */
static bool is_partners_own(const struct session_rights *rights, const struct address *sender)
{
    return rights->identity == IDENTITY_PARTNER && rights->partner_domain != NULL && !sender->is_literal &&
           bytes_equal(address_domain(sender), bytes_of_text(rights->partner_domain));
}

struct decision sender_check(const struct organization *organization, const struct session_rights *rights,
                             const struct address *sender, enum send_as send_as)
{
    if (address_is_null(sender)) {
        return decision_allow();
    }
    if (is_partners_own(rights, sender)) {
        return decision_allow();
    }
    enum right needed = sender_is_own(organization, sender) ? RIGHT_SMTP_ACCEPT_AUTHORITATIVE_DOMAIN_SENDER
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
    bool has_sender;       /* Sender was given: From is no sender */
    struct address sender; /* the last of them */
    size_t sender_count;   /* different ones */
    size_t address_count;
    struct sender_questions *needed;
    struct decision decision; /* the first refusal, or allow */
};

/* Nobody can say who such an address is, so only both rights would do. */
static struct decision refuse_unreadable(const struct session_rights *rights)
{
    bool has_any = session_rights_has(rights, RIGHT_SMTP_ACCEPT_ANY_SENDER);
    return decision_deny_right(REASON_SEND_AS, has_any ? RIGHT_SMTP_ACCEPT_AUTHORITATIVE_DOMAIN_SENDER
                                                       : RIGHT_SMTP_ACCEPT_ANY_SENDER);
}

static bool is_needed(const struct sender_questions *needed, const struct address *address)
{
    for (size_t i = 0; i < needed->count; i++) {
        if (address_equal(&needed->rows[i].address, address)) {
            return true;
        }
    }
    return false;
}

/* The directory is asked later, once for an address. */
static struct decision put_off(struct sender_questions *needed, const struct address *address,
                               enum sender_matter matter)
{
    if (is_needed(needed, address)) {
        return decision_allow();
    }
    if (needed->count == SENDER_QUESTIONS_MAX) {
        return decision_deny_right(REASON_SEND_AS, RIGHT_SMTP_ACCEPT_AUTHORITATIVE_DOMAIN_SENDER);
    }
    needed->rows[needed->count++] = (struct sender_question){*address, matter};
    return decision_allow();
}

static struct decision refuse_on_behalf(void)
{
    return decision_deny_right(REASON_SEND_ON_BEHALF, RIGHT_SMTP_ACCEPT_ANY_SENDER);
}

/* A From beside a Sender, of an account without rights for senders. */
static struct decision check_from_beside_sender(struct header_check *check, const struct address *from)
{
    bool is_looked_up = check->rights->identity == IDENTITY_ACCOUNT &&
                        !session_rights_has(check->rights, RIGHT_SMTP_ACCEPT_ANY_SENDER) &&
                        !session_rights_has(check->rights, RIGHT_SMTP_ACCEPT_AUTHORITATIVE_DOMAIN_SENDER);
    if (!is_looked_up || address_equal(from, check->envelope_sender)) {
        return decision_allow();
    }
    if (is_needed(check->needed, from)) {
        return decision_allow();
    }
    if (check->sender_count > 1) {
        return refuse_on_behalf();
    }
    /* Who the sender is has to be known too, also where it equals the envelope's. */
    (void)put_off(check->needed, &check->sender, SENDER_SEND_AS);
    return put_off(check->needed, from, SENDER_ON_BEHALF);
}

static struct decision check_sender(struct header_check *check, const struct address *address)
{
    if (check->sender_count == 0 || !address_equal(address, &check->sender)) {
        check->sender_count++;
        check->sender = *address;
    }
    if (address_equal(address, check->envelope_sender)) {
        return decision_allow();
    }
    struct decision decision = sender_check(check->organization, check->rights, address, SEND_AS_NOT_ASKED);
    return decision.verdict == VERDICT_NEED ? put_off(check->needed, address, SENDER_SEND_AS) : decision;
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
    } else {
        check->decision =
            check->has_sender ? check_from_beside_sender(check, &address) : check_sender(check, &address);
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
                                    const struct address *envelope_sender, struct bytes header_block,
                                    struct sender_questions *out_needed)
{
    struct header_check check = {.organization = organization,
                                 .rights = rights,
                                 .envelope_sender = envelope_sender,
                                 .needed = out_needed,
                                 .decision = decision_allow()};
    out_needed->count = 0;
    if (session_rights_has(rights, RIGHT_SMTP_ACCEPT_ANY_SENDER) &&
        session_rights_has(rights, RIGHT_SMTP_ACCEPT_AUTHORITATIVE_DOMAIN_SENDER)) {
        return check.decision;
    }
    check_fields(&check, header_block, "Sender");
    check.has_sender = check.address_count > 0;
    check_fields(&check, header_block, "From");
    bool is_undecided = check.decision.verdict == VERDICT_ALLOW && out_needed->count > 0;
    return is_undecided ? decision_need() : check.decision;
}

struct decision sender_check_on_behalf(const struct on_behalf *on_behalf)
{
    bool is_allowed = on_behalf->is_nobodys || on_behalf->is_held || on_behalf->is_delegate;
    return is_allowed ? decision_allow() : refuse_on_behalf();
}
