/* GUIDs as the directory stores and SDDL prints them. Spec: MS-DTYP 2.3.4. */
#ifndef SECURITY_GUID_H
#define SECURITY_GUID_H

#include "base/bytes.h"

#define GUID_TEXT_SIZE 37

struct guid {
    uint8_t octets[16]; /* in text order, so that a byte comparison is the text's */
};

/* "a18293f1-0685-4540-aa63-e32df421b3a2", any case, no braces. ERROR_SYNTAX. */
MUST_USE enum error guid_parse(struct bytes text, struct guid *out);
/* 16 bytes of the wire form (first three fields little-endian). */
struct guid guid_decode(const uint8_t wire[16]);
void guid_encode(const struct guid *guid, uint8_t wire[16]);
const char *guid_format(const struct guid *guid, char out[GUID_TEXT_SIZE]);
bool guid_equal(const struct guid *a, const struct guid *b);

#endif
