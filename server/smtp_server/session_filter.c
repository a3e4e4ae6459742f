/* The content before the filters, between its last byte and its reply. Happy path: header and body are held,
 * the filters hear of connection, sender, recipients and content, what they made of it goes to the spool,
 * commit. Failures: a filter refuses (its reply, or ours), discards (250, and the log says so), cannot be
 * asked (filter.default); the session ends meanwhile (transaction_free). */
#include "smtp_server/session_internal.h"

#include "base/utf8.h"
#include "policy/recipient.h"

#include <stdio.h>
#include <stdlib.h>

#define COPY_PIECE 32768

struct filtering {
    struct filter_facts facts;
    struct filter_run *run;
    struct buffer header; /* without the empty line */
    struct held_content body;
    size_t asked_recipients;
    uint64_t copied_bytes; /* of the body, to the spool */
};

void filtering_free(struct filtering *filtering)
{
    if (filtering == NULL) {
        return;
    }
    filter_run_free(filtering->run);
    buffer_done(&filtering->header);
    held_content_done(&filtering->body);
    free(filtering);
}

bool session_is_filtered(const struct smtp_session *session)
{
    return filters_apply(session->service->filters,
                         session_rights_has(&session->rights, RIGHT_BYPASS_ANTI_SPAM));
}

bool session_hold_header(struct smtp_session *session, struct bytes block)
{
    struct filtering *filtering = calloc(1, sizeof *filtering);
    if (filtering == NULL) {
        return false;
    }
    session->transaction->filtering = filtering;
    buffer_init(&filtering->header, RECEIVE_HEADER_BYTES_MAX + block.len);
    held_content_init(&filtering->body, session->service->filters->list->directory);
    return buffer_append(&filtering->header, block) == OK;
}

bool session_hold_body(struct smtp_session *session, struct bytes piece)
{
    return held_content_append(&session->transaction->filtering->body, piece) == OK;
}

/* -- to the spool -- */

static void on_room(void *owner);

/* Lines of BDAT, and not those that came. */
static bool has_new_lines(const struct transaction *transaction)
{
    return transaction->is_chunked && filter_run_changes(transaction->filtering->run)->has_body;
}

/* False: it failed, or the spool has to be waited for. */
static bool append(struct smtp_session *session, struct bytes piece)
{
    struct transaction *transaction = session->transaction;
    bool must_wait = false;
    if (transaction->spool->ops->append(transaction->message, piece, &must_wait) != OK) {
        transaction_refuse(transaction, REPLY_NO_RESOURCES, NULL);
        return false;
    }
    transaction->stored_bytes += piece.len;
    if (must_wait) {
        session->waits |= WAIT_SPOOL;
        transaction->spool->ops->on_ready(transaction->message, on_room, session);
    }
    return !must_wait;
}

/* Goes on until all is there or the spool has to be waited for. */
static void copy_body(struct smtp_session *session)
{
    struct transaction *transaction = session->transaction;
    struct filtering *filtering = transaction->filtering;
    char piece[COPY_PIECE];
    size_t length = 0;
    bool has_room = true;
    while (has_room) {
        if (held_content_read(&filtering->body, filtering->copied_bytes, piece, sizeof piece, &length) !=
            OK) {
            transaction_refuse(transaction, REPLY_NO_RESOURCES, NULL);
            break;
        }
        if (length == 0) {
            session_commit(session);
            return;
        }
        filtering->copied_bytes += length;
        if (has_new_lines(transaction)) {
            line_check_feed(&transaction->lines, (struct bytes){piece, length});
        }
        has_room = append(session, (struct bytes){piece, length});
    }
    if (transaction->phase == CONTENT_REFUSED) {
        session_answer_refusal(session);
        session_end_transaction(session);
    }
}

static void on_room(void *owner)
{
    struct smtp_session *session = owner;
    session_turn_begin(session);
    session->waits &= (uint8_t)~WAIT_SPOOL;
    copy_body(session);
    session_turn_end(session);
}

/* What was true of the content before may not be of what the filters made of it. */
static void look_at_header(struct transaction *transaction, struct bytes header)
{
    transaction->header_bytes = header.len + 2;
    transaction->has_utf8_header = transaction->is_utf8 && !utf8_is_ascii(header);
    if (has_new_lines(transaction)) {
        transaction->lines = (struct line_check){0};
        line_check_feed(&transaction->lines, header);
    }
}

static void store_filtered(struct smtp_session *session)
{
    struct transaction *transaction = session->transaction;
    struct filtering *filtering = transaction->filtering;
    look_at_header(transaction, buffer_bytes(&filtering->header));
    if (buffer_append(&filtering->header, BYTES_LITERAL("\r\n")) != OK) {
        transaction_refuse(transaction, REPLY_NO_RESOURCES, NULL);
        session_answer_refusal(session);
        session_end_transaction(session);
    } else if (append(session, buffer_bytes(&filtering->header)) || transaction->phase == CONTENT_REFUSED) {
        copy_body(session);
    }
}

/* -- what filters changed of the envelope -- */

static void remove_recipient(struct transaction *transaction, struct bytes path)
{
    struct address address;
    if (address_parse(path, true, &address) != ADDRESS_OK) {
        return;
    }
    size_t kept = 0;
    for (size_t i = 0; i < transaction->recipient_count; i++) {
        if (!bytes_equal_nocase(transaction->recipients[i].address, address_text(&address))) {
            transaction->recipients[kept++] = transaction->recipients[i];
        }
    }
    transaction->recipient_count = kept;
}

