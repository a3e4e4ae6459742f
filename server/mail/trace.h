/* The lines this server adds: Received, Message-ID, Date. Pure: the time comes in. */
#ifndef MAIL_TRACE_H
#define MAIL_TRACE_H

#include "base/buffer.h"
#include "base/ip.h"

/* RFC 5322 date in UTC, "Sun, 22 Nov 2026 02:45:00 +0000". */
#define TRACE_DATE_SIZE 40
void trace_format_date(int64_t wall_ms, char out[TRACE_DATE_SIZE]);
/* The banner's date (facts 8.1): "Sun, 22 Nov 2026 02:45:00 +0000", day without a leading zero. */
void trace_format_banner_date(int64_t wall_ms, char out[TRACE_DATE_SIZE]);

/* The form of X-MS-Exchange-Organization-OriginalArrivalTime: "22 Nov 2026 02:45:00.1230 (UTC)". */
void trace_format_arrival(int64_t wall_ms, char out[TRACE_DATE_SIZE]);

struct trace_received {
    struct bytes helo; /* as the client said it, or empty; a dot at its end is left out, and bytes no atom or
                        * literal holds become '?' (matrix F14) */
    struct ip_address client;
    struct bytes server_name;
    struct ip_address server;
    const char *protocol; /* RFC 3848: SMTP, ESMTP, ESMTPS, ESMTPA, ESMTPSA */
    bool is_tls;
    uint64_t id; /* the message's InternalId */
    int64_t wall_ms;
};

/* Appends "Received: from … (…) by … (…) with … id …; date\r\n", folded below 78 columns. Facts 10.10. */
MUST_USE enum error trace_append_received(struct buffer *out, const struct trace_received *received);
/* "<id@name>" made of the wall time, the id and the name; no two of one server are equal. Terminated. */
MUST_USE enum error trace_make_message_id(uint64_t id, int64_t wall_ms, struct bytes server_name, char *out,
                                          size_t out_size);

#endif
