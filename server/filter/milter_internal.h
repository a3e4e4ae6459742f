/* What the files of a conversation share. */
#ifndef FILTER_MILTER_INTERNAL_H
#define FILTER_MILTER_INTERNAL_H

#include "filter/milter.h"

enum milter_phase {
    MILTER_PHASE_NEGOTIATING, /* connecting is part of it */
    MILTER_PHASE_IDLE,        /* no step waits for the filter */
    MILTER_PHASE_STEP,
    MILTER_PHASE_HEADERS,
    MILTER_PHASE_BLANK_LINE, /* the end of the header block */
    MILTER_PHASE_BODY,
    MILTER_PHASE_END, /* changes and the verdict are awaited */
    MILTER_PHASE_DEAD,
};

struct milter {
    struct loop *loop;
    const struct filter *filter;
    const struct milter_events *events;
    void *owner;
    uint64_t timeout_ms;
    struct stream *stream; /* NULL: it is gone */
    enum milter_phase phase;
    struct milter_terms terms;
    struct buffer input;
    struct buffer first; /* the step that waits for the negotiation */
    enum milter_command first_command;
    bool has_first;
    bool is_ended;         /* by the owner: freed when the stream is gone */
    struct loop_timer due; /* hands the answer over, on a turn of its own */
    struct milter_answer answer;
    char reply[FILTER_REPLY_SIZE];

    struct bytes headers; /* not sent yet */
    const struct held_content *body;
    uint64_t body_offset;
    struct buffer macros;
};

/* The answer of the step under way; on_answer follows. */
void milter_answer(struct milter *milter, enum filter_verdict verdict);
/* The filter cannot be talked with. */
void milter_fail(struct milter *milter, const char *why);
/* Writes and lets the filter's time begin. True: more may be written at once. */
bool milter_write(struct milter *milter, struct bytes packets);
bool milter_wants(const struct milter *milter, enum milter_protocol none);

/* milter_content.c: sends on until an answer or room to write has to be waited for. */
void milter_content_go(struct milter *milter);
/* A packet that is no verdict, or CONTINUE, during the content. ERROR_PROTOCOL: it does not belong here. */
MUST_USE enum error milter_content_take(struct milter *milter, const struct milter_packet *packet);

#endif
