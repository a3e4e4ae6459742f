#include "base/protocol_log.h"
#include "smtp_client/client_internal.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>

static bool is_verbose(const struct smtp_client *client)
{
    return client->config.protocol_connector && client->stream;
}

static struct protocol_log log_of(struct smtp_client *client, char peer[IP_ENDPOINT_TEXT_SIZE])
{
    return (struct protocol_log){.session = client->session,
                                 .connector = client->config.protocol_connector,
                                 .peer_key = "hop",
                                 .peer = ip_format_endpoint(stream_remote(client->stream), peer),
                                 .sequence = &client->protocol_sequence};
}

static void row(struct smtp_client *client, char direction, struct bytes data, const char *context)
{
    char peer[IP_ENDPOINT_TEXT_SIZE];
    if (!is_verbose(client))
        return;
    struct protocol_log log = log_of(client, peer);
    protocol_log_row(&log, direction, data, context);
}

void client_protocol_open(struct smtp_client *client)
{
    static atomic_uint_fast64_t count;
    uint64_t number =
        ((uint64_t)clock_wall_ms(&clock_system) << 20) + (atomic_fetch_add(&count, 1) & 0xfffff);
    (void)snprintf(client->session, sizeof client->session, "%016" PRIX64, number);
}

void client_protocol_connect(struct smtp_client *client)
{
    char local[IP_ENDPOINT_TEXT_SIZE];
    row(client, PROTOCOL_CONNECT, bytes_of_text(ip_format_endpoint(stream_local(client->stream), local)),
        NULL);
}

void client_protocol_disconnect(struct smtp_client *client, enum error why)
{
    row(client, PROTOCOL_DISCONNECT, (struct bytes){0}, why == ERROR_CANCELED ? "Local" : "Remote");
}

void client_protocol_sent(struct smtp_client *client)
{
    char peer[IP_ENDPOINT_TEXT_SIZE];
    if (!is_verbose(client))
        return;
    struct protocol_log log = log_of(client, peer);
    protocol_log_lines(&log, PROTOCOL_SENT, buffer_bytes(&client->output));
}

void client_protocol_secret(struct smtp_client *client)
{
    row(client, PROTOCOL_SENT, BYTES_LITERAL("(not shown)"), NULL);
}

void client_protocol_received(struct smtp_client *client, const struct reply_line *line)
{
    char text[REPLY_LINE_MAX + 8], peer[IP_ENDPOINT_TEXT_SIZE];
    if (!is_verbose(client))
        return;
    int length = snprintf(text, sizeof text, "%u%c%.*s\r\n", line->code, line->is_last ? ' ' : '-',
                          BYTES_ARG(line->text));
    struct protocol_log log = log_of(client, peer);
    protocol_log_lines(&log, PROTOCOL_RECEIVED, (struct bytes){text, (size_t)length});
}
