#include "smtp_client/dot_stuffing.h"

#include <string.h>

static enum error end_line(struct dot_stuffing *state, struct buffer *out)
{
    state->has_cr = false;
    state->is_line_start = true;
    return buffer_append(out, BYTES_LITERAL("\r\n"));
}

/* Up to the first CR or LF. */
static struct bytes take_run(struct bytes content)
{
    const char *lf = memchr(content.ptr, '\n', content.len);
    size_t len = lf ? (size_t)(lf - content.ptr) : content.len;
    const char *cr = memchr(content.ptr, '\r', len);
    return bytes_first(content, cr ? (size_t)(cr - content.ptr) : len);
}

enum error dot_stuffing_append(struct dot_stuffing *state, struct bytes content, struct buffer *out)
{
    enum error error = OK;
    while (content.len && !error) {
        char first = content.ptr[0];
        if (first == '\n') {
            error = end_line(state, out); /* alone or behind its CR */
            content = bytes_skip(content, 1);
            continue;
        }
        if (state->has_cr) {
            error = end_line(state, out); /* the CR stood alone */
            continue;
        }
        if (first == '\r') {
            state->has_cr = true;
            content = bytes_skip(content, 1);
            continue;
        }
        struct bytes run = take_run(content);
        if (state->is_line_start && first == '.')
            error = buffer_append_byte(out, '.');
        if (!error)
            error = buffer_append(out, run);
        state->is_line_start = false;
        content = bytes_skip(content, run.len);
    }
    return error;
}

enum error dot_stuffing_finish(struct dot_stuffing *state, struct buffer *out)
{
    enum error error = state->has_cr || !state->is_line_start ? end_line(state, out) : OK;
    return error ? error : buffer_append(out, BYTES_LITERAL(".\r\n"));
}
