/* Reads the single values of an object by a table: one row says an attribute's type, range, default, the
 * field it goes to and the file that enforces it. docs/attributes.md is made from these tables. */
#ifndef SOURCE_ATTRIBUTE_TABLE_H
#define SOURCE_ATTRIBUTE_TABLE_H

#include "directory/entry.h"

enum attribute_kind {
    ATTRIBUTE_BOOLEAN,
    ATTRIBUTE_INTEGER,
    ATTRIBUTE_BITS,   /* maximum is the mask of the bits that have a meaning */
    ATTRIBUTE_TEXT,   /* at most maximum bytes, no control characters */
    ATTRIBUTE_SECRET, /* a text that is never repeated */
    ATTRIBUTE_LIST,   /* several values, or a value with a grammar: read by code of its own */
};

enum attribute_store { STORE_NONE, STORE_BOOL, STORE_U16, STORE_U32, STORE_U64_KB, STORE_I64, STORE_TEXT };

struct attribute_row {
    const char *name;      /* LDAP */
    const char *parameter; /* of the cmdlet */
    enum attribute_kind kind;
    int64_t minimum;
    int64_t maximum;
    int64_t fallback;      /* the value of an absent one */
    int64_t edge_fallback; /* the same on a server with the edge role */
    enum attribute_store store;
    size_t offset;
    /* "smtp_server/verb_rcpt.c"; COMMENT; or NULL: nothing does yet, so that any other value than the default
     * refuses the object. Changing this one word is what a later step does. */
    const char *enforced_by;
};

/* enforced_by of what a person reads and no program need enforce. */
#define ATTRIBUTE_COMMENT "nothing to enforce"

struct attribute_reading {
    struct note unreadable;  /* the first value that could not be read or is out of range; "" none */
    struct note unsupported; /* the first value that nothing enforces; "" none */
};

/* Sets every field of the rows in *object, with the default where the value is absent or bad. Texts are
 * copied into the arena (absent: NULL). Adds to *out only where it is still empty. ERROR_LIMIT without
 * memory. */
MUST_USE enum error attribute_table_read(const struct attribute_row *rows, size_t count,
                                         const struct entry *entry, bool is_edge, struct arena *arena,
                                         void *object, struct attribute_reading *out);

#endif
