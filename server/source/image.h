/* The entries the organization is made of, keyed by id and by DN, with the last good version of each. */
#ifndef SOURCE_IMAGE_H
#define SOURCE_IMAGE_H

#include "base/buffer.h"
#include "directory/entry.h"

struct image;

struct image *image_new(void);
void image_free(struct image *image);
/* Takes the entry; replaces the one with its id (a rename is a change of DN). */
void image_put(struct image *image, struct entry *entry);
void image_delete(struct image *image, const uint8_t id[16]);
/* NULL when absent. dn_key in normal form. */
const struct entry *image_by_dn(const struct image *image, const char *dn_key);
const struct entry *image_by_id(const struct image *image, const uint8_t id[16]);
/* All entries, in no order. */
void image_each(const struct image *image, void (*each)(const struct entry *entry, void *owner), void *owner);
/* The version of the entry that last loaded without a refusal, or NULL. The loader marks what was good. */
const struct entry *image_last_good(const struct image *image, const uint8_t id[16]);
void image_mark_good(struct image *image, const uint8_t id[16]);
size_t image_count(const struct image *image);
/* The whole image as LDIF, last good versions included (as comments-free records under a marker attribute), and back:
 * state_dir/organization.ldif. */
MUST_USE enum error image_write(const struct image *image, struct buffer *out);
MUST_USE enum error image_read(struct bytes text, struct image *image, struct note *note);

#endif
