#include "organization/secure_domain.h"

#include "mail/domain.h"

enum error secure_domain_parse(struct bytes text, struct arena *arena, struct secure_domain *out,
                               struct note *note)
{
    char name[DOMAIN_TEXT_SIZE];
    struct bytes trimmed = bytes_trim(text);
    bool with_subdomains = bytes_starts_nocase(trimmed, "*.");
    if (domain_normalize(with_subdomains ? bytes_skip(trimmed, 2) : trimmed, name) != OK) {
        note_set(note, "\"%.*s\" is not a domain name", BYTES_ARG(bytes_first(trimmed, 80)));
        return ERROR_SYNTAX;
    }
    *out = (struct secure_domain){arena_copy(arena, bytes_of_text(name)).ptr, with_subdomains};
    return out->name != NULL ? OK : ERROR_LIMIT;
}

bool secure_domain_lists(const struct secure_domain *list, size_t count, struct bytes domain)
{
    for (size_t i = 0; i < count; i++) {
        struct bytes name = bytes_of_text(list[i].name);
        if (list[i].with_subdomains ? domain_is_within(domain, name) : bytes_equal(domain, name)) {
            return true;
        }
    }
    return false;
}
