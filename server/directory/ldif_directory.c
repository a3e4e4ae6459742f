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

static void hand_over(const struct entry *entry, void *owner)
{
    struct ldif_directory *ldif = owner;
    struct entry *copy = entry_copy(entry);
    if (copy && memory_directory_put(ldif->memory, copy) != OK)
        memory_directory_set_up(ldif->memory, false, "the file holds too many entries");
}

/* Reads the file anew; the entries of before stay when it can not be read. */
static enum error load(struct ldif_directory *ldif, struct note *note)
{
    struct buffer text;
    struct collection collection = {.note = note};
    buffer_init(&text, LDIF_BYTES_MAX + 65536u);
    enum error error = read_file(ldif->path, &text, note);
    if (error == OK) {
        error = ldif_parse(buffer_bytes(&text), collect, &collection, note);
        if (error == OK)
            error = collection.error;
        if (error != OK)
            note_wrap(note, "%s", ldif->path);
    }
    buffer_done(&text);
    if (error == OK) {
        memory_directory_clear(ldif->memory);
        memory_directory_set_up(ldif->memory, true, NULL);
        entry_table_each(&collection.table, hand_over, ldif);
    }
    entry_table_clear(&collection.table);
    return error;
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
    if (has_changed(ldif) && load(ldif, &note) != OK)
        memory_directory_set_up(ldif->memory, false, note.text);
    loop_timer_start(&ldif->timer, LDIF_POLL_MS);
}

static void free_ldif(void *owner)
{
    struct ldif_directory *ldif = owner;
    loop_timer_stop(&ldif->timer);
    free(ldif->path);
    free(ldif);
}

enum error ldif_directory_open(const char *path, struct loop *loop, struct directory **out, struct note *note)
{
    struct ldif_directory *ldif = calloc(1, sizeof *ldif);
    char *path_copy = strdup(path);
    struct memory_directory *memory =
        ldif && path_copy ? memory_directory_new(loop, path, free_ldif, ldif) : NULL;
    if (!memory) {
        free(ldif);
        free(path_copy);
        return ERROR_LIMIT;
    }
    ldif->memory = memory;
    ldif->path = path_copy;
    loop_timer_init(&ldif->timer, loop, on_poll);
    (void)has_changed(ldif);
    if (load(ldif, note) != OK) {
        memory_directory_drop(memory);
        return ERROR_SYNTAX;
    }
    loop_timer_start(&ldif->timer, LDIF_POLL_MS);
    *out = memory_directory_face(memory);
    return OK;
}
