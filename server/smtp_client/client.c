#include "smtp_client/client_internal.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Happy path: connect, greeting, EHLO (HELO where the hop knows no better), what security.c wants, ready; a
 * transaction; ready; QUIT, closed. Failures: connect, 4xx or 5xx at the greeting or HELO, a broken reply, a
 * timeout, a lost connection, 421 at any time: the session ends, on_closed says why. A hop that is not what
 * it must be: QUIT, and on_closed says why. */

#define OUTPUT_MAX (4u << 20)
#define LEAVE_MS   5000 /* for the answer to QUIT */

#define ENHANCED_CODE_MAX 9 /* "5.123.123" */

/* -- ending -- */

void client_set_text(struct smtp_client *client, const char *text)
{
    client->text_len = strlen(text) < REPLY_TEXT_MAX ? strlen(text) : REPLY_TEXT_MAX;
    memcpy(client->text, text, client->text_len);
}

/* The session ends with what stands in text. The transaction hears it first. */
static void end(struct smtp_client *client, bool is_permanent)
{
    if (client->state == CLIENT_OVER)
        return;
    bool has_transaction = client->state == CLIENT_TRANSACTION;
    client->security.is_handshake_lost |= client->state == CLIENT_HANDSHAKE;
    client->state = CLIENT_OVER;
    client->is_permanent = is_permanent;
    loop_timer_stop(&client->soon);
    if (has_transaction)
        transaction_lost(client);
    if (client->stream)
        stream_abort(client->stream);
}

void client_end(struct smtp_client *client)
{
    end(client, false);
}

void client_fail(struct smtp_client *client, const char *reply)
{
    if (client->state == CLIENT_OVER)
        return; /* the first reason stays */
    if (client->state != CLIENT_LEAVING)
        client_set_text(client, reply);
    end(client, false);
}

void client_leave(struct smtp_client *client, const char *reply)
{
    client_set_text(client, reply);
    client_command(client, CLIENT_LEAVING, "QUIT", NULL);
    stream_set_deadline(client->stream, LEAVE_MS);
}

static void on_close(void *owner, enum error why)
{
    struct smtp_client *client = owner;
    bool was_connecting = client->state == CLIENT_CONNECTING;
    client_protocol_disconnect(client, why);
    client->stream = NULL;
    if (client->state == CLIENT_QUIT)
        client->state = CLIENT_OVER;
    else if (was_connecting)
        client_fail(client,
                    why == ERROR_TIMEOUT ? "421 4.4.1 Connection timed out" : "421 4.2.1 Unable to connect");
    else
        client_fail(client, "421 4.4.2 Connection dropped");
    client->events.on_closed(client->owner, client->is_permanent,
                             (struct bytes){client->text, client->text_len});
    security_done(client);
    buffer_done(&client->output);
    free(client);
}

static void on_deadline(void *owner)
{
    client_fail(owner, "421 4.4.1 Connection timed out");
}

/* -- writing -- */

bool client_flush(struct smtp_client *client)
{
    bool has_room = client->output.len == 0 || stream_write(client->stream, buffer_bytes(&client->output));
    buffer_clear(&client->output);
    return has_room;
}

bool client_flush_commands(struct smtp_client *client)
{
    client_protocol_sent(client);
    return client_flush(client);
}

void client_command(struct smtp_client *client, enum client_state state, const char *verb,
                    const char *argument)
{
    client->state = state;
    if (buffer_printf(&client->output, "%s%s%s\r\n", verb, argument ? " " : "", argument ? argument : "")) {
        client_fail(client, "421 4.3.0 Out of memory");
        return;
    }
    client_flush_commands(client);
    stream_set_deadline(client->stream, client->config.command_timeout_ms);
}

void client_hello(struct smtp_client *client)
{
    bool is_helo = client->config.force_helo;
    client->offers = 0;
    client->hop_size = 0;
    client->mechanism = NULL;
    client_command(client, is_helo ? CLIENT_HELO : CLIENT_EHLO, is_helo ? "HELO" : "EHLO",
                   client->config.helo_name);
}

/* -- replies -- */

/* Keeps the first line of a reply and goes on with " / " while there is room; control characters become
 * blanks. */
