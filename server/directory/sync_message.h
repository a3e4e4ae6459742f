/* The messages of RFC 4533 (content synchronization), encoded and decoded. Pure. Internal to the room. */
#ifndef DIRECTORY_SYNC_MESSAGE_H
#define DIRECTORY_SYNC_MESSAGE_H

#include "base/buffer.h"

#include <lber.h>

/* Sync Request Control value: refreshAndPersist, with the cookie when it is not empty. */
MUST_USE enum error sync_message_write_request(struct bytes cookie, struct buffer *out);

enum sync_state { SYNC_STATE_PRESENT, SYNC_STATE_ADD, SYNC_STATE_MODIFY, SYNC_STATE_DELETE };

struct sync_entry {
    enum sync_state state;
    uint8_t id[16];
    struct bytes cookie; /* empty: none */
    BerElement *memory;  /* private: what cookie points into */
};

/* Sync State Control value, on each entry. ERROR_PROTOCOL, ERROR_LIMIT without memory. On success to be
 * freed. */
MUST_USE enum error sync_message_read_entry(struct bytes value, struct sync_entry *out);
void sync_message_entry_done(struct sync_entry *entry);

enum sync_info_kind {
    SYNC_INFO_COOKIE,
    SYNC_INFO_REFRESH_DELETE,
    SYNC_INFO_REFRESH_PRESENT,
    SYNC_INFO_ID_SET
};

struct sync_info {
    enum sync_info_kind kind;
    struct bytes cookie;  /* empty: none */
    bool is_refresh_done; /* of the two refresh kinds */
    bool are_deletes;     /* of the id set: these are gone; else: these are there */
    struct bytes *ids;    /* 16 bytes each */
    size_t id_count;
    BerElement *memory; /* private */
};

/* Sync Info Message value. ERROR_PROTOCOL, ERROR_LIMIT. On success to be freed. */
MUST_USE enum error sync_message_read_info(struct bytes value, struct sync_info *out);
void sync_message_info_done(struct sync_info *info);

#endif
