/* A search result entry as libldap received it -> struct entry. Internal to the room. */
#ifndef DIRECTORY_ENTRY_MESSAGE_H
#define DIRECTORY_ENTRY_MESSAGE_H

#include "directory/entry_builder.h"

#include <ldap.h>

#define ENTRY_RANGES_MAX 8

/* An attribute of which the server sent a part: "member;range=0-1499" ([MS-ADTS] 3.1.1.3.1.3.3). */
struct entry_range {
    struct bytes name; /* without the option; in the entry's arena */
    uint64_t next;     /* the index to ask from */
};

struct entry_ranges {
    struct entry_range rows[ENTRY_RANGES_MAX];
    size_t count;
};

/* Starts the builder with what the message holds and lists what is missing. ERROR_SYNTAX: a DN or name that
 * is none; ERROR_LIMIT: too large or too many ranges; ERROR_PROTOCOL: broken encoding. On failure the builder
 * is dropped. */
MUST_USE enum error entry_message_begin(LDAP *handle, LDAPMessage *message, struct entry_builder *builder,
                                        struct entry_ranges *out_ranges);
/* Adds the next part of one range from another message of the same entry; *range is moved on, *out_is_last
 * when it was the last part. ERROR_PROTOCOL when the message does not hold it. */
MUST_USE enum error entry_message_continue(LDAP *handle, LDAPMessage *message, struct entry_builder *builder,
                                           struct entry_range *range, bool *out_is_last);

#endif
