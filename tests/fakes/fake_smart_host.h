/* A smart host on a real loopback address, on the test's own loop: takes what it gets and misbehaves as the
 * test asks. Behaviour is set at any time and counts from the next command on. */
#ifndef FAKE_SMART_HOST_H
#define FAKE_SMART_HOST_H

#include "base/buffer.h"
#include "loop/listener.h"

struct smart_host_rule {
    const char *recipient;
    const char *reply;
};

struct fake_smart_host {
    struct loop *loop;
    struct listener *listener; /* NULL: connections are refused */
    struct ip_endpoint endpoint;
    struct list guests;

    /* What it says; NULL: what a good host says. */
    const char *banner;
    const char *keywords; /* of EHLO, one a line: "250-PIPELINING\r\n"; NULL: PIPELINING, 8BITMIME, SIZE */
    const char *mail_reply;
    const struct smart_host_rule *rules; /* by recipient, ended by a NULL recipient */
    const char *end_reply;               /* to the final dot */
    bool closes_at_end;                  /* after the final dot, without a reply */
    bool is_silent_at_end;               /* says nothing then */
    bool is_silent_at_quit;
    size_t sessions_max; /* 0: no limit; further ones get 421 */
    size_t closes_after; /* messages of a session: at the next MAIL it says 421 and closes; 0: never */

    /* What it saw. */
    size_t connection_count;
    size_t session_count; /* open now */
    size_t mail_count;
    size_t quit_count;
    size_t message_count;    /* ended with a dot */
    struct buffer envelopes; /* "MAIL FROM:<…>\r\nRCPT TO:<…>\r\n" of all messages, refused recipients too */
    struct buffer content; /* of the last message, dots removed */
};

/* Listens on "127.x.x.x" and the port; 0: one that is free. */
void fake_smart_host_open(struct fake_smart_host *host, struct loop *loop, const char *address,
                          uint16_t port);
/* Refuses connections from now on. */
void fake_smart_host_stop(struct fake_smart_host *host);
/* Listens again on the same port. */
void fake_smart_host_start(struct fake_smart_host *host);
/* Cuts every session: a reset, or a quiet close. */
void fake_smart_host_cut(struct fake_smart_host *host, bool is_reset);
/* Says a line on every open session. */
void fake_smart_host_say(struct fake_smart_host *host, const char *line);
/* Stops and cuts; the loop's next turns end the sessions. */
void fake_smart_host_close(struct fake_smart_host *host);

#endif
