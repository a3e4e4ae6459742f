/* The content of a message, from 354 or the first BDAT to the reply that ends it. Happy path: header block in
 * memory, checks, the new block and the body to the spool, session_ask_header_senders. Failures: the first is
 * kept, the rest swallowed, one reply at the end. */
#include "smtp_server/session_internal.h"

#include "base/utf8.h"
#include "mail/display_name.h"
#include "policy/header_firewall.h"
#include "policy/report_only.h"
#include "policy/sender.h"
#include "smtp_server/message_header.h"

/* Header bytes are looked at in pieces of this size, so that little of the body goes through the header's
 * buffer. */
#define HEADER_PIECE 4096
/* What this server adds to a block. */
#define HEADER_ADDED_MAX 4096
/* Content that moves the client's deadline (matrix R1). */
#define RECORD_BYTES 1024

/* A session that bypasses the limit may still not fill the memory. */
static size_t header_limit(const struct smtp_session *session)
{
    size_t limit = session->connector->max_header_bytes;
    bool has_limit = limit != UNLIMITED && !session_bypasses_counts(session);
    return has_limit ? limit : RECEIVE_HEADER_BYTES_MAX;
}

static void refuse_content(struct smtp_session *session, enum reply reply, const struct decision *decision)
{
    transaction_refuse(session->transaction, reply, decision);
}

static void on_spool_ready(void *owner)
{
    struct smtp_session *session = owner;
    session_turn_begin(session);
    session->waits &= (uint8_t)~WAIT_SPOOL;
    session_turn_end(session);
}

static void store(struct smtp_session *session, struct bytes content)
{
    struct transaction *transaction = session->transaction;
    bool must_wait = false;
    if (content.len == 0) {
        return;
    }
    if (transaction->filtering != NULL) {
        if (!session_hold_body(session, content)) {
            refuse_content(session, REPLY_NO_RESOURCES, NULL);
        }
        return;
    }
    if (transaction->spool->ops->append(transaction->message, content, &must_wait) != OK) {
        refuse_content(session, REPLY_NO_RESOURCES, NULL);
        return;
    }
    transaction->stored_bytes += content.len;
    if (must_wait) {
        session->waits |= WAIT_SPOOL;
        transaction->spool->ops->on_ready(transaction->message, on_spool_ready, session);
    }
}

/* The rights the header firewall goes by; what only dirrelayReportOnly keeps is reported. */
static uint32_t header_rights(const struct smtp_session *session, struct bytes block)
{
    uint32_t lifted = report_only_rights(&session->rights);
    uint32_t used = lifted != 0 ? lifted & header_firewall_needed(block) : 0;
    for (int right = 0; right < RIGHT_COUNT; right++) {
        if (used & RIGHT_BIT(right)) {
            session_log_reported(session, (enum right)right, REPLY_COUNT);
        }
    }
    return session->rights.result.granted | lifted;
}

/* RFC 3848, RFC 6531 4.3. */
static const char *protocol_of(const struct smtp_session *session)
{
    static const char *const names[2][2][2] = {
        {{"ESMTP", "ESMTPA"}, {"ESMTPS", "ESMTPSA"}},
        {{"UTF8SMTP", "UTF8SMTPA"}, {"UTF8SMTPS", "UTF8SMTPSA"}},
    };
    bool is_utf8 = session->transaction->is_utf8;
    return session->is_esmtp ? names[is_utf8][session->is_tls][session->account != NULL] : "SMTP";
}

static struct auth_evidence auth_evidence(const struct smtp_session *session)
{
    return (struct auth_evidence){.identity = session->rights.identity,
                                  .mechanism = (enum auth_stamp_mechanism)session->auth_stamp,
                                  .rights = session->rights.result.granted,
                                  .is_declared_anonymous = session->transaction->is_declared_anonymous,
                                  .server = bytes_of_text(session->organization->server.fqdn),
                                  .partner_domain = bytes_of_text(session->rights.partner_domain)};
}

static void fill_request(const struct smtp_session *session, struct bytes block, struct bytes known,
                         struct message_header_request *out)
{
    const struct transaction *transaction = session->transaction;
    *out = (struct message_header_request){
        .block = block,
        .known = known,
        .rights = header_rights(session, known),
        .received = {.helo = bytes_of_text(session->helo),
                     .client = stream_remote(session->stream)->address,
                     .server_name = bytes_of_text(session->connector->fqdn),
                     .server = stream_local(session->stream)->address,
                     .protocol = protocol_of(session),
                     .is_tls = session->is_tls,
                     .id = transaction->id,
                     .wall_ms = clock_wall_ms(session->service->clock)},
        .evidence = auth_evidence(session),
    };
}

