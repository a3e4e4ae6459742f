/* room: queue */
/* An envelope from a hostile disk: decoding never reads past the end, and what decodes encodes to the same
 * bytes, or, of an older version, to what decodes again. The checksum is put behind the input here, since no
 * fuzzer finds it by chance. */
#include "queue/checksum.h"
#include "queue/envelope.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint32_t crc = checksum_crc32((struct bytes){(const char *)data, size});
    struct envelope envelope;
    struct buffer sealed;
    struct buffer again;
    struct arena arena;

    buffer_init(&sealed, ENVELOPE_BYTES_MAX);
    buffer_init(&again, ENVELOPE_BYTES_MAX);
    arena_init(&arena, 2 * (size_t)ENVELOPE_BYTES_MAX);
    if (buffer_append(&sealed, (struct bytes){(const char *)data, size}) != OK)
        abort();
    for (int i = 0; i < 4; i++) {
        if (buffer_append_byte(&sealed, (char)(crc >> 8 * i)) != OK)
            abort();
    }
    if (envelope_decode(buffer_bytes(&sealed), &arena, &envelope) == OK) {
        bool is_newest = data[0] == 3;
        if (envelope_encode(&envelope, &again) != OK ||
            (is_newest && !bytes_equal(buffer_bytes(&sealed), buffer_bytes(&again))) ||
            envelope_decode(buffer_bytes(&again), &arena, &envelope) != OK)
            abort();
    }
    arena_done(&arena);
    buffer_done(&again);
    buffer_done(&sealed);
    return 0;
}
