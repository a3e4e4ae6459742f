/* Descriptors as an administrator types or pastes them. */
#ifndef CLI_DESCRIPTOR_TEXT_H
#define CLI_DESCRIPTOR_TEXT_H

#include "security/descriptor.h"

/* An arena of this size holds the descriptor of any text that is accepted. */
#define DESCRIPTOR_TEXT_ARENA_BYTES (2 * DESCRIPTOR_ARENA_BYTES)

/* The self-relative form in base64. ERROR_SYNTAX or ERROR_LIMIT with a note. */
MUST_USE enum error descriptor_text_decode(struct bytes base64, struct arena *arena, struct descriptor *out,
                                           struct note *note);
/* Base64 or SDDL, told apart by the colon that only SDDL has. domain_sid as for sddl_parse. */
MUST_USE enum error descriptor_text_read(struct bytes text, const struct sid *domain_sid, struct arena *arena,
                                         struct descriptor *out, struct note *note);

#endif
