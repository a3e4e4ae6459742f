/* For benches: the organization of an LDIF file, loaded as the server does it. */
#ifndef BENCH_ORGANIZATION_FILE_H
#define BENCH_ORGANIZATION_FILE_H

#include "source/load_once.h"

#include <stdio.h>
#include <stdlib.h>

/* One reference; ends the program when the file holds none. server: the cn of its object. */
static inline const struct organization *organization_of_file(const char *path, const char *server)
{
    char uri[4096];
    (void)snprintf(uri, sizeof uri, "ldif:%s", path);
    struct directory_config config = {.uris = {uri}, .uri_count = 1};
    const struct load_once_request request = {
        .directory = &config, .server_name = server, .host_fqdn = "mx.contoso.com", .timeout_ms = 600000};
    const struct organization *organization = NULL;
    struct note note = {0};
    if (load_once(&request, &organization, &note) != OK) {
        fprintf(stderr, "%s: %s\n", path, note.text);
        exit(1);
    }
    return organization;
}

/* Where clients come to, and one after the other of them from all over 10/8: no cache line is met twice in a
 * row. */
static const struct ip_endpoint SERVER_ENDPOINT = {.address = {.family = IP_V4, .octets = {10, 0, 0, 1}},
                                                   .port = 25};

static inline struct ip_address next_client(uint32_t *number)
{
    uint32_t n = *number = *number * 1664525 + 1013904223;
    return (struct ip_address){.family = IP_V4,
                               .octets = {10, (uint8_t)(n >> 30), (uint8_t)(n >> 22), (uint8_t)(n >> 14)}};
}

#endif