static struct hop_limits hop_limits_of(const struct smtp_session *session)
{
    const struct receive_connector *connector = session->connector;
    return (struct hop_limits){
        .all = connector->max_hops,
        .local = connector->max_local_hops,
        .names = {bytes_of_text(connector->fqdn), bytes_of_text(session->organization->server.fqdn)}};
}

/* While the header block may still say how large the message once was, only the block's own limit binds. */
bool session_exceeds_size(const struct smtp_session *session, uint64_t more_bytes)
{
    const struct transaction *transaction = session->transaction;
    bool may_say_it = session_rights_has(&session->rights, RIGHT_ACCEPT_HEADERS_ORGANIZATION);
    uint64_t limit = session_max_message_bytes(session);
    return !transaction->has_original_size && !(may_say_it && transaction->phase == CONTENT_HEADER) &&
           (transaction->received_bytes > limit || more_bytes > limit - transaction->received_bytes);
}

/* The size that counts: what the block says, else what has come so far. */
static bool is_declared_size_exceeded(struct smtp_session *session, struct bytes block)
{
    struct transaction *transaction = session->transaction;
    uint64_t bytes = transaction->received_bytes;
    transaction->has_original_size =
        message_header_original_size(block, session->rights.result.granted, &bytes);
    return bytes > session_max_message_bytes(session);
}

/* A CR, LF or NUL that stands alone. DATA has answered for these already, BDAT leaves them as they are. */
static bool has_lone_line_end(struct bytes block)
{
    struct bytes line;
    while (bytes_next(&block, '\n', &line)) {
        bool has_cr = line.len > 0 && line.ptr[line.len - 1] == '\r';
        if (!has_cr || bytes_find(line, '\r') < line.len - 1 || bytes_find(line, '\0') < line.len) {
            return true;
        }
    }
    return false;
}

/* What only the directory can say of a sender is asked when all of the message is here. */
static bool check_header_senders(struct smtp_session *session, struct bytes block)
{
    struct transaction *transaction = session->transaction;
    struct sender_questions needed;
    struct decision decision =
        sender_check_header(session->organization, &session->rights, &transaction->sender, block, &needed);
    if (decision.verdict == VERDICT_NEED) {
        transaction->senders = arena_array(&transaction->arena, 1, sizeof needed);
        if (transaction->senders == NULL) {
            refuse_content(session, REPLY_NO_RESOURCES, NULL);
            return false;
        }
        *transaction->senders = needed;
        return true;
    }
    if (!session_allows(session, &decision, RIGHT_COUNT)) {
        refuse_content(session, reply_of_reason(decision.reason), &decision);
        return false;
    }
    return true;
}

/* What is wrong with the block as it came; REPLY_COUNT: nothing. known: of its fields, those that are looked
 * at. */
static enum reply flaw_of(struct smtp_session *session, struct bytes block, struct bytes known)
{
    /* Other parsers end lines elsewhere than the header firewall does. */
    if (session->transaction->is_chunked && has_lone_line_end(block)) {
        return REPLY_INVALID_CONTENT;
    }
    struct hop_limits limits = hop_limits_of(session);
    enum reply flaw = message_header_check(known, &limits);
    return flaw == REPLY_COUNT && is_declared_size_exceeded(session, known) ? REPLY_SIZE_EXCEEDED : flaw;
}

/* Writes the new block to out; false when the content is refused. Order: facts 8.3. */
static bool make_known_header(struct smtp_session *session, struct bytes block, struct bytes known,
                              struct buffer *out)
{
    struct transaction *transaction = session->transaction;
    struct message_header_request request;
    struct message_header_result result;
    enum reply flaw = flaw_of(session, block, known);
    if (flaw != REPLY_COUNT) {
        refuse_content(session, flaw, NULL);
        return false;
    }
    fill_request(session, block, known, &request);
    if (message_header_rewrite(&request, out, &result) != OK) {
        refuse_content(session, REPLY_NO_RESOURCES, NULL);
        return false;
    }
    transaction->message_id = arena_copy(&transaction->arena, bytes_of_text(result.message_id));
    transaction->auth = message_header_auth(result.is_internal, request.evidence.rights, transaction->auth);
    if (!check_header_senders(session, known)) {
        return false;
    }
    transaction->header_bytes = out->len;
    transaction->has_utf8_header = transaction->is_utf8 && !utf8_is_ascii(buffer_bytes(out));
    return true;
}

