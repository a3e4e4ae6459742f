#include "loop/machine_read.h"

#include "base/buffer.h"
#include "loop/interfaces.h"

#include <stdio.h>
#include <string.h>

#include <net/route.h>

#define TABLE_MAX   (1u << 20)
#define LINE_FIELDS 10

/* Where each table has what, counted from 0. */
enum { IPV4_GATEWAY = 2, IPV4_FLAGS = 3, IPV4_FIELDS = 4 };
enum { IPV6_GATEWAY = 4, IPV6_FLAGS = 8, IPV6_FIELDS = 9 };

/* Fields stand between blanks and tabs, some of them padded. */
static size_t split(struct bytes line, struct bytes fields[LINE_FIELDS])
{
    size_t count = 0;
    size_t start = 0;
    for (size_t i = 0; i <= line.len; i++) {
        if (i < line.len && line.ptr[i] != ' ' && line.ptr[i] != '\t') {
            continue;
        }
        if (i > start && count < LINE_FIELDS) {
            fields[count++] = (struct bytes){line.ptr + start, i - start};
        }
        start = i + 1;
    }
    return count;
}

static int digit_value(char digit)
{
    static const char DIGITS[] = "0123456789abcdef";
    const char *at =
        digit == '\0' ? NULL : strchr(DIGITS, digit >= 'A' && digit <= 'F' ? digit | 0x20 : digit);
    return at == NULL ? -1 : (int)(at - DIGITS);
}

/* count octets of two digits each; true when that is all there is. */
static bool parse_octets(struct bytes text, uint8_t *out, size_t count)
{
    for (size_t i = 0; i < count && text.len == 2 * count; i++) {
        int high = digit_value(text.ptr[2 * i]);
        int low = digit_value(text.ptr[2 * i + 1]);
        if (high < 0 || low < 0) {
            return false;
        }
        out[i] = (uint8_t)(high << 4 | low);
    }
    return text.len == 2 * count;
}

static bool parse_number(struct bytes text, uint32_t *out)
{
    uint8_t octets[4];
    if (!parse_octets(text, octets, sizeof octets)) {
        return false;
    }
    *out = (uint32_t)octets[0] << 24 | (uint32_t)octets[1] << 16 | (uint32_t)octets[2] << 8 | octets[3];
    return true;
}

/* "0003": the IPv4 table has four digits, the other eight. */
static bool is_through_gateway(struct bytes flags)
{
    uint32_t value = 0;
    uint8_t octets[2];
    if (parse_octets(flags, octets, sizeof octets)) {
        value = (uint32_t)octets[0] << 8 | octets[1];
    } else if (!parse_number(flags, &value)) {
        return false;
    }
    return (value & RTF_UP) && (value & RTF_GATEWAY);
}

void machine_add_ipv4_routes(struct machine *machine, struct bytes table)
{
    struct bytes line;
    while (bytes_next(&table, '\n', &line)) {
        struct bytes fields[LINE_FIELDS];
        struct ip_address gateway = {.family = IP_V4};
        uint32_t number; /* as it lies in memory, read as a number of this machine */
        if (split(line, fields) >= IPV4_FIELDS && is_through_gateway(fields[IPV4_FLAGS]) &&
            parse_number(fields[IPV4_GATEWAY], &number)) {
            memcpy(gateway.octets, &number, sizeof number);
            machine_add_gateway(machine, &gateway);
        }
    }
}

void machine_add_ipv6_routes(struct machine *machine, struct bytes table)
{
    struct bytes line;
    while (bytes_next(&table, '\n', &line)) {
        struct bytes fields[LINE_FIELDS];
        struct ip_address gateway = {.family = IP_V6};
        if (split(line, fields) >= IPV6_FIELDS && is_through_gateway(fields[IPV6_FLAGS]) &&
            parse_octets(fields[IPV6_GATEWAY], gateway.octets, sizeof gateway.octets)) {
            machine_add_gateway(machine, &gateway);
        }
    }
}

static void add_file(struct machine *machine, const char *path,
                     void (*add)(struct machine *machine, struct bytes table))
{
    FILE *file = fopen(path, "re");
    struct buffer table;
    size_t count = 1;
    if (file == NULL) {
        return;
    }
    buffer_init(&table, TABLE_MAX);
    while (count > 0 && buffer_reserve(&table, 4096) == OK) {
        count = fread(table.ptr + table.len, 1, 4096, file);
        table.len += count;
    }
    (void)fclose(file);
    add(machine, buffer_bytes(&table));
    buffer_done(&table);
}

void machine_read(struct machine *out)
{
    *out = (struct machine){0};
    out->own_count = interfaces_addresses(out->own, MACHINE_OWN_MAX);
    add_file(out, "/proc/self/net/route", machine_add_ipv4_routes);
    add_file(out, "/proc/self/net/ipv6_route", machine_add_ipv6_routes);
}
