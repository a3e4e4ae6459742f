/* room: directory */
/* DNs and filters: normal form is stable, its parent too, and an escaped value never leaves its place. */
#include "directory/entry_builder.h"
#include "directory/filter_match.h"
#include "directory/filter_text.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_normal_form(struct bytes dn)
{
    struct buffer once, twice;
    buffer_init(&once, 1u << 20);
    buffer_init(&twice, 1u << 20);
    if (dn_normalize(dn, &once) == OK) {
        if (dn_normalize(buffer_bytes(&once), &twice) != OK ||
            !bytes_equal(buffer_bytes(&once), buffer_bytes(&twice)))
            abort();
        if (!dn_is_within(buffer_bytes(&once), dn_parent(buffer_bytes(&once))))
            abort();
    }
    buffer_done(&once);
    buffer_done(&twice);
}

static void check_escaped(struct bytes value)
{
    struct buffer text;
    buffer_init(&text, 1u << 20);
    if (buffer_append_text(&text, "cn=") != OK || dn_append_value(&text, value) != OK ||
        buffer_append_text(&text, ",dc=x") != OK ||
        !bytes_equal(dn_parent(buffer_bytes(&text)), BYTES_LITERAL("dc=x")))
        abort();
    struct entry_builder builder;
    if (entry_builder_begin(&builder, BYTES_LITERAL("cn=x")) != OK ||
        entry_builder_add(&builder, BYTES_LITERAL("uid"), value) != OK)
        abort();
    struct entry *entry = entry_builder_finish(&builder);
    buffer_clear(&text);
    bool matches = false;
    if (filter_append_equal(&text, "uid", value) != OK || buffer_append_byte(&text, '\0') != OK ||
        filter_match(text.ptr, entry, &matches) != OK || !matches)
        abort();
    entry_free(entry);
    buffer_done(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > 4000)
        return 0;
    struct bytes value = {(const char *)data, size};
    check_normal_form(value);
    check_escaped(value);
    struct entry_builder builder;
    if (entry_builder_begin(&builder, BYTES_LITERAL("cn=x")) != OK ||
        entry_builder_add(&builder, BYTES_LITERAL("cn"), BYTES_LITERAL("abcabc")) != OK)
        abort();
    struct entry *entry = entry_builder_finish(&builder);
    char *filter = bytes_copy_text(value);
    bool matches;
    enum error error = filter_match(filter, entry, &matches);
    (void)error;
    free(filter);
    entry_free(entry);
    return 0;
}
