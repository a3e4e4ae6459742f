#include "filter/milter_message.h"

#include "base/reader.h"

static void put_u32(char out[4], uint32_t value)
{
    for (int i = 0; i < 4; i++) {
        out[i] = (char)(value >> (24 - 8 * i));
    }
}

static bool take_u32(struct reader *reader, uint32_t *out)
{
    uint16_t high, low;
    if (!reader_u16_be(reader, &high) || !reader_u16_be(reader, &low)) {
        return false;
    }
    *out = (uint32_t)high << 16 | low;
    return true;
}

/* The packet's head in front of length bytes of data. */
static enum error begin(struct buffer *out, enum milter_command command, size_t length)
{
    char head[5];
    if (length >= MILTER_MESSAGE_MAX) {
        return ERROR_LIMIT;
    }
    put_u32(head, (uint32_t)length + 1);
    head[4] = (char)command;
    enum error error = buffer_reserve(out, sizeof head + length);
    return error == OK ? buffer_append(out, (struct bytes){head, sizeof head}) : error;
}

enum error milter_append(struct buffer *out, enum milter_command command, struct bytes data)
{
    enum error error = begin(out, command, data.len);
    return error == OK ? buffer_append(out, data) : error;
}

enum error milter_append_negotiate(struct buffer *out)
{
    char data[12];
    put_u32(data, MILTER_VERSION);
    put_u32(data + 4, MILTER_MAY_ALL);
    put_u32(data + 8, MILTER_PROTOCOL_ALL);
    return milter_append(out, MILTER_NEGOTIATE, (struct bytes){data, sizeof data});
}

static struct bytes up_to_zero(struct bytes text)
{
    return bytes_first(text, bytes_find(text, '\0'));
}

static enum error append_text(struct buffer *out, struct bytes text)
{
    enum error error = buffer_append(out, up_to_zero(text));
    return error == OK ? buffer_append_byte(out, '\0') : error;
}

static enum error append_all(struct buffer *out, const struct bytes *texts, size_t count)
{
    enum error error = OK;
    for (size_t i = 0; i < count && error == OK; i++) {
        error = append_text(out, texts[i]);
    }
    return error;
}

static size_t length_of(const struct bytes *texts, size_t count)
{
    size_t length = 0;
    for (size_t i = 0; i < count; i++) {
        length += up_to_zero(texts[i]).len + 1;
    }
    return length;
}

enum error milter_append_texts(struct buffer *out, enum milter_command command, const struct bytes *texts,
                               size_t count)
{
    enum error error = begin(out, command, length_of(texts, count));
    return error == OK ? append_all(out, texts, count) : error;
}

enum error milter_append_macros(struct buffer *out, enum milter_command command,
                                const struct bytes *names_and_values, size_t count)
{
    enum error error = begin(out, MILTER_MACROS, 1 + length_of(names_and_values, 2 * count));
    if (error == OK) {
        error = buffer_append_byte(out, (char)command);
    }
    return error == OK ? append_all(out, names_and_values, 2 * count) : error;
}

enum error milter_append_connect(struct buffer *out, struct bytes host_name, const struct ip_endpoint *client)
{
    char address[IP_TEXT_SIZE];
    char family[3] = {client->address.family == IP_V6 ? '6' : '4', (char)(client->port >> 8),
                      (char)(client->port & 0xff)};
    ip_format_address(&client->address, address);
    struct bytes text = bytes_of_text(address);
    enum error error = begin(out, MILTER_CONNECT, length_of(&host_name, 1) + sizeof family + text.len + 1);
    if (error == OK) {
        error = append_text(out, host_name);
    }
    if (error == OK) {
        error = buffer_append(out, (struct bytes){family, sizeof family});
    }
    return error == OK ? append_text(out, text) : error;
}

enum error milter_take(struct bytes *rest, struct milter_packet *out)
{
    struct reader reader = reader_of(*rest);
    uint32_t length;
    struct bytes body;
    if (!take_u32(&reader, &length)) {
        return ERROR_NOT_FOUND;
    }
    if (length == 0 || length > MILTER_MESSAGE_MAX) {
        return ERROR_PROTOCOL;
    }
    if (!reader_take(&reader, length, &body)) {
        return ERROR_NOT_FOUND;
    }
    *out = (struct milter_packet){body.ptr[0], bytes_skip(body, 1)};
    *rest = reader.rest;
    return OK;
}

enum error milter_read_terms(struct bytes data, struct milter_terms *out)
{
    struct reader reader = reader_of(data);
    struct milter_terms terms;
    bool is_read = take_u32(&reader, &terms.version) && take_u32(&reader, &terms.actions) &&
                   take_u32(&reader, &terms.protocol);
    if (!is_read || terms.version < 2 || (terms.actions & ~(uint32_t)MILTER_MAY_ALL) ||
        (terms.protocol & ~(uint32_t)MILTER_PROTOCOL_ALL)) {
        return ERROR_PROTOCOL;
    }
    *out = terms;
    return OK;
}

enum error milter_take_text(struct bytes *rest, struct bytes *out)
{
    size_t end = bytes_find(*rest, '\0');
    if (end == rest->len) {
        return ERROR_PROTOCOL;
    }
    *out = bytes_first(*rest, end);
    *rest = bytes_skip(*rest, end + 1);
    return OK;
}

enum error milter_read_header(const struct milter_packet *packet, uint32_t *out_index, struct bytes *out_name,
                              struct bytes *out_value)
{
    struct reader reader = reader_of(packet->data);
    uint32_t index = 0;
    if (packet->letter != MILTER_ADD_HEADER && !take_u32(&reader, &index)) {
        return ERROR_PROTOCOL;
    }
    struct bytes name, value;
    if (milter_take_text(&reader.rest, &name) != OK || milter_take_text(&reader.rest, &value) != OK ||
        name.len == 0) {
        return ERROR_PROTOCOL;
    }
    *out_index = index;
    *out_name = name;
    *out_value = value;
    return OK;
}
