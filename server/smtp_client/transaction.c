#include "smtp_client/client_internal.h"
#include "smtp_client/envelope_command.h"
#include "smtp_client/obstacle.h"

#include <inttypes.h>
#include <stdlib.h>

#define WINDOW      100 /* commands in flight where the hop takes a pipeline */
#define CONTENT_RUN 65536
#define ENCODED_MAX (4 * CONTENT_RUN + (1u << 21)) /* a run, or a part's header before it */
#define UNREADABLE  "451 4.3.0 The message cannot be read from the queue"

static size_t data_index(const struct progress *progress)
{
    return progress->transaction->recipient_count + 1;
}

/* A chunk is said behind all replies: there is no 354 that would tell whether its octets are wanted. */
static size_t command_count(const struct progress *progress)
{
    return data_index(progress) + !transaction_needs_chunk(progress->transaction);
}

/* -- outcomes -- */

static enum smtp_outcome outcome_of(uint16_t code)
{
    return code < 300 ? OUTCOME_DELIVERED : code >= 500 ? OUTCOME_FAILED : OUTCOME_DEFERRED;
}

static void tell(struct smtp_client *client, size_t recipient, enum smtp_outcome outcome)
{
    struct smtp_transaction *transaction = client->progress.transaction;
    client->progress.is_open[recipient] = false;
    transaction->on_recipient(transaction, recipient, outcome,
                              (struct bytes){client->text, client->text_len});
}

static void tell_open(struct smtp_client *client, enum smtp_outcome outcome)
{
    for (size_t i = 0; i < client->progress.transaction->recipient_count; i++) {
        if (client->progress.is_open[i])
            tell(client, i, outcome);
    }
}

/* The last word; the transaction is the caller's again. */
static void finish(struct smtp_client *client, bool can_reuse)
{
    struct smtp_transaction *transaction = client->progress.transaction;
    free(client->progress.is_open);
    seven_bit_free(client->progress.seven_bit);
    buffer_done(&client->progress.encoded);
    client->progress = (struct progress){0};
    if (can_reuse)
        client_idle(client);
    transaction->on_done(transaction, can_reuse);
}

void transaction_lost(struct smtp_client *client)
{
    if (client->progress.is_open) {
        tell_open(client, OUTCOME_DEFERRED);
    } else { /* before it began */
        for (size_t i = 0; i < client->progress.transaction->recipient_count; i++)
            client->progress.transaction->on_recipient(client->progress.transaction, i, OUTCOME_DEFERRED,
                                                       (struct bytes){client->text, client->text_len});
    }
    finish(client, false);
}

/* The message is not for this hop, and the hop need not be asked. */
static void refuse(struct smtp_client *client, const char *reply)
{
    client->text_len = 0;
    for (; reply[client->text_len]; client->text_len++)
        client->text[client->text_len] = reply[client->text_len];
    tell_open(client, OUTCOME_FAILED);
    finish(client, true);
}

/* -- commands -- */

static enum error append_command(struct smtp_client *client, size_t index)
{
    const struct smtp_transaction *transaction = client->progress.transaction;
    struct buffer *out = &client->output;
    if (index == 0)
        return envelope_command_append_mail(transaction, client->offers, out);
    if (index == data_index(&client->progress))
        return buffer_append_text(out, "DATA\r\n");
    return envelope_command_append_recipient(transaction, index - 1, client->offers, out);
}

static enum error append_reset(struct smtp_client *client)
{
    client->needs_reset = false;
    client->awaits_reset = true;
    return buffer_append_text(&client->output, "RSET\r\n");
}

/* Says what may be said now. Without PIPELINING each command waits for the reply before it, and DATA is said
 * only where a recipient was taken. */
static void send_commands(struct smtp_client *client)
{
    struct progress *progress = &client->progress;
    bool is_pipelined = client->offers & HOP_PIPELINING;
    size_t window = is_pipelined ? WINDOW : 1;
    enum error error = client->needs_reset ? append_reset(client) : OK;
    while (progress->sent < command_count(progress) &&
           progress->sent - progress->answered + client->awaits_reset < window && !error) {
        bool is_data = progress->sent == data_index(progress);
        bool is_pointless = progress->is_mail_refused ||
                            (is_data && progress->answered == progress->sent && progress->accepted == 0);
        if (is_pointless)
            break;
        error = append_command(client, progress->sent++);
    }
    if (error) {
        client_fail(client, "421 4.3.0 Out of memory");
        return;
    }
    client_flush_commands(client);
    stream_set_deadline(client->stream, client->config.command_timeout_ms);
}

