#include "smtp_server/proxy_header.h"

#include "base/reader.h"

#include <netinet/in.h>
#include <string.h>

#define V1_MAX   107 /* octets with CRLF */
#define V2_BEGIN "\r\n\r\n\0\r\nQUIT\n"
#define V2_HEAD  16

/* -- version 1 -- */

static bool take_address(struct bytes *rest, bool is_v6, struct ip_address *out)
{
    struct bytes word;
    if (!bytes_next(rest, ' ', &word)) {
        return false;
    }
    bool looks_v6 = bytes_find(word, ':') < word.len;
    return looks_v6 == is_v6 && ip_parse_address(word, out) == OK;
}

static bool take_port(struct bytes *rest, uint16_t *out)
{
    struct bytes word;
    uint64_t port;
    if (!bytes_next(rest, ' ', &word) || word.len == 0) {
        return false;
    }
    bool is_padded = word.len > 1 && word.ptr[0] == '0';
    if (is_padded || bytes_to_u64(word, UINT16_MAX, &port) != OK) {
        return false;
    }
    *out = (uint16_t)port;
    return true;
}

/* line: behind "PROXY ", without CRLF. */
static enum error parse_v1_line(struct bytes line, struct proxy_header *out)
{
    struct proxy_header header = {.has_addresses = true};
    struct bytes family, rest = line;
    if (!bytes_next(&rest, ' ', &family)) {
        return ERROR_PROTOCOL;
    }
    if (bytes_equal(family, BYTES_LITERAL("UNKNOWN"))) {
        *out = (struct proxy_header){0};
        return OK;
    }
    bool is_v6 = bytes_equal(family, BYTES_LITERAL("TCP6"));
    if (!is_v6 && !bytes_equal(family, BYTES_LITERAL("TCP4"))) {
        return ERROR_PROTOCOL;
    }
    bool is_read = take_address(&rest, is_v6, &header.source.address) &&
                   take_address(&rest, is_v6, &header.destination.address) &&
                   take_port(&rest, &header.source.port) && take_port(&rest, &header.destination.port);
    if (!is_read || rest.len > 0 || line.ptr[line.len - 1] == ' ') {
        return ERROR_PROTOCOL;
    }
    *out = header;
    return OK;
}

static enum error parse_v1(struct bytes data, struct proxy_header *out, size_t *out_used)
{
    struct bytes window = bytes_first(data, V1_MAX);
    size_t end = bytes_find_text(window, "\r\n");
    if (end == window.len) {
        return data.len >= V1_MAX ? ERROR_PROTOCOL : ERROR_NOT_FOUND;
    }
    static const size_t name = sizeof "PROXY " - 1;
    enum error error = parse_v1_line(bytes_skip(bytes_first(data, end), name), out);
    if (error == OK) {
        *out_used = end + 2;
    }
    return error;
}

/* -- version 2 -- */

enum { V2_LOCAL = 0x20, V2_PROXY = 0x21, V2_TCP4 = 0x11, V2_TCP6 = 0x21 };

static struct ip_address address_of_octets(struct bytes octets)
{
    union {
        struct sockaddr_storage storage;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
        struct sockaddr any;
    } socket_address = {0};
    if (octets.len == 4) {
        socket_address.v4.sin_family = AF_INET;
        memcpy(&socket_address.v4.sin_addr, octets.ptr, 4);
    } else {
        socket_address.v6.sin6_family = AF_INET6;
        memcpy(&socket_address.v6.sin6_addr, octets.ptr, 16);
    }
    return ip_from_sockaddr(&socket_address.any).address;
}

static enum error parse_v2_addresses(struct bytes body, size_t octets, struct proxy_header *out)
{
    struct reader reader = reader_of(body);
    struct bytes source, destination;
    struct proxy_header header = {.has_addresses = true};
    if (!reader_take(&reader, octets, &source) || !reader_take(&reader, octets, &destination) ||
        !reader_u16_be(&reader, &header.source.port) || !reader_u16_be(&reader, &header.destination.port)) {
        return ERROR_PROTOCOL;
    }
    header.source.address = address_of_octets(source);
    header.destination.address = address_of_octets(destination);
    *out = header; /* information elements may follow: not looked at */
    return OK;
}

static enum error parse_v2(struct bytes data, struct proxy_header *out, size_t *out_used)
{
    struct reader reader = reader_of(bytes_skip(data, sizeof V2_BEGIN - 1));
    uint8_t command, family;
    uint16_t length;
    struct bytes body;
    if (!reader_u8(&reader, &command) || !reader_u8(&reader, &family) || !reader_u16_be(&reader, &length)) {
        return ERROR_NOT_FOUND;
    }
    if ((command != V2_LOCAL && command != V2_PROXY) || length > PROXY_HEADER_MAX - V2_HEAD) {
        return ERROR_PROTOCOL;
    }
    if (!reader_take(&reader, length, &body)) {
        return ERROR_NOT_FOUND;
    }
    enum error error = ERROR_PROTOCOL;
    if (command == V2_LOCAL) {
        *out = (struct proxy_header){0};
        error = OK;
    } else if (family == V2_TCP4 || family == V2_TCP6) {
        error = parse_v2_addresses(body, family == V2_TCP4 ? 4 : 16, out);
    }
    if (error == OK) {
        *out_used = V2_HEAD + (size_t)length;
    }
    return error;
}

static bool begins(struct bytes data, struct bytes beginning)
{
    return bytes_equal(bytes_first(data, beginning.len), bytes_first(beginning, data.len));
}

enum error proxy_header_parse(struct bytes data, struct proxy_header *out, size_t *out_used)
{
    struct bytes v1 = BYTES_LITERAL("PROXY "), v2 = BYTES_LITERAL(V2_BEGIN);
    if (begins(data, v1)) {
        return data.len < v1.len ? ERROR_NOT_FOUND : parse_v1(data, out, out_used);
    }
    if (begins(data, v2)) {
        return data.len < v2.len ? ERROR_NOT_FOUND : parse_v2(data, out, out_used);
    }
    return ERROR_PROTOCOL;
}
