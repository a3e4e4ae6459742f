/* EHLO and HELO. Facts 8.1; RFC 5321 4.1.1.1. */
#include "smtp_server/session_internal.h"

#include "mail/domain.h"

#include <stdio.h>
#include <stdlib.h>

#define GREETING_MAX 2048

static bool is_domain(struct bytes text)
{
    char normal[DOMAIN_TEXT_SIZE];
    return domain_is_literal(text) || domain_normalize(text, normal) == OK;
}

/* True when the name may stand; it begins the session anew (RFC 5321 4.1.4). */
static bool take_name(struct smtp_session *session, struct bytes name, enum reply when_absent)
{
    if (name.len == 0 && (session->connector->protocol_restrictions & RESTRICTION_REQUIRE_EHLO_DOMAIN)) {
        session_fault(session, when_absent);
        return false;
    }
    if (name.len > 0 && !is_domain(name)) {
        session_fault(session, REPLY_INVALID_DOMAIN);
        return false;
    }
    free(session->helo);
    session->helo = name.len > 0 ? bytes_copy_text(name) : NULL;
    if (session_is_in(session, STATE_BIT(SESSION_CONNECTED))) {
        session_enter(session, SESSION_READY);
    }
    session_end_transaction(session);
    return session->state != SESSION_CLOSING;
}

static size_t format_greeting(const struct smtp_session *session, char separator, char *out, size_t size)
{
    char client[IP_TEXT_SIZE];
    int length = snprintf(out, size, "250%c%.255s Hello [%s]\r\n", separator, session->connector->fqdn,
                          ip_format_address(&stream_remote(session->stream)->address, client));
    return (size_t)length;
}

struct greeting {
    char text[GREETING_MAX];
    size_t len;
    size_t last_line;
};

static void add_keyword(const char *line, void *owner)
{
    struct greeting *greeting = owner;
    size_t room = sizeof greeting->text - greeting->len;
    int length = snprintf(greeting->text + greeting->len, room, "250-%s\r\n", line);
    if (length > 0 && (size_t)length < room) {
        greeting->last_line = greeting->len;
        greeting->len += (size_t)length;
    }
}

void verb_ehlo(struct smtp_session *session, const struct command_line *command)
{
    if (!take_name(session, command->arguments, REPLY_EHLO_REQUIRES_DOMAIN)) {
        return;
    }
    struct greeting greeting;
    session->is_esmtp = true;
    session->offered = session_offer(session);
    greeting.last_line = 0;
    greeting.len = format_greeting(session, '-', greeting.text, sizeof greeting.text);
    offer_each(session_max_message_bytes(session), session->offered, add_keyword, &greeting);
    greeting.text[greeting.last_line + 3] = ' ';
    session_answer_text(session, (struct bytes){greeting.text, greeting.len});
}

void verb_helo(struct smtp_session *session, const struct command_line *command)
{
    if (!take_name(session, command->arguments, REPLY_HELO_REQUIRES_DOMAIN)) {
        return;
    }
    char text[512];
    session->is_esmtp = false;
    session->offered = 0;
    session_answer_text(session, (struct bytes){text, format_greeting(session, ' ', text, sizeof text)});
}