/* -- seven bits -- */

static enum error encode(struct progress *progress, struct bytes run)
{
    buffer_clear(&progress->encoded);
    return run.len ? seven_bit_append(progress->seven_bit, run, &progress->encoded)
                   : seven_bit_finish(progress->seven_bit, &progress->encoded);
}

static bool begin_encoding(struct progress *progress)
{
    seven_bit_free(progress->seven_bit);
    progress->seven_bit = seven_bit_new();
    buffer_done(&progress->encoded);
    buffer_init(&progress->encoded, ENCODED_MAX);
    return progress->seven_bit != NULL;
}

/* The whole content once, for its length. ERROR_SYNTAX: it cannot be encoded. */
static enum error measure(struct progress *progress, uint64_t *out_bytes)
{
    struct smtp_transaction *transaction = progress->transaction;
    char run[CONTENT_RUN];
    size_t len = 1;
    enum error error = OK;
    *out_bytes = 0;
    while (len && !error) {
        error = transaction->read(transaction, run, sizeof run, &len);
        if (!error)
            error = encode(progress, (struct bytes){run, len});
        *out_bytes += progress->encoded.len;
    }
    transaction->rewind(transaction);
    return error;
}

/* Content that cannot be encoded stays as it is: the hop's obstacle is told. */
static enum error encode_for_hop(struct progress *progress)
{
    struct smtp_transaction *transaction = progress->transaction;
    uint64_t size_bytes;
    enum error error = begin_encoding(progress) ? measure(progress, &size_bytes) : ERROR_TEMPORARY;
    if (error == ERROR_SYNTAX)
        return OK;
    if (error || !begin_encoding(progress))
        return ERROR_TEMPORARY;
    transaction->size_bytes = size_bytes;
    transaction->is_8bit = transaction->is_binary = transaction->is_chunk_only = false;
    return OK;
}

void transaction_begin(struct smtp_client *client)
{
    struct progress *progress = &client->progress;
    struct smtp_transaction *transaction = progress->transaction;
    transaction->is_dsn_passed = client->offers & HOP_DSN;
    progress->is_open = malloc(transaction->recipient_count * sizeof *progress->is_open);
    if (!progress->is_open) {
        client_fail(client, "421 4.3.0 Out of memory");
        return;
    }
    for (size_t i = 0; i < transaction->recipient_count; i++)
        progress->is_open[i] = true;
    if (hop_wants_seven_bit(client->offers, transaction) && encode_for_hop(progress)) {
        client_fail(client, UNREADABLE);
        return;
    }
    const char *obstacle = hop_obstacle(client->offers, client->hop_size, transaction);
    if (obstacle)
        refuse(client, obstacle);
    else
        send_commands(client);
}

/* -- content -- */

/* The chunk's octets as they stand: as many as were announced. */
static enum error append_to_chunk(struct progress *progress, struct bytes run, struct buffer *out)
{
    if (run.len == 0 || run.len > progress->chunk_left)
        return ERROR_LIMIT;
    progress->chunk_left -= run.len;
    progress->is_content_sent = progress->chunk_left == 0;
    return buffer_append(out, run);
}

static enum error append_stuffed(struct progress *progress, struct bytes run, struct buffer *out)
{
    if (run.len)
        return dot_stuffing_append(&progress->stuffing, run, out);
    progress->is_content_sent = true;
    return dot_stuffing_finish(&progress->stuffing, out);
}

static enum error append_encoded(struct progress *progress, struct bytes run, struct buffer *out)
{
    enum error error = encode(progress, run);
    if (!error)
        error = dot_stuffing_append(&progress->stuffing, buffer_bytes(&progress->encoded), out);
    return error || run.len ? error : append_stuffed(progress, run, out);
}

/* Sends content until the stream is full or the end is reached. */
static void send_content(struct smtp_client *client)
{
    struct progress *progress = &client->progress;
    struct smtp_transaction *transaction = progress->transaction;
    enum error (*append)(struct progress *, struct bytes, struct buffer *) =
        transaction_needs_chunk(transaction) ? append_to_chunk
        : progress->seven_bit                ? append_encoded
                                             : append_stuffed;
    char run[CONTENT_RUN];
    bool has_room = true;
    while (has_room && !progress->is_content_sent) {
        size_t len = 0;
        /* With no recipient taken the hop should have refused DATA; it gets an empty message it has nobody
         * for. */
        enum error error = progress->accepted ? transaction->read(transaction, run, sizeof run, &len) : OK;
        if (!error)
            error = append(progress, (struct bytes){run, len}, &client->output);
        if (error) {
            /* Half a message must never look whole: the connection is cut without the final dot, or inside
             * the chunk. */
            client_fail(client, UNREADABLE);
            return;
        }
        has_room = client_flush(client);
    }
    stream_set_deadline(client->stream, client->config.data_timeout_ms);
}

