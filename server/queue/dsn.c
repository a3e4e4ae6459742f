/* Everything that came from a peer (addresses, replies, the original header) goes through append_clean or
 * append_original: a line break of theirs must not become a header or a MIME part of ours (matrix R17). */
#include "queue/dsn.h"

#include "base/utf8.h"
#include "mail/parameter.h"
#include "mail/trace.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define BOUNDARY_SIZE      64
#define MESSAGE_ID_SIZE    512
#define HEADER_BYTES_MAX   (8u << 10)
#define ORIGINAL_BYTES_MAX (64u << 10)
#define LINE_BYTES_MAX     998 /* RFC 5322 2.1.1 */
#define STATUS_DIGITS_MAX  3
#define XTEXT_MAX          500 /* RFC 3461: ORCPT; ENVID has 100 */

static const struct {
    enum recipient_state state;
    const char *subject;
    const char *sentence;
    const char *action;
    const char *classes; /* of Status; the first where the reply does not tell */
} ACTIONS[DSN_ACTION_COUNT] = {
    [DSN_FAILED] = {RECIPIENT_FAILED, "Undeliverable: your message was not delivered",
                    "Your message could not be delivered to the recipients below.\r\n"
                    "It will not be tried again.\r\n",
                    "failed", "54"},
    [DSN_RELAYED] =
        {RECIPIENT_DELIVERED, "Relayed: your message was passed on",
         "Your message was passed on to a mail system that does not report deliveries, for the\r\n"
         "recipients below. There will be no further report unless it fails.\r\n",
         "relayed", "2"},
    [DSN_DELAYED] = {RECIPIENT_PENDING, "Delayed: your message has not been delivered yet",
                     "Your message has not been delivered to the recipients below yet.\r\n"
                     "It is being tried further; you need not send it again.\r\n",
                     "delayed", "45"},
};

/* Never in the original: that could end a part of ours early. Its length is fixed. */
static void make_boundary(const struct dsn_request *request, char out[BOUNDARY_SIZE])
{
    for (uint32_t attempt = 0;; attempt++) {
        snprintf(out, BOUNDARY_SIZE, "=_%016" PRIx64 "_%016" PRIx64 "_%08" PRIx32, request->id,
                 (uint64_t)request->wall_ms, attempt);
        if (bytes_find_text(request->original_header, out) == request->original_header.len &&
            bytes_find_text(request->original_body, out) == request->original_body.len)
            return;
    }
}

/* Line breaks and tabs become blanks, all else outside printable ASCII a question mark. */
static enum error append_clean(struct buffer *out, struct bytes text)
{
    enum error error = buffer_reserve(out, text.len);

    if (error)
        return error;
    for (size_t i = 0; i < text.len; i++) {
        unsigned char byte = (unsigned char)text.ptr[i];
        bool is_blank = byte == '\r' || byte == '\n' || byte == '\t';
        out->ptr[out->len++] = is_blank ? ' ' : byte >= ' ' && byte < 0x7f ? (char)byte : '?';
    }
    return OK;
}

/* before + the cleaned text + after. */
static enum error append_line(struct buffer *out, const char *before, struct bytes text, const char *after)
{
    enum error error = buffer_append_text(out, before);

    if (!error)
        error = append_clean(out, text);
    if (!error)
        error = buffer_append_text(out, after);
    return error;
}

/* An address in seven bits: what stands above is written as RFC 6533 3 has it, \x{E9}. */
static enum error append_address(struct buffer *out, struct bytes address)
{
    enum error error = OK;

    while (!error && address.len) {
        uint32_t code_point;
        size_t len = utf8_first(address, &code_point);
        if (len > 1)
            error = buffer_printf(out, "\\x{%" PRIX32 "}", code_point);
        else
            error = append_clean(out, bytes_first(address, 1));
        address = bytes_skip(address, len ? len : 1);
    }
    return error;
}

/* Where the report goes: as it is, since such a report is sent by SMTPUTF8 alone. */
static enum error append_to(struct buffer *out, struct bytes address)
{
    bool is_valid = utf8_is_valid(address);
    enum error error = buffer_append_text(out, "To: <");

