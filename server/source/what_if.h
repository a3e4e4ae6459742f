/* A change of one entry, made in the image alone: what would the loader say of it? */
#ifndef SOURCE_WHAT_IF_H
#define SOURCE_WHAT_IF_H

#include "directory/directory.h"

struct image;

struct what_if {
    const char *dn;
    enum directory_change change;
    const struct directory_edit *edits; /* CHANGE_EDIT: replacements alone */
    size_t edit_count;
};

/* ERROR_NOT_FOUND: no such entry; ERROR_SYNTAX: not a DN; with a note. ERROR_LIMIT, ERROR_TEMPORARY: memory.
 */
MUST_USE enum error what_if_apply(const struct what_if *what_if, struct image *image, struct note *note);

#endif
