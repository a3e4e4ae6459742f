#include "security/access_check.h"

enum verdict { VERDICT_NONE, VERDICT_ALLOW, VERDICT_DENY };

/* What an ACE says of extended rights before anybody asks whom it means. Audit, system and unknown types
 * decide nothing. A callback's condition is not evaluated, and what is not known must not grant: the allow is
 * passed over, the deny counts. */
static enum verdict verdict_of(const struct ace *ace)
{
    if (ace->is_opaque || ace->flags & ACE_FLAG_INHERIT_ONLY)
        return VERDICT_NONE;
    /* Of the generic bits only GENERIC_ALL maps to rights with control access among them (facts 9.3). */
    if (!(ace->mask & (ACE_MASK_CONTROL_ACCESS | ACE_MASK_GENERIC_ALL)))
        return VERDICT_NONE;
    switch ((enum ace_type)ace->type) {
    case ACE_ALLOW:
    case ACE_ALLOW_OBJECT:
        return VERDICT_ALLOW;
    case ACE_DENY:
    case ACE_DENY_OBJECT:
    case ACE_DENY_CALLBACK:
    case ACE_DENY_CALLBACK_OBJECT:
        return VERDICT_DENY;
    case ACE_ALLOW_CALLBACK:
    case ACE_ALLOW_CALLBACK_OBJECT:
    case ACE_AUDIT:
    case ACE_AUDIT_OBJECT:
        break;
    }
    return VERDICT_NONE;
}

/* The rights it speaks of: all, or the one its ObjectType names, or none of ours. A GUID of zeros is a GUID.
 */
static uint32_t rights_of(const struct ace *ace)
{
    enum right right;

    if (!ace->has_object_type)
        return RIGHTS_ALL;
    return right_by_guid(&ace->object_type, &right) ? RIGHT_BIT(right) : 0;
}

static bool is_meant(const struct token *token, const struct ace *ace, enum verdict verdict)
{
    bool is_deny_only;

    return token_has(token, &ace->sid, &is_deny_only) && !(is_deny_only && verdict == VERDICT_ALLOW);
}

/* An index that does not fit decides all the same and stays nameless; no decoded DACL is that long. */
static void record(struct access_result *result, uint32_t rights, size_t index)
{
    uint16_t ace = index < ACCESS_NO_ACE ? (uint16_t)index : ACCESS_NO_ACE;

    for (; rights; rights &= rights - 1)
        result->ace[__builtin_ctz(rights)] = ace;
}

void access_check(const struct acl *dacl, const struct token *token, struct access_result *out)
{
    uint32_t undecided = RIGHTS_ALL;

    *out = (struct access_result){.granted = dacl->state == ACL_PRESENT ? 0 : RIGHTS_ALL};
    for (size_t i = 0; i < RIGHT_COUNT; i++)
        out->ace[i] = ACCESS_NO_ACE;
    if (dacl->state != ACL_PRESENT)
        return;
    for (size_t i = 0; i < dacl->count && undecided; i++) {
        const struct ace *ace = &dacl->aces[i];
        enum verdict verdict = verdict_of(ace);
        uint32_t decides;

        if (verdict == VERDICT_NONE)
            continue;
        decides = rights_of(ace) & undecided;
        if (!decides || !is_meant(token, ace, verdict))
            continue;
        if (verdict == VERDICT_ALLOW)
            out->granted |= decides;
        undecided &= ~decides;
        record(out, decides, i);
    }
}
