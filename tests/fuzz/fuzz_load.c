/* room: source */
/* Whatever a directory holds: it loads or it is refused, twice, and what was loaded survives the way through
 * the file. */
#include "directory/ldif.h"
#include "source/image.h"
#include "source/load.h"

#include <stdlib.h>

static void take(struct entry *entry, void *owner)
{
    struct image *image = *(struct image **)owner;
    (void)!image_put(image, entry);
}

static const struct organization *load(struct image *image, const struct organization *previous)
{
    const struct organization *organization = NULL;
    const struct load_request request = {.image = image,
                                         .server_name = "Mailbox01",
                                         .host_fqdn = "host.example",
                                         .flavor = FLAVOR_OPENLDAP,
                                         .may_lack_containers = true,
                                         .previous = previous};
    if (load_organization(&request, &organization, NULL) != OK)
        return NULL;
    return organization;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct image *image = image_new();
    struct image *copy = image_new();
    struct buffer text;
    buffer_init(&text, LDIF_BYTES_MAX);
    if (image && copy && ldif_parse((struct bytes){(const char *)data, size}, take, &image, NULL) == OK) {
        const struct organization *first = load(image, NULL);
        const struct organization *second = load(image, first);
        /* What can be loaded once can be loaded again, also from the file. */
        if ((first != NULL) != (second != NULL))
            abort();
        if (image_write(image, &text) != OK || image_read(buffer_bytes(&text), copy, NULL) != OK ||
            image_count(copy) != image_count(image))
            abort();
        organization_unref(first);
        organization_unref(second);
    }
    buffer_done(&text);
    image_free(image);
    image_free(copy);
    return 0;
}
