/* Sessions with an authenticator, for tests that name the fakes organization, dialogue and authenticator. */
#ifndef AUTH_SESSION_H
#define AUTH_SESSION_H

#include "fakes/fake_authenticator.h"
#include "fakes/fake_dialogue.h"
#include "fakes/fake_organization.h"

#include <stdio.h>

#define SCRIPT(...) ((const char *const[]){__VA_ARGS__, NULL})

#define ALICE_SID   "S-1-5-21-9-9-9-500"
#define RELAY_GROUP "S-1-5-21-9-9-9-600"
#define ANY_SENDER  "allow ms-Exch-SMTP-Accept-Any-Sender to authenticated"

/* alice may relay by a group where she may submit, bob may submit, guest is in no group at all. */
static const struct fake_person people[] = {
    {"alice", "secret", ALICE_SID " " RELAY_GROUP " S-1-1-0 S-1-5-11 S-1-5-2", AUTH_STEP_CHALLENGE},
    {"bob", "secret", "S-1-5-21-9-9-9-501 S-1-1-0 S-1-5-11 S-1-5-2", AUTH_STEP_CHALLENGE},
    {"guest", "secret", "S-1-5-21-9-9-9-502", AUTH_STEP_CHALLENGE},
    {"server", "secret", "S-1-5-21-9-9-9-503 " FAKE_EXCHANGE_SERVERS_SID " S-1-1-0 S-1-5-11 S-1-5-2",
     AUTH_STEP_CHALLENGE},
    {"old", "secret", "S-1-5-21-9-9-9-504 " FAKE_LEGACY_INTEROP_SID " S-1-1-0 S-1-5-11 S-1-5-2",
     AUTH_STEP_CHALLENGE},
    {"away", "secret", "", AUTH_STEP_UNAVAILABLE},
    {0}};

/* Base64 of NUL alice NUL secret, and so on. */
#define ALICE_PLAIN "AGFsaWNlAHNlY3JldA=="
#define ALICE_WRONG "AGFsaWNlAHdyb25n"
#define BOB_PLAIN   "AGJvYgBzZWNyZXQ="
#define GUEST_PLAIN "AGd1ZXN0AHNlY3JldA=="
#define AWAY_PLAIN  "AGF3YXkAc2VjcmV0"
#define ALICE       "YWxpY2U="
#define SECRET      "c2VjcmV0"
#define WRONG       "d3Jvbmc="

#define AUTH_OK     "S: 235 2.7.0 Authentication successful"
#define AUTH_FAILED "S: 535 5.7.3 Authentication unsuccessful"
#define EHLO                                                                                                 \
    "C: EHLO client.example", "S: 250-mx1*", "S: 250-SIZE*", "S: 250-PIPELINING", "S: 250-DSN", "S: 250-ENH*"
#define AUTH_HELLO(keywords) "S: 220 *", EHLO, keywords, "S+ 250 *"
#define EVERY_HELLO          AUTH_HELLO("S: 250-AUTH GSSAPI NTLM LOGIN PLAIN"), "C: NOOP", "S: 250 2.0.0 OK"

static void (*adjust_all)(struct receive_connector *connector);

static void no_tarpit(struct receive_connector *connector)
{
    connector->tarpit_s = 0;
    if (adjust_all != NULL) {
        adjust_all(connector);
    }
}

/* 10.1/16 takes all mechanisms but those of Exchange, 10.2/16 passwords inside TLS only, 10.3/16 passwords
 * though only anonymous clients may submit, 10.4/16 none, 10.5/16 those of Exchange alone. */
static inline struct organization *auth_organization(const char *relay_ace)
{
    char aces[512];
    snprintf(aces, sizeof aces, "%s\nallow ms-Exch-SMTP-Submit to authenticated\n%s", ANY_SENDER, relay_ace);
    return fake_organization_new(&(struct fake_organization){
        .receive =
            (struct fake_receive[]){
                {"Users", .ranges = "10.1.0.0/16", .aces = aces, .auth = AUTH_BASIC | AUTH_INTEGRATED,
                 .groups = GROUP_ANONYMOUS_USERS, .adjust = no_tarpit},
                {"Protected", .ranges = "10.2.0.0/16", .groups = GROUP_EXCHANGE_USERS, .aces = ANY_SENDER,
                 .auth = AUTH_TLS | AUTH_BASIC | AUTH_BASIC_REQUIRE_TLS, .adjust = no_tarpit},
                {"Anonymous", .ranges = "10.3.0.0/16", .groups = GROUP_ANONYMOUS_USERS, .auth = AUTH_BASIC,
                 .adjust = no_tarpit},
                {"Plain", .ranges = "10.4.0.0/16", .groups = GROUP_ANONYMOUS_USERS, .adjust = no_tarpit},
                {"Servers", .ranges = "10.5.0.0/16", .auth = AUTH_TLS | AUTH_EXCHANGE_SERVER,
                 .groups = GROUP_EXCHANGE_SERVERS | GROUP_EXCHANGE_LEGACY_SERVERS, .adjust = no_tarpit},
                {0}},
        .domains = (struct fake_domain[]){{"contoso.com", .is_default = true}, {0}},
        .send = (struct fake_send[]){{"Internet", .spaces = "SMTP:*;1", .smart_hosts = "[10.9.9.9]"}, {0}}});
}

#define RELAY_FOR_GROUP "allow ms-Exch-SMTP-Accept-Any-Recipient to " RELAY_GROUP

struct auth_session {
    struct dialogue dialogue;
    struct fake_authenticator authenticator;
    struct organization *organization;
};

static inline void auth_begin(struct auth_session *session)
{
    session->organization = auth_organization(RELAY_FOR_GROUP);
    fake_authenticator_init(&session->authenticator, people);
    dialogue_begin(&session->dialogue, session->organization);
    session->dialogue.service.authenticator = &session->authenticator.face;
}

static inline void auth_open(struct auth_session *session, const char *client)
{
    auth_begin(session);
    dialogue_connect(&session->dialogue, "10.0.0.1:25", client);
}

static inline void auth_run(struct auth_session *session, const char *const *script)
{
    dialogue_run(&session->dialogue, DIALOGUE_STEPS, script);
}

static inline void auth_close(struct auth_session *session)
{
    smtp_service_abort_all(&session->dialogue.service);
    dialogue_settle(&session->dialogue);
    fake_authenticator_release(&session->authenticator);
    dialogue_close(&session->dialogue);
    organization_unref(session->organization);
}

#endif
