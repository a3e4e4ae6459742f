#include "cli/descriptor_text.h"

#include "security/sddl.h"

enum error descriptor_text_decode(struct bytes base64, struct arena *arena, struct descriptor *out,
                                  struct note *note)
{
    struct bytes binary = {0};
    char *octets;

    if (base64.len / 4 * 3 > DESCRIPTOR_BYTES_MAX + 2) {
        note_set(note, "a descriptor of more than %d bytes", DESCRIPTOR_BYTES_MAX);
        return ERROR_LIMIT;
    }
    octets = arena_alloc(arena, base64.len + 1);
    if (!octets) {
        note_set(note, "no memory");
        return ERROR_LIMIT;
    }
    if (bytes_from_base64(base64, octets, &binary.len) != OK) {
        note_set(note, "not base64");
        return ERROR_SYNTAX;
    }
    binary.ptr = octets;
    return descriptor_decode(binary, arena, out, note);
}

enum error descriptor_text_read(struct bytes text, const struct sid *domain_sid, struct arena *arena,
                                struct descriptor *out, struct note *note)
{
    if (bytes_find(text, ':') < text.len)
        return sddl_parse(text, domain_sid, arena, out, note);
    return descriptor_text_decode(text, arena, out, note);
}
