/* An LDIF file as a directory: offline tools, the embedded default, the last good organization. RFC 2849
 * content records. */
#ifndef DIRECTORY_LDIF_H
#define DIRECTORY_LDIF_H

#include "base/buffer.h"
#include "directory/directory.h"

#define LDIF_BYTES_MAX (256u << 20)

/* Parses records from text: "dn:" entries with ":" and "::" values, folding, comments, "version: 1". A change
 * record, an URL value ("<") or a bad line is ERROR_SYNTAX with a note that names the line. Entries without
 * entryUUID or objectGUID get an id made of the DN (stable: a name-based UUID). each takes the entry. */
MUST_USE enum error ldif_parse(struct bytes text, void (*each)(struct entry *entry, void *owner), void *owner,
                               struct note *note);
/* Appends one record; base64 where needed, folded at 76. */
MUST_USE enum error ldif_append(struct buffer *out, const struct entry *entry);
/* Appends one "name: value" line, in base64 where it must be, folded. */
MUST_USE enum error ldif_append_line(struct buffer *out, struct bytes name, struct bytes value);
/* Appends a change record that does what directory_ops.modify would. */
MUST_USE enum error ldif_append_change(struct buffer *out, enum directory_flavor flavor, const char *dn,
                                       const struct directory_edit *edits, size_t edit_count);
/* A directory over the text of a file; a changed file (by poll of its mtime) is a change of the directory. */
MUST_USE enum error ldif_directory_open(const char *path, struct loop *loop, struct directory **out,
                                        struct note *note);

#endif
