#include "security/rights.h"

#include <assert.h>

/* Reads like the text of the GUID. */
#define BYTE(value, shift) (uint8_t)((UINT64_C(0) + (value)) >> (shift))
#define GUID(a, b, c, d, e)                                                                                  \
    {                                                                                                        \
        {                                                                                                    \
            BYTE(a, 24), BYTE(a, 16), BYTE(a, 8), BYTE(a, 0), BYTE(b, 8), BYTE(b, 0), BYTE(c, 8),            \
                BYTE(c, 0), BYTE(d, 8), BYTE(d, 0), BYTE(e, 40), BYTE(e, 32), BYTE(e, 24), BYTE(e, 16),      \
                BYTE(e, 8), BYTE(e, 0)                                                                       \
        }                                                                                                    \
    }

/* clang-format off */
static const struct right_row rows[RIGHT_COUNT] = {
    [RIGHT_SMTP_SUBMIT] = {"ms-Exch-SMTP-Submit", "Submit Messages to Server", "SMTPSubmit",
        GUID(0xa18293f1, 0x0685, 0x4540, 0xaa63, 0xe32df421b3a2)},
    [RIGHT_SMTP_SUBMIT_FOR_MLS] = {"ms-Exch-SMTP-Submit-For-MLS", "Submit Messages for MLS", "SMTPSubmitForMLS",
        GUID(0x8fc01282, 0x006d, 0x42b1, 0x81e3, 0xc0b46bed3754)},
    [RIGHT_SMTP_ACCEPT_ANY_RECIPIENT] = {"ms-Exch-SMTP-Accept-Any-Recipient", "Submit Messages to any Recipient", "SMTPAcceptAnyRecipient",
        GUID(0x5c82f031, 0x4e4c, 0x4326, 0x88e1, 0x8c4f0cad9de5)},
    [RIGHT_SMTP_ACCEPT_AUTHENTICATION_FLAG] = {"ms-Exch-SMTP-Accept-Authentication-Flag", "Accept Authentication Flag", "SMTPAcceptAuthenticationFlag",
        GUID(0x1c75aca8, 0xb56b, 0x48b3, 0xa021, 0x858a29fa877b)},
    [RIGHT_SMTP_ACCEPT_ANY_SENDER] = {"ms-Exch-SMTP-Accept-Any-Sender", "Accept Any Sender", "SMTPAcceptAnySender",
        GUID(0xb857b50b, 0x94a2, 0x4b53, 0x93f6, 0x41cebd2fced0)},
    [RIGHT_SMTP_ACCEPT_AUTHORITATIVE_DOMAIN_SENDER] = {"ms-Exch-SMTP-Accept-Authoritative-Domain-Sender", "Accept Authoritative Domain Sender", "SMTPAcceptAuthoritativeDomainSender",
        GUID(0xc22841f4, 0x96cb, 0x498a, 0xac02, 0xf9a87c74eb14)},
    [RIGHT_BYPASS_ANTI_SPAM] = {"ms-Exch-Bypass-Anti-Spam", "Bypass Anti-Spam", "BypassAntiSpam",
        GUID(0xd19299b4, 0x86c2, 0x4c9a, 0x8fa7, 0xacb70c63023a)},
    [RIGHT_BYPASS_MESSAGE_SIZE_LIMIT] = {"ms-Exch-Bypass-Message-Size-Limit", "Bypass Message Size Limit", "BypassMessageSizeLimit",
        GUID(0x6760cfc5, 0x70f4, 0x4ae8, 0xbc39, 0x9522d86ac69b)},
    [RIGHT_SMTP_SEND_EXCH50] = {"ms-Exch-SMTP-Send-Exch50", "Send Exch50", "SMTPSendEXCH50",
        GUID(0x11716db4, 0x9647, 0x4bce, 0x8922, 0x1f99e526cb41)},
    [RIGHT_SMTP_ACCEPT_EXCH50] = {"ms-Exch-SMTP-Accept-Exch50", "Accept Exch50", "SMTPAcceptEXCH50",
        GUID(0xe373fb21, 0xd851, 0x4d15, 0xaf23, 0x982f09f2400b)},
    [RIGHT_ACCEPT_HEADERS_ROUTING] = {"ms-Exch-Accept-Headers-Routing", "Accept Routing Headers", "AcceptRoutingHeaders",
        GUID(0x04031f4f, 0x7c36, 0x43ea, 0x9b49, 0x4bd0f5f1e6af)},
    [RIGHT_ACCEPT_HEADERS_FOREST] = {"ms-Exch-Accept-Headers-Forest", "Accept Forest Headers", "AcceptForestHeaders",
        GUID(0xa7a9ea66, 0xe08c, 0x4e23, 0x8fe7, 0x68c40e49c6c0)},
    [RIGHT_ACCEPT_HEADERS_ORGANIZATION] = {"ms-Exch-Accept-Headers-Organization", "Accept Organization Headers", "AcceptOrganizationHeaders",
        GUID(0xc307dccd, 0x6676, 0x4d19, 0x95c8, 0xd1567fab9820)},
    [RIGHT_SEND_HEADERS_ROUTING] = {"ms-Exch-Send-Headers-Routing", "Send Routing Headers", "SendRoutingHeaders",
        GUID(0xeb8c07ad, 0xb5ad, 0x49c3, 0x831e, 0xbc439cca4c2a)},
    [RIGHT_SEND_HEADERS_FOREST] = {"ms-Exch-Send-Headers-Forest", "Send Forest Headers", "SendForestHeaders",
        GUID(0xb3f9f977, 0x552c, 0x4ee6, 0x9781, 0x59280a81417b)},
    [RIGHT_SEND_HEADERS_ORGANIZATION] = {"ms-Exch-Send-Headers-Organization", "Send Organization Headers", "SendOrganizationHeaders",
        GUID(0x2f7d0e23, 0xf951, 0x4ed0, 0x8e71, 0x39b6a22fa298)},
    [RIGHT_SEND_AS] = {"Send-As", "Send As", "SendAs",
        GUID(0xab721a54, 0x1e2f, 0x11d0, 0x9819, 0x00aa0040529b)},
    [RIGHT_SMTP_SEND_XSHADOW] = {"ms-Exch-SMTP-Send-XShadow", "Send XShadow", "SMTPSendXShadow",
        GUID(0x5bc2acab, 0xad7d, 0x4878, 0xb6cd, 0x3122a47c6a1c)},
    [RIGHT_SMTP_ACCEPT_XSHADOW] = {"ms-Exch-SMTP-Accept-XShadow", "Accept XShadow", "SMTPAcceptXShadow",
        GUID(0x811d004b, 0xe2ed, 0x4024, 0x8953, 0x0f0fb0612e47)},
    [RIGHT_SMTP_ACCEPT_XPROXYFROM] = {"ms-Exch-SMTP-Accept-XProxyFrom", "Accept XProxyFrom", "SMTPAcceptXProxyFrom",
        GUID(0x5bee2b72, 0x50d7, 0x49c7, 0xba66, 0x39a25daa1e92)},
    [RIGHT_SMTP_ACCEPT_XSESSIONPARAMS] = {"ms-Exch-SMTP-Accept-XSessionParams", "Accept XSessionParams", "SMTPAcceptXSessionParams",
        GUID(0xc08e6405, 0xfccb, 0x4c21, 0x9985, 0x2e865bcf15d5)},
    [RIGHT_SMTP_ACCEPT_XMESSAGECONTEXT_ADRECIPIENTCACHE] = {"ms-Exch-SMTP-Accept-XMessageContext-ADRecipientCache", "XMessageContext AD Recipient Cache", "SMTPAcceptXMessageContextADRecipientCache",
        GUID(0xb938d9df, 0x1f37, 0x41d3, 0x8cdc, 0xf4148f20076d)},
    [RIGHT_SMTP_ACCEPT_XMESSAGECONTEXT_EXTENDEDPROPERTIES] = {"ms-Exch-SMTP-Accept-XMessageContext-ExtendedProperties", "XMessageContext Extended Properties", "SMTPAcceptXMessageContextExtendedProperties",
        GUID(0xe1f584b5, 0x11c8, 0x451b, 0x91e8, 0x045c75973912)},
    [RIGHT_SMTP_ACCEPT_XMESSAGECONTEXT_FASTINDEX] = {"ms-Exch-SMTP-Accept-XMessageContext-FastIndex", "XMessageContext Fast Index", "SMTPAcceptXMessageContextFastIndex",
        GUID(0x5669b1b6, 0xdca0, 0x429b, 0x8fdb, 0xfc5b07c0f73f)},
    [RIGHT_SMTP_ACCEPT_XATTR] = {"ms-Exch-SMTP-Accept-XAttr", "Accept XAttr", "SMTPAcceptXAttr",
        GUID(0xc62e96a4, 0x6f25, 0x497b, 0x8d41, 0x70cbd25eaa99)},
    [RIGHT_SMTP_ACCEPT_XSYSPROBE] = {"ms-Exch-SMTP-Accept-XSysProbe", "Accept XSysProbe", "SMTPAcceptXSysProbe",
        GUID(0x5db60ab1, 0x1ad4, 0x4863, 0xb9be, 0xfbc5b00691a3)},
};
/* clang-format on */

