/* room: directory */
/* LDIF text: no crash, no entry without an id, and what was read is written so that it reads the same. */
#include "directory/entry_builder.h"
#include "directory/ldif.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void free_copy(struct entry *entry, void *owner)
{
    uint64_t *digest = owner;
    *digest = entry_digest(entry);
    entry_free(entry);
}

static void check_entry(struct entry *entry, void *owner)
{
    (void)owner;
    struct buffer text;
    uint64_t digest = 0;
    buffer_init(&text, 64u << 20);
    if (!entry->has_id)
        abort();
    if (ldif_append(&text, entry) != OK || ldif_parse(buffer_bytes(&text), free_copy, &digest, NULL) != OK)
        abort();
    if (digest != entry_digest(entry))
        abort();
    buffer_done(&text);
    entry_free(entry);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct note note = {{0}};
    enum error error = ldif_parse((struct bytes){(const char *)data, size}, check_entry, NULL, &note);
    if (error != OK && !note.text[0])
        abort();
    return 0;
}
