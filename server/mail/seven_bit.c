#include "mail/seven_bit.h"

#include "base/utf8.h"
#include "mail/content_type.h"
#include "mail/header_block.h"

#include <stdlib.h>
#include <string.h>

/* Lines go one by one: header -> (its encoding replaced) -> body as plain, text or base64 -> delimiter ->
 * header …; a nested message is a header where a body was expected. Longer lines of a body go in pieces. */

#define PIECE_MAX       2048 /* no delimiter is that long */
#define LINE_OCTETS_MAX 998  /* RFC 5321 4.5.3.1.6 */
#define HEADER_MAX      (1u << 20)
#define DEPTH_MAX       20
#define SOFT_MAX        75 /* of a quoted-printable line, before its '=' */
#define GROUP           57 /* octets of a base64 line */

enum mode { MODE_HEADER, MODE_PLAIN, MODE_TEXT, MODE_BASE64 };

struct seven_bit {
    enum mode mode;
    char piece[PIECE_MAX];
    size_t piece_len;
    bool is_inside; /* a piece of this line went before */
    size_t column;  /* of the line that is read, or of the quoted-printable one that is written */
    struct buffer header;
    struct content_type parents[DEPTH_MAX]; /* multiparts around, the outermost first */
    size_t depth;
    char group[GROUP];
    size_t group_len;
    bool owes_line_end; /* base64: it is content unless a delimiter follows */
};

struct seven_bit *seven_bit_new(void)
{
    struct seven_bit *state = calloc(1, sizeof *state);
    if (state)
        buffer_init(&state->header, HEADER_MAX);
    return state;
}

void seven_bit_free(struct seven_bit *state)
{
    if (!state)
        return;
    buffer_done(&state->header);
    free(state);
}

/* -- bodies -- */

/* Behind DATA it would arrive as it stands. */
static bool is_plain(struct seven_bit *state, struct bytes text, bool is_end)
{
    size_t line_len = state->column + text.len;
    state->column = is_end ? 0 : line_len;
    return line_len <= LINE_OCTETS_MAX && utf8_is_ascii(text) && bytes_find(text, '\r') == text.len &&
           bytes_find(text, '\n') == text.len && bytes_find(text, '\0') == text.len;
}

static enum error append_plain(struct seven_bit *state, struct bytes text, bool is_end, struct buffer *out)
{
    enum error error = is_plain(state, text, is_end) ? buffer_append(out, text) : ERROR_SYNTAX;
    return !error && is_end ? buffer_append_text(out, "\r\n") : error;
}

static enum error append_quoted(struct seven_bit *state, struct bytes text, bool is_end, struct buffer *out)
{
    enum error error = OK;
    for (size_t i = 0; i < text.len && !error; i++) {
        unsigned char octet = (unsigned char)text.ptr[i];
        bool is_blank = octet == ' ' || octet == '\t';
        bool is_literal = is_blank ? i + 1 < text.len : octet > ' ' && octet < 0x7f && octet != '=';
        size_t width = is_literal ? 1 : 3;
        if (state->column + width > SOFT_MAX) {
            error = buffer_append_text(out, "=\r\n");
            state->column = 0;
        }
        state->column += width;
        if (!error)
            error = is_literal ? buffer_append_byte(out, (char)octet) : buffer_printf(out, "=%02X", octet);
    }
    if (!is_end || error)
        return error;
    state->column = 0;
    return buffer_append_text(out, "\r\n");
}

static enum error flush_group(struct seven_bit *state, struct buffer *out)
{
    char text[4 * GROUP / 3 + 1];
    if (state->group_len == 0)
        return OK;
    bytes_to_base64((struct bytes){state->group, state->group_len}, text);
    state->group_len = 0;
    enum error error = buffer_append_text(out, text);
    return error ? error : buffer_append_text(out, "\r\n");
}

static enum error feed_group(struct seven_bit *state, struct bytes octets, struct buffer *out)
{
    enum error error = OK;
    while (octets.len && !error) {
        struct bytes some = bytes_first(octets, GROUP - state->group_len);
        memcpy(state->group + state->group_len, some.ptr, some.len);
        state->group_len += some.len;
        octets = bytes_skip(octets, some.len);
        if (state->group_len == GROUP)
            error = flush_group(state, out);
    }
    return error;
}

