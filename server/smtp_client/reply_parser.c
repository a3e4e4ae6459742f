#include "smtp_client/reply_parser.h"

#include <string.h>

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* "250-text", "250 text", "250" */
static enum error parse_line(struct reply_parser *parser, struct bytes line, struct reply_line *out)
{
    if (line.len && line.ptr[line.len - 1] == '\r')
        line.len--;
    bool is_reply = line.len >= 3 && line.ptr[0] >= '2' && line.ptr[0] <= '5' && is_digit(line.ptr[1]) &&
                    is_digit(line.ptr[2]) && (line.len == 3 || line.ptr[3] == ' ' || line.ptr[3] == '-');
    if (!is_reply)
        return ERROR_PROTOCOL;
    uint16_t code = (uint16_t)((line.ptr[0] - '0') * 100 + (line.ptr[1] - '0') * 10 + (line.ptr[2] - '0'));
    if ((parser->code && parser->code != code) || ++parser->lines > REPLY_LINES_MAX)
        return ERROR_PROTOCOL;
    out->code = code;
    out->is_last = line.len == 3 || line.ptr[3] == ' ';
    out->text = bytes_skip(line, 4);
    parser->code = out->is_last ? 0 : code;
    if (out->is_last)
        parser->lines = 0;
    return OK;
}

enum error reply_parser_next(struct reply_parser *parser, struct bytes *input, struct reply_line *out)
{
    size_t end = bytes_find(*input, '\n');
    if (parser->len + end > sizeof parser->line)
        return ERROR_PROTOCOL;
    if (end)
        memcpy(parser->line + parser->len, input->ptr, end);
    parser->len = (uint16_t)(parser->len + end);
    if (end == input->len) {
        *input = bytes_skip(*input, end);
        return ERROR_NOT_FOUND;
    }
    *input = bytes_skip(*input, end + 1);
    struct bytes line = {parser->line, parser->len};
    parser->len = 0;
    return parse_line(parser, line, out);
}
