/* A borrowed run of bytes with its length. Directory and wire values may hold zero bytes, so lengths
 * travel. */
#ifndef BASE_BYTES_H
#define BASE_BYTES_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bytes {
    const char *ptr; /* may be NULL when len is 0 */
    size_t len;
};

/* For printf: "%.*s". */
#define BYTES_ARG(b)        (int)(b).len, (b).ptr ? (b).ptr : ""
#define BYTES_LITERAL(text) ((struct bytes){"" text, sizeof(text) - 1})

/* Borrows a terminated text; NULL gives an empty run. */
struct bytes bytes_of_text(const char *text);

bool bytes_equal(struct bytes a, struct bytes b);
/* ASCII letters compare without case; other bytes exactly. */
bool bytes_equal_nocase(struct bytes a, struct bytes b);
bool bytes_equal_text_nocase(struct bytes a, const char *text);
bool bytes_starts_nocase(struct bytes text, const char *prefix);
bool bytes_ends_nocase(struct bytes text, const char *suffix);
/* Like memcmp, the shorter of two equal beginnings first; ASCII case folded. */
int bytes_compare_nocase(struct bytes a, struct bytes b);
/* Index of the first c, or b.len. */
size_t bytes_find(struct bytes b, char c);
/* Index of the first occurrence of needle, or b.len. */
size_t bytes_find_text(struct bytes b, const char *needle);
/* The first count bytes / all but the first count bytes; count is cut to the length. */
struct bytes bytes_first(struct bytes b, size_t count);
struct bytes bytes_skip(struct bytes b, size_t count);
/* Without blanks and tabs at both ends. */
struct bytes bytes_trim(struct bytes b);
/* Takes what stands before the first separator off *rest, and the separator too. False when *rest is
 * empty. */
bool bytes_next(struct bytes *rest, char separator, struct bytes *out_part);
/* Decimal digits only, no sign, no blanks, at least one. ERROR_SYNTAX, or ERROR_LIMIT past maximum. */
MUST_USE enum error bytes_to_u64(struct bytes text, uint64_t maximum, uint64_t *out_value);
/* As above with an optional leading '-'. */
MUST_USE enum error bytes_to_i64(struct bytes text, int64_t minimum, int64_t maximum, int64_t *out_value);
/* A terminated copy on the heap (zero bytes inside are kept but hide what follows); aborts without memory:
 * only for values that a ceiling bounds. The caller frees it. */
char *bytes_copy_text(struct bytes b);
/* RFC 4648 base64 with padding, blanks refused. out_bytes must hold b.len / 4 * 3; sets *out_len. */
MUST_USE enum error bytes_from_base64(struct bytes text, char *out_bytes, size_t *out_len);
/* Writes 4 * ((len + 2) / 3) characters and a terminator. */
void bytes_to_base64(struct bytes b, char *out_text);

#endif
