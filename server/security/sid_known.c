/* The well-known SIDs by name, apart from the arithmetic of sid.c. Facts 4, contract 3. */
#include "security/sid.h"

#include <assert.h>
#include <string.h>

#define AUTHORITY_TRANSPORT 9 /* the resource manager authority */
#define TRANSPORT_BASE      1419165041, 1139599005, 3936102811, 1022490595
#define TRANSPORT_BASE_SIZE 4

static const struct known_row {
    struct sid sid;
    const char *name;
    const char *windows_name;
} rows[SID_KNOWN_COUNT] = {
    [SID_ANONYMOUS] = {{1, 5, {7}}, "anonymous", "NT AUTHORITY\\ANONYMOUS LOGON"},
    [SID_AUTHENTICATED] = {{1, 5, {11}}, "authenticated", "NT AUTHORITY\\Authenticated Users"},
    [SID_EVERYONE] = {{1, 1, {0}}, "everyone", "Everyone"},
    [SID_NETWORK] = {{1, 5, {2}}, "network", "NT AUTHORITY\\NETWORK"},
    [SID_PARTNER_SERVERS] = {{5, AUTHORITY_TRANSPORT, {TRANSPORT_BASE, 10}},
                             "partner-servers",
                             "MS Exchange\\Partner Servers"},
    [SID_HUB_SERVERS] = {{5, AUTHORITY_TRANSPORT, {TRANSPORT_BASE, 21}},
                         "hub-servers",
                         "MS Exchange\\Hub Transport Servers"},
    [SID_EDGE_SERVERS] = {{5, AUTHORITY_TRANSPORT, {TRANSPORT_BASE, 22}},
                          "edge-servers",
                          "MS Exchange\\Edge Transport Servers"},
    [SID_EXTERNALLY_SECURED] = {{5, AUTHORITY_TRANSPORT, {TRANSPORT_BASE, 23}},
                                "externally-secured-servers",
                                "MS Exchange\\Externally Secured Servers"},
    [SID_LEGACY_SERVERS] = {{5, AUTHORITY_TRANSPORT, {TRANSPORT_BASE, 24}},
                            "legacy-servers",
                            "MS Exchange\\Legacy Exchange Servers"},
};

static const struct known_row *row_of(enum sid_known known)
{
    assert((unsigned)known < SID_KNOWN_COUNT);
    return &rows[known];
}

const struct sid *sid_known(enum sid_known known)
{
    return &row_of(known)->sid;
}

const char *sid_known_name(enum sid_known known)
{
    return row_of(known)->name;
}

const char *sid_known_windows_name(enum sid_known known)
{
    return row_of(known)->windows_name;
}

/* A run of blanks counts as one, as caseIgnoreMatch has it; the ends are trimmed by the caller. */
static bool is_same_folded(struct bytes name, const char *wanted)
{
    size_t at = 0;

    while (at < name.len && *wanted) {
        struct bytes one = bytes_first(bytes_skip(name, at), 1);

        if (!bytes_equal_nocase(one, (struct bytes){wanted, 1}))
            return false;
        at++;
        while (*wanted == ' ' && at < name.len && name.ptr[at] == ' ')
            at++;
        wanted++;
    }
    return at == name.len && *wanted == '\0';
}

bool sid_known_by_name(struct bytes name, enum sid_known *out)
{
    struct bytes trimmed = bytes_trim(name);

    for (size_t i = 0; i < SID_KNOWN_COUNT; i++) {
        if (is_same_folded(trimmed, rows[i].name) || is_same_folded(trimmed, rows[i].windows_name)) {
            *out = (enum sid_known)i;
            return true;
        }
    }
    return false;
}

const char *sid_display_name(const struct sid *sid)
{
    for (size_t i = 0; i < SID_KNOWN_COUNT; i++) {
        if (sid_equal(sid, &rows[i].sid))
            return rows[i].windows_name;
    }
    return NULL;
}

bool sid_is_transport(const struct sid *sid)
{
    static const uint32_t base[TRANSPORT_BASE_SIZE] = {TRANSPORT_BASE};

    return sid->authority == AUTHORITY_TRANSPORT && sid->count > TRANSPORT_BASE_SIZE &&
           memcmp(sid->sub_authorities, base, sizeof(base)) == 0;
}
