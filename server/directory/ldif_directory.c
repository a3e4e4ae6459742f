#include "directory/entry_table.h"
#include "directory/ldif.h"
#include "directory/memory_directory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LDIF_POLL_MS 1000

struct ldif_directory {
    struct memory_directory *memory;
    struct loop_timer timer;
    char *path;
    /* Of the file as it was read last; also of one that could not be read, so that it is not tried every
     * second. */
    struct timespec modified;
    off_t size;
    ino_t inode;
};

static enum error fail_io(struct note *note, const char *path)
{
    note_set(note, "%s: %s", path, strerror(errno));
    return ERROR_IO;
}

static enum error read_descriptor(int descriptor, struct buffer *out)
{
    for (;;) {
        enum error error = buffer_reserve(out, 65536);
        if (error != OK)
            return error;
        ssize_t count = read(descriptor, out->ptr + out->len, 65536);
        if (count < 0 && errno != EINTR)
            return ERROR_IO;
        if (count == 0)
            return OK;
        out->len += count > 0 ? (size_t)count : 0;
    }
}

static enum error read_file(const char *path, struct buffer *out, struct note *note)
{
    int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    if (descriptor < 0)
        return fail_io(note, path);
    enum error error = read_descriptor(descriptor, out);
    if (error == ERROR_IO)
        fail_io(note, path);
    else if (error != OK)
        note_set(note, "%s: more than %u bytes", path, LDIF_BYTES_MAX);
    close(descriptor);
    return error;
}

struct collection {
    struct entry_table table;
    enum error error;
    struct note *note;
};

static void collect(struct entry *entry, void *owner)
{
    struct collection *collection = owner;
    bool is_twice = entry_table_find(&collection->table, bytes_of_text(entry->dn_key)) != NULL;
    if (is_twice && collection->error == OK) {
        note_set(collection->note, "two records for %s", entry->dn);
        collection->error = ERROR_SYNTAX;
    }
    if (collection->error == OK)
        collection->error = entry_table_put(&collection->table, entry);
    else
        entry_free(entry);
}

/* The entries of the file into table, or why not. */
static enum error read_table(const char *path, struct entry_table *table, struct note *note)
{
    struct buffer text;
    struct collection collection = {.note = note};
    buffer_init(&text, LDIF_BYTES_MAX + 65536u);
    enum error error = read_file(path, &text, note);
    if (error == OK) {
        error = ldif_parse(buffer_bytes(&text), collect, &collection, note);
        if (error == OK)
            error = collection.error;
        if (error != OK)
            note_wrap(note, "%s", path);
    }
    buffer_done(&text);
    if (error == OK)
        *table = collection.table;
    else
        entry_table_clear(&collection.table);
    return error;
}

static void hand_over_entry(const struct entry *entry, void *owner)
{
    struct memory_directory *memory = owner;
    struct entry *copy = entry_copy(entry);
    if (!copy || memory_directory_put(memory, copy) != OK)
        memory_directory_set_up(memory, false, "not enough memory for the file's entries");
}

/* The file's content takes the place of what was there; watches hear only of what differs. */
static void hand_over(struct ldif_directory *ldif, struct entry_table *table)
{
    memory_directory_clear(ldif->memory);
    memory_directory_set_up(ldif->memory, true, NULL);
    entry_table_each(table, hand_over_entry, ldif->memory);
    entry_table_clear(table);
}

/* True when the file is another than the one seen last. */
static bool has_changed(struct ldif_directory *ldif)
{
    struct stat now = {0};
    (void)stat(ldif->path, &now); /* a file that is gone reads as one of size 0 and inode 0 */
    bool is_same = now.st_size == ldif->size && now.st_ino == ldif->inode &&
                   now.st_mtim.tv_sec == ldif->modified.tv_sec &&
                   now.st_mtim.tv_nsec == ldif->modified.tv_nsec;
    ldif->size = now.st_size;
    ldif->inode = now.st_ino;
    ldif->modified = now.st_mtim;
    return !is_same;
}

static void on_poll(struct loop_timer *timer)
{
    struct ldif_directory *ldif = list_entry(timer, struct ldif_directory, timer);
    struct note note = {{0}};
    struct entry_table table;
    if (has_changed(ldif)) {
        if (read_table(ldif->path, &table, &note) == OK)
            hand_over(ldif, &table);
        else
            memory_directory_set_up(ldif->memory, false, note.text);
    }
    loop_timer_start(&ldif->timer, LDIF_POLL_MS);
}

static void free_ldif(void *owner)
{
    struct ldif_directory *ldif = owner;
    loop_timer_stop(&ldif->timer);
    free(ldif->path);
    free(ldif);
}

static struct ldif_directory *new_ldif(const char *path, struct loop *loop)
{
    struct ldif_directory *ldif = calloc(1, sizeof *ldif);
    char *path_copy = strdup(path);
    if (ldif && path_copy) {
        ldif->path = path_copy;
        loop_timer_init(&ldif->timer, loop, on_poll);
        ldif->memory = memory_directory_new(loop, path, free_ldif, ldif);
    }
    if (!ldif || !ldif->memory) {
        free(path_copy);
        free(ldif);
        return NULL;
    }
    return ldif;
}

enum error ldif_directory_open(const char *path, struct loop *loop, struct directory **out, struct note *note)
{
    struct entry_table table;
    enum error error = read_table(path, &table, note);
    if (error != OK)
        return error == ERROR_LIMIT ? ERROR_SYNTAX : error;
    struct ldif_directory *ldif = new_ldif(path, loop);
    if (!ldif) {
        entry_table_clear(&table);
        return ERROR_LIMIT;
    }
    /* A change between the reading and this look is lost until the next one; the file of a tool does not
     * change. */
    (void)has_changed(ldif);
    hand_over(ldif, &table);
    loop_timer_start(&ldif->timer, LDIF_POLL_MS);
    *out = memory_directory_face(ldif->memory);
    return OK;
}