    for (size_t i = 0; !error && i < address.len; i++) {
        bool is_high = is_valid && (unsigned char)address.ptr[i] >= 0x80;
        struct bytes octet = {address.ptr + i, 1};
        error = is_high ? buffer_append(out, octet) : append_clean(out, octet);
    }
    return error ? error : buffer_append_text(out, ">\r\n");
}

/* Up to three digits from the front; 0 when there are none or more. */
static size_t count_digits(struct bytes text)
{
    size_t count = 0;

    while (count < text.len && text.ptr[count] >= '0' && text.ptr[count] <= '9')
        count++;
    return count <= STATUS_DIGITS_MAX ? count : 0;
}

static bool is_reply(struct bytes reply)
{
    return count_digits(reply) == 3 && reply.ptr[0] >= '2' && reply.ptr[0] <= '5' &&
           (reply.len == 3 || reply.ptr[3] == ' ' || reply.ptr[3] == '-');
}

static bool is_class(char digit, const char *classes)
{
    return digit != '\0' && strchr(classes, digit) != NULL;
}

/* The enhanced code of the reply where it has one of these classes, else one made from its first digit, or of
 * the first class. */
static void make_status(struct bytes reply, const char *classes, char out[DSN_STATUS_SIZE])
{
    struct bytes text = is_reply(reply) ? bytes_skip(reply, 4) : reply;
    size_t subject = count_digits(bytes_skip(text, 2));
    size_t detail = subject ? count_digits(bytes_skip(text, 2 + subject + 1)) : 0;
    size_t length = 2 + subject + 1 + detail;

    if (detail && text.len >= length && is_class(text.ptr[0], classes) && text.ptr[1] == '.' &&
        text.ptr[2 + subject] == '.' && (text.len == length || text.ptr[length] == ' '))
        snprintf(out, DSN_STATUS_SIZE, "%.*s", (int)length, text.ptr);
    else
        snprintf(out, DSN_STATUS_SIZE, "%c.0.0",
                 is_reply(reply) && is_class(reply.ptr[0], classes) ? reply.ptr[0] : classes[0]);
}

static enum error append_header(struct buffer *out, const struct dsn_request *request, const char *boundary)
{
    char date[TRACE_DATE_SIZE];
    char message_id[MESSAGE_ID_SIZE];
    enum error error = trace_make_message_id(
        request->id, request->wall_ms, bytes_of_text(request->server_name), message_id, sizeof(message_id));

    if (error)
        return error;
    trace_format_date(request->wall_ms, date);
    error = buffer_printf(out, "Date: %s\r\nFrom: Mail Delivery System <MAILER-DAEMON@%s>\r\n", date,
                          request->server_name);
    if (!error)
        error = append_to(out, request->envelope->sender);
    if (!error)
        error = buffer_printf(out,
                              "Subject: %s\r\n"
                              "Message-ID: %s\r\n"
                              "Auto-Submitted: auto-replied\r\n"
                              "MIME-Version: 1.0\r\n"
                              "Content-Type: multipart/report; report-type=delivery-status;\r\n"
                              "\tboundary=\"%s\"\r\n\r\n",
                              ACTIONS[request->action].subject, message_id, boundary);
    return error;
}

static enum error append_for_people(struct buffer *out, const struct dsn_request *request)
{
    const struct envelope *envelope = request->envelope;
    enum error error = buffer_printf(out,
                                     "Content-Type: text/plain; charset=us-ascii\r\n\r\n"
                                     "This is the mail system at %s.\r\n\r\n%s",
                                     request->server_name, ACTIONS[request->action].sentence);

    for (size_t i = 0; !error && i < envelope->recipient_count; i++) {
        const struct envelope_recipient *recipient = &envelope->recipients[i];
        if (recipient->state != ACTIONS[request->action].state)
            continue;
        error = buffer_append_text(out, "\r\n<");
        if (!error)
            error = append_address(out, recipient->address);
        if (!error)
            error = buffer_append_text(out, ">\r\n");
        if (!error && recipient->reply.len)
            error = append_line(out, "    ", recipient->reply, "\r\n");
    }
    return error;
}

