#include "source/organization_file.h"

#include "directory/ldif.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define NAME      "organization.ldif"
#define NAME_NEW  "organization.ldif.new"
#define READ_STEP 65536
/* The last line, a comment to LDIF: a file that was cut may have lost a deny or a narrower connector. */
#define END_LINE "# end of the organization\n"

static enum error io_error(struct note *note, const char *step)
{
    note_set(note, "%s: %s", step, strerror(errno));
    return ERROR_IO;
}

static enum error write_all(int file, struct bytes text, struct note *note)
{
    while (text.len > 0) {
        ssize_t count = write(file, text.ptr, text.len);
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            return io_error(note, "write");
        text = bytes_skip(text, (size_t)count);
    }
    return fsync(file) == 0 ? OK : io_error(note, "fsync");
}

static enum error replace(int folder, struct bytes text, struct note *note)
{
    int file = openat(folder, NAME_NEW, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (file < 0)
        return io_error(note, "open");
    enum error error = write_all(file, text, note);
    close(file);
    if (error != OK)
        return error;
    if (renameat(folder, NAME_NEW, folder, NAME) != 0)
        return io_error(note, "rename");
    return fsync(folder) == 0 ? OK : io_error(note, "fsync of the folder");
}

enum error organization_file_write(const char *state_dir, const struct image *image, struct note *note)
{
    struct buffer text;
    buffer_init(&text, LDIF_BYTES_MAX);
    enum error error = image_write(image, &text);
    if (error == OK)
        error = buffer_append_text(&text, END_LINE);
    if (error != OK) {
        note_set(note, "%s", error_name(error));
    } else {
        int folder = open(state_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        error =
            folder < 0 ? io_error(note, "open of the folder") : replace(folder, buffer_bytes(&text), note);
        if (folder >= 0)
            close(folder);
    }
    buffer_done(&text);
    return error;
}

static enum error read_all(int file, struct buffer *out, struct note *note)
{
    for (;;) {
        enum error error = buffer_reserve(out, READ_STEP);
        if (error != OK) {
            note_set(note, "%s", error_name(error));
            return error;
        }
        ssize_t count = read(file, out->ptr + out->len, READ_STEP);
        if (count == 0)
            return OK;
        if (count < 0 && errno != EINTR)
            return io_error(note, "read");
        out->len += count > 0 ? (size_t)count : 0;
    }
}

static enum error read_image(struct bytes text, struct image **out, struct note *note)
{
    if (!bytes_ends_nocase(text, END_LINE)) {
        note_set(note, "its end is missing");
        return ERROR_SYNTAX;
    }
    struct image *image = image_new();
    enum error error = image ? image_read(text, image, note) : ERROR_TEMPORARY;
    if (error == OK)
        *out = image;
    else
        image_free(image);
    return error;
}

enum error organization_file_read(const char *state_dir, struct image **out, struct note *note)
{
    int folder = open(state_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0)
        return errno == ENOENT ? ERROR_NOT_FOUND : io_error(note, "open of the folder");
    int file = openat(folder, NAME, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    enum error error = OK;
    if (file < 0)
        error = errno == ENOENT ? ERROR_NOT_FOUND : io_error(note, "open");
    close(folder);
    if (error != OK)
        return error;
    struct buffer text;
    buffer_init(&text, LDIF_BYTES_MAX);
    error = read_all(file, &text, note);
    close(file);
    if (error == OK)
        error = read_image(buffer_bytes(&text), out, note);
    buffer_done(&text);
    return error;
}
