#include "base/ip.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

static const uint8_t mapped_prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

/* A block of addresses: the first octets and how many leading bits count. */
struct ip_block {
    enum ip_family family;
    uint8_t octets[4];
    unsigned prefix_bits;
};

static const struct ip_block private_blocks[] = {
    {IP_V4, {10}, 8},  {IP_V4, {172, 16}, 12},  {IP_V4, {192, 168}, 16}, {IP_V4, {100, 64}, 10},
    {IP_V4, {127}, 8}, {IP_V4, {169, 254}, 16}, {IP_V6, {0xfc}, 7},      {IP_V6, {0xfe, 0x80}, 10},
};

static unsigned family_bits(enum ip_family family)
{
    return family == IP_V4 ? 32 : 128;
}

/* As written: a v4-mapped address stays IPv6. Ranges are computed on this form, so that a prefix or a mask
 * means the bits its writer counted. */
static bool parse_written(struct bytes text, struct ip_address *out)
{
    struct ip_address address = {.family = bytes_find(text, ':') < text.len ? IP_V6 : IP_V4};
    char terminated[INET6_ADDRSTRLEN];

    if (text.len == 0 || text.len >= sizeof(terminated) || bytes_find(text, '\0') < text.len)
        return false;
    memcpy(terminated, text.ptr, text.len);
    terminated[text.len] = '\0';
    if (inet_pton(address.family == IP_V4 ? AF_INET : AF_INET6, terminated, address.octets) != 1)
        return false;
    *out = address;
    return true;
}

static struct ip_address normalize(struct ip_address address)
{
    struct ip_address normal = {.family = IP_V4};

    if (address.family != IP_V6 || memcmp(address.octets, mapped_prefix, sizeof(mapped_prefix)) != 0)
        return address;
    memcpy(normal.octets, address.octets + sizeof(mapped_prefix), 4);
    return normal;
}

enum error ip_parse_address(struct bytes text, struct ip_address *out)
{
    struct ip_address written;

    if (!parse_written(text, &written))
        return ERROR_SYNTAX;
    *out = normalize(written);
    return OK;
}

enum error ip_parse_endpoint(struct bytes text, struct ip_endpoint *out)
{
    bool is_bracketed = text.len && text.ptr[0] == '[';
    size_t end = is_bracketed ? bytes_find(text, ']') : bytes_find(text, ':');
    struct bytes host = bytes_skip(bytes_first(text, end), is_bracketed);
    struct bytes tail = bytes_skip(text, end + is_bracketed);
    struct ip_address written;
    uint64_t port;

    if (!parse_written(host, &written) || is_bracketed != (written.family == IP_V6))
        return ERROR_SYNTAX;
    if (tail.len == 0 || tail.ptr[0] != ':' || bytes_to_u64(bytes_skip(tail, 1), UINT16_MAX, &port) ||
        port == 0)
        return ERROR_SYNTAX;
    *out = (struct ip_endpoint){normalize(written), (uint16_t)port};
    return OK;
}

/* The first and the last address that share the leading prefix_bits with the address. */
static struct ip_range range_of_prefix(const struct ip_address *address, unsigned prefix_bits)
{
    struct ip_range range = {*address, *address};

    for (unsigned bit = prefix_bits; bit < family_bits(address->family); bit++) {
        uint8_t mask = (uint8_t)(0x80 >> bit % 8);
        range.low.octets[bit / 8] = (uint8_t)(range.low.octets[bit / 8] & ~mask);
        range.high.octets[bit / 8] |= mask;
    }
    return range;
}

/* The number of leading ones; false when a one follows a zero. */
static bool mask_to_prefix(const struct ip_address *mask, unsigned *out_prefix_bits)
{
    unsigned bits = family_bits(mask->family);
    unsigned ones = 0;

    while (ones < bits && mask->octets[ones / 8] & 0x80 >> ones % 8)
        ones++;
    for (unsigned bit = ones; bit < bits; bit++)
        if (mask->octets[bit / 8] & 0x80 >> bit % 8)
            return false;
    *out_prefix_bits = ones;
    return true;
}

