#include "fakes/fake_directory.h"

#include "directory/ldif.h"
#include "directory/memory_directory.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

/* The memory directory is the whole of it; the struct is only a name for tests. */
static struct memory_directory *memory_of(struct fake_directory *fake)
{
    return (struct memory_directory *)(void *)fake;
}

struct fake_directory *fake_directory_new(struct loop *loop)
{
    struct memory_directory *memory = memory_directory_new(loop, "fake:", NULL, NULL);
    assert(memory);
    memory_directory_set_up(memory, true, NULL);
    return (struct fake_directory *)(void *)memory;
}

struct directory *fake_directory_face(struct fake_directory *fake)
{
    return memory_directory_face(memory_of(fake));
}

static void put_entry(struct entry *entry, void *owner)
{
    enum error error = memory_directory_put(owner, entry);
    assert(error == OK);
    (void)error;
}

void fake_directory_put(struct fake_directory *fake, const char *ldif_text)
{
    struct note note = {{0}};
    if (ldif_parse(bytes_of_text(ldif_text), put_entry, memory_of(fake), &note) != OK) {
        fprintf(stderr, "fake_directory_put: %s\n", note.text);
        abort();
    }
}

void fake_directory_delete(struct fake_directory *fake, const char *dn)
{
    enum error error = memory_directory_delete(memory_of(fake), dn);
    assert(error == OK);
    (void)error;
}

void fake_directory_clear(struct fake_directory *fake)
{
    memory_directory_clear(memory_of(fake));
}

void fake_directory_down(struct fake_directory *fake, const char *why)
{
    memory_directory_set_up(memory_of(fake), false, why);
}

void fake_directory_up(struct fake_directory *fake)
{
    memory_directory_set_up(memory_of(fake), true, NULL);
}

void fake_directory_set_flavor(struct fake_directory *fake, enum directory_flavor flavor)
{
    memory_directory_set_flavor(memory_of(fake), flavor);
}

void fake_directory_deliver(struct fake_directory *fake)
{
    memory_directory_deliver(memory_of(fake));
}

void fake_directory_free(struct fake_directory *fake)
{
    struct directory *directory = fake_directory_face(fake);
    bool has_loop = directory->loop != NULL;
    directory->ops->close(directory, NULL, NULL);
    if (!has_loop)
        memory_directory_deliver(memory_of(fake));
}