static void keep_text(struct smtp_client *client, const struct reply_line *line, bool is_first)
{
    char piece[REPLY_LINE_MAX + 8];
    int len = is_first ? snprintf(piece, sizeof piece, "%u %.*s", line->code, BYTES_ARG(line->text))
                       : snprintf(piece, sizeof piece, " / %.*s", BYTES_ARG(line->text));
    if (is_first)
        client->text_len = 0;
    for (int i = 0; i < len && client->text_len < REPLY_TEXT_MAX; i++)
        client->text[client->text_len++] = piece[i] >= ' ' && piece[i] < 127 ? piece[i] : ' ';
}

static const struct {
    const char *keyword;
    enum hop_offer offer;
} OFFERS[] = {
    {"PIPELINING", HOP_PIPELINING}, {"SIZE", HOP_SIZE},         {"8BITMIME", HOP_8BITMIME},
    {"STARTTLS", HOP_STARTTLS},     {"SMTPUTF8", HOP_SMTPUTF8}, {"CHUNKING", HOP_CHUNKING},
    {"BINARYMIME", HOP_BINARYMIME}, {"DSN", HOP_DSN},           {"AUTH", HOP_AUTH},
    {"BINARYMIME", HOP_BINARYMIME}, {"DSN", HOP_DSN},           {"X-ANONYMOUSTLS", HOP_ANONYMOUSTLS},
};

static void read_offer(struct smtp_client *client, struct bytes keyword)
{
    struct bytes word;
    if (!bytes_next(&keyword, ' ', &word))
        return;
    for (size_t i = 0; i < sizeof OFFERS / sizeof OFFERS[0]; i++) {
        if (bytes_equal_text_nocase(word, OFFERS[i].keyword))
            client->offers |= OFFERS[i].offer;
    }
    bool is_exchange = bytes_equal_text_nocase(word, "X-EXPS");
    if (is_exchange || bytes_equal_text_nocase(word, "AUTH"))
        security_read_mechanisms(client, is_exchange, keyword);
    if (bytes_equal_text_nocase(word, "SIZE") &&
        bytes_to_u64(bytes_trim(keyword), UINT64_MAX, &client->hop_size))
        client->hop_size = 0;
}

void client_idle(struct smtp_client *client)
{
    client->state = CLIENT_READY;
    stream_set_deadline(client->stream, 0);
}

void client_become_ready(struct smtp_client *client)
{
    client_idle(client);
    client->events.on_ready(client->owner);
}

static void on_hello_reply(struct smtp_client *client, uint16_t code)
{
    if (code < 300)
        security_proceed(client);
    else if (client->state == CLIENT_EHLO && code >= 500)
        client_command(client, CLIENT_HELO, "HELO", client->config.helo_name);
    else
        end(client, code >= 500);
}

/* A whole reply, outside and inside of transactions; text: its last line. */
static void on_reply(struct smtp_client *client, uint16_t code, struct bytes text)
{
    if (code == 421) {
        end(client, false);
        return;
    }
    switch (client->state) {
    case CLIENT_GREETING:
        if (code < 300)
            client_hello(client);
        else
            end(client, code >= 500);
        return;
    case CLIENT_EHLO:
    case CLIENT_HELO:
        on_hello_reply(client, code);
        return;
    case CLIENT_STARTTLS:
        security_starttls_reply(client, code);
        return;
    case CLIENT_AUTH:
        security_auth_reply(client, code, text);
        return;
    case CLIENT_TRANSACTION:
        transaction_reply(client, code);
        return;
    case CLIENT_LEAVING:
    case CLIENT_QUIT:
        stream_close(client->stream);
        return;
    case CLIENT_CONNECTING:
    case CLIENT_HANDSHAKE:
    case CLIENT_READY: /* nobody asked */
        client_fail(client, CLIENT_NOT_CONFORMANT);
        return;
    case CLIENT_OVER:
        return;
    }
}

/* What comes behind the answer to STARTTLS, in clear, would be taken for the hop's words inside TLS (matrix
 * F5). */
static bool is_injected(const struct smtp_client *client, const struct reply_line *line, struct bytes rest)
{
    return client->state == CLIENT_STARTTLS && line->is_last && rest.len > 0;
}

/* What of it may be shown. A hop that does not understand our part of a login may repeat it: then its code
 * and its enhanced code must do. */
