#include "filter/filter_edit.h"

#include <stdlib.h>
#include <string.h>

#define EDIT_BYTES_MAX (8u << 20)

void filter_edit_init(struct filter_edit *edit, const char *directory, uint64_t body_bytes)
{
    *edit = (struct filter_edit){.body_max = body_bytes + FILTER_BODY_GROWTH_MAX};
    arena_init(&edit->arena, EDIT_BYTES_MAX);
    held_content_init(&edit->body, directory);
}

void filter_edit_done(struct filter_edit *edit)
{
    free(edit->packets);
    held_content_done(&edit->body);
    arena_done(&edit->arena);
}

static bool has_room(struct filter_edit *edit)
{
    if (edit->count < edit->capacity) {
        return true;
    }
    size_t capacity = edit->capacity == 0 ? 8 : 2 * edit->capacity;
    struct milter_packet *grown =
        capacity > FILTER_EDITS_MAX ? NULL : realloc(edit->packets, capacity * sizeof *edit->packets);
    if (grown == NULL) {
        return false;
    }
    edit->packets = grown;
    edit->capacity = capacity;
    return true;
}

void filter_edit_add(struct filter_edit *edit, const struct milter_packet *packet)
{
    struct bytes data = arena_copy(&edit->arena, packet->data);
    if (edit->error != OK) {
        return;
    }
    if (data.ptr == NULL || !has_room(edit)) {
        edit->error = ERROR_LIMIT;
        return;
    }
    edit->packets[edit->count++] = (struct milter_packet){packet->letter, data};
}

/* -- the body -- */

static void put(struct filter_edit *edit, struct bytes bytes)
{
    if (edit->error == OK && edit->body.size_bytes + bytes.len > edit->body_max) {
        edit->error = ERROR_LIMIT;
    }
    if (edit->error == OK) {
        edit->error = held_content_append(&edit->body, bytes);
    }
}

void filter_edit_add_body(struct filter_edit *edit, struct bytes piece)
{
    edit->has_body = true;
    while (piece.len > 0 && edit->error == OK) {
        size_t plain = 0;
        while (plain < piece.len && piece.ptr[plain] != '\r' && piece.ptr[plain] != '\n') {
            plain++;
        }
        if (edit->ends_with_cr && (plain > 0 || piece.ptr[0] == '\r')) {
            put(edit, BYTES_LITERAL("\r\n"));
        }
        if (plain > 0) {
            put(edit, bytes_first(piece, plain));
            edit->ends_with_cr = false;
        }
        piece = bytes_skip(piece, plain);
        if (piece.len > 0) {
            edit->ends_with_cr = piece.ptr[0] == '\r';
            if (piece.ptr[0] == '\n') {
                put(edit, BYTES_LITERAL("\r\n"));
            }
            piece = bytes_skip(piece, 1);
        }
    }
}

static void end_body(struct filter_edit *edit)
{
    if (edit->ends_with_cr) {
        put(edit, BYTES_LITERAL("\r\n"));
        edit->ends_with_cr = false;
    }
}

/* -- the rest -- */

/* "<kate@fabrikam.com>" without its brackets. */
static struct bytes without_brackets(struct bytes path)
{
    bool is_bracketed = path.len >= 2 && path.ptr[0] == '<' && path.ptr[path.len - 1] == '>';
    return is_bracketed ? bytes_skip(bytes_first(path, path.len - 1), 1) : path;
}

static enum error take_address(const struct milter_packet *packet, struct arena *arena, struct bytes *out)
{
    struct bytes rest = packet->data, path;
    enum error error = milter_take_text(&rest, &path);
    if (error == OK) {
        *out = arena_copy(arena, without_brackets(path));
        error = out->ptr != NULL ? OK : ERROR_LIMIT;
    }
    return error;
}

static enum error append_address(const struct milter_packet *packet, struct arena *arena,
                                 const struct bytes **list, size_t *count)
{
    struct bytes *longer =
        *count < FILTER_RECIPIENTS_MAX ? arena_array(arena, *count + 1, sizeof *longer) : NULL;
    if (longer == NULL) {
        return ERROR_LIMIT;
    }
    if (*count > 0) {
        memcpy(longer, *list, *count * sizeof *longer);
    }
    enum error error = take_address(packet, arena, &longer[*count]);
    if (error == OK) {
        *list = longer;
        (*count)++;
    }
    return error;
}

static enum error change_header(const struct milter_packet *packet, bool keeps_blanks, struct buffer *header)
{
    static const struct {
        char letter;
        enum header_change_kind kind;
    } KINDS[] = {{MILTER_ADD_HEADER, HEADER_ADD},
                 {MILTER_INSERT_HEADER, HEADER_INSERT},
                 {MILTER_CHANGE_HEADER, HEADER_CHANGE}};
    struct header_change change = {.has_own_blank = keeps_blanks};
    for (size_t i = 0; i < sizeof KINDS / sizeof KINDS[0]; i++) {
        change.kind = packet->letter == KINDS[i].letter ? KINDS[i].kind : change.kind;
    }
    enum error error = milter_read_header(packet, &change.index, &change.name, &change.value);
    struct buffer changed;
    buffer_init(&changed, header->ceiling);
    if (error == OK) {
        error = header_change_apply(buffer_bytes(header), &change, &changed);
    }
    if (error != OK) {
        buffer_done(&changed);
        return error;
    }
    buffer_done(header);
    *header = changed;
    return OK;
}

static enum error make_one(const struct milter_packet *packet, bool keeps_blanks, struct buffer *header,
                           struct arena *arena, struct filter_changes *changes)
{
    struct bytes rest = packet->data, reason;
    enum error error;
    switch (packet->letter) {
    case MILTER_ADD_RECIPIENT:
    case MILTER_ADD_RECIPIENT_WITH:
        return append_address(packet, arena, &changes->added, &changes->added_count);
    case MILTER_DELETE_RECIPIENT:
        return append_address(packet, arena, &changes->removed, &changes->removed_count);
    case MILTER_CHANGE_SENDER:
        changes->has_sender = true;
        return take_address(packet, arena, &changes->sender);
    case MILTER_QUARANTINE:
        error = milter_take_text(&rest, &reason);
        changes->quarantine = error == OK ? arena_copy(arena, reason).ptr : NULL;
        return error != OK || changes->quarantine != NULL ? error : ERROR_LIMIT;
    default:
        return change_header(packet, keeps_blanks, header);
    }
}

enum error filter_edit_make(struct filter_edit *edit, bool keeps_blanks, struct buffer *header,
                            struct held_content *body, struct arena *arena, struct filter_changes *changes)
{
    struct filter_changes made = *changes;
    struct buffer changed;
    buffer_init(&changed, header->ceiling);
    end_body(edit);
    enum error error = edit->error;
    if (error == OK) {
        error = buffer_append(&changed, buffer_bytes(header));
    }
    for (size_t i = 0; i < edit->count && error == OK; i++) {
        error = make_one(&edit->packets[i], keeps_blanks, &changed, arena, &made);
    }
    if (error != OK) {
        buffer_done(&changed);
        return error;
    }
    buffer_done(header);
    *header = changed;
    made.has_body |= edit->has_body;
    *changes = made;
    if (edit->has_body) {
        struct held_content old = *body;
        *body = edit->body;
        edit->body = old;
    }
    return OK;
}
