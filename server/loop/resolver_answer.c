#include "loop/resolver_answer.h"

#include "base/reader.h"

#include <netinet/in.h>
#include <string.h>

bool resolver_answer_address(int type, struct bytes data, struct ip_address *out)
{
    struct sockaddr_storage storage = {0};
    if (type == RESOLVER_TYPE_A && data.len == 4) {
        struct sockaddr_in *v4 = (struct sockaddr_in *)&storage;
        v4->sin_family = AF_INET;
        memcpy(&v4->sin_addr, data.ptr, data.len);
    } else if (type == RESOLVER_TYPE_AAAA && data.len == 16) {
        struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&storage;
        v6->sin6_family = AF_INET6;
        memcpy(&v6->sin6_addr, data.ptr, data.len);
    } else {
        return false;
    }
    *out = ip_from_sockaddr((struct sockaddr *)&storage).address;
    return true;
}

static bool is_of_host_name(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

/* Appends "label." in lower case. */
static bool append_label(struct bytes label, char *text, size_t *len)
{
    if (*len + label.len + 1 >= RESOLVER_NAME_SIZE) {
        return false;
    }
    for (size_t i = 0; i < label.len; i++) {
        char c = label.ptr[i];
        c = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
        if (!is_of_host_name(c)) {
            return false;
        }
        text[(*len)++] = c;
    }
    text[(*len)++] = '.';
    return true;
}

bool resolver_answer_host(struct bytes name, char out[RESOLVER_NAME_SIZE])
{
    struct bytes label;
    size_t len = 0;
    while (bytes_next(&name, '.', &label)) {
        if (label.len == 0 || label.len > 63 || !append_label(label, out, &len)) {
            return false;
        }
    }
    len -= len > 0;
    out[len] = '\0';
    return len > 0;
}

bool resolver_answer_exchanger(struct bytes data, struct resolver_exchanger *out)
{
    struct reader reader = reader_of(data);
    struct bytes label;
    struct ip_address address;
    uint8_t label_len;
    size_t len = 0;
    if (!reader_u16_be(&reader, &out->preference) || !reader_u8(&reader, &label_len)) {
        return false;
    }
    while (label_len != 0) {
        if (label_len > 63 || !reader_take(&reader, label_len, &label) ||
            !append_label(label, out->name, &len) || !reader_u8(&reader, &label_len)) {
            return false;
        }
    }
    len -= len > 0; /* the final dot */
    out->name[len] = '\0';
    return reader_is_done(&reader) && ip_parse_address((struct bytes){out->name, len}, &address) != OK;
}
