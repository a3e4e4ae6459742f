/* Update sequence numbers of Active Directory: how far one domain controller's changes were read. Pure.
 * Internal to the room.
 *
 * Every DC counts for itself: a number says nothing about another one, nor about the same one after its
 * database was restored, which gives it another invocationId ([MS-ADTS] 3.1.1.1.9). */
#ifndef DIRECTORY_USN_H
#define DIRECTORY_USN_H

#include "base/buffer.h"
#include "directory/entry.h"

/* A database of a DC, as it is now. */
struct usn_state {
    bool has_invocation;
    uint8_t invocation[16];
    uint64_t highest; /* highestCommittedUSN */
};

/* Up to where changes are known. Zero-initialised: nothing is. */
struct usn_watermark {
    bool is_set;
    uint8_t invocation[16];
    uint64_t usn;
};

/* What to ask the rootDSE for, and the server's object. NULL-terminated. */
extern const char *const usn_root_attributes[];
extern const char *const usn_server_attributes[];

/* highestCommittedUSN and the DN of the server's object (dsServiceName, borrowed). ERROR_PROTOCOL: the server
 * does not say. */
MUST_USE enum error usn_read_root(const struct entry *root, uint64_t *out_highest,
                                  struct bytes *out_server_dn);
/* invocationId of the server's object; false when it is not given to us. */
bool usn_read_invocation(const struct entry *server, uint8_t out[16]);

/* May the changes after the mark be asked for? Only of the database it was taken from, and only when that has
 * not gone back. */
bool usn_may_continue(const struct usn_watermark *mark, const struct usn_state *state);
/* All up to the state was read. Without an invocationId the mark is unset: nothing is ever continued. */
void usn_advance(struct usn_watermark *mark, const struct usn_state *state);
/* Appends the filter for what changed after the mark, terminated. ERROR_LIMIT past the buffer's ceiling. */
MUST_USE enum error usn_write_filter(const struct usn_watermark *mark, const char *filter,
                                     struct buffer *out);

#endif
