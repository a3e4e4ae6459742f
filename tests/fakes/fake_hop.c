#include "fakes/fake_hop.h"

#include "fakes/fake_tls.h"

#include <fnmatch.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum cut { CUT_NEVER, CUT_LOST, CUT_SILENT, CUT_GARBAGE };

struct session;

struct sent {
    struct smtp_transaction transaction;
    const struct hop_message *message;
    struct session *session;
    struct bytes recipients[HOP_RECIPIENTS_MAX];
    struct smtp_dsn_request requests[HOP_RECIPIENTS_MAX];
    unsigned outcomes[HOP_RECIPIENTS_MAX];
    size_t read_bytes;
    size_t read_count;
    bool is_sent;
    unsigned done_count;
};

struct session {
    const struct hop_script *script;
    struct loop *loop;
    struct clock_fake clock;
    struct stream *stream;
    struct smtp_client *client; /* NULL: closed */
    struct fake_tls_client tls; /* the hop's end */
    struct tls_identity identity;
    bool is_tls;
    struct sent sent[HOP_MESSAGES_MAX];
    struct buffer wire; /* all that the client said */
    size_t wire_read;
    struct buffer log; /* an event a line */
    size_t log_read;
    unsigned closed_count;
    bool is_bytewise;
    enum cut cut;
    size_t budget; /* bytes the hop may still say */
    size_t said;
};

/* -- what the client's owner does -- */

