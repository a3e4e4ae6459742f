/* room: security */
/* The SDDL parser: what was parsed means the same after its canonical text and after its binary form. */
#include "../lib/descriptor_equal.h"
#include "security/sddl.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool is_true)
{
    if (!is_true)
        abort();
}

static void through_text(const struct descriptor *descriptor, struct arena *arena)
{
    struct descriptor again;
    struct buffer text;
    size_t left_out;

    buffer_init(&text, 64 << 20);
    require(sddl_format(descriptor, &text, &left_out) == OK);
    require(left_out == 0);
    require(sddl_parse(buffer_bytes(&text), NULL, arena, &again, NULL) == OK);
    require(descriptor_equals(descriptor, &again, true));
    buffer_done(&text);
}

static void through_binary(const struct descriptor *descriptor, struct arena *arena)
{
    struct descriptor again;
    struct buffer binary;
    enum error error;

    buffer_init(&binary, 2 * DESCRIPTOR_BYTES_MAX);
    error = descriptor_encode(descriptor, &binary);
    require(error == OK || error == ERROR_LIMIT);
    if (error == OK) {
        require(descriptor_decode(buffer_bytes(&binary), arena, &again, NULL) == OK);
        require(descriptor_equals(descriptor, &again, true));
    }
    buffer_done(&binary);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct sid domain = {4, 5, {21, 1, 2, 3}};
    struct descriptor descriptor;
    struct arena arena;
    struct note note;

    arena_init(&arena, 4 * DESCRIPTOR_ARENA_BYTES);
    if (sddl_parse((struct bytes){(const char *)data, size}, &domain, &arena, &descriptor, &note) == OK) {
        through_text(&descriptor, &arena);
        through_binary(&descriptor, &arena);
    }
    arena_done(&arena);
    return 0;
}
