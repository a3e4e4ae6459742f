#include "fakes/fake_name_server.h"

#include "base/bytes.h"
#include "loop/loop_internal.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sys/socket.h>

enum { TYPE_A = 1, TYPE_CNAME = 5, TYPE_MX = 15, TYPE_TXT = 16, TYPE_AAAA = 28 };
enum { PACKET_SIZE = 8192, CODE_SERVFAIL = 2, CODE_NXDOMAIN = 3 };

struct packet {
    unsigned char octets[PACKET_SIZE];
    size_t len;
};

static void require(bool is_right, const char *what)
{
    if (!is_right) {
        fprintf(stderr, "fake_name_server: %s\n", what);
        abort();
    }
}

static void put(struct packet *packet, const void *data, size_t len)
{
    require(packet->len + len <= PACKET_SIZE, "the answer is too long");
    memcpy(packet->octets + packet->len, data, len);
    packet->len += len;
}

static void put_u16(struct packet *packet, unsigned value)
{
    const unsigned char octets[] = {(unsigned char)(value >> 8), (unsigned char)value};
    put(packet, octets, sizeof octets);
}

static void put_name(struct packet *packet, const char *name)
{
    struct bytes rest = bytes_of_text(name), label;
    while (bytes_next(&rest, '.', &label) && label.len > 0) {
        unsigned char len = (unsigned char)label.len;
        put(packet, &len, 1);
        put(packet, label.ptr, label.len);
    }
    put(packet, "", 1);
}

static unsigned type_of(const char *type)
{
    static const struct {
        const char *name;
        unsigned type;
    } rows[] = {
        {"A", TYPE_A}, {"AAAA", TYPE_AAAA}, {"MX", TYPE_MX}, {"CNAME", TYPE_CNAME}, {"TXT", TYPE_TXT}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (strcmp(rows[i].name, type) == 0) {
            return rows[i].type;
        }
    }
    return 0;
}

static void put_data(struct packet *packet, const struct fake_record *record)
{
    unsigned char address[16];
    const char *blank = strchr(record->data, ' ');
    switch (type_of(record->type)) {
    case TYPE_A:
        require(inet_pton(AF_INET, record->data, address) == 1, record->data);
        put(packet, address, 4);
        break;
    case TYPE_AAAA:
        require(inet_pton(AF_INET6, record->data, address) == 1, record->data);
        put(packet, address, 16);
        break;
    case TYPE_MX:
        require(blank != NULL, record->data);
        put_u16(packet, (unsigned)atoi(record->data)); /* NOLINT: of the test's own table */
        put_name(packet, strcmp(blank + 1, ".") == 0 ? "" : blank + 1);
        break;
    case TYPE_TXT:
        require(strlen(record->data) < 256, record->data);
        put(packet, (const unsigned char[]){(unsigned char)strlen(record->data)}, 1);
        put(packet, record->data, strlen(record->data));
        break;
    default:
        put_name(packet, record->data);
        break;
    }
}

static void put_record(struct packet *packet, const struct fake_record *record)
{
    put_name(packet, record->name);
    put_u16(packet, type_of(record->type));
    put(packet, "\0\1\0\0\0\74", 6); /* class IN, a minute */
    size_t at = packet->len;
    put_u16(packet, 0);
    put_data(packet, record);
    size_t len = packet->len - at - 2;
    packet->octets[at] = (unsigned char)(len >> 8);
    packet->octets[at + 1] = (unsigned char)len;
}

/* "*.example.com" is every name below. */
static bool is_meant(const char *name, const char *wanted)
{
    struct bytes text = bytes_of_text(wanted);
    return name[0] == '*' ? bytes_ends_nocase(text, name + 1) : bytes_equal_text_nocase(text, name);
}

/* Appends what the table says; follows aliases a few steps. False: no answer. */
static bool answer(const struct fake_name_server *server, const char *name, unsigned type,
                   struct packet *packet, unsigned *out_code, unsigned *out_count)
{
    bool exists = false;
    const char *alias = name;
    for (int step = 0; alias != NULL && step < 4; step++) {
        const char *wanted = alias;
        alias = NULL;
        for (const struct fake_record *record = server->records; record->name != NULL; record++) {
            if (!is_meant(record->name, wanted)) {
                continue;
            }
            exists = true;
            if (strcmp(record->type, "SILENT") == 0) {
                return false;
            }
            if (strcmp(record->type, "SERVFAIL") == 0 ||
                (strcmp(record->type, "SERVFAIL-A") == 0 && type == TYPE_A)) {
                *out_code = CODE_SERVFAIL;
                return true;
            }
            if (type_of(record->type) == type || type_of(record->type) == TYPE_CNAME) {
                put_record(packet, record);
                ++*out_count;
                alias = type_of(record->type) == TYPE_CNAME ? record->data : alias;
            }
        }
    }
    *out_code = exists ? 0 : CODE_NXDOMAIN;
    return true;
}

static void on_event(void *owner, int events)
{
    (void)events;
    struct fake_name_server *server = owner;
    struct packet packet;
    struct sockaddr_storage peer;
    socklen_t size = sizeof peer;
    char name[512] = "";
    ssize_t got = recvfrom(server->descriptor, packet.octets, 512, 0, (struct sockaddr *)&peer, &size);
    if (got < 17) {
        return;
    }
    server->question_count++;
    size_t at = 12;
    while (packet.octets[at] != 0) {
        snprintf(name + strlen(name), sizeof name - strlen(name), "%s%.*s", name[0] ? "." : "",
                 (int)packet.octets[at], (char *)packet.octets + at + 1);
        at += packet.octets[at] + 1u;
    }
    unsigned code = 0, count = 0;
    packet.len = at + 5;
    if (!answer(server, name, (unsigned)(packet.octets[at + 1] << 8 | packet.octets[at + 2]), &packet, &code,
                &count)) {
        return;
    }
    packet.octets[2] = (unsigned char)(0x84 | (packet.octets[2] & 1));
    packet.octets[3] = (unsigned char)(0x80 | code);
    memset(packet.octets + 6, 0, 6);
    packet.octets[6] = (unsigned char)(count >> 8);
    packet.octets[7] = (unsigned char)count;
    require(sendto(server->descriptor, packet.octets, packet.len, 0, (struct sockaddr *)&peer, size) ==
                (ssize_t)packet.len,
            "cannot answer");
}

void fake_name_server_open(struct fake_name_server *server, struct loop *loop,
                           const struct fake_record *records)
{
    *server = (struct fake_name_server){.records = records};
    server->descriptor = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    struct ip_endpoint any = {.address = {.family = IP_V4, .octets = {127, 0, 0, 1}}};
    struct sockaddr_storage address;
    socklen_t size = sizeof address;
    ip_to_sockaddr(&any, (struct sockaddr *)&address);
    require(bind(server->descriptor, (struct sockaddr *)&address, size) == 0, "no port");
    getsockname(server->descriptor, (struct sockaddr *)&address, &size);
    server->endpoint = ip_from_sockaddr((struct sockaddr *)&address);
    require(loop_poll_new(loop, server->descriptor, on_event, server, &server->poll) == OK, "no poll");
    loop_poll_set(server->poll, LOOP_READABLE);
}

void fake_name_server_close(struct fake_name_server *server)
{
    if (server->poll == NULL) {
        return;
    }
    loop_poll_free(server->poll);
    close(server->descriptor);
    server->poll = NULL;
}
