/* A bounded cursor over a binary wire format. A read past the end fails and moves nothing. */
#ifndef BASE_READER_H
#define BASE_READER_H

#include "base/bytes.h"

struct reader {
    struct bytes rest;
};

struct reader reader_of(struct bytes bytes);
bool reader_is_done(const struct reader *reader);
MUST_USE bool reader_u8(struct reader *reader, uint8_t *out);
MUST_USE bool reader_u16_le(struct reader *reader, uint16_t *out);
MUST_USE bool reader_u32_le(struct reader *reader, uint32_t *out);
MUST_USE bool reader_u64_le(struct reader *reader, uint64_t *out);
MUST_USE bool reader_u16_be(struct reader *reader, uint16_t *out);
MUST_USE bool reader_take(struct reader *reader, size_t count, struct bytes *out);
/* A run that its own u32 little-endian length precedes. */
MUST_USE bool reader_run(struct reader *reader, struct bytes *out);

#endif
