/* A message being accepted, on the asking loop:
 *
 *   begin, append..., commit: encode -> (body file finished ->) writer -> answer -> on_done
 *   abort, or anything failing: the body file is discarded, nothing was ever visible
 *
 * From commit to answer it belongs to the spool: first to its body's jobs, then to the writer's thread. */
#include "queue/spool_body.h"
#include "queue/spool_durable.h"

#include <stdlib.h>

struct durable_message {
    struct spool_message message;
    struct spool_request request;
    struct spool_body *body; /* NULL while the content fits the database */
    struct buffer content;   /* while body is NULL */
    struct loop *loop;
    struct mail answer;
    uint64_t size_bytes;
    bool is_committed;
    bool is_forgotten;
    void (*on_ready)(void *owner);
    void *ready_owner;
    void (*on_done)(void *owner, enum error error);
    void *done_owner;
};

static struct durable_message *message_of(const struct spool_message *message)
{
    return list_entry(message, struct durable_message, message);
}

static struct spool_durable *spool_of(const struct durable_message *message)
{
    return spool_durable_of(message->message.spool);
}

struct spool_message *spool_message_begin(struct spool *spool, struct loop *loop)
{
    struct spool_durable *durable = spool_durable_of(spool);
    struct durable_message *message;
    uint64_t id;
    uint64_t ceiling;

    if (spool->ops->health(spool) != SPOOL_READY)
        return NULL;
    message = calloc(1, sizeof(*message));
    if (!message)
        return NULL;
    id = atomic_fetch_add(&durable->next_id, 1);
    ceiling = atomic_load(&durable->id_ceiling);
    if (id + SPOOL_IDS_RESERVED / 2 >= ceiling)
        spool_writer_want_ids(&durable->writer);
    if (id >= ceiling) {
        free(message);
        return NULL;
    }
    message->message = (struct spool_message){.spool = spool, .id = id};
    message->loop = loop;
    buffer_init(&message->content, SPOOL_INLINE_MAX);
    buffer_init(&message->request.envelope, ENVELOPE_BYTES_MAX);
    return &message->message;
}

uint64_t spool_message_id(const struct spool_message *message)
{
    return message->id;
}

static void free_message(struct durable_message *message)
{
    if (message->body)
        spool_body_done(message->body);
    free(message->body);
    free(message->request.news);
    buffer_done(&message->request.envelope);
    buffer_done(&message->request.content);
    buffer_done(&message->content);
    free(message);
}

static void on_answer(struct mail *mail)
{
    struct durable_message *message = list_entry(mail, struct durable_message, answer);

    if (!message->is_forgotten)
        message->on_done(message->done_owner, message->request.result);
    free_message(message);
}

/* On the writer's thread, or on the loop when it never came so far. */
static void answer(struct spool_request *request)
{
    struct durable_message *message = list_entry(request, struct durable_message, request);

    message->answer.on_mail = on_answer;
    if (!mailbox_post(message->loop, &message->answer))
        free_message(message);
}

static void answer_failure(struct durable_message *message)
{
    message->request.result = ERROR_TEMPORARY;
    answer(&message->request);
}

static void on_body_ready(struct spool_body *body)
{
    struct durable_message *message = body->owner;

    if (message->on_ready)
        message->on_ready(message->ready_owner);
}

static void on_body_end(struct spool_body *body, bool is_durable)
{
    struct durable_message *message = body->owner;

    spool_body_done(body);
    free(body);
    message->body = NULL;
    if (!message->is_committed) {
        free_message(message);
    } else if (is_durable) {
        message->request.kind = SPOOL_REQUEST_ADD_FILE;
        message->request.file_bytes = message->size_bytes;
        spool_writer_ask(&spool_of(message)->writer, &message->request);
    } else {
        answer_failure(message);
    }
}

static enum error start_body(struct durable_message *message)
{
    struct spool_body *body = malloc(sizeof(*body));
    bool must_wait;

    if (!body)
        return ERROR_TEMPORARY;
    spool_body_init(body, spool_of(message), message->loop, message->message.id);
    body->owner = message;
    body->on_ready = on_body_ready;
    body->on_end = on_body_end;
    message->body = body;
    if (spool_body_append(body, buffer_bytes(&message->content), &must_wait) != OK)
        return ERROR_TEMPORARY;
    buffer_done(&message->content);
    return OK;
}

enum error spool_message_append(struct spool_message *base, struct bytes content, bool *out_must_wait)
{
    struct durable_message *message = message_of(base);

    *out_must_wait = false;
    if (!message->body) {
        if (content.len <= SPOOL_INLINE_MAX - message->content.len) {
            message->size_bytes += content.len;
            return buffer_append(&message->content, content) == OK ? OK : ERROR_TEMPORARY;
        }
        if (start_body(message) != OK)
            return ERROR_TEMPORARY;
    }
    message->size_bytes += content.len;
    return spool_body_append(message->body, content, out_must_wait);
}

void spool_message_on_ready(struct spool_message *base, void (*on_ready)(void *owner), void *owner)
{
    struct durable_message *message = message_of(base);

    message->on_ready = on_ready;
    message->ready_owner = owner;
}

static enum error prepare_request(struct durable_message *message, const struct envelope *envelope)
{
    struct envelope stamped = *envelope;

    stamped.id = message->message.id;
    stamped.size_bytes = message->size_bytes;
    message->request.id = stamped.id;
    message->request.answer = answer;
    message->request.news = malloc(sizeof(*message->request.news));
    if (!message->request.news)
        return ERROR_TEMPORARY;
    return envelope_encode(&stamped, &message->request.envelope);
}

void spool_message_commit(struct spool_message *base, const struct envelope *envelope,
                          void (*on_done)(void *owner, enum error error), void *owner)
{
    struct durable_message *message = message_of(base);
    bool is_prepared = prepare_request(message, envelope) == OK;

    message->is_committed = true;
    message->on_done = on_done;
    message->done_owner = owner;
    if (message->body && is_prepared) {
        spool_body_finish(message->body);
    } else if (message->body) {
        spool_body_discard(message->body);
    } else if (is_prepared) {
        message->request.kind = SPOOL_REQUEST_ADD;
        message->request.content = message->content;
        buffer_init(&message->content, 0);
        spool_writer_ask(&spool_of(message)->writer, &message->request);
    } else {
        answer_failure(message);
    }
}

void spool_message_commit_forget(struct spool_message *message)
{
    message_of(message)->is_forgotten = true;
}

void spool_message_abort(struct spool_message *base)
{
    struct durable_message *message = message_of(base);

    message->on_ready = NULL;
    if (message->body)
        spool_body_discard(message->body);
    else
        free_message(message);
}
