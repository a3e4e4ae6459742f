#include "smtp_client/dot_stuffing.h"

#include <string.h>

static enum error end_line(struct dot_stuffing *state, struct buffer *out)
{
    state->has_cr = false;
    state->is_line_start = true;
    return buffer_append(out, BYTES_LITERAL("\r\n"));
}

/* What goes out as it stands, which is nearly everything: whole lines up to one that begins with a dot, and
 * text up to a CR or LF that may stand alone. The first byte is neither CR nor LF; a dot there is the
 * caller's. */
static struct bytes take_run(struct bytes content)
{
    size_t len = 0;
    do {
        struct bytes rest = bytes_skip(content, len);
        const char *lf = memchr(rest.ptr, '\n', rest.len);
        size_t line_len = lf ? (size_t)(lf - rest.ptr) : rest.len;
        const char *cr = memchr(rest.ptr, '\r', line_len);
        if (!lf || !cr || cr + 1 != lf)
            return bytes_first(content, len + (cr ? (size_t)(cr - rest.ptr) : line_len));
        len += line_len + 1;
    } while (len < content.len && content.ptr[len] != '.');
    return bytes_first(content, len);
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
        state->is_line_start = run.ptr[run.len - 1] == '\n';
        content = bytes_skip(content, run.len);
    }
    return error;
}

enum error dot_stuffing_finish(struct dot_stuffing *state, struct buffer *out)
{
    enum error error = state->has_cr || !state->is_line_start ? end_line(state, out) : OK;
    return error ? error : buffer_append(out, BYTES_LITERAL(".\r\n"));
}
