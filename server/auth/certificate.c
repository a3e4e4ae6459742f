#include "auth/certificate.h"

#include "auth/certificate_file.h"
#include "base/arena.h"

#include <dirent.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define TEXTS_MAX   (4u << 20)
#define SUFFIX      ".pem"
#define PATH_SIZE   4096
#define STAMP_START UINT64_C(14695981039346656037)
#define STAMP_PRIME UINT64_C(1099511628211)

struct certificate_set {
    atomic_uint references;
    struct certificate *items;
    size_t count;
    struct certificate_refusal *refusals;
    size_t refusal_count;
    struct arena arena; /* the texts */
};

const struct certificate_set *certificate_set_ref(const struct certificate_set *set)
{
    atomic_fetch_add(&((struct certificate_set *)set)->references, 1);
    return set;
}

void certificate_set_unref(const struct certificate_set *set)
{
    struct certificate_set *dying = (struct certificate_set *)set;
    if (set == NULL || atomic_fetch_sub(&dying->references, 1) != 1) {
        return;
    }
    for (size_t i = 0; i < dying->count; i++) {
        certificate_release(&dying->items[i]);
    }
    free(dying->items);
    free(dying->refusals);
    arena_done(&dying->arena);
    free(dying);
}

size_t certificate_set_count(const struct certificate_set *set)
{
    return set->count;
}

const struct certificate *certificate_set_at(const struct certificate_set *set, size_t index)
{
    return &set->items[index];
}

const struct certificate_refusal *certificate_set_refusals(const struct certificate_set *set,
                                                           size_t *out_count)
{
    *out_count = set->refusal_count;
    return set->refusals;
}

/* -- reading -- */

static int is_pem(const struct dirent *entry)
{
    struct bytes name = bytes_of_text(entry->d_name);
    return entry->d_name[0] != '.' && name.len > sizeof SUFFIX - 1 && bytes_ends_nocase(name, SUFFIX);
}

static const struct certificate *find_file(const struct certificate_set *set, const char *file)
{
    for (size_t i = 0; set != NULL && i < set->count; i++) {
        if (strcmp(set->items[i].file, file) == 0) {
            return &set->items[i];
        }
    }
    return NULL;
}

static enum error read_one(struct certificate_set *set, const char *directory, const char *name,
                           const struct certificate_set *previous)
{
    char path[PATH_SIZE];
    struct note note = {0};
    struct certificate *next = &set->items[set->count];
    const char *file = arena_copy(&set->arena, bytes_of_text(name)).ptr;
    int length = snprintf(path, sizeof path, "%s/%s", directory, name);
    if (file == NULL || length < 0 || (size_t)length >= sizeof path) {
        return ERROR_TEMPORARY;
    }
    enum error error = certificate_file_read(path, next, &note);
    if (error != OK) {
        const struct certificate *good = find_file(previous, name);
        const char *why = arena_copy(&set->arena, bytes_of_text(note.text)).ptr;
        set->refusals[set->refusal_count++] = (struct certificate_refusal){
            .file = file, .why = why != NULL ? why : "", .is_kept = good != NULL};
        if (good == NULL) {
            return OK;
        }
        certificate_share(good, next);
    }
    next->file = file;
    set->count++;
    return OK;
}

static enum error read_all(struct certificate_set *set, const char *directory, struct dirent *const *entries,
                           size_t count, const struct certificate_set *previous)
{
    set->items = calloc(count + 1, sizeof *set->items);
    set->refusals = calloc(count + 1, sizeof *set->refusals);
    enum error error = set->items != NULL && set->refusals != NULL ? OK : ERROR_TEMPORARY;
    for (size_t i = 0; i < count && error == OK; i++) {
        error = read_one(set, directory, entries[i]->d_name, previous);
    }
    return error;
}

static size_t list_files(const char *directory, struct dirent ***out, struct note *note)
{
    int count = scandir(directory, out, is_pem, alphasort);
    if (count < 0) {
        note_set(note, "%s: %s", directory, strerror(errno));
        *out = NULL;
        return 0;
    }
    if (count > CERTIFICATE_FILES_MAX) {
        note_set(note, "%s: only the first %d of %d files are read", directory, CERTIFICATE_FILES_MAX, count);
    }
    return (size_t)count;
}

static void free_files(struct dirent **entries, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free(entries[i]);
    }
    free(entries);
}

enum error certificate_set_read(const char *directory, const struct certificate_set *previous,
                                const struct certificate_set **out, struct note *note)
{
    struct certificate_set *set = calloc(1, sizeof *set);
    if (set == NULL) {
        return ERROR_TEMPORARY;
    }
    struct dirent **entries;
    size_t count = list_files(directory, &entries, note);
    atomic_init(&set->references, 1);
    arena_init(&set->arena, TEXTS_MAX);
    enum error error = read_all(set, directory, entries,
                                count < CERTIFICATE_FILES_MAX ? count : CERTIFICATE_FILES_MAX, previous);
    free_files(entries, count);
    if (error != OK) {
        certificate_set_unref(set);
        return error;
    }
    *out = set;
    return OK;
}

static uint64_t stamp(uint64_t sum, const void *data, size_t size)
{
    const unsigned char *byte = data;
    for (size_t i = 0; i < size; i++) {
        sum = (sum ^ byte[i]) * STAMP_PRIME;
    }
    return sum;
}

uint64_t certificate_directory_stamp(const char *directory)
{
    struct dirent **entries;
    struct note note = {0};
    char path[PATH_SIZE];
    size_t count = list_files(directory, &entries, &note);
    uint64_t sum = stamp(STAMP_START, note.text, strlen(note.text));
    for (size_t i = 0; i < count; i++) {
        struct stat status = {0};
        int length = snprintf(path, sizeof path, "%s/%s", directory, entries[i]->d_name);
        if (length > 0 && (size_t)length < sizeof path && stat(path, &status) == 0) {
            sum = stamp(sum, &status.st_ino, sizeof status.st_ino);
            sum = stamp(sum, &status.st_size, sizeof status.st_size);
            sum = stamp(sum, &status.st_mode, sizeof status.st_mode);
            sum = stamp(sum, &status.st_ctim, sizeof status.st_ctim);
        }
        sum = stamp(sum, entries[i]->d_name, strlen(entries[i]->d_name) + 1);
    }
    free_files(entries, count);
    return sum;
}
