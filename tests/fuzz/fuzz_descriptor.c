/* room: security */
/* The binary decoder: no read out of bounds, and what was decoded survives encoding with every byte that is
 * kept, and SDDL with its meaning. */
#include "../lib/descriptor_equal.h"
#include "security/access_check.h"
#include "security/sddl.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FLAGS_WITHOUT_LETTERS 0x20

static void require(bool is_true)
{
    if (!is_true)
        abort();
}

static bool has_letters(const struct acl *acl)
{
    for (size_t i = 0; i < acl->count; i++) {
        if (acl->aces[i].flags & FLAGS_WITHOUT_LETTERS)
            return false;
    }
    return true;
}

static void through_binary(const struct descriptor *descriptor, struct arena *arena)
{
    struct descriptor again;
    struct buffer binary;

    buffer_init(&binary, 2 * DESCRIPTOR_BYTES_MAX);
    require(descriptor_encode(descriptor, &binary) == OK);
    require(descriptor_decode(buffer_bytes(&binary), arena, &again, NULL) == OK);
    require(descriptor_equals(descriptor, &again, true));
    buffer_done(&binary);
}

static void through_text(const struct descriptor *descriptor, struct arena *arena)
{
    struct descriptor again;
    struct buffer text;
    size_t left_out;

    buffer_init(&text, 16 << 20);
    require(sddl_format(descriptor, &text, &left_out) == OK);
    if (text.len && left_out == 0 && has_letters(&descriptor->dacl) && has_letters(&descriptor->sacl)) {
        require(sddl_parse(buffer_bytes(&text), NULL, arena, &again, NULL) == OK);
        require(descriptor_equals(descriptor, &again, false));
    }
    buffer_done(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct descriptor descriptor;
    struct arena arena;
    struct note note;

    arena_init(&arena, 4 * DESCRIPTOR_ARENA_BYTES);
    if (descriptor_decode((struct bytes){(const char *)data, size}, &arena, &descriptor, &note) == OK) {
        struct token *token = token_new(sid_known(SID_ANONYMOUS), NULL, 1);
        struct access_result result;

        require(token != NULL);
        access_check(&descriptor.dacl, token, &result);
        token_unref(token);
        through_binary(&descriptor, &arena);
        through_text(&descriptor, &arena);
    }
    arena_done(&arena);
    return 0;
}
