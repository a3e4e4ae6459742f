#include "loop/dane.h"

enum { USAGE_ANCHOR = 2, USAGE_SERVER = 3, SELECTOR_MAX = 1, HEAD_BYTES = 3 };

static const size_t DIGEST_BYTES[] = {0 /* not a digest */, 32 /* SHA-256 */, 64 /* SHA-512 */};
enum { MATCHING_COUNT = sizeof DIGEST_BYTES / sizeof DIGEST_BYTES[0] };

bool dane_read_record(struct bytes data, struct dane_record *out)
{
    if (data.len < HEAD_BYTES)
        return false;
    *out = (struct dane_record){.usage = (uint8_t)data.ptr[0],
                                .selector = (uint8_t)data.ptr[1],
                                .matching = (uint8_t)data.ptr[2],
                                .data = bytes_skip(data, HEAD_BYTES)};
    return true;
}

bool dane_is_usable(const struct dane_record *record)
{
    if (record->usage != USAGE_ANCHOR && record->usage != USAGE_SERVER)
        return false;
    if (record->selector > SELECTOR_MAX || record->matching >= MATCHING_COUNT)
        return false;
    return record->matching == 0 ? record->data.len > 0 : record->data.len == DIGEST_BYTES[record->matching];
}
