/* Content → what stands on the wire behind DATA. Pure. Matrix F2: every leading dot is doubled, and no bare
 * CR or LF leaves, whatever the content holds. */
#ifndef SMTP_CLIENT_DOT_STUFFING_H
#define SMTP_CLIENT_DOT_STUFFING_H

#include "base/buffer.h"

/* At the start of the content: {.is_line_start = true}. */
struct dot_stuffing {
    bool is_line_start;
    bool has_cr; /* a CR was seen last and not written yet */
};

/* Appends the next run. Any split of the content gives the same bytes. */
MUST_USE enum error dot_stuffing_append(struct dot_stuffing *state, struct bytes content, struct buffer *out);
/* Appends the end: a line end where the last line lacks one, and ".\r\n". */
MUST_USE enum error dot_stuffing_finish(struct dot_stuffing *state, struct buffer *out);

#endif
