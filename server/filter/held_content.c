#include "filter/held_content.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

void held_content_init(struct held_content *content, const char *directory)
{
    *content = (struct held_content){.directory = directory, .file = -1};
    buffer_init(&content->memory, HELD_MEMORY_MAX);
}

void held_content_done(struct held_content *content)
{
    buffer_done(&content->memory);
    if (content->file >= 0) {
        close(content->file);
    }
    content->file = -1;
    content->size_bytes = 0;
}

static enum error write_all(int file, uint64_t offset, struct bytes bytes)
{
    while (bytes.len > 0) {
        ssize_t written = pwrite(file, bytes.ptr, bytes.len, (off_t)offset);
        if (written < 0 && errno == EINTR) {
            continue;
        }
        if (written <= 0) {
            return ERROR_IO;
        }
        bytes = bytes_skip(bytes, (size_t)written);
        offset += (uint64_t)written;
    }
    return OK;
}

static enum error move_to_file(struct held_content *content)
{
    int file = open(content->directory, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (file < 0) {
        return ERROR_IO;
    }
    enum error error = write_all(file, 0, buffer_bytes(&content->memory));
    if (error != OK) {
        close(file);
        return error;
    }
    buffer_done(&content->memory);
    content->file = file;
    return OK;
}

enum error held_content_append(struct held_content *content, struct bytes bytes)
{
    enum error error = OK;
    if (content->file < 0 && bytes.len > HELD_MEMORY_MAX - content->memory.len) {
        error = move_to_file(content);
    }
    if (error == OK) {
        error = content->file < 0 ? buffer_append(&content->memory, bytes)
                                  : write_all(content->file, content->size_bytes, bytes);
    }
    if (error == OK) {
        content->size_bytes += bytes.len;
    }
    return error;
}

enum error held_content_read(const struct held_content *content, uint64_t offset, char *out, size_t size,
                             size_t *out_len)
{
    if (content->file < 0) {
        struct bytes rest = bytes_first(bytes_skip(buffer_bytes(&content->memory), offset), size);
        if (rest.len > 0) {
            memcpy(out, rest.ptr, rest.len);
        }
        *out_len = rest.len;
        return OK;
    }
    ssize_t got;
    do {
        got = pread(content->file, out, size, (off_t)offset);
    } while (got < 0 && errno == EINTR);
    if (got < 0) {
        return ERROR_IO;
    }
    *out_len = (size_t)got;
    return OK;
}
