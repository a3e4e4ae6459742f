/* One conversation with one filter, for one message. It asks step after step; each gets one answer.
 *
 * Happy path: connecting -> negotiating -> (step -> answer)* -> content -> changes, answer -> end. Failures:
 * the filter cannot be reached, says something else than its protocol, or nothing in time: the step that
 * waits, and each one after it, is answered with is_failed. */
#ifndef FILTER_MILTER_H
#define FILTER_MILTER_H

#include "filter/filter_list.h"
#include "filter/header_change.h"
#include "filter/held_content.h"
#include "filter/milter_message.h"
#include "loop/stream.h"

enum filter_verdict {
    FILTER_CONTINUE,
    FILTER_ACCEPT, /* this filter wants to hear no more of the message */
    FILTER_REJECT,
    FILTER_TEMPFAIL,
    FILTER_DISCARD,
};

#define FILTER_REPLY_SIZE 512

struct milter_answer {
    enum filter_verdict verdict;
    bool is_failed;     /* the filter was not there to answer: verdict is FILTER_CONTINUE */
    struct bytes reply; /* "550 5.7.1 text" that the filter wants said, printable, or empty */
};

struct milter;

struct milter_events {
    /* Exactly once a step, never before the call that began it returns. May free the milter. */
    void (*on_answer)(void *owner, const struct milter_answer *answer);
    /* Changes, before the answer of the content: any packet but the final one, PROGRESS and the replaced
     * body. */
    void (*on_change)(void *owner, const struct milter_packet *packet);
    /* A piece of the new body. */
    void (*on_body)(void *owner, struct bytes piece);
};

/* Connects to the address (path of the filter when that is not NULL). events and filter are borrowed. NULL
 * without memory; a connection that fails is told by the first step's answer. */
struct milter *milter_open(struct loop *loop, const struct filter *filter, const struct ip_endpoint *address,
                           uint64_t timeout_ms, const struct milter_events *events, void *owner);
/* The same over a stream that stands (tests). */
struct milter *milter_attach(struct stream *stream, const struct filter *filter, uint64_t timeout_ms,
                             const struct milter_events *events, void *owner);
/* Packets of one of MILTER_CONNECT, HELO, MAIL, RCPT, DATA, macros before it included. Steps that the filter
 * does not want are answered by us. */
void milter_step(struct milter *milter, enum milter_command command, struct bytes packets);
/* The whole content; header and body are borrowed until the answer. macros: of the end of the body, or
 * empty. */
void milter_content(struct milter *milter, struct bytes header_block, const struct held_content *body,
                    struct bytes macros);
/* Header values keep their own blank behind the colon. */
bool milter_keeps_blanks(const struct milter *milter);
/* Says good-bye where it can and frees it; no callback after it. NULL is a no-op. */
void milter_end(struct milter *milter);

#endif