static bool make_header(struct smtp_session *session, struct bytes block, struct buffer *out)
{
    struct buffer known;
    buffer_init(&known, block.len);
    bool is_made = false;
    if (message_header_select(block, &known) == OK) {
        is_made = make_known_header(session, block, buffer_bytes(&known), out);
    } else {
        refuse_content(session, REPLY_NO_RESOURCES, NULL);
    }
    buffer_done(&known);
    return is_made;
}

/* The block as it came, or in *named with the sender's name in From. */
static struct bytes name_sender(struct bytes block, struct bytes name, struct buffer *named)
{
    struct bare_from from;
    bool is_named = name.len > 0 && display_name_is_missing(block, &from) &&
                    display_name_insert(block, &from, name, named) == OK;
    return is_named ? buffer_bytes(named) : block;
}

/* The new block and what has come of the body go to the spool, or to where the filters will find them. */
static void begin_body(struct smtp_session *session, struct buffer *made)
{
    struct transaction *transaction = session->transaction;
    if (session_is_filtered(session)) {
        if (!session_hold_header(session, bytes_first(buffer_bytes(made), made->len - 2))) {
            refuse_content(session, REPLY_NO_RESOURCES, NULL);
            return;
        }
        buffer_clear(made);
    }
    if (buffer_append(made, bytes_skip(buffer_bytes(&transaction->header), transaction->body_offset)) == OK) {
        transaction->phase = CONTENT_BODY;
        store(session, buffer_bytes(made));
    } else {
        refuse_content(session, REPLY_NO_RESOURCES, NULL);
    }
}

void session_finish_header(struct smtp_session *session, struct bytes sender_name)
{
    struct transaction *transaction = session->transaction;
    struct bytes collected = buffer_bytes(&transaction->header);
    struct buffer named, made;
    buffer_init(&named, transaction->header_length + HEADER_ADDED_MAX);
    buffer_init(&made, collected.len + 2 * HEADER_ADDED_MAX);
    if (make_header(session,
                    name_sender(bytes_first(collected, transaction->header_length), sender_name, &named),
                    &made)) {
        begin_body(session, &made);
    }
    buffer_done(&transaction->header);
    buffer_done(&named);
    buffer_done(&made);
}

/* Permissions document: the sender of an authenticated message is resolved to the directory's name for him.
 */
static bool awaits_sender_name(struct smtp_session *session, struct bytes block, struct bytes *out_name)
{
    struct bare_from from;
    const struct auth_evidence evidence = auth_evidence(session);
    return auth_stamp_makes_internal(&evidence, block) && display_name_is_missing(block, &from) &&
           sender_is_own(session->organization, &from.address) &&
           session_awaits_sender_name(session, &from.address, out_name);
}

/* The block is complete: length bytes of what was collected. The body begins at its byte `body` and goes on
 * with run. */
static void complete_header(struct smtp_session *session, size_t length, size_t body, struct bytes run)
{
    struct transaction *transaction = session->transaction;
    struct buffer *header = &transaction->header;
    struct bytes name = {0};
    transaction->header_length = length;
    transaction->body_offset = body;
    header->ceiling = header->len + run.len;
    if (length > header_limit(session)) {
        refuse_content(session, REPLY_HEADER_TOO_LARGE, NULL);
    } else if (buffer_append(header, run) != OK) {
        refuse_content(session, REPLY_NO_RESOURCES, NULL);
    } else if (!awaits_sender_name(session, bytes_first(buffer_bytes(header), length), &name)) {
        session_finish_header(session, name);
    }
}

/* Collects a piece of the run; returns what is left to be looked at. */
static struct bytes collect_header(struct smtp_session *session, struct bytes run)
{
    struct transaction *transaction = session->transaction;
    struct bytes piece = bytes_first(run, HEADER_PIECE);
    struct bytes left = bytes_skip(run, piece.len);
    size_t length;
    transaction->header.ceiling = header_limit(session) + 2 * HEADER_PIECE;
    if (buffer_append(&transaction->header, piece) != OK) {
        refuse_content(session, REPLY_NO_RESOURCES, NULL);
        return left;
    }
    switch (header_reader_scan(&transaction->header_reader, buffer_bytes(&transaction->header), &length)) {
    case HEADER_GOES_ON:
        if (transaction->header.len > header_limit(session)) {
            refuse_content(session, REPLY_HEADER_TOO_LARGE, NULL);
        }
        return left;
    case HEADER_ENDS_AT_EMPTY_LINE:
        complete_header(session, length, length + 2, left);
        break;
    case HEADER_ENDS_AT_BODY:
        complete_header(session, length, length, left);
        break;
    }
    return (struct bytes){0};
}