/* One chunk holds the whole message. */
static void begin_chunk(struct smtp_client *client)
{
    struct progress *progress = &client->progress;
    progress->chunk_left = progress->transaction->size_bytes;
    if (buffer_printf(&client->output, "BDAT %" PRIu64 " LAST\r\n", progress->chunk_left)) {
        client_fail(client, "421 4.3.0 Out of memory");
        return;
    }
    progress->is_sending = true;
    progress->is_content_sent = progress->chunk_left == 0;
    client_flush_commands(client);
    send_content(client);
}

void transaction_drained(struct smtp_client *client)
{
    if (client->progress.is_sending && !client->progress.is_content_sent)
        send_content(client);
}

/* -- replies -- */

/* All that was asked is answered and nothing more will be asked. */
static void finish_if_over(struct smtp_client *client, bool is_transaction_open)
{
    if (client->progress.answered < client->progress.sent)
        return;
    client->needs_reset = is_transaction_open;
    finish(client, true);
}

static void on_data_reply(struct smtp_client *client, uint16_t code)
{
    struct progress *progress = &client->progress;
    if (code == 354) {
        progress->is_sending = true;
        send_content(client);
        return;
    }
    if (code < 400) {
        client_fail(client, CLIENT_NOT_CONFORMANT);
        return;
    }
    tell_open(client, outcome_of(code));
    finish_if_over(client, !progress->is_mail_refused);
}

/* The reply behind the content. A refusal may come before its end: the session ends then, since the hop and
 * we no longer agree on what is content. A chunk that was refused leaves the transaction open (RFC 3030 2).
 */
static void on_content_reply(struct smtp_client *client, uint16_t code)
{
    bool is_early = !client->progress.is_content_sent;
    if (code < 400 && (is_early || code >= 300)) {
        client_fail(client, CLIENT_NOT_CONFORMANT);
        return;
    }
    tell_open(client, outcome_of(code));
    if (is_early) {
        client_end(client);
        return;
    }
    client->needs_reset = code >= 400 && transaction_needs_chunk(client->progress.transaction);
    finish(client, true);
}

static void on_recipient_reply(struct smtp_client *client, size_t recipient, uint16_t code)
{
    if (code < 300)
        client->progress.accepted += !client->progress.is_mail_refused;
    else if (client->progress.is_open[recipient])
        tell(client, recipient, outcome_of(code));
}

/* A hop that does not forget its old transaction would refuse the new one for a reason that is not its. */
static void on_reset_reply(struct smtp_client *client, uint16_t code)
{
    client->awaits_reset = false;
    if (code >= 300)
        client_fail(client, CLIENT_NOT_CONFORMANT);
    else
        send_commands(client);
}

/* Asks what there is to ask, else sends the chunk, else is done. */
static void go_on(struct smtp_client *client)
{
    const struct progress *progress = &client->progress;
    send_commands(client);
    if (client->state != CLIENT_TRANSACTION)
        return;
    if (progress->accepted && progress->answered == command_count(progress))
        begin_chunk(client);
    else
        finish_if_over(client, !progress->is_mail_refused);
}

void transaction_reply(struct smtp_client *client, uint16_t code)
{
    struct progress *progress = &client->progress;
    if (progress->is_sending) {
        on_content_reply(client, code);
        return;
    }
    if (client->awaits_reset) {
        on_reset_reply(client, code);
        return;
    }
    bool is_asked = progress->answered < progress->sent;
    if (is_asked && progress->answered == data_index(progress)) {
        progress->answered++;
        on_data_reply(client, code);
        return;
    }
    if (!is_asked || (code >= 300 && code < 400)) {
        client_fail(client, CLIENT_NOT_CONFORMANT);
        return;
    }
    size_t index = progress->answered++;
    if (index == 0 && code >= 300) {
        progress->is_mail_refused = true;
        tell_open(client, outcome_of(code));
    } else if (index > 0) {
        on_recipient_reply(client, index - 1, code);
    }
    go_on(client);
}