/* Shorthand of the permissions document, which leaves SMTP out. */
static const struct {
    const char *name;
    enum right right;
} other_names[] = {
    {"ms-Exch-Send-Exch50", RIGHT_SMTP_SEND_EXCH50},
    {"ms-Exch-Accept-Exch50", RIGHT_SMTP_ACCEPT_EXCH50},
};

/* A perfect hash: this multiplier sends the first four octets of the 26 GUIDs to 26 different slots, each
 * holding the right plus one. A unit test asks for every right, so a new row that collides is noticed. */
#define SLOT_MULTIPLIER UINT32_C(0x5048064f)
#define SLOT_BITS       6
static const uint8_t slots[1 << SLOT_BITS] = {0,  0,  19, 0,  0, 0, 0,  0,  0,  9, 8, 0, 14, 0,  0, 17,
                                              0,  0,  0,  5,  0, 0, 0,  23, 0,  0, 0, 0, 21, 22, 3, 16,
                                              26, 12, 13, 0,  0, 7, 4,  0,  0,  0, 6, 0, 2,  0,  0, 15,
                                              0,  0,  20, 11, 1, 0, 10, 25, 18, 0, 0, 0, 0,  0,  0, 24};

static uint32_t slot_of(const struct guid *guid)
{
    const uint8_t *octets = guid->octets;
    uint32_t first = (uint32_t)octets[0] << 24 | (uint32_t)octets[1] << 16 | (uint32_t)octets[2] << 8 |
                     (uint32_t)octets[3];

    return first * SLOT_MULTIPLIER >> (32 - SLOT_BITS);
}

const struct right_row *right_row(enum right right)
{
    assert((unsigned)right < RIGHT_COUNT);
    return &rows[right];
}

bool right_by_name(struct bytes name, enum right *out)
{
    for (size_t i = 0; i < RIGHT_COUNT; i++) {
        if (bytes_equal_text_nocase(name, rows[i].name)) {
            *out = (enum right)i;
            return true;
        }
    }
    for (size_t i = 0; i < sizeof(other_names) / sizeof(other_names[0]); i++) {
        if (bytes_equal_text_nocase(name, other_names[i].name)) {
            *out = other_names[i].right;
            return true;
        }
    }
    return false;
}

bool right_by_guid(const struct guid *guid, enum right *out)
{
    uint8_t slot = slots[slot_of(guid)];

    if (slot == 0 || !guid_equal(guid, &rows[slot - 1].guid))
        return false;
    *out = (enum right)(slot - 1);
    return true;
}
