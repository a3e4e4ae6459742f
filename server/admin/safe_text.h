/* Bytes of anybody's as a JSON string. */
#ifndef ADMIN_SAFE_TEXT_H
#define ADMIN_SAFE_TEXT_H

#include "base/bytes.h"

#include <jansson.h>

/* A new reference: the text; where it is not UTF-8, its printable ASCII with '?' for the rest, at most 1 KiB
 * of it. Never NULL but without memory, so that one odd value does not hide a whole answer. */
json_t *safe_text_json(struct bytes text);

#endif
