/* What the DNS says of a server's certificate: TLSA records. Pure. Spec: RFC 6698, RFC 7671, RFC 7672. */
#ifndef LOOP_DANE_H
#define LOOP_DANE_H

#include "base/bytes.h"

#define DANE_RECORDS_MAX 32   /* of a server; further ones do not count */
#define DANE_DATA_MAX    8192 /* bytes of all its records */

struct dane_record {
    uint8_t usage;
    uint8_t selector;
    uint8_t matching;
    struct bytes data;
};

/* The TLSA records of one server and whose it must prove to be. Texts and data borrowed. */
struct dane {
    struct dane_record records[DANE_RECORDS_MAX];
    size_t count;
    const char *base;     /* its name, at which the records are; the server is asked for it (SNI) */
    const char *domain;   /* a certificate of the mail's domain is as good; NULL: is not */
    const char *expanded; /* and of the name that this one is an alias of; NULL: it is none */
};

/* One record's data, borrowed. False: too short for one. */
bool dane_read_record(struct bytes data, struct dane_record *out);
/* May a mail server be known by it? Usages 2 (DANE-TA) and 3 (DANE-EE), selectors 0 and 1, matching types 0
 * to 2 with data of their length. Spec: RFC 7672 3.1. */
bool dane_is_usable(const struct dane_record *record);

#endif