static enum error append_base64(struct seven_bit *state, struct bytes text, bool is_end, struct buffer *out)
{
    enum error error = state->owes_line_end ? feed_group(state, BYTES_LITERAL("\r\n"), out) : OK;
    state->owes_line_end = is_end;
    return error ? error : feed_group(state, text, out);
}

/* -- headers -- */

static bool is_encoding(const struct header_field *field, void *owner)
{
    (void)owner;
    return header_name_is(field, "Content-Transfer-Encoding");
}

/* What becomes of a part; encoding: its new Content-Transfer-Encoding, NULL: as it is. */
struct decision {
    enum mode mode;
    const char *encoding;
    bool is_parent;
};

/* Parts without a type are text, or messages in a digest (RFC 2046 5.1.5). */
static enum error decide(const struct seven_bit *state, const struct content_type *type,
                         struct bytes encoding, struct decision *out)
{
    bool is_wide = bytes_equal_text_nocase(encoding, "8bit") || bytes_equal_text_nocase(encoding, "binary");
    bool is_narrow = encoding.len == 0 || bytes_equal_text_nocase(encoding, "7bit");
    bool is_in_digest = state->depth > 0 && state->parents[state->depth - 1].is_digest;
    *out = (struct decision){.mode = MODE_PLAIN};
    switch (type->kind) {
    case CONTENT_MULTIPART:
        if (!(is_wide || is_narrow) || type->boundary_len == 0 || state->depth == DEPTH_MAX)
            return ERROR_SYNTAX;
        out->is_parent = true;
        out->encoding = is_wide ? "7bit" : NULL;
        return OK;
    case CONTENT_MESSAGE:
        out->mode = MODE_HEADER;
        out->encoding = is_wide ? "7bit" : NULL;
        return is_wide || is_narrow ? OK : ERROR_SYNTAX;
    case CONTENT_SEALED:
        return is_wide ? ERROR_SYNTAX : OK;
    case CONTENT_ABSENT:
    case CONTENT_TEXT:
    case CONTENT_OTHER:
        break;
    }
    if (!is_wide)
        return OK;
    if (type->kind == CONTENT_ABSENT && is_in_digest)
        return ERROR_SYNTAX;
    bool is_text = type->kind != CONTENT_OTHER;
    *out =
        (struct decision){is_text ? MODE_TEXT : MODE_BASE64, is_text ? "quoted-printable" : "base64", false};
    return OK;
}

/* The header is whole: its fields without the empty line. */
static enum error end_header(struct seven_bit *state, struct buffer *out)
{
    struct bytes block = buffer_bytes(&state->header);
    struct header_field field;
    struct content_type type = {.kind = CONTENT_ABSENT};
    struct bytes encoding = {0};
    struct decision decision;
    bool is_clear =
        header_count(block, "Content-Type") <= 1 && header_count(block, "Content-Transfer-Encoding") <= 1;
    if (is_clear && header_find(block, "Content-Type", &field))
        is_clear = content_type_parse(field.body, &type) == OK;
    if (is_clear && header_find(block, "Content-Transfer-Encoding", &field))
        encoding = header_value(&field);
    enum error error = is_clear ? decide(state, &type, encoding, &decision) : ERROR_SYNTAX;
    if (error)
        return error;
    if (decision.is_parent)
        state->parents[state->depth++] = type;
    state->mode = decision.mode;
    state->column = 0;
    if (!decision.encoding)
        error = buffer_append(out, block);
    else
        header_remove(block, is_encoding, NULL, out, &error);
    if (!error && decision.encoding)
        error = buffer_printf(out, "Content-Transfer-Encoding: %s\r\n", decision.encoding);
    buffer_clear(&state->header);
    return error ? error : buffer_append_text(out, "\r\n");
}

/* -- lines -- */