/* before + what the xtext stands for; nothing where there is none. */
static enum error append_xtext(struct buffer *out, const char *before, struct bytes xtext)
{
    char plain[XTEXT_MAX];
    size_t length;

    if (xtext.len == 0 || xtext.len > sizeof(plain) || parameter_decode_xtext(xtext, plain, &length))
        return OK;
    return append_line(out, before, (struct bytes){plain, length}, "\r\n");
}

/* ORCPT as it was given: "rfc822;" and xtext. */
static enum error append_original_recipient(struct buffer *out, struct bytes original)
{
    char before[64];
    size_t type = bytes_find(original, ';');

    if (type == original.len || type > 32)
        return OK;
    snprintf(before, sizeof(before), "Original-Recipient: %.*s; ", (int)type, original.ptr);
    return append_xtext(out, before, bytes_skip(original, type + 1));
}

/* Until when it is tried, of a report about a delay. */
static enum error append_retry(struct buffer *out, const struct dsn_request *request)
{
    char date[TRACE_DATE_SIZE];

    if (request->action != DSN_DELAYED)
        return OK;
    trace_format_date(request->retry_until_ms, date);
    return buffer_printf(out, "Will-Retry-Until: %s\r\n", date);
}

static enum error append_recipient(struct buffer *out, const struct dsn_request *request,
                                   const struct envelope_recipient *recipient)
{
    const struct envelope *envelope = request->envelope;
    char status[DSN_STATUS_SIZE];
    enum error error;

    dsn_status_of(request->action, recipient->reply, status);
    error = buffer_append_text(out, "\r\n");
    if (!error)
        error = append_original_recipient(out, recipient->original);
    if (!error)
        error = buffer_printf(out, "Final-Recipient: %s; ",
                              utf8_is_ascii(recipient->address) ? "rfc822" : "utf-8");
    if (!error)
        error = append_address(out, recipient->address);
    if (!error)
        error = buffer_append_text(out, "\r\n");
    if (!error)
        error = buffer_printf(out, "Action: %s\r\nStatus: %s\r\n", ACTIONS[request->action].action, status);
    if (!error && is_reply(recipient->reply) && envelope->hop.len)
        error = append_line(out, "Remote-MTA: dns; ", envelope->hop, "\r\n");
    if (!error && recipient->reply.len)
        error = append_line(
            out, is_reply(recipient->reply) ? "Diagnostic-Code: smtp; " : "Diagnostic-Code: x-dirrelay; ",
            recipient->reply, "\r\n");
    if (!error)
        error = append_retry(out, request);
    return error;
}

static enum error append_for_programs(struct buffer *out, const struct dsn_request *request)
{
    const struct envelope *envelope = request->envelope;
    char arrived[TRACE_DATE_SIZE];
    enum error error;

    trace_format_date(envelope->arrived_ms, arrived);
    error = buffer_append_text(out, "Content-Type: message/delivery-status\r\n\r\n");
    if (!error)
        error = append_xtext(out, "Original-Envelope-Id: ", envelope->envelope_id);
    if (!error)
        error =
            buffer_printf(out, "Reporting-MTA: dns; %s\r\nArrival-Date: %s\r\n",
                          request->reporting_name ? request->reporting_name : request->server_name, arrived);
    for (size_t i = 0; !error && i < envelope->recipient_count; i++) {
        if (envelope->recipients[i].state == ACTIONS[request->action].state)
            error = append_recipient(out, request, &envelope->recipients[i]);
    }
    return error;
}

bool dsn_may_hold(struct bytes body)
{
    struct bytes line;

    if (body.len && body.ptr[body.len - 1] != '\n')
        return false;
    while (bytes_next(&body, '\n', &line)) {
        bool has_cr = line.len && line.ptr[line.len - 1] == '\r';
        if (!has_cr || line.len - 1 > LINE_BYTES_MAX || bytes_find(line, '\r') < line.len - 1)
            return false;
        for (size_t i = 0; i < line.len; i++)
            if (line.ptr[i] == '\0' || (unsigned char)line.ptr[i] >= 0x80)
                return false;
    }
    return true;
}

