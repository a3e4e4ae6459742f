/* An outbound session against a hop that follows a script, over a stream in memory.
 *
 * Lines of a script:
 *     "S: text"  the hop says it, CRLF added     "C: pattern"  the client's next line; '*' is anything
 *     "S~ text"  the same as it stands           "C: <nothing>" it has said no more
 *     "X"        the hop hangs up                "T: 5000"     the clock moves on (ms)
 *     "H: text"  the hop says it in clear, then shakes hands; all that follows is inside TLS
 *     "A: send 0" (quit, abort)                  "E: pattern"  what the client's owner was told next
 *
 * Events: "ready", "0.1 deferred REPLY" (message 0, recipient 1; delivered, failed), "0 done reuse" or
 * "0 done lost", "closed REPLY" or "closed for good REPLY". */
#ifndef FAKE_HOP_H
#define FAKE_HOP_H

#include "smtp_client/client.h"

#define HOP_MESSAGES_MAX   4
#define HOP_RECIPIENTS_MAX 256

struct hop_message {
    const char *sender;
    const char *recipients[8];
    size_t recipient_count; /* 0: those named; else as many copies of the first */
    uint64_t size_bytes;
    bool is_8bit;
    bool is_binary;
    bool is_chunk_only;
    const char *envelope_id;
    const char *notify; /* of every recipient */
    const char *content;
    size_t run;        /* bytes a read gives at most; 0: all */
    size_t fail_after; /* reads that work before one fails; 0: none fails */
};

/* The hop's certificate is "hop.example", self-signed. */
struct hop_script {
    struct hop_message messages[HOP_MESSAGES_MAX];
    bool force_helo;
    struct smtp_demand demand;
    bool has_tls;             /* the client can have TLS; */
    bool trusts_hop;          /* and knows the certificate */
    bool has_direct_identity; /* it has a certificate to show behind X-ANONYMOUSTLS; */
    bool knows_hop;           /* and knows the hop's as a server's */
    const char *user;         /* of its login, with the password "secret"; NULL: there is none */
    bool is_chained; /* ready sends the first message, each that is done the next one, the last QUIT */
    const char *const *lines;
};

/* The script as it stands; fails the test with the line that did not come true. */
void hop_run(const struct hop_script *script);
/* The script; the same with each byte of the hop read alone; then cut after every byte of the hop, by a lost
 * connection, by silence and by garbage. Whenever it is cut: what was told before is a beginning of what is
 * told in the whole run, and so is what left; afterwards every recipient has one outcome, every message one
 * end, the session one close. */
void hop_run_all(const struct hop_script *script);
/* Gives back what TLS needed; after the last run. */
void hop_done(void);

#endif
