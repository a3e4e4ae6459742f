/* The entries the organization is made of, keyed by id and by DN, with the last good version of each. */
#ifndef SOURCE_IMAGE_H
#define SOURCE_IMAGE_H

#include "base/buffer.h"
#include "directory/entry.h"

struct image;

/* NULL without memory. */
struct image *image_new(void);
void image_free(struct image *image); /* NULL is a no-op */
/* Takes the entry; replaces the one with its id (a rename is a change of DN) and any other with its DN. An
 * entry without an id is kept under one made of its DN. Without memory the entry is lost: ERROR_TEMPORARY,
 * read everything again. */
MUST_USE enum error image_put(struct image *image, struct entry *entry);
/* No entry was ever lost. Else nothing may be loaded from it: the hosts of a lost connector would fall to a
 * wider one. */
bool image_is_whole(const struct image *image);
/* The last good version goes with it. */
void image_delete(struct image *image, const uint8_t id[16]);
/* NULL when absent. dn_key in normal form. */
const struct entry *image_by_dn(const struct image *image, const char *dn_key);
const struct entry *image_by_id(const struct image *image, const uint8_t id[16]);
/* All entries, in the order they first came. */
void image_each(const struct image *image, void (*each)(const struct entry *entry, void *owner), void *owner);
size_t image_count(const struct image *image);

/* The version of the entry that last loaded without a refusal, or NULL. The loader marks what was good. */
const struct entry *image_last_good(const struct image *image, const uint8_t id[16]);
/* Makes the present version the last good one. */
void image_mark_good(struct image *image, const uint8_t id[16]);
/* Moves the last good versions of `from` to those entries of `image` that have none. */
void image_take_good(struct image *image, struct image *from);

/* The whole image as LDIF: state_dir/organization.ldif. A record's `dirrelayImage` values say what it is: the
 * `current` version, the last `good` one, or both. ERROR_LIMIT, ERROR_TEMPORARY of the buffer. */
MUST_USE enum error image_write(const struct image *image, struct buffer *out);
/* Reads such a text, or plain LDIF (all current), into the image. */
MUST_USE enum error image_read(struct bytes text, struct image *image, struct note *note);

#endif
