/* The organization that the tests of sessions share. */
#ifndef SMTP_ORGANIZATION_H
#define SMTP_ORGANIZATION_H

#include "fakes/fake_organization.h"

#define SCRIPT(...)   ((const char *const[]){__VA_ARGS__, NULL})
#define ANY_RECIPIENT "allow ms-Exch-SMTP-Accept-Any-Recipient to anonymous"

#define HELLO                                                                                                \
    "S: 220 mx1.contoso.com Microsoft ESMTP MAIL Service ready at *, * +0000", "C: EHLO client.example",     \
        "S: 250-mx1.contoso.com Hello [10.*]", "S+ 250 *"
#define GOODBYE "C: QUIT", "S: 221 2.0.0 Service closing transmission channel", "S: <closed>"
#define ENVELOPE                                                                                             \
    "C: MAIL FROM:<a@b.example>", "S: 250 2.1.0 Sender OK", "C: RCPT TO:<kate@fabrikam.com>",                \
        "S: 250 2.1.5 Recipient OK", "C: DATA", "S: 354 Start mail input; end with <CRLF>.<CRLF>"
#define QUEUED "S: 250 2.6.0 <*> [InternalId=*] Queued mail for delivery"

/* What a test changes on all connectors before the organization is made; set and reset by the test. */
static void (*adjust_all)(struct receive_connector *connector);

static void no_tarpit(struct receive_connector *connector)
{
    connector->tarpit_s = 0;
    if (adjust_all != NULL) {
        adjust_all(connector);
    }
}

/* 10.1/16 may relay, 10.2/16 may only submit to our domains, 10.3/16 may nothing, 10.4/16 is externally
 * secured, 10.5/16 belongs to a connector that was refused. */
static inline struct organization *smtp_organization(enum permission_model model)
{
    return fake_organization_new(&(struct fake_organization){
        .model = model,
        .receive =
            (struct fake_receive[]){
                {"Relay", .ranges = "10.1.0.0/16", .groups = GROUP_ANONYMOUS_USERS, .aces = ANY_RECIPIENT,
                 .adjust = no_tarpit},
                {"Default", .ranges = "10.2.0.0/16", .groups = GROUP_ANONYMOUS_USERS, .adjust = no_tarpit},
                {"Nothing", .ranges = "10.3.0.0/16", .adjust = no_tarpit},
                {"Secured", .ranges = "10.4.0.0/16", .groups = GROUP_EXCHANGE_SERVERS,
                 .auth = AUTH_EXTERNAL_AUTHORITATIVE, .adjust = no_tarpit},
                {"Refused", .ranges = "10.5.0.0/16", .refused = "a bad value", .adjust = no_tarpit},
                {0}},
        .domains = (struct fake_domain[]){{"contoso.com", .is_default = true},
                                          {"partner.example", .type = DOMAIN_INTERNAL_RELAY},
                                          {0}},
        .send = (struct fake_send[]){{"Internet", .spaces = "SMTP:*;1", .smart_hosts = "[10.9.9.9]"}, {0}}});
}

#endif