/* "address/bits" */
static const char *parse_cidr(struct bytes text, size_t slash, struct ip_range *out)
{
    struct ip_address address;
    uint64_t prefix_bits;

    if (!parse_written(bytes_first(text, slash), &address))
        return "no address before the '/'";
    if (bytes_to_u64(bytes_skip(text, slash + 1), family_bits(address.family), &prefix_bits))
        return "the prefix length is no number or too large";
    *out = range_of_prefix(&address, (unsigned)prefix_bits);
    return NULL;
}

/* "address(mask)" */
static const char *parse_masked(struct bytes text, size_t open, struct ip_range *out)
{
    struct bytes inside = bytes_skip(text, open + 1);
    struct ip_address address, mask;
    unsigned prefix_bits;

    if (inside.len == 0 || inside.ptr[inside.len - 1] != ')')
        return "the mask is not closed with ')'";
    if (!parse_written(bytes_first(text, open), &address))
        return "no address before the '('";
    if (!parse_written(bytes_first(inside, inside.len - 1), &mask) || mask.family != address.family)
        return "the mask is no address of the same family";
    if (!mask_to_prefix(&mask, &prefix_bits))
        return "the mask has holes";
    *out = range_of_prefix(&address, prefix_bits);
    return NULL;
}

/* "low-high" */
static const char *parse_ends(struct bytes text, size_t dash, struct ip_range *out)
{
    struct ip_range range;

    if (!parse_written(bytes_trim(bytes_first(text, dash)), &range.low) ||
        !parse_written(bytes_trim(bytes_skip(text, dash + 1)), &range.high))
        return "one end is no address";
    if (range.low.family != range.high.family)
        return "the ends are of different families";
    if (ip_compare(&range.low, &range.high) > 0)
        return "the range is reversed";
    *out = range;
    return NULL;
}

static const char *parse_single(struct bytes text, struct ip_range *out)
{
    struct ip_address address;

    if (!parse_written(text, &address))
        return "no address";
    *out = (struct ip_range){address, address};
    return NULL;
}

enum error ip_parse_range(struct bytes text, struct ip_range *out, struct note *note)
{
    struct bytes trimmed = bytes_trim(text);
    size_t dash = bytes_find(trimmed, '-');
    size_t slash = bytes_find(trimmed, '/');
    size_t open = bytes_find(trimmed, '(');
    struct ip_range range;
    const char *flaw;

    if (bytes_find(trimmed, ',') < trimmed.len)
        flaw = "one value holds one range, without commas";
    else if (dash < trimmed.len)
        flaw = parse_ends(trimmed, dash, &range);
    else if (slash < trimmed.len)
        flaw = parse_cidr(trimmed, slash, &range);
    else if (open < trimmed.len)
        flaw = parse_masked(trimmed, open, &range);
    else
        flaw = parse_single(trimmed, &range);

    if (!flaw) {
        range.low = normalize(range.low);
        range.high = normalize(range.high);
        /* Cutting such a range in two would give its writer something else than he reads. */
        if (range.low.family != range.high.family)
            flaw = "one end is a v4-mapped address, the other is not";
    }
    if (flaw) {
        note_set(note, "range '%.*s': %s", BYTES_ARG(bytes_first(text, 100)), flaw);
        return ERROR_SYNTAX;
    }
    *out = range;
    return OK;
}

const char *ip_format_address(const struct ip_address *address, char out[IP_TEXT_SIZE])
{
    out[0] = '\0';
    if (address->family != IP_NONE)
        inet_ntop(address->family == IP_V4 ? AF_INET : AF_INET6, address->octets, out, IP_TEXT_SIZE);
    return out;
}

const char *ip_format_endpoint(const struct ip_endpoint *endpoint, char out[IP_ENDPOINT_TEXT_SIZE])
{
    bool is_v6 = endpoint->address.family == IP_V6;
    char address[IP_TEXT_SIZE];

    ip_format_address(&endpoint->address, address);
    snprintf(out, IP_ENDPOINT_TEXT_SIZE, "%s%s%s:%u", is_v6 ? "[" : "", address, is_v6 ? "]" : "",
             (unsigned)endpoint->port);
    return out;
}

