#include "security/sddl_names.h"

#include "security/ace.h"
#include "security/descriptor.h"

const struct sddl_name sddl_ace_types[] = {
    {"A", ACE_ALLOW},
    {"D", ACE_DENY},
    {"OA", ACE_ALLOW_OBJECT},
    {"OD", ACE_DENY_OBJECT},
    {"AU", ACE_AUDIT},
    {"OU", ACE_AUDIT_OBJECT},
    {NULL, 0},
};

const struct sddl_name sddl_ace_flags[] = {
    {"OI", ACE_FLAG_OBJECT_INHERIT}, {"CI", ACE_FLAG_CONTAINER_INHERIT},
    {"NP", ACE_FLAG_NO_PROPAGATE},   {"IO", ACE_FLAG_INHERIT_ONLY},
    {"ID", ACE_FLAG_INHERITED},      {"SA", ACE_FLAG_SUCCESS_AUDIT},
    {"FA", ACE_FLAG_FAILED_AUDIT},   {NULL, 0},
};

const struct sddl_name sddl_acl_flags[] = {
    {"P", DESCRIPTOR_DACL_PROTECTED},
    {"AR", DESCRIPTOR_DACL_INHERIT_REQUIRED},
    {"AI", DESCRIPTOR_DACL_AUTO_INHERITED},
    {NULL, 0},
};

const struct sddl_name sddl_rights[] = {
    {"CC", 0x00000001}, {"DC", 0x00000002}, {"LC", 0x00000004}, {"SW", 0x00000008}, {"RP", 0x00000010},
    {"WP", 0x00000020}, {"DT", 0x00000040}, {"LO", 0x00000080}, {"CR", 0x00000100}, {"SD", 0x00010000},
    {"RC", 0x00020000}, {"WD", 0x00040000}, {"WO", 0x00080000}, {"GA", 0x10000000}, {"GX", 0x20000000},
    {"GW", 0x40000000}, {"GR", 0x80000000}, {NULL, 0},
};

const struct sddl_name sddl_combined_rights[] = {
    {"FA", 0x001f01ff}, {"FR", 0x00120089}, {"FW", 0x00120116}, {"FX", 0x001200a0}, {"KA", 0x000f003f},
    {"KR", 0x00020019}, {"KW", 0x00020006}, {"KX", 0x00020019}, {NULL, 0},
};

static const struct {
    char text[3];
    struct sid sid;
} aliases[] = {
    {"AA", {2, 5, {32, 579}}}, {"AC", {2, 15, {2, 1}}},   {"AN", {1, 5, {7}}},
    {"AO", {2, 5, {32, 548}}}, {"AU", {1, 5, {11}}},      {"BA", {2, 5, {32, 544}}},
    {"BG", {2, 5, {32, 546}}}, {"BO", {2, 5, {32, 551}}}, {"BU", {2, 5, {32, 545}}},
    {"CD", {2, 5, {32, 574}}}, {"CG", {1, 3, {1}}},       {"CO", {1, 3, {0}}},
    {"CY", {2, 5, {32, 569}}}, {"ED", {1, 5, {9}}},       {"ER", {2, 5, {32, 573}}},
    {"ES", {2, 5, {32, 576}}}, {"HA", {2, 5, {32, 578}}}, {"HI", {1, 16, {12288}}},
    {"IS", {2, 5, {32, 568}}}, {"IU", {1, 5, {4}}},       {"LS", {1, 5, {19}}},
    {"LU", {2, 5, {32, 559}}}, {"LW", {1, 16, {4096}}},   {"ME", {1, 16, {8192}}},
    {"MP", {1, 16, {8448}}},   {"MS", {2, 5, {32, 577}}}, {"MU", {2, 5, {32, 558}}},
    {"NO", {2, 5, {32, 556}}}, {"NS", {1, 5, {20}}},      {"NU", {1, 5, {2}}},
    {"OW", {1, 3, {4}}},       {"PO", {2, 5, {32, 550}}}, {"PS", {1, 5, {10}}},
    {"PU", {2, 5, {32, 547}}}, {"RA", {2, 5, {32, 575}}}, {"RC", {1, 5, {12}}},
    {"RD", {2, 5, {32, 555}}}, {"RE", {2, 5, {32, 552}}}, {"RM", {2, 5, {32, 580}}},
    {"RU", {2, 5, {32, 554}}}, {"SI", {1, 16, {16384}}},  {"SO", {2, 5, {32, 549}}},
    {"SU", {1, 5, {6}}},       {"SY", {1, 5, {18}}},      {"UD", {6, 5, {84, 0, 0, 0, 0, 0}}},
    {"WD", {1, 1, {0}}},       {"WR", {1, 5, {33}}},
};

/* Relative to the domain's SID (or the forest root's). */
static const struct {
    char text[3];
    uint32_t rid;
} domain_aliases[] = {
    {"AP", 525}, {"CA", 517}, {"CN", 522}, {"DA", 512}, {"DC", 515}, {"DD", 516},
    {"DG", 514}, {"DU", 513}, {"EA", 519}, {"EK", 527}, {"KA", 526}, {"LA", 500},
    {"LG", 501}, {"PA", 520}, {"RO", 498}, {"RS", 553}, {"SA", 518},
};

const struct sddl_name *sddl_name_find(const struct sddl_name *table, struct bytes text)
{
    for (; table->text; table++) {
        if (bytes_starts_nocase(text, table->text))
            return table;
    }
    return NULL;
}

const char *sddl_name_text(const struct sddl_name *table, uint32_t value)
{
    for (; table->text; table++) {
        if (table->value == value)
            return table->text;
    }
    return NULL;
}

enum sddl_alias_result sddl_alias_find(struct bytes text, const struct sid *domain_sid, struct sid *out)
{
    for (size_t i = 0; i < sizeof(aliases) / sizeof(aliases[0]); i++) {
        if (bytes_equal_text_nocase(text, aliases[i].text)) {
            *out = aliases[i].sid;
            return SDDL_ALIAS_KNOWN;
        }
    }
    for (size_t i = 0; i < sizeof(domain_aliases) / sizeof(domain_aliases[0]); i++) {
        if (bytes_equal_text_nocase(text, domain_aliases[i].text)) {
            if (!domain_sid || !sid_append(domain_sid, domain_aliases[i].rid, out))
                return SDDL_ALIAS_NEEDS_DOMAIN;
            return SDDL_ALIAS_KNOWN;
        }
    }
    return SDDL_ALIAS_UNKNOWN;
}

const char *sddl_alias_text(const struct sid *sid)
{
    for (size_t i = 0; i < sizeof(aliases) / sizeof(aliases[0]); i++) {
        if (sid_equal(sid, &aliases[i].sid))
            return aliases[i].text;
    }
    return NULL;
}
