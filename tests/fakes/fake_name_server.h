/* A name server on the test's own loop that answers from a table over UDP.
 *
 *     struct fake_name_server server;
 *     fake_name_server_open(&server, loop, (struct fake_record[]){
 *         {"contoso.com", "MX", "10 mx.contoso.com"}, {"mx.contoso.com", "A", "192.0.2.1"}, {0}});
 *     resolver_new(loop, &(struct resolver_config){.server = &server.endpoint}, …
 *
 * A name with records of other types only has none of the type; a name without any does not exist. */
#ifndef FAKE_NAME_SERVER_H
#define FAKE_NAME_SERVER_H

#include "base/ip.h"
#include "loop/loop.h"

struct fake_record {
    const char *name; /* "*.example.com": every name below */
    const char
        *type; /* A, AAAA, MX, CNAME, TXT; SERVFAIL or SILENT: the name's only answer; SERVFAIL-A: to A */
    const char *data; /* as in a zone file, without final dots; MX "0 ." is the null MX */
};

struct fake_name_server {
    struct loop_poll *poll;
    int descriptor;
    struct ip_endpoint endpoint;
    const struct fake_record *records; /* ended by a NULL name; borrowed; may be changed at any time */
    unsigned question_count;
};

/* On a free port of 127.0.0.1. Fails the test where that is not possible. */
void fake_name_server_open(struct fake_name_server *server, struct loop *loop,
                           const struct fake_record *records);
/* Before the loop is freed. */
void fake_name_server_close(struct fake_name_server *server);

#endif
