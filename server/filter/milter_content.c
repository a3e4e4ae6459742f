/* The content of a message to a filter: headers, the end of the header block, the body in chunks, the end.
 * Each waits for its answer, unless the filter said that it gives none. */
#include "filter/milter_internal.h"

#include <assert.h>

/* Line ends inside a value are plain LF between a mail server and its filters. */
static enum error append_value(struct buffer *out, struct bytes body, bool keeps_blank)
{
    enum error error = OK;
    if (!keeps_blank && body.len > 0 && (body.ptr[0] == ' ' || body.ptr[0] == '\t')) {
        body = bytes_skip(body, 1);
    }
    if (body.len >= 2 && body.ptr[body.len - 1] == '\n') {
        body.len -= 2;
    }
    for (size_t i = 0; i < body.len && error == OK; i++) {
        bool is_line_end = body.ptr[i] == '\r' && i + 1 < body.len && body.ptr[i + 1] == '\n';
        if (!is_line_end) {
            error = buffer_append_byte(out, body.ptr[i]);
        }
    }
    return error;
}

/* False: it could not be made. */
static bool send_field(struct milter *milter, const struct header_field *field, bool *out_has_room)
{
    struct buffer value, packet;
    buffer_init(&value, MILTER_MESSAGE_MAX);
    buffer_init(&packet, MILTER_MESSAGE_MAX);
    enum error error = append_value(&value, field->body, milter_keeps_blanks(milter));
    if (error == OK) {
        const struct bytes texts[] = {field->name, buffer_bytes(&value)};
        error = milter_append_texts(&packet, MILTER_HEADER, texts, 2);
    }
    if (error == OK) {
        *out_has_room = milter_write(milter, buffer_bytes(&packet));
    }
    buffer_done(&value);
    buffer_done(&packet);
    return error == OK;
}

static bool send_packet(struct milter *milter, enum milter_command command, struct bytes data)
{
    struct buffer packet;
    buffer_init(&packet, MILTER_MESSAGE_MAX);
    bool has_room = false;
    if (milter_append(&packet, command, data) == OK) {
        has_room = milter_write(milter, buffer_bytes(&packet));
    } else {
        milter_fail(milter, "no memory");
    }
    buffer_done(&packet);
    return has_room;
}

/* Each answers whether the next one may follow at once. */

static bool go_headers(struct milter *milter)
{
    struct header_field field;
    if (!milter_wants(milter, MILTER_NO_HEADERS) || !header_next(&milter->headers, &field)) {
        milter->phase = MILTER_PHASE_BLANK_LINE;
        return true;
    }
    bool has_room = true;
    if (field.name.len == 0) {
        return true;
    }
    if (!send_field(milter, &field, &has_room)) {
        milter_fail(milter, "a header field that is too long");
        return false;
    }
    return has_room && !milter_wants(milter, MILTER_NO_REPLY_HEADER);
}

static bool go_blank_line(struct milter *milter)
{
    milter->phase = MILTER_PHASE_BODY;
    if (!milter_wants(milter, MILTER_NO_END_OF_HEADER)) {
        return true;
    }
    bool has_room = send_packet(milter, MILTER_END_OF_HEADER, (struct bytes){0});
    return has_room && !milter_wants(milter, MILTER_NO_REPLY_END_OF_HEADER);
}

static bool go_end(struct milter *milter)
{
    milter->phase = MILTER_PHASE_END;
    milter_write(milter, buffer_bytes(&milter->macros));
    send_packet(milter, MILTER_END_OF_BODY, (struct bytes){0});
    return false;
}

static bool go_body(struct milter *milter)
{
    char chunk[MILTER_CHUNK];
    size_t length = 0;
    if (milter_wants(milter, MILTER_NO_BODY) &&
        held_content_read(milter->body, milter->body_offset, chunk, sizeof chunk, &length) != OK) {
        milter_fail(milter, "the held body cannot be read");
        return false;
    }
    if (length == 0) {
        return go_end(milter);
    }
    milter->body_offset += length;
    bool has_room = send_packet(milter, MILTER_BODY, (struct bytes){chunk, length});
    return has_room && !milter_wants(milter, MILTER_NO_REPLY_BODY);
}

void milter_content_go(struct milter *milter)
{
    bool goes_on = true;
    while (goes_on && milter->phase != MILTER_PHASE_DEAD) {
        switch (milter->phase) {
        case MILTER_PHASE_HEADERS:
            goes_on = go_headers(milter);
            break;
        case MILTER_PHASE_BLANK_LINE:
            goes_on = go_blank_line(milter);
            break;
        case MILTER_PHASE_BODY:
            goes_on = go_body(milter);
            break;
        case MILTER_PHASE_NEGOTIATING:
        case MILTER_PHASE_IDLE:
        case MILTER_PHASE_STEP:
        case MILTER_PHASE_END:
        case MILTER_PHASE_DEAD:
            goes_on = false;
            break;
        }
    }
}

static enum error take_last(struct milter *milter, const struct milter_packet *packet)
{
    stream_set_deadline(milter->stream, milter->timeout_ms);
    switch (packet->letter) {
    case MILTER_CONTINUE:
        milter_answer(milter, FILTER_CONTINUE);
        return OK;
    case MILTER_REPLACE_BODY:
        milter->events->on_body(milter->owner, packet->data);
        return OK;
    case MILTER_ADD_RECIPIENT:
    case MILTER_ADD_RECIPIENT_WITH:
    case MILTER_DELETE_RECIPIENT:
    case MILTER_CHANGE_SENDER:
    case MILTER_ADD_HEADER:
    case MILTER_INSERT_HEADER:
    case MILTER_CHANGE_HEADER:
    case MILTER_QUARANTINE:
        milter->events->on_change(milter->owner, packet);
        return OK;
    default:
        return ERROR_PROTOCOL;
    }
}

enum error milter_content_take(struct milter *milter, const struct milter_packet *packet)
{
    if (milter->phase == MILTER_PHASE_END) {
        return take_last(milter, packet);
    }
    if (packet->letter == MILTER_SKIP && milter->phase == MILTER_PHASE_BODY) {
        go_end(milter);
        return OK;
    }
    if (packet->letter != MILTER_CONTINUE) {
        return ERROR_PROTOCOL;
    }
    milter_content_go(milter);
    return OK;
}

void milter_content(struct milter *milter, struct bytes header_block, const struct held_content *body,
                    struct bytes macros)
{
    milter->answer = (struct milter_answer){.is_failed = milter->phase == MILTER_PHASE_DEAD};
    if (milter->phase == MILTER_PHASE_DEAD) {
        milter_answer(milter, FILTER_CONTINUE);
        return;
    }
    assert(milter->phase == MILTER_PHASE_IDLE);
    milter->headers = header_block;
    milter->body = body;
    milter->body_offset = 0;
    milter->phase = MILTER_PHASE_HEADERS;
    buffer_clear(&milter->macros);
    if (buffer_append(&milter->macros, macros) != OK) {
        milter_fail(milter, "no memory");
        return;
    }
    milter_content_go(milter);
}