/* text: the line without its end. *out_depth: how many multiparts are around what follows. */
static bool is_delimiter(const struct seven_bit *state, struct bytes text, size_t *out_depth,
                         bool *out_is_last)
{
    while (text.len && (text.ptr[text.len - 1] == ' ' || text.ptr[text.len - 1] == '\t'))
        text.len--;
    if (text.len < 3 || memcmp(text.ptr, "--", 2) != 0)
        return false;
    text = bytes_skip(text, 2);
    for (size_t i = state->depth; i-- > 0;) {
        struct bytes boundary = {state->parents[i].boundary, state->parents[i].boundary_len};
        *out_is_last = text.len == boundary.len + 2 && memcmp(text.ptr + boundary.len, "--", 2) == 0;
        *out_depth = *out_is_last ? i : i + 1;
        if (bytes_equal(bytes_first(text, boundary.len), boundary) &&
            (*out_is_last || text.len == boundary.len))
            return true;
    }
    return false;
}

static enum error end_part(struct seven_bit *state, struct bytes text, size_t depth, bool is_last,
                           struct buffer *out)
{
    if (state->mode == MODE_HEADER)
        return ERROR_SYNTAX; /* of a part that did not begin */
    enum error error = flush_group(state, out);
    state->owes_line_end = false;
    state->depth = depth;
    state->mode = is_last ? MODE_PLAIN : MODE_HEADER;
    state->column = 0;
    return error ? error : append_plain(state, text, true, out);
}

/* A line, or a piece of one that is too long for a delimiter. */
static enum error take_piece(struct seven_bit *state, struct bytes text, bool is_end, struct buffer *out)
{
    size_t depth;
    bool is_last, is_whole = is_end && !state->is_inside;
    state->is_inside = !is_end;
    if (is_whole && is_delimiter(state, text, &depth, &is_last))
        return end_part(state, text, depth, is_last, out);
    switch (state->mode) {
    case MODE_PLAIN:
        return append_plain(state, text, is_end, out);
    case MODE_TEXT:
        return append_quoted(state, text, is_end, out);
    case MODE_BASE64:
        return append_base64(state, text, is_end, out);
    case MODE_HEADER:
        break;
    }
    if (is_whole && text.len == 0)
        return end_header(state, out);
    return append_plain(state, text, is_end, &state->header);
}

static bool ends_line(const struct seven_bit *state)
{
    return state->piece_len >= 2 && memcmp(state->piece + state->piece_len - 2, "\r\n", 2) == 0;
}

enum error seven_bit_append(struct seven_bit *state, struct bytes run, struct buffer *out)
{
    enum error error = OK;
    while (run.len && !error) {
        struct bytes some = bytes_first(run, PIECE_MAX - state->piece_len);
        some = bytes_first(some, bytes_find(some, '\n') + 1);
        memcpy(state->piece + state->piece_len, some.ptr, some.len);
        state->piece_len += some.len;
        run = bytes_skip(run, some.len);
        if (ends_line(state)) {
            error = take_piece(state, (struct bytes){state->piece, state->piece_len - 2}, true, out);
            state->piece_len = 0;
        } else if (state->piece_len == PIECE_MAX) {
            /* The last octet may be half a line end, or the blank before one. */
            error = take_piece(state, (struct bytes){state->piece, PIECE_MAX - 1}, false, out);
            state->piece[0] = state->piece[PIECE_MAX - 1];
            state->piece_len = 1;
        }
    }
    return error;
}

/* Text ends with a line's end as any message does behind DATA; other content as it stands. */
static enum error take_rest(struct seven_bit *state, struct buffer *out)
{
    if (state->mode == MODE_BASE64 && state->depth == 0)
        return take_piece(state, (struct bytes){state->piece, state->piece_len}, false, out);
    return seven_bit_append(state, BYTES_LITERAL("\r\n"), out);
}

enum error seven_bit_finish(struct seven_bit *state, struct buffer *out)
{
    enum error error = state->piece_len || state->is_inside ? take_rest(state, out) : OK;
    if (!error && state->mode == MODE_HEADER)
        error = ERROR_SYNTAX;
    if (!error && state->owes_line_end)
        error = feed_group(state, BYTES_LITERAL("\r\n"), out);
    return error ? error : flush_group(state, out);
}
