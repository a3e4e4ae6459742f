/* The one listener of a spool, and what it has not heard yet: first the messages present when it began to
 * listen, then each new one. */
#ifndef QUEUE_SPOOL_AUDIENCE_H
#define QUEUE_SPOOL_AUDIENCE_H

#include "loop/mailbox.h"
#include "queue/spool.h"
#include "queue/spool_writer.h"

/* One message not told of yet. */
struct spool_news {
    struct spool_news *next;
    uint64_t id;
    struct buffer envelope;
};

struct spool_audience {
    struct spool_durable *spool;
    struct mail mail;
    struct spool_request listen;
    struct loop *loop;
    spool_envelope_fn *on_message;
    void *owner;
    bool is_present; /* the writer's: new messages are told from here on */
    uint64_t *ids;   /* those present at the beginning, then the loop's alone */
    size_t id_count;
    size_t id_at;
    pthread_mutex_t mutex; /* over the rest */
    struct spool_news *first;
    struct spool_news **last;
    bool is_posted;
};

void spool_audience_init(struct spool_audience *audience, struct spool_durable *spool);
void spool_audience_done(struct spool_audience *audience);
void spool_audience_listen(struct spool *spool, struct loop *loop, spool_envelope_fn *on_message,
                           void *owner);
/* Notes what is present now. On the writer's thread, between two batches. */
MUST_USE enum error spool_audience_begin(struct spool_audience *audience);
/* The request's message is durable; takes its news and envelope over when there is a listener. On the
 * writer's thread. */
void spool_audience_add(struct spool_audience *audience, struct spool_request *request);
/* All of a batch was added. On the writer's thread. */
void spool_audience_tell(struct spool_audience *audience);

#endif
