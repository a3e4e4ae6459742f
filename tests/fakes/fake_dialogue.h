/* One SMTP session over a stream in memory, driven by a script, for tests.
 *
 *     struct dialogue dialogue;
 *     dialogue_open(&dialogue, organization, "10.0.0.5");
 *     dialogue_run(&dialogue, DIALOGUE_STEPS, (const char *const[]){"S: 220 *", "C: EHLO x", "S: 250-*", …,
 * NULL}); dialogue_close(&dialogue);
 *
 * Lines of a script:
 *     "C: text"   sent with CRLF             "S: pattern"  the next line of output; '*' is anything
 *     "C~ text"   sent as it stands          "S+ pattern"  the last line of the next reply, whatever stands
 * before "S: <closed>" the server has closed "T: 5000"   the clock moves on (ms)    "S: <nothing>" there is
 * no output A script that does not come true fails the test with the line. */
#ifndef FAKE_DIALOGUE_H
#define FAKE_DIALOGUE_H

#include "smtp_server/service.h"

enum dialogue_mode {
    DIALOGUE_STEPS,    /* line by line, as it stands */
    DIALOGUE_BYTES,    /* the same, each byte a read of its own */
    DIALOGUE_PIPELINED /* as many lines in one read as a client may send at once (RFC 2920) */
};

struct dialogue {
    struct loop *loop;
    struct clock_fake clock;
    struct spool *spool;
    struct smtp_service service;
    struct stream *stream;
    struct buffer output;
};

/* Opens the loop, a spool in memory and the service; no session yet. The banner comes at once. */
void dialogue_begin(struct dialogue *dialogue, const struct organization *organization);
/* begin, then a session from this address to 10.0.0.1:25. */
void dialogue_open(struct dialogue *dialogue, const struct organization *organization, const char *client);
void dialogue_connect(struct dialogue *dialogue, const char *local, const char *client);
void dialogue_close(struct dialogue *dialogue);
void dialogue_run(struct dialogue *dialogue, enum dialogue_mode mode, const char *const *script);
/* The script in all three modes, each in a session of its own. */
void dialogue_run_all(const struct organization *organization, const char *client, const char *const *script);

/* Sends bytes as they are, then lets the loop turn until nothing moves. */
void dialogue_send(struct dialogue *dialogue, struct bytes bytes);
void dialogue_advance(struct dialogue *dialogue, uint64_t ms);
void dialogue_settle(struct dialogue *dialogue);
bool dialogue_is_closed(const struct dialogue *dialogue);
size_t dialogue_message_count(const struct dialogue *dialogue);
/* The content of the index-th message in the spool, as a terminated text; the caller frees it. NULL: there is
 * none. */
char *dialogue_message(const struct dialogue *dialogue, size_t index);
/* '*' stands for any bytes. */
bool dialogue_matches(const char *pattern, const char *text);

#endif
