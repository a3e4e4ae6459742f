/* Security identifiers. Spec: MS-DTYP 2.4.2. */
#ifndef SECURITY_SID_H
#define SECURITY_SID_H

#include "base/reader.h"

#define SID_SUB_AUTHORITY_MAX 15
#define SID_TEXT_SIZE         192

/* A value. Unused sub-authorities are zero. Compare with sid_equal: the struct has padding. */
struct sid {
    uint8_t count;      /* sub-authorities, 1-15 in every SID that was read; revision is always 1 */
    uint64_t authority; /* 48 bits */
    uint32_t sub_authorities[SID_SUB_AUTHORITY_MAX];
};

/* "S-1-5-7"; authority decimal or 0x and hex. A SID without sub-authority names nobody and is refused, here
 * and in the binary form. ERROR_SYNTAX. */
MUST_USE enum error sid_parse(struct bytes text, struct sid *out);
/* The binary form, exactly. ERROR_SYNTAX. */
MUST_USE enum error sid_decode(struct bytes binary, struct sid *out);
/* Takes one off the reader; it tells its own length. ERROR_SYNTAX. */
MUST_USE enum error sid_take(struct reader *reader, struct sid *out);
/* Writes 8 + 4 * count bytes, at most 68; returns how many. */
size_t sid_encode(const struct sid *sid, uint8_t out[68]);
const char *sid_format(const struct sid *sid, char out[SID_TEXT_SIZE]);
bool sid_equal(const struct sid *a, const struct sid *b);
int sid_compare(const struct sid *a, const struct sid *b);
uint32_t sid_hash(const struct sid *sid);
/* sid = base with one more sub-authority; false when base is full. */
bool sid_append(const struct sid *base, uint32_t rid, struct sid *out);

/* The well-known SIDs of facts 4 by the names of contract 3 (dirrelayAce), in one table. */
enum sid_known {
    SID_ANONYMOUS,          /* S-1-5-7 */
    SID_AUTHENTICATED,      /* S-1-5-11 */
    SID_EVERYONE,           /* S-1-1-0 */
    SID_NETWORK,            /* S-1-5-2 */
    SID_PARTNER_SERVERS,    /* S-1-9-…-10 */
    SID_HUB_SERVERS,        /* -21 */
    SID_EDGE_SERVERS,       /* -22 */
    SID_EXTERNALLY_SECURED, /* -23 */
    SID_LEGACY_SERVERS,     /* -24 */
    SID_KNOWN_COUNT
};
const struct sid *sid_known(enum sid_known known);
/* "anonymous", "partner-servers", … */
const char *sid_known_name(enum sid_known known);
/* "NT AUTHORITY\ANONYMOUS LOGON", "MS Exchange\Externally Secured Servers", … */
const char *sid_known_windows_name(enum sid_known known);
/* By either name, any case, blanks folded. */
bool sid_known_by_name(struct bytes name, enum sid_known *out);
/* The Windows name of a well-known SID, or NULL. */
const char *sid_display_name(const struct sid *sid);
/* Identities the server hands out itself: S-1-9-… of table 3. Never taken from a directory attribute. */
bool sid_is_transport(const struct sid *sid);

#endif
