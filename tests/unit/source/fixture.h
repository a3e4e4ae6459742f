/* A small organization as LDIF, loaded without any directory. */
#ifndef UNIT_SOURCE_FIXTURE_H
#define UNIT_SOURCE_FIXTURE_H

#include "directory/ldif.h"
#include "source/image.h"
#include "source/load.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define EXCHANGE_DN "CN=Microsoft Exchange,CN=Services,CN=Configuration,dc=contoso,dc=com"
#define ORG_DN      "CN=Contoso," EXCHANGE_DN
#define GROUP_DN    "CN=Group,CN=Administrative Groups," ORG_DN
#define SERVER_DN   "CN=MX,CN=Servers," GROUP_DN
#define RECEIVE_DN  "CN=SMTP Receive Connectors,CN=Protocols," SERVER_DN
#define SEND_DN     "CN=Connections," GROUP_DN
#define DOMAINS_DN  "CN=Accepted Domains,CN=Transport Settings," ORG_DN

#define CONTAINER(dn) "dn: " dn "\nobjectClass: container\n\n"
#define TREE                                                                                                 \
    "dn: " EXCHANGE_DN "\nobjectClass: msExchConfigurationContainer\ncn: Microsoft Exchange\n"               \
    "otherWellKnownObjects: B:32:6C01D2A7F08345038132789EEB127B84:CN=Exchange Servers,dc=contoso,dc=com\n"   \
    "otherWellKnownObjects: B:32:3F965B9CF1674B4A936CB8EFB19C4784:CN=Interop,dc=contoso,dc=com\n\n"          \
    "dn: " ORG_DN "\nobjectClass: msExchOrganizationContainer\ncn: Contoso\n\n" CONTAINER(                   \
        "CN=Administrative Groups," ORG_DN) CONTAINER(GROUP_DN) CONTAINER("CN=Servers," GROUP_DN)            \
        CONTAINER("CN=Protocols," SERVER_DN) CONTAINER(RECEIVE_DN) CONTAINER(SEND_DN)                        \
            CONTAINER("CN=Transport Settings," ORG_DN) CONTAINER(DOMAINS_DN)
#define SERVER                                                                                               \
    "dn: " SERVER_DN "\nobjectClass: msExchExchangeServer\ncn: MX\nmsExchCurrentServerRoles: 16416\n"        \
    "networkAddress: netbios:MX\nnetworkAddress: ncacn_ip_tcp:mx.contoso.com\n\n"
/* lines end with \n each. */
#define RECEIVE(name, lines)                                                                                 \
    "dn: CN=" name "," RECEIVE_DN "\nobjectClass: msExchSmtpReceiveConnector\ncn: " name "\n" lines "\n"
#define SEND(name, lines)                                                                                    \
    "dn: CN=" name "," SEND_DN "\nobjectClass: msExchRoutingSMTPConnector\ncn: " name "\n" lines "\n"
#define DOMAIN(name, lines)                                                                                  \
    "dn: CN=" name "," DOMAINS_DN "\nobjectClass: msExchAcceptedDomain\ncn: " name                           \
    "\nmsExchAcceptedDomainName: " name "\n" lines "\n"
/* Bindings, one private range, and who may submit. */
#define BASICS                                                                                               \
    "msExchSmtpReceiveBindings: 0.0.0.0:25\nmsExchSmtpReceiveRemoteIPRanges: 10.0.0.1\n"                     \
    "dirrelayPermissionGroups: AnonymousUsers\n"

/* What a test loads from, and the organization of the last load. */
struct fixture {
    struct image *image;
    const struct organization *organization;
    struct load_request request;
    struct note note;
};

static inline void fixture_take(struct entry *entry, void *owner)
{
    struct fixture *fixture = owner;
    assert_int_equal(image_put(fixture->image, entry), OK);
}

/* Adds or replaces the records. */
static inline void fixture_put(struct fixture *fixture, const char *ldif)
{
    struct note note = {0};
    if (ldif_parse(bytes_of_text(ldif), fixture_take, fixture, &note) != OK)
        fail_msg("%s", note.text);
}

static inline void fixture_init(struct fixture *fixture, const char *ldif)
{
    *fixture = (struct fixture){.image = image_new()};
    fixture->request = (struct load_request){
        .image = fixture->image,
        .server_name = "mx",
        .host_fqdn = "host.example",
        .flavor = FLAVOR_OPENLDAP,
        .wall_ms = 1000,
    };
    fixture_put(fixture, TREE SERVER);
    fixture_put(fixture, ldif);
}

static inline enum error fixture_try(struct fixture *fixture)
{
    const struct organization *organization = NULL;
    fixture->request.previous = fixture->organization;
    enum error error = load_organization(&fixture->request, &organization, &fixture->note);
    if (error == OK) {
        organization_unref(fixture->organization);
        fixture->organization = organization;
    }
    return error;
}

static inline void fixture_load(struct fixture *fixture)
{
    if (fixture_try(fixture) != OK)
        fail_msg("%s", fixture->note.text);
}

static inline void fixture_done(struct fixture *fixture)
{
    organization_unref(fixture->organization);
    image_free(fixture->image);
}

static inline const struct receive_connector *fixture_receive(const struct fixture *fixture, const char *name)
{
    const struct receive_connector *connector =
        organization_receive_by_name(fixture->organization, bytes_of_text(name));
    if (!connector)
        fail_msg("no receive connector %s", name);
    return connector;
}

static inline const struct send_connector *fixture_send(const struct fixture *fixture, const char *name)
{
    for (size_t i = 0; i < fixture->organization->send_count; i++)
        if (strcmp(fixture->organization->send[i].name, name) == 0)
            return &fixture->organization->send[i];
    fail_msg("no send connector %s", name);
    return NULL;
}

/* The refusal of the object with this DN whose reason holds the text, or NULL. */
static inline const struct refusal *fixture_refusal(const struct fixture *fixture, const char *dn,
                                                    const char *part)
{
    for (size_t i = 0; i < fixture->organization->refused_count; i++) {
        const struct refusal *refusal = &fixture->organization->refused[i];
        if (strcmp(refusal->dn, dn) == 0 && strstr(refusal->why, part))
            return refusal;
    }
    return NULL;
}

static inline uint32_t anonymous_rights(const struct receive_connector *connector)
{
    return connector->fixed[IDENTITY_ANONYMOUS].granted;
}

static inline void assert_has_text(const char *text, const char *part)
{
    if (!text || !strstr(text, part))
        fail_msg("\"%s\" does not hold \"%s\"", text ? text : "(nothing)", part);
}

#endif
