/* The server's own session over a stream in memory: what `explain` prints is what the server does. Design 2.
 */
#ifndef CLI_SIMULATION_H
#define CLI_SIMULATION_H

#include "auth/authenticator.h"
#include "auth/certificate.h"
#include "base/machine.h"
#include "cli/account_load.h"
#include "organization/organization.h"

#define SIMULATION_RECIPIENTS_MAX 64

/* What was said and what was answered. Borrowed for the call. */
struct simulation_step {
    const char *sent; /* NULL: the greeting */
    const char *reply;
    const char *why;     /* a refusal's reason id, or NULL */
    const char *right;   /* the right whose absence refused, or NULL */
    const char *ace;     /* with right: the ACE that decided, or that none did */
    const char *send_as; /* what the directory said of the sender, or NULL */
};

struct simulation_request {
    struct ip_endpoint client;
    struct ip_endpoint local;
    const char *helo; /* NULL: a bare EHLO */
    const char *from; /* NULL: the dialogue ends after EHLO; with or without angle brackets */
    const char *recipients[SIMULATION_RECIPIENTS_MAX];
    size_t recipient_count;
    bool is_tls; /* the session is inside TLS from its first byte on; so it is where the connector has
                    implicit TLS */
    const struct certificate_set
        *certificates;             /* the server's, or NULL: without one STARTTLS is not offered */
    const struct machine *machine; /* borrowed: whose gateways count */
    uint32_t mechanisms;           /* SASL_BITs that AUTH is offered with, where the connector has them */
    struct loaded_account loaded; /* who logs in behind EHLO, with the first mechanism offered, or nobody; and
                                     whose the sender's address is */
    bool has_size;
    uint64_t size_bytes;
    void (*on_step)(void *owner, const struct simulation_step *step);
    void *owner;
};

/* Runs the dialogue to its end: EHLO, AUTH of an account, MAIL, each RCPT, DATA when a recipient was taken,
 * QUIT. Nothing is stored on disk, sent or logged. Blocks; needs no loop of the caller. ERROR_TEMPORARY: no
 * memory. */
MUST_USE enum error simulation_run(const struct organization *organization,
                                   const struct simulation_request *request);

#endif
