#include "base/protocol_log.h"

#define CHALLENGE "334 "

void protocol_log_row(const struct protocol_log *log, char direction, struct bytes data, const char *context)
{
    struct event event;
    event_begin(&event, EVENT_INFO, "protocol");
    event_text(&event, "session", log->session);
    event_text(&event, "connector", log->connector);
    event_text(&event, log->peer_key, log->peer);
    event_number(&event, "sequence", (*log->sequence)++);
    event_bytes(&event, "direction", (struct bytes){&direction, 1});
    if (data.len > 0) {
        event_bytes(&event, "data", data);
    }
    event_text(&event, "context", context);
    event_end(&event, false);
}

void protocol_log_lines(const struct protocol_log *log, char direction, struct bytes text)
{
    struct bytes line;
    while (bytes_next(&text, '\n', &line)) {
        if (line.len > 0 && line.ptr[line.len - 1] == '\r') {
            line.len--;
        }
        bool is_challenge = bytes_starts_nocase(line, CHALLENGE) && line.len > sizeof CHALLENGE - 1;
        protocol_log_row(log, direction, is_challenge ? BYTES_LITERAL(CHALLENGE "(not shown)") : line, NULL);
    }
}