void session_take_run(struct smtp_session *session, struct bytes run)
{
    struct transaction *transaction = session->transaction;
    transaction->received_bytes += run.len;
    if (session_exceeds_size(session, 0)) {
        refuse_content(session, REPLY_SIZE_EXCEEDED, NULL);
    }
    while (run.len > 0 && transaction->phase == CONTENT_HEADER) {
        run = collect_header(session, run);
    }
    if (transaction->phase == CONTENT_BODY) {
        store(session, run);
    }
}

static bool on_content(void *owner, struct bytes run)
{
    struct smtp_session *session = owner;
    session_take_run(session, run);
    return session->waits == 0;
}

static size_t take_data(struct smtp_session *session, struct bytes data)
{
    size_t used;
    message_reader_feed(&session->transaction->reader, data, on_content, session, &used);
    return used;
}

size_t session_take_content(struct smtp_session *session, struct bytes data)
{
    size_t used = session->chunk.is_open ? session_take_chunk(session, data) : take_data(session, data);
    session->record_bytes += used;
    if (session->record_bytes >= RECORD_BYTES || session_has_whole_content(session)) {
        session->record_bytes = 0;
        session->has_progressed = true;
    }
    return used;
}

bool session_awaits_content(const struct smtp_session *session)
{
    return session->chunk.is_open ||
           session_state_row((enum session_state)session->state)->input == INPUT_CONTENT;
}

bool session_has_whole_content(const struct smtp_session *session)
{
    if (session->chunk.is_open) {
        return session->chunk.left == 0;
    }
    return session->state == SESSION_CONTENT && session->transaction->reader.is_done;
}

/* Bytes that no sound client sends are how a message is smuggled inside another: such a session is not gone
 * on with. */
static bool has_unsound_bytes(const struct smtp_session *session)
{
    uint8_t flaws = session->transaction->reader.flaws;
    bool rejects_lf = (session->connector->protocol_options & OPTION_BARE_LINEFEED_REJECTION) != 0;
    return (flaws & (MESSAGE_BARE_CR | MESSAGE_NUL)) || (rejects_lf && (flaws & MESSAGE_BARE_LF));
}

static void refuse_unsound(struct smtp_session *session)
{
    const struct transaction *transaction = session->transaction;
    bool is_linefeed = !(transaction->reader.flaws & (MESSAGE_BARE_CR | MESSAGE_NUL));
    enum reply reply = is_linefeed ? REPLY_BARE_LINEFEED : REPLY_INVALID_CONTENT;
    session_log_refused(session, "data.refused", reply, NULL, address_text(&transaction->sender),
                        (struct bytes){0}, (struct bytes){0});
    session_close(session, reply);
}

/* The content ended before its header block did. A chunk may end inside a line: that one is a field or the
 * beginning of the body, as if its CRLF were there. */
static void end_header(struct smtp_session *session)
{
    struct transaction *transaction = session->transaction;
    struct buffer *header = &transaction->header;
    size_t length = header->len, end;
    bool is_cut = length > 0 && header->ptr[length - 1] != '\n';
    if (is_cut && buffer_append(header, BYTES_LITERAL("\r\n")) != OK) {
        refuse_content(session, REPLY_NO_RESOURCES, NULL);
    } else if (is_cut && header_reader_scan(&transaction->header_reader, buffer_bytes(header), &end) !=
                             HEADER_GOES_ON) {
        header->len = length;
        complete_header(session, end, end, (struct bytes){0});
    } else {
        complete_header(session, header->len, header->len, (struct bytes){0});
    }
}

bool session_end_content(struct smtp_session *session)
{
    if (session->transaction->phase == CONTENT_HEADER) {
        end_header(session);
        if (session->waits != 0) {
            return false;
        }
    }
    if (session->transaction->phase == CONTENT_REFUSED) {
        session_answer_refusal(session);
        session_end_transaction(session);
    } else {
        session->transaction->ended_ms = clock_monotonic_ms(session->service->clock);
        session_enter(session, SESSION_COMMITTING);
        session_ask_header_senders(session);
    }
    return true;
}

void session_finish_content(struct smtp_session *session)
{
    if (session->chunk.is_open) {
        session_finish_chunk(session);
    } else if (has_unsound_bytes(session)) {
        refuse_unsound(session);
    } else {
        (void)session_end_content(session);
    }
}
