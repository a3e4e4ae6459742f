#include "smtp_server/message_header.h"

#include "mail/hop_count.h"
#include "policy/header_firewall.h"

#include <string.h>

/* "message/partial" with any folding and blanks between its words. */
static bool is_partial(struct bytes body)
{
    static const char wanted[] = "message/partial";
    size_t found = 0;
    for (size_t i = 0; i < body.len && found < sizeof wanted - 1; i++) {
        char byte = body.ptr[i];
        if (byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n') {
            continue;
        }
        if ((byte >= 'A' && byte <= 'Z' ? byte + ('a' - 'A') : byte) != wanted[found]) {
            return false;
        }
        found++;
    }
    return found == sizeof wanted - 1;
}

static bool has_looped(struct bytes block, const struct hop_limits *limits)
{
    const size_t count = sizeof limits->names / sizeof limits->names[0];
    return hop_count(block) > limits->all ||
           (limits->local > 0 && hop_count_local(block, limits->names, count) > limits->local);
}

enum reply message_header_check(struct bytes block, const struct hop_limits *limits)
{
    struct bytes rest = block;
    struct header_field field;
    while (header_next(&rest, &field)) {
        if (header_name_is(&field, "Content-Type") && is_partial(field.body)) {
            return REPLY_PARTIAL;
        }
    }
    return has_looped(block, limits) ? REPLY_HOP_COUNT : REPLY_COUNT;
}

bool message_header_original_size(struct bytes block, uint32_t rights, uint64_t *out_bytes)
{
    static const char name[] = "X-MS-Exchange-Organization-OriginalSize";
    struct header_field field;
    return (rights & RIGHT_BIT(RIGHT_ACCEPT_HEADERS_ORGANIZATION)) && header_count(block, name) == 1 &&
           header_find(block, name, &field) &&
           bytes_to_u64(header_value(&field), UINT64_MAX - 1, out_bytes) == OK;
}

/* What is looked at or taken away; letter: the first one of the name. */
static const struct {
    char letter;
    bool is_prefix;
    const char *name;
} KNOWN[] = {
    {'c', false, "Content-Type"}, {'d', false, "Date"},     {'f', false, "From"},
    {'m', false, "Message-ID"},   {'r', false, "Received"}, {'r', true, "Resent-"},
    {'r', false, "Return-Path"},  {'s', false, "Sender"},   {'x', true, "X-MS-Exchange-"},
    {'x', true, "X-Dirrelay-"},
};

static bool is_unknown(const struct header_field *field, void *owner)
{
    const char letter = header_first_letter(field);
    (void)owner;
    for (size_t i = 0; i < sizeof KNOWN / sizeof KNOWN[0]; i++) {
        if ((letter == HEADER_ANY || letter == KNOWN[i].letter) &&
            (KNOWN[i].is_prefix ? header_name_starts(field, KNOWN[i].name)
                                : header_name_is(field, KNOWN[i].name))) {
            return false;
        }
    }
    return true;
}

enum error message_header_select(struct bytes block, struct buffer *out)
{
    enum error error;
    header_remove(block, is_unknown, NULL, out, &error);
    return error;
}

struct removal {
    struct header_firewall firewall;
    bool hops_are_ours; /* our own count is written anew */
    struct auth_stamp stamp;
};

static bool is_removed(const struct header_field *field, void *owner)
{
    struct removal *removal = owner;
    const char letter = header_first_letter(field);
    if (letter != HEADER_ANY && letter != 'r' && letter != 'x') { /* as none of these does */
        return false;
    }
    return header_firewall_removes(field, &removal->firewall) || header_name_is(field, "Return-Path") ||
           (removal->hops_are_ours && hop_count_is_field(field)) ||
           auth_stamp_removes(&removal->stamp, field);
}

/* One word "<…>" of printable ASCII is fit for a reply and a log line. */
static bool take_message_id(struct bytes body, char out[MESSAGE_ID_SIZE])
{
    size_t length = 0;
    for (size_t i = 0; i < body.len; i++) {
        unsigned char byte = (unsigned char)body.ptr[i];
        bool is_blank = byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n';
        if (is_blank && (length == 0 || out[length - 1] == '>')) {
            continue;
        }
        if (byte <= ' ' || byte >= 0x7f || length + 1 >= MESSAGE_ID_SIZE) {
            return false;
        }
        out[length++] = (char)byte;
    }
    out[length] = '\0';
    return length > 2 && out[0] == '<' && strchr(out, '>') == out + length - 1;
}

#define ARRIVAL "X-MS-Exchange-Organization-OriginalArrivalTime"

static enum error append_arrival(struct bytes kept, int64_t wall_ms, struct buffer *out)
{
    char time[TRACE_DATE_SIZE];
    if (header_count(kept, ARRIVAL) > 0) {
        return OK;
    }
    trace_format_arrival(wall_ms, time);
    return buffer_printf(out, ARRIVAL ": %s\r\n", time);
}

static enum error append_added(const struct message_header_request *request, struct bytes kept, uint64_t hops,
                               struct buffer *out, char message_id[MESSAGE_ID_SIZE])
{
    const struct trace_received *received = &request->received;
    struct header_field field;
    enum error error = OK;
    bool has_id = header_find(kept, "Message-ID", &field);
    if (!has_id || !take_message_id(field.body, message_id)) {
        error = trace_make_message_id(received->id, received->wall_ms, received->server_name, message_id,
                                      MESSAGE_ID_SIZE);
    }
    if (error == OK) {
        error = hop_count_append(out, hops);
    }
    if (error == OK && !has_id) {
        error = buffer_printf(out, "Message-ID: %s\r\n", message_id);
    }
    if (error == OK && header_count(kept, "Date") == 0) {
        char date[TRACE_DATE_SIZE];
        trace_format_date(received->wall_ms, date);
        error = buffer_printf(out, "Date: %s\r\n", date);
    }
    return error == OK ? append_arrival(kept, received->wall_ms, out) : error;
}

enum error message_header_rewrite(const struct message_header_request *request, struct buffer *out,
                                  struct message_header_result *result)
{
    struct removal removal = {.firewall = {.rights = request->rights, .is_inbound = true},
                              .hops_are_ours = !(request->rights & RIGHT_BIT(RIGHT_ACCEPT_HEADERS_ROUTING))};
    uint64_t hops = removal.hops_are_ours ? hop_count(request->known) : 0;
    struct buffer kept; /* of the known fields */
    buffer_init(&kept, request->known.len);
    enum error error = trace_append_received(out, &request->received);
    if (error == OK) {
        error = header_firewall_inbound(request->known, request->rights, &kept, NULL);
    }
    if (error == OK) {
        removal.stamp = auth_stamp_plan(&request->evidence, buffer_bytes(&kept));
        header_remove(request->block, is_removed, &removal, out, &error);
    }
    if (error == OK) {
        result->is_internal = auth_stamp_makes_internal(&request->evidence, buffer_bytes(&kept));
        error = append_added(request, buffer_bytes(&kept), hops, out, result->message_id);
    }
    if (error == OK) {
        error = auth_stamp_append(&removal.stamp, &request->evidence, out);
    }
    if (error == OK) {
        error = buffer_append_text(out, "\r\n");
    }
    buffer_done(&kept);
    return error;
}

struct bytes message_header_auth(bool is_internal, uint32_t rights, struct bytes given)
{
    if (!is_internal) {
        return BYTES_LITERAL("<>");
    }
    return rights & RIGHT_BIT(RIGHT_SMTP_ACCEPT_AUTHENTICATION_FLAG) ? given : (struct bytes){0};
}