/* The fields line by line, up to the ceiling or an empty line; then the body where it is wanted. Seven bits
 * and legal line lengths, so that the report passes every hop. */
static enum error append_original(struct buffer *out, const struct dsn_request *request)
{
    struct bytes header = request->original_header;
    struct bytes rest = bytes_first(header, ORIGINAL_BYTES_MAX);
    bool is_cut = rest.len < header.len;
    struct bytes line;
    enum error error =
        buffer_append_text(out, request->has_body ? "Content-Type: message/rfc822\r\n\r\n"
                                                  : "Content-Type: text/rfc822-headers\r\n\r\n");

    while (!error && bytes_next(&rest, '\n', &line)) {
        if (is_cut && rest.len == 0)
            break; /* half a line */
        if (line.len && line.ptr[line.len - 1] == '\r')
            line.len--;
        if (line.len == 0)
            break;
        error = append_line(out, "", bytes_first(line, LINE_BYTES_MAX), "\r\n");
    }
    if (!error && request->has_body)
        error = buffer_append_text(out, "\r\n");
    if (!error && request->has_body)
        error = buffer_append(out, request->original_body);
    return error;
}

enum error dsn_append_report(struct buffer *out, const struct dsn_request *request)
{
    char boundary[BOUNDARY_SIZE];
    enum error error;

    make_boundary(request, boundary);
    error = append_header(out, request, boundary);
    if (!error)
        error = buffer_printf(out, "This is a MIME-encapsulated message.\r\n\r\n--%s\r\n", boundary);
    if (!error)
        error = append_for_people(out, request);
    if (!error)
        error = buffer_printf(out, "\r\n--%s\r\n", boundary);
    if (!error)
        error = append_for_programs(out, request);
    if (!error)
        error = buffer_printf(out, "\r\n--%s\r\n", boundary);
    if (!error)
        error = append_original(out, request);
    if (!error)
        error = buffer_printf(out, "\r\n--%s--\r\n", boundary);
    return error;
}

/* What the report's header will take; 0 when it cannot be made. */
static uint64_t measure_header(const struct dsn_request *request)
{
    char boundary[BOUNDARY_SIZE];
    struct buffer header;
    uint64_t bytes = 0;

    make_boundary(request, boundary);
    buffer_init(&header, HEADER_BYTES_MAX);
    if (append_header(&header, request, boundary) == OK)
        bytes = header.len;
    buffer_done(&header);
    return bytes;
}

void dsn_status_of(enum dsn_action action, struct bytes reply, char out[DSN_STATUS_SIZE])
{
    make_status(reply, ACTIONS[action].classes, out);
}

bool dsn_make_envelope(const struct dsn_request *request, struct arena *arena, struct envelope *out)
{
    const struct envelope *failed = request->envelope;
    bool has_copy = request->copy_to.len > 0 && !bytes_equal(request->copy_to, failed->sender);
    struct envelope_recipient *recipients;
    char *message_id;

    if (failed->sender.len == 0 || failed->is_bounce)
        return false;
    recipients = arena_array(arena, 2, sizeof(*recipients));
    message_id = arena_alloc(arena, MESSAGE_ID_SIZE);
    if (!recipients || !message_id ||
        trace_make_message_id(request->id, request->wall_ms, bytes_of_text(request->server_name), message_id,
                              MESSAGE_ID_SIZE) != OK)
        return false;
    recipients[0].address = failed->sender;
    recipients[1].address = request->copy_to;
    *out = (struct envelope){
        .id = request->id,
        .recipients = recipients,
        .recipient_count = has_copy ? 2 : 1,
        .arrived_ms = request->wall_ms,
        .is_bounce = true,
        .body = BODY_7BIT,
        .needs_utf8 = !utf8_is_ascii(failed->sender),
        .header_bytes = measure_header(request),
        .message_id = bytes_of_text(message_id),
    };
    return true;
}
