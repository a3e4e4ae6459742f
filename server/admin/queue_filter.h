/* `--filter 'field=glob,…'` of the queue commands. Pure. Contract 4. */
#ifndef ADMIN_QUEUE_FILTER_H
#define ADMIN_QUEUE_FILTER_H

#include "queue/envelope.h"

#define QUEUE_FILTER_TERMS_MAX 16

enum queue_field {
    QUEUE_SENDER,
    QUEUE_RECIPIENT, /* any of them */
    QUEUE_DOMAIN,    /* of any recipient */
    QUEUE_HOP,
    QUEUE_STATE,
    QUEUE_AGE,  /* ">1h", "<5m" */
    QUEUE_SIZE, /* ">1M", "<64K" */
};

/* Borrows the text it was parsed from. All terms must hold; without terms everything matches. */
struct queue_filter {
    size_t count;
    struct queue_filter_term {
        enum queue_field field;
        struct bytes glob; /* texts: * and ?, any case */
        bool is_more;      /* age and size: '>' */
        uint64_t bound;    /* milliseconds or bytes */
    } terms[QUEUE_FILTER_TERMS_MAX];
};

/* ERROR_SYNTAX with a note that names the term; ERROR_LIMIT with a note past the terms. */
MUST_USE enum error queue_filter_parse(struct bytes text, struct queue_filter *out, struct note *note);
bool queue_filter_matches(const struct queue_filter *filter, const struct envelope *envelope, int64_t now_ms);
/* "held", "retry" (an attempt failed, the next one is due later) or "ready". */
const char *queue_state(const struct envelope *envelope, int64_t now_ms);

#endif