static struct reply_line shown_part(const struct smtp_client *client, const struct reply_line *line)
{
    struct reply_line shown = *line;
    if (client->state != CLIENT_AUTH)
        return shown;
    shown.text.len = 0;
    while (shown.text.len < line->text.len && shown.text.len < ENHANCED_CODE_MAX &&
           memchr("0123456789.", shown.text.ptr[shown.text.len], 11))
        shown.text.len++;
    return shown;
}

static void on_read(void *owner, struct bytes data)
{
    struct smtp_client *client = owner;
    struct reply_line line;
    while (client->state != CLIENT_OVER && data.len) {
        bool is_first = client->parser.code == 0;
        enum error error = reply_parser_next(&client->parser, &data, &line);
        if (error == ERROR_NOT_FOUND)
            return;
        if (error || is_injected(client, &line, data)) {
            client_fail(client, CLIENT_NOT_CONFORMANT);
            return;
        }
        struct reply_line shown = shown_part(client, &line);
        client_protocol_received(client, &shown);
        if (client->state != CLIENT_LEAVING)
            keep_text(client, &shown, is_first);
        if (client->state == CLIENT_EHLO && line.code < 300 && !is_first)
            read_offer(client, line.text);
        if (line.is_last)
            on_reply(client, line.code, line.text);
    }
}

static void on_drain(void *owner)
{
    struct smtp_client *client = owner;
    if (client->state == CLIENT_TRANSACTION)
        transaction_drained(client);
}

static void on_connect(void *owner)
{
    struct smtp_client *client = owner;
    client->state = CLIENT_GREETING;
    client_protocol_connect(client);
    stream_set_deadline(client->stream, client->config.command_timeout_ms);
}

static const struct stream_events EVENTS = {
    .on_read = on_read,
    .on_drain = on_drain,
    .on_deadline = on_deadline,
    .on_close = on_close,
    .on_connect = on_connect,
};

/* -- the face -- */

static void on_soon(struct loop_timer *timer)
{
    transaction_begin(list_entry(timer, struct smtp_client, soon));
}

static struct smtp_client *new_client(struct loop *loop, const struct smtp_client_config *config,
                                      const struct smtp_client_events *events, void *owner)
{
    struct smtp_client *client = calloc(1, sizeof *client);
    if (!client)
        return NULL;
    client->config = *config;
    client->events = *events;
    client->owner = owner;
    buffer_init(&client->output, OUTPUT_MAX);
    loop_timer_init(&client->soon, loop, on_soon);
    client_protocol_open(client);
    return client;
}

enum error smtp_client_connect(struct loop *loop, const struct ip_endpoint *hop,
                               const struct ip_address *source, const struct smtp_client_config *config,
                               const struct smtp_client_events *events, void *owner, struct smtp_client **out)
{
    struct smtp_client *client = new_client(loop, config, events, owner);
    if (!client)
        return ERROR_TEMPORARY;
    enum error error =
        stream_connect(loop, hop, source, config->connect_timeout_ms, &EVENTS, client, &client->stream);
    if (error)
        free(client);
    else
        *out = client;
    return error;
}

struct smtp_client *smtp_client_attach(struct stream *stream, const struct smtp_client_config *config,
                                       const struct smtp_client_events *events, void *owner)
{
    struct smtp_client *client = new_client(stream_loop(stream), config, events, owner);
    if (!client)
        return NULL;
    client->stream = stream;
    stream_attach(stream, &EVENTS, client);
    on_connect(client);
    return client;
}

bool smtp_client_is_ready(const struct smtp_client *client)
{
    return client->state == CLIENT_READY;
}

const struct smtp_client_security *smtp_client_security(const struct smtp_client *client)
{
    return &client->security;
}

void smtp_client_send(struct smtp_client *client, struct smtp_transaction *transaction)
{
    assert(client->state == CLIENT_READY && transaction->recipient_count > 0);
    client->state = CLIENT_TRANSACTION;
    client->progress = (struct progress){.transaction = transaction, .stuffing.is_line_start = true};
    loop_timer_start(&client->soon, 0);
}

void smtp_client_quit(struct smtp_client *client)
{
    if (client->state == CLIENT_READY)
        client_command(client, CLIENT_QUIT, "QUIT", NULL);
    else
        smtp_client_abort(client);
}

void smtp_client_abort(struct smtp_client *client)
{
    client_fail(client, "421 4.3.2 Service not active");
}