const char *ip_format_range(const struct ip_range *range, char out[2 * IP_TEXT_SIZE])
{
    size_t used;

    ip_format_address(&range->low, out);
    if (ip_compare(&range->low, &range->high) == 0)
        return out;
    used = strlen(out);
    out[used] = '-';
    ip_format_address(&range->high, out + used + 1);
    return out;
}

int ip_compare(const struct ip_address *a, const struct ip_address *b)
{
    if (a->family != b->family)
        return a->family < b->family ? -1 : 1;
    return memcmp(a->octets, b->octets, sizeof(a->octets));
}

bool ip_range_contains(const struct ip_range *range, const struct ip_address *address)
{
    return ip_compare(&range->low, address) <= 0 && ip_compare(address, &range->high) <= 0;
}

bool ip_is_any(const struct ip_address *address)
{
    static const uint8_t zeros[16];

    return address->family != IP_NONE && memcmp(address->octets, zeros, sizeof(zeros)) == 0;
}

static bool is_in_block(const struct ip_address *address, const struct ip_block *block)
{
    struct ip_address start = {.family = block->family};
    struct ip_range range;

    memcpy(start.octets, block->octets, sizeof(block->octets));
    range = range_of_prefix(&start, block->prefix_bits);
    return ip_range_contains(&range, address);
}

bool ip_is_loopback(const struct ip_address *address)
{
    static const struct ip_address v6 = {IP_V6, {[15] = 1}};
    static const struct ip_block v4 = {IP_V4, {127}, 8};

    return is_in_block(address, &v4) || ip_compare(address, &v6) == 0;
}

bool ip_is_link_local(const struct ip_address *address)
{
    static const struct ip_block v4 = {IP_V4, {169, 254}, 16};
    static const struct ip_block v6 = {IP_V6, {0xfe, 0x80}, 10};

    return is_in_block(address, &v4) || is_in_block(address, &v6);
}

bool ip_range_is_private(const struct ip_range *range)
{
    /* No two of the blocks touch, so a range lies in one of them or leaves them. */
    for (size_t i = 0; i < sizeof(private_blocks) / sizeof(private_blocks[0]); i++)
        if (is_in_block(&range->low, &private_blocks[i]))
            return is_in_block(&range->high, &private_blocks[i]);
    return ip_is_loopback(&range->low) && ip_is_loopback(&range->high);
}

struct ip_endpoint ip_from_sockaddr(const struct sockaddr *socket_address)
{
    struct ip_endpoint endpoint = {0};
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;

    if (socket_address->sa_family == AF_INET) {
        memcpy(&v4, socket_address, sizeof(v4));
        endpoint.address.family = IP_V4;
        memcpy(endpoint.address.octets, &v4.sin_addr, 4);
        endpoint.port = ntohs(v4.sin_port);
    } else if (socket_address->sa_family == AF_INET6) {
        memcpy(&v6, socket_address, sizeof(v6));
        endpoint.address.family = IP_V6;
        memcpy(endpoint.address.octets, &v6.sin6_addr, 16);
        endpoint.address = normalize(endpoint.address);
        endpoint.port = ntohs(v6.sin6_port);
    }
    return endpoint;
}

void ip_to_sockaddr(const struct ip_endpoint *endpoint, struct sockaddr *out)
{
    struct sockaddr_storage storage = {0};

    if (endpoint->address.family == IP_V4) {
        struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(endpoint->port)};
        memcpy(&v4.sin_addr, endpoint->address.octets, 4);
        memcpy(&storage, &v4, sizeof(v4));
    } else if (endpoint->address.family == IP_V6) {
        struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(endpoint->port)};
        memcpy(&v6.sin6_addr, endpoint->address.octets, 16);
        memcpy(&storage, &v6, sizeof(v6));
    }
    memcpy(out, &storage, sizeof(storage));
}