static void record(struct session *session, const char *format, ...) PRINTF_LIKE(2, 3);
static void record(struct session *session, const char *format, ...)
{
    char line[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    assert_int_equal(buffer_printf(&session->log, "%s\n", line), OK);
}

static int index_of(const struct sent *sent)
{
    return (int)(sent - sent->session->sent);
}

static struct sent *sent_of(struct smtp_transaction *transaction)
{
    return list_entry(transaction, struct sent, transaction);
}

static enum error read_content(struct smtp_transaction *transaction, char *out, size_t size, size_t *out_len)
{
    struct sent *sent = sent_of(transaction);
    const struct hop_message *message = sent->message;
    size_t left = strlen(message->content) - sent->read_bytes;
    size_t len = left < size ? left : size;
    if (message->run && len > message->run)
        len = message->run;
    if (message->fail_after && sent->read_count++ == message->fail_after)
        return ERROR_IO;
    memcpy(out, message->content + sent->read_bytes, len);
    sent->read_bytes += len;
    *out_len = len;
    return OK;
}

static void rewind_content(struct smtp_transaction *transaction)
{
    sent_of(transaction)->read_bytes = 0;
}

static void on_recipient(struct smtp_transaction *transaction, size_t index, enum smtp_outcome outcome,
                         struct bytes reply)
{
    static const char *const NAMES[] = {"delivered", "deferred", "failed"};
    struct sent *sent = sent_of(transaction);
    assert_true(index < transaction->recipient_count && reply.len <= 512);
    assert_int_equal(sent->done_count, 0);
    assert_int_equal(++sent->outcomes[index], 1);
    for (size_t i = 0; i < reply.len; i++)
        assert_true(reply.ptr[i] >= ' ' && reply.ptr[i] <= '~');
    record(sent->session, "%d.%zu %s %.*s", index_of(sent), index, NAMES[outcome], BYTES_ARG(reply));
}

static void send_message(struct session *session, size_t index);

static void on_done(struct smtp_transaction *transaction, bool can_reuse)
{
    struct sent *sent = sent_of(transaction);
    struct session *session = sent->session;
    assert_int_equal(++sent->done_count, 1);
    for (size_t i = 0; i < transaction->recipient_count; i++)
        assert_int_equal(sent->outcomes[i], 1);
    record(session, "%d done %s", index_of(sent), can_reuse ? "reuse" : "lost");
    if (!session->script->is_chained || !can_reuse)
        return;
    size_t next = (size_t)index_of(sent) + 1;
    if (next < HOP_MESSAGES_MAX && session->script->messages[next].sender)
        send_message(session, next);
    else
        smtp_client_quit(session->client);
}

static void send_message(struct session *session, size_t index)
{
    const struct hop_message *message = &session->script->messages[index];
    struct sent *sent = &session->sent[index];
    size_t count = 0;
    assert_false(sent->is_sent);
    while (count < 8 && message->recipients[count]) {
        sent->recipients[count] = bytes_of_text(message->recipients[count]);
        count++;
    }
    for (; count < message->recipient_count; count++)
        sent->recipients[count] = sent->recipients[0];
    for (size_t i = 0; i < count; i++)
        sent->requests[i].notify = bytes_of_text(message->notify);
    sent->is_sent = true;
    sent->session = session;
    sent->message = message;
    sent->transaction = (struct smtp_transaction){
        .sender = bytes_of_text(message->sender),
        .recipients = sent->recipients,
        .recipient_count = count,
        .size_bytes = message->size_bytes,
        .is_8bit = message->is_8bit,
        .is_binary = message->is_binary,
        .is_chunk_only = message->is_chunk_only,
        .envelope_id = bytes_of_text(message->envelope_id),
        .dsn_requests = sent->requests,
        .read = read_content,
        .rewind = rewind_content,
        .on_recipient = on_recipient,
        .on_done = on_done,
    };
    smtp_client_send(session->client, &sent->transaction);
}

static void on_ready(void *owner)
{
    struct session *session = owner;
    record(session, "ready");
    if (session->script->is_chained)
        send_message(session, 0);
}

static void on_closed(void *owner, bool is_permanent, struct bytes reply)
{
    struct session *session = owner;
    session->client = NULL;
    session->stream = NULL;
    assert_int_equal(++session->closed_count, 1);
    record(session, "closed %s%.*s", is_permanent ? "for good " : "", BYTES_ARG(reply));
}

static enum error on_credential(void *owner, struct auth_credential *out, struct note *note)
{
    const struct session *session = owner;
    if (!session->script->user) {
        note_set(note, "no password");
        return ERROR_NOT_FOUND;
    }
    snprintf(out->user, sizeof out->user, "%s", session->script->user);
    snprintf(out->password, sizeof out->password, "secret");
    return OK;
}

static bool on_server(void *owner, const struct x509_st *certificate)
{
    const struct session *session = owner;
    assert_non_null(certificate);
    return session->script->knows_hop;
}

static void on_output(void *peer, struct bytes data)
{
    struct session *session = peer;
    if (session->is_tls)
        fake_tls_client_take(&session->tls, data);
    else
        assert_int_equal(buffer_append(&session->wire, data), OK);
}

/* -- TLS -- */

static struct fake_certificate hop_certificate = {.name = "hop.example"};
static SSL_CTX *hop_context;
static struct tls_context *contexts[2]; /* one that does not know the certificate, one that does */

/* Once for all sessions. */
static struct tls_context *const *context_of(const struct hop_script *script)
{
    char path[] = "/tmp/dr-fake-hop-XXXXXX";
    if (!script->has_tls)
        return NULL;
    if (!hop_context) {
        struct note note = {0};
        struct tls_client_config config = {.ca_file = "/nonexistent"};
        fake_certificate_make(&hop_certificate);
        close(mkstemp(path));
        fake_certificate_append(&hop_certificate, path);
        assert_non_null(hop_context = SSL_CTX_new(TLS_server_method()));
        assert_int_equal(tls_context_new_client(&config, &contexts[0], &note), OK);
        config.ca_file = path;
        assert_int_equal(tls_context_new_client(&config, &contexts[1], &note), OK);
        unlink(path);
    }
    return &contexts[script->trusts_hop];
}

void hop_done(void)
{
    tls_context_free(contexts[0]);
    tls_context_free(contexts[1]);
    SSL_CTX_free(hop_context);
    fake_certificate_done(&hop_certificate);
    hop_context = NULL;
}

static void feed(struct session *session, struct bytes data)
{
    if (session->stream && data.len)
        stream_memory_feed(session->stream, data);
}

/* Goes on with the handshake and takes what the client said inside. */
static void carry(struct session *session)
{
    struct buffer out;
    buffer_init(&out, 1u << 20);
    fake_tls_client_step(&session->tls, &out);
    feed(session, buffer_bytes(&out));
    assert_int_equal(buffer_append(&session->wire, buffer_bytes(&session->tls.plain)), OK);
    buffer_clear(&session->tls.plain);
    buffer_done(&out);
}

/* -- the session -- */

static void settle(struct session *session)
{
    for (int i = 0; i < 4; i++) {
        loop_turn(session->loop);
        if (session->is_tls)
            carry(session);
    }
}

static void advance(struct session *session, uint64_t ms)
{
    clock_fake_advance(&session->clock, ms);
    settle(session);
}

static void begin(struct session *session, const struct hop_script *script)
{
    *session = (struct session){.script = script, .budget = SIZE_MAX};
    static const struct smtp_client_events EVENTS = {
        .on_ready = on_ready, .on_credential = on_credential, .on_server = on_server, .on_closed = on_closed};
    struct tls_context *const *tls = context_of(script);
    session->identity = (struct tls_identity){hop_certificate.x509, hop_certificate.key, NULL};
    const struct smtp_client_config config = {
        .helo_name = "mx1.contoso.com",
        .force_helo = script->force_helo,
        .hop_name = "hop.example",
        .demand = script->demand,
        .tls = tls,
        .direct_identity = script->has_direct_identity ? &session->identity : NULL,
        .connect_timeout_ms = 30000,
        .command_timeout_ms = 60000,
        .data_timeout_ms = 600000,
    };
    struct ip_endpoint nowhere = {0};
    buffer_init(&session->wire, 64u << 20);
    buffer_init(&session->log, 1u << 20);
    clock_fake_init(&session->clock, 1000, 1000);
    session->loop = loop_new("test", &session->clock.clock);
    assert_non_null(session->loop);
    session->stream = stream_memory_new(session->loop, &nowhere, &nowhere, on_output, session);
    session->client = smtp_client_attach(session->stream, &config, &EVENTS, session);
    assert_non_null(session->client);
}

/* Whatever was left open is closed; then nothing may be owed. */
static void finish(struct session *session)
{
    if (session->client)
        smtp_client_abort(session->client);
    settle(session);
    assert_int_equal(session->closed_count, 1);
    for (size_t i = 0; i < HOP_MESSAGES_MAX; i++) {
        const struct sent *sent = &session->sent[i];
        assert_int_equal(sent->done_count, sent->is_sent ? 1 : 0);
    }
    loop_free(session->loop);
}

static void release(struct session *session)
{
    if (session->is_tls)
        fake_tls_client_done(&session->tls);
    buffer_done(&session->wire);
    buffer_done(&session->log);
}

static bool take_line(const struct buffer *from, size_t *at, char end, char *out, size_t size)
{
    struct bytes rest = bytes_skip(buffer_bytes(from), *at);
    size_t len = bytes_find(rest, '\n');
    if (len == rest.len)
        return false;
    *at += len + 1;
    if (end == '\r') {
        assert_true(len > 0 && rest.ptr[len - 1] == '\r');
        len--;
    }
    snprintf(out, size, "%.*s", (int)len, rest.ptr ? rest.ptr : "");
    return true;
}

static void expect(const struct buffer *from, size_t *at, char end, const char *pattern)
{
    char line[4096];
    bool is_there = take_line(from, at, end, line, sizeof line);
    bool wants_nothing = strcmp(pattern, "<nothing>") == 0;
    if (!is_there && !wants_nothing)
        fail_msg("expected \"%s\", nothing came", pattern);
    if (is_there && (wants_nothing || fnmatch(pattern, line, FNM_NOESCAPE) != 0))
        fail_msg("expected \"%s\", got \"%s\"", pattern, line);
}

static void hop_says_piece(struct session *session, struct bytes piece, bool is_inside)
{
    struct buffer records;
    buffer_init(&records, 1u << 20);
    if (is_inside)
        fake_tls_client_say(&session->tls, piece, &records);
    feed(session, is_inside ? buffer_bytes(&records) : piece);
    buffer_done(&records);
}

/* False: the hop may say no more. */
static bool hop_says(struct session *session, const char *text, const char *end)
{
    bool is_inside = session->is_tls && SSL_is_init_finished(session->tls.ssl);
    char said[8192];
    size_t len = (size_t)snprintf(said, sizeof said, "%s%s", text, end);
    size_t count = len < session->budget ? len : session->budget;
    size_t step = session->is_bytewise ? 1 : count;
    session->budget -= count;
    session->said += count;
    for (size_t at = 0; at < count && session->stream; at += step)
        hop_says_piece(session, (struct bytes){said + at, step}, is_inside);
    settle(session);
    return count == len;
}

static void act(struct session *session, const char *action)
{
    if (strncmp(action, "send ", 5) == 0)
        send_message(session, (size_t)(action[5] - '0'));
    else if (strcmp(action, "quit") == 0)
        smtp_client_quit(session->client);
    else if (strcmp(action, "abort") == 0)
        smtp_client_abort(session->client);
    else
        fail_msg("no such action: %s", action);
    settle(session);
}

/* False: the run was cut here. */
static bool follow(struct session *session, const char *line)
{
    bool is_checked = session->cut == CUT_NEVER;
    if (strcmp(line, "X") == 0) {
        stream_memory_hang_up(session->stream);
        settle(session);
        return true;
    }
    switch (line[0]) {
    case 'H':
        fake_tls_server_open(&session->tls, hop_context, &hop_certificate);
        session->is_tls = true;
        return hop_says(session, line + 3, "\r\n");
    case 'S':
        return hop_says(session, line + 3, line[1] == ':' ? "\r\n" : "");
    case 'C':
        if (is_checked)
            expect(&session->wire, &session->wire_read, '\r', line + 3);
        return true;
    case 'E':
        if (is_checked)
            expect(&session->log, &session->log_read, '\n', line + 3);
        return true;
    case 'A':
        act(session, line + 3);
        return true;
    case 'T':
        advance(session, strtoull(line + 3, NULL, 10));
        return true;
    }
    fail_msg("no such line: %s", line);
    return false;
}

static void follow_all(struct session *session)
{
    for (const char *const *line = session->script->lines; *line; line++) {
        if (!follow(session, *line))
            return;
    }
    if (session->cut == CUT_NEVER) {
        expect(&session->wire, &session->wire_read, '\r', "<nothing>");
        expect(&session->log, &session->log_read, '\n', "<nothing>");
    }
}

static bool is_beginning(const struct buffer *part, const struct buffer *whole)
{
    return part->len <= whole->len && (part->len == 0 || memcmp(part->ptr, whole->ptr, part->len) == 0);
}

static void run_cut(const struct session *whole, enum cut cut, size_t budget)
{
    struct session session;
    begin(&session, whole->script);
    session.cut = cut;
    session.budget = budget;
    follow_all(&session);
    assert_true(is_beginning(&session.log, &whole->log));
    assert_true(is_beginning(&session.wire, &whole->wire));
    if (session.stream && cut == CUT_LOST)
        stream_memory_hang_up(session.stream);
    if (cut == CUT_SILENT)
        advance(&session, 3600000);
    if (cut == CUT_GARBAGE)
        feed(&session, BYTES_LITERAL("\x01garbage\r\n"));
    settle(&session);
    finish(&session);
    release(&session);
}

void hop_run(const struct hop_script *script)
{
    struct session session;
    begin(&session, script);
    follow_all(&session);
    finish(&session);
    release(&session);
}

void hop_run_all(const struct hop_script *script)
{
    struct session session;
    begin(&session, script);
    session.is_bytewise = true;
    follow_all(&session);
    finish(&session);
    release(&session);

    begin(&session, script);
    follow_all(&session);
    finish(&session);
    for (size_t budget = 0; budget < session.said; budget++) {
        run_cut(&session, CUT_LOST, budget);
        run_cut(&session, CUT_SILENT, budget);
        run_cut(&session, CUT_GARBAGE, budget);
    }
    release(&session);
}
