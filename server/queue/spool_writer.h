/* The one thread that writes the database. It takes all that waits, makes it durable in one transaction,
 * answers, and begins again: the batch is what came while the last one was synced, and nobody waits for
 * company. */
#ifndef QUEUE_SPOOL_WRITER_H
#define QUEUE_SPOOL_WRITER_H

#include "base/buffer.h"
#include "loop/mailbox.h"

#include <pthread.h>

#define SPOOL_BATCH_MAX 4096

struct spool_durable;
struct spool_news;

enum spool_request_kind {
    SPOOL_REQUEST_ADD,        /* content in memory */
    SPOOL_REQUEST_ADD_FILE,   /* content in a body file that is durable already */
    SPOOL_REQUEST_UPDATE,     /* the envelope alone */
    SPOOL_REQUEST_REMOVE,     /* the message was delivered, or nobody wants it */
    SPOOL_REQUEST_QUARANTINE, /* what cannot be read */
    SPOOL_REQUEST_LISTEN,     /* from here on new messages are told */
};

/* What waits for the writer. Its memory is the asker's; answer is told the result on the writer's thread, and
 * the writer does not touch it afterwards. */
struct spool_request {
    struct spool_request *next;
    enum spool_request_kind kind;
    uint64_t id;
    struct buffer envelope;  /* encoded; the audience takes it over from an ADD */
    struct spool_news *news; /* room for what the audience is told of an ADD, so that telling cannot fail */
    struct buffer content;   /* SPOOL_REQUEST_ADD: the cache takes it over */
    uint64_t file_bytes;     /* SPOOL_REQUEST_ADD_FILE */
    const char *reason;      /* SPOOL_REQUEST_QUARANTINE, static */
    bool had_file;           /* private */
    enum error result;
    void (*answer)(struct spool_request *request);
};

struct spool_batch {
    struct spool_request *requests[SPOOL_BATCH_MAX];
    size_t count;
};

struct spool_writer {
    struct spool_durable *spool;
    pthread_t thread;
    bool is_started;
    pthread_mutex_t mutex;
    pthread_cond_t work_came;
    struct spool_request *first;
    struct spool_request **last;
    bool wants_ids; /* the durable ceiling of ids is near */
    bool is_ending;
    /* The thread's own: */
    struct spool_request *listen;       /* one that could not be served yet */
    struct spool_batch adds;            /* by id, so that they are appended */
    struct spool_batch changes;         /* everything else, as it came; done after the adds */
    uint64_t doubtful[SPOOL_BATCH_MAX]; /* ids of a batch whose commit failed: removed before anything else is
                                           stored */
    size_t doubtful_count;
    bool must_recover;
    int64_t recover_at_ms;
    bool must_raise_ids;
    uint64_t reserve_bytes;
};

MUST_USE enum error spool_writer_start(struct spool_writer *writer, struct spool_durable *spool,
                                       uint64_t reserve_bytes);
/* Does all that waits, then ends the thread. */
void spool_writer_stop(struct spool_writer *writer);
/* Any thread. */
void spool_writer_ask(struct spool_writer *writer, struct spool_request *request);
/* Asks for a higher durable ceiling of ids. Any thread. */
void spool_writer_want_ids(struct spool_writer *writer);
/* A message that cannot be read. Any thread; reason is static. */
void spool_writer_quarantine(struct spool_writer *writer, uint64_t id, const char *reason);

#endif
