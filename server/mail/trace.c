#include "mail/trace.h"

#include "mail/atext.h"
#include "mail/domain.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static const char *const day_names[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
static const char *const month_names[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                          "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

/* Not by strftime, whose names follow the locale. */
static struct tm utc_parts(int64_t wall_ms)
{
    time_t seconds = (time_t)(wall_ms / 1000 - (wall_ms % 1000 < 0));
    struct tm parts = {0};

    /* A clock that is that wrong shows as the epoch, and the header stays well-formed. */
    if (!gmtime_r(&seconds, &parts) || parts.tm_year < 0 || parts.tm_year > 9999 - 1900) {
        seconds = 0;
        gmtime_r(&seconds, &parts);
    }
    return parts;
}

static void format_date(int64_t wall_ms, int day_digits, char out[TRACE_DATE_SIZE])
{
    struct tm parts = utc_parts(wall_ms);
    snprintf(out, TRACE_DATE_SIZE, "%s, %0*d %s %04d %02d:%02d:%02d +0000", day_names[parts.tm_wday],
             day_digits, parts.tm_mday, month_names[parts.tm_mon], parts.tm_year + 1900, parts.tm_hour,
             parts.tm_min, parts.tm_sec);
}

void trace_format_arrival(int64_t wall_ms, char out[TRACE_DATE_SIZE])
{
    struct tm parts = utc_parts(wall_ms);
    int milliseconds = (int)(wall_ms % 1000 + (wall_ms % 1000 < 0 ? 1000 : 0));
    snprintf(out, TRACE_DATE_SIZE, "%02d %s %04d %02d:%02d:%02d.%03d0 (UTC)", parts.tm_mday,
             month_names[parts.tm_mon], parts.tm_year + 1900, parts.tm_hour, parts.tm_min, parts.tm_sec,
             milliseconds);
}

void trace_format_date(int64_t wall_ms, char out[TRACE_DATE_SIZE])
{
    format_date(wall_ms, 2, out);
}

void trace_format_banner_date(int64_t wall_ms, char out[TRACE_DATE_SIZE])
{
    format_date(wall_ms, 1, out);
}

/* "example.com." is the same name, but RFC 5321 has no dot there. */
static struct bytes without_root(struct bytes name)
{
    bool has_root = name.len > 1 && name.ptr[name.len - 1] == '.' && name.ptr[name.len - 2] != '.';
    return has_root ? bytes_first(name, name.len - 1) : name;
}

/* Writes name as a dot-atom or a literal, whatever it holds: a byte or a dot that does not belong there
 * becomes '?', and what is longer than any domain name is cut. An empty name gives the fallback, which is
 * well-formed. */
static void put_name(struct bytes name, const char *fallback, char out[DOMAIN_TEXT_SIZE])
{
    size_t len = name.len < DOMAIN_TEXT_SIZE ? name.len : DOMAIN_TEXT_SIZE - 1;
    bool is_literal = domain_is_literal(name);

    if (len == 0) {
        snprintf(out, DOMAIN_TEXT_SIZE, "%s", fallback);
        return;
    }
    for (size_t i = 0; i < len; i++) {
        bool is_inner_dot = name.ptr[i] == '.' && i > 0 && i + 1 < len && name.ptr[i + 1] != '.';
        out[i] = is_literal || is_inner_dot || atext_holds(name.ptr[i]) ? name.ptr[i] : '?';
    }
    out[len] = '\0';
}

enum error trace_append_received(struct buffer *out, const struct trace_received *received)
{
    char helo[DOMAIN_TEXT_SIZE], server_name[DOMAIN_TEXT_SIZE], literal[IP_TEXT_SIZE + 8];
    char client[IP_TEXT_SIZE], server[IP_TEXT_SIZE], date[TRACE_DATE_SIZE];

    ip_format_address(&received->client, client);
    ip_format_address(&received->server, server);
    /* A bare EHLO is accepted; what is known of the client stands in for its name. */
    snprintf(literal, sizeof(literal), "[%s%s]", received->client.family == IP_V6 ? "IPv6:" : "", client);
    put_name(without_root(received->helo), client[0] ? literal : "unknown", helo);
    put_name(received->server_name, "localhost", server_name);
    trace_format_date(received->wall_ms, date);
    return buffer_printf(out,
                         "Received: from %s (%s)\r\n"
                         " by %s (%s)\r\n"
                         " with %s%s id %" PRIx64 ";\r\n"
                         " %s\r\n",
                         helo, client, server_name, server, received->protocol,
                         received->is_tls ? " (TLS)" : "", received->id, date);
}

enum error trace_make_message_id(uint64_t id, int64_t wall_ms, struct bytes server_name, char *out,
                                 size_t out_size)
{
    char name[DOMAIN_TEXT_SIZE];
    char text[DOMAIN_TEXT_SIZE + 64];
    int len;

    put_name(server_name, "localhost", name);
    len = snprintf(text, sizeof(text), "<%" PRIx64 ".%" PRIx64 "@%s>", (uint64_t)wall_ms, id, name);
    if ((size_t)len >= out_size)
        return ERROR_LIMIT;
    memcpy(out, text, (size_t)len + 1);
    return OK;
}
