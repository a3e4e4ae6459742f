#include "source/image.h"

#include <stdlib.h>
#include <string.h>

#define uthash_fatal(message) abort()
#include <uthash.h>

struct node {
    uint8_t id[16];
    struct entry *current;
    struct entry *good; /* may be the same entry */
    UT_hash_handle by_id;
    UT_hash_handle by_dn;
};

struct image {
    struct node *by_id;
    struct node *by_dn; /* by current->dn_key */
    bool has_lost;      /* an entry, for want of memory */
};

struct image *image_new(void)
{
    return calloc(1, sizeof(struct image));
}

static void node_free(struct image *image, struct node *node)
{
    HASH_DELETE(by_id, image->by_id, node);
    HASH_DELETE(by_dn, image->by_dn, node);
    if (node->good != node->current)
        entry_free(node->good);
    entry_free(node->current);
    free(node);
}

void image_free(struct image *image)
{
    if (!image)
        return;
    while (image->by_id)
        node_free(image, image->by_id);
    free(image);
}

static struct node *find_by_id(const struct image *image, const uint8_t id[16])
{
    struct node *node;
    HASH_FIND(by_id, image->by_id, id, 16, node);
    return node;
}

static struct node *find_by_dn(const struct image *image, const char *dn_key)
{
    struct node *node;
    HASH_FIND(by_dn, image->by_dn, dn_key, strlen(dn_key), node);
    return node;
}

/* Two runs of FNV-1a: a directory that hides its ids still needs its entries told apart. */
static void make_id(struct entry *entry)
{
    uint64_t hash[2] = {UINT64_C(0xcbf29ce484222325), UINT64_C(0x84222325cbf29ce4)};
    for (const char *at = entry->dn_key; *at; at++)
        for (int i = 0; i < 2; i++)
            hash[i] = (hash[i] ^ (uint8_t)*at) * UINT64_C(0x100000001b3);
    memcpy(entry->id, hash, sizeof(hash));
}

static void index_dn(struct image *image, struct node *node)
{
    HASH_ADD_KEYPTR(by_dn, image->by_dn, node->current->dn_key, strlen(node->current->dn_key), node);
}

enum error image_put(struct image *image, struct entry *entry)
{
    if (!entry->has_id)
        make_id(entry);
    struct node *node = find_by_id(image, entry->id);
    struct node *double_dn = find_by_dn(image, entry->dn_key);
    if (double_dn && double_dn != node)
        node_free(image, double_dn);
    if (node) {
        HASH_DELETE(by_dn, image->by_dn, node);
        if (node->good != node->current)
            entry_free(node->current);
        node->current = entry;
        index_dn(image, node);
        return OK;
    }
    node = calloc(1, sizeof(*node));
    if (!node) {
        entry_free(entry);
        image->has_lost = true;
        return ERROR_TEMPORARY;
    }
    memcpy(node->id, entry->id, sizeof(node->id));
    node->current = entry;
    HASH_ADD(by_id, image->by_id, id, sizeof(node->id), node);
    index_dn(image, node);
    return OK;
}

void image_delete(struct image *image, const uint8_t id[16])
{
    struct node *node = find_by_id(image, id);
    if (node)
        node_free(image, node);
}

const struct entry *image_by_dn(const struct image *image, const char *dn_key)
{
    const struct node *node = find_by_dn(image, dn_key);
    return node ? node->current : NULL;
}

const struct entry *image_by_id(const struct image *image, const uint8_t id[16])
{
    const struct node *node = find_by_id(image, id);
    return node ? node->current : NULL;
}

void image_each(const struct image *image, void (*each)(const struct entry *entry, void *owner), void *owner)
{
    for (const struct node *node = image->by_id; node; node = node->by_id.next)
        each(node->current, owner);
}

bool image_is_whole(const struct image *image)
{
    return !image->has_lost;
}

size_t image_count(const struct image *image)
{
    return HASH_CNT(by_id, image->by_id);
}

const struct entry *image_last_good(const struct image *image, const uint8_t id[16])
{
    const struct node *node = find_by_id(image, id);
    return node ? node->good : NULL;
}

void image_mark_good(struct image *image, const uint8_t id[16])
{
    struct node *node = find_by_id(image, id);
    if (!node || node->good == node->current)
        return;
    entry_free(node->good);
    node->good = node->current;
}

void image_take_good(struct image *image, struct image *from)
{
    for (struct node *old = from->by_id; old; old = old->by_id.next) {
        struct node *node = find_by_id(image, old->id);
        if (!node || node->good || !old->good)
            continue;
        struct entry *copy = entry_copy(old->good);
        /* Without memory the entry is merely without a version to fall back to. */
        node->good = copy;
    }
}