static bool add_recipient(struct smtp_session *session, struct bytes path)
{
    struct address address, resolved;
    return address_parse(path, true, &address) == ADDRESS_OK && !address_is_null(&address) &&
           recipient_resolve(session->organization, &address, &resolved) &&
           transaction_add_recipient(session->transaction, &resolved, &(struct recipient_parameters){0}) ==
               OK;
}

/* False: a change that cannot be made; then none of the message is accepted. */
static bool change_envelope(struct smtp_session *session, const struct filter_changes *changes)
{
    struct transaction *transaction = session->transaction;
    bool is_made = true;
    if (changes->has_sender) {
        is_made = address_parse(changes->sender, true, &transaction->sender) == ADDRESS_OK;
    }
    for (size_t i = 0; i < changes->removed_count; i++) {
        remove_recipient(transaction, changes->removed[i]);
    }
    for (size_t i = 0; i < changes->added_count && is_made; i++) {
        is_made = add_recipient(session, changes->added[i]);
    }
    transaction->quarantine = changes->quarantine;
    return is_made;
}

/* -- outcomes -- */

static void refuse(struct smtp_session *session, const struct filter_outcome *outcome)
{
    enum reply reply = outcome->verdict == FILTER_REJECT ? REPLY_FILTER_REJECTED : REPLY_FILTER_DEFERRED;
    bool hangs_up = bytes_starts_nocase(outcome->reply, "421"); /* RFC 5321 3.8 */
    session_log_filtered(session, outcome->filter, reply, outcome->reply);
    session_answer_filter(session, reply, outcome->reply);
    session_end_transaction(session);
    if (hangs_up && session->state != SESSION_CLOSING) {
        session_close_silently(session, reply);
    }
}

static void discard(struct smtp_session *session, const char *filter)
{
    session_log_discarded(session, filter);
    session_answer_discarded(session);
    session_end_transaction(session);
}

static void on_outcome(void *owner, const struct filter_outcome *outcome);

static bool has_asked_all(const struct transaction *transaction)
{
    return transaction->filtering->asked_recipients > transaction->recipient_count;
}

/* After every step that all filters agree to: the next recipient, the content, the spool. */
static void go_on(struct smtp_session *session)
{
    struct transaction *transaction = session->transaction;
    struct filtering *filtering = transaction->filtering;
    if (filtering->asked_recipients < transaction->recipient_count) {
        size_t index = filtering->asked_recipients++;
        filter_run_recipient(filtering->run, transaction->recipients[index].address);
        session->waits |= WAIT_FILTER;
    } else if (!has_asked_all(transaction)) {
        filtering->asked_recipients++;
        filter_run_content(filtering->run, &filtering->header, &filtering->body);
        session->waits |= WAIT_FILTER;
    } else if (!change_envelope(session, filter_run_changes(filtering->run))) {
        transaction_refuse(transaction, REPLY_FILTER_DEFERRED, NULL);
        session_answer_refusal(session);
        session_end_transaction(session);
    } else if (transaction->recipient_count == 0) {
        discard(session, "every recipient was removed");
    } else {
        store_filtered(session);
    }
}

static void on_outcome(void *owner, const struct filter_outcome *outcome)
{
    struct smtp_session *session = owner;
    session_turn_begin(session);
    session->waits &= (uint8_t)~WAIT_FILTER;
    switch (outcome->verdict) {
    case FILTER_CONTINUE:
    case FILTER_ACCEPT:
        go_on(session);
        break;
    case FILTER_REJECT:
    case FILTER_TEMPFAIL:
        refuse(session, outcome);
        break;
    case FILTER_DISCARD:
        discard(session, outcome->filter);
        break;
    }
    session_turn_end(session);
}

/* By what the account logged in, in the words of SASL. */
static const char *mechanism_of(const struct smtp_session *session)
{
    switch ((enum auth_stamp_mechanism)session->auth_stamp) {
    case STAMP_NTLM:
        return "NTLM";
    case STAMP_GSSAPI:
    case STAMP_MUTUAL_GSSAPI:
        return "GSSAPI";
    case STAMP_NONE:
    case STAMP_MUTUAL_TLS:
    case STAMP_LOGIN_TLS:
    case STAMP_LOGIN:
    case STAMP_EXTERNALLY_SECURED:
    case STAMP_DIRECT_TRUST:
        break;
    }
    return "LOGIN";
}

void session_filter(struct smtp_session *session)
{
    struct transaction *transaction = session->transaction;
    struct filtering *filtering = transaction->filtering;
    bool has_account = session->account != NULL;
    filtering->facts = (struct filter_facts){
        .client = *stream_remote(session->stream),
        .helo = bytes_of_text(session->helo),
        .server_name = bytes_of_text(session->connector->fqdn),
        .sender = address_text(&transaction->sender),
        .account = bytes_of_text(has_account ? session->account->name : NULL),
        .mechanism = bytes_of_text(has_account ? mechanism_of(session) : NULL),
        .tls_version = bytes_of_text(session->tls_version),
        .tls_cipher = bytes_of_text(session->tls_cipher),
        .id = transaction->id,
        .bypasses_antispam = session_rights_has(&session->rights, RIGHT_BYPASS_ANTI_SPAM),
    };
    filtering->run = filter_run_start(session->service->filters, &filtering->facts, on_outcome, session);
    if (filtering->run == NULL) {
        transaction_refuse(transaction, REPLY_NO_RESOURCES, NULL);
        session_answer_refusal(session);
        session_end_transaction(session);
        return;
    }
    session->waits |= WAIT_FILTER;
}
