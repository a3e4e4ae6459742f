#include "queue/spool_audience.h"

#include "queue/spool_durable.h"

#include <assert.h>
#include <stdlib.h>

/* Messages told in one turn of the loop, so that a million of them does not hold up its other work. */
#define TURN_MAX 256

static void on_turn(struct mail *mail);

void spool_audience_init(struct spool_audience *audience, struct spool_durable *spool)
{
    *audience = (struct spool_audience){.spool = spool, .mail = {.on_mail = on_turn}};
    audience->last = &audience->first;
    pthread_mutex_init(&audience->mutex, NULL);
}

static void free_news(struct spool_news *news)
{
    buffer_done(&news->envelope);
    free(news);
}

void spool_audience_done(struct spool_audience *audience)
{
    while (audience->first) {
        struct spool_news *next = audience->first->next;
        free_news(audience->first);
        audience->first = next;
    }
    free(audience->ids);
    pthread_mutex_destroy(&audience->mutex);
}

/* The listener holds nothing of the request. */
static void on_listen_answer(struct spool_request *request)
{
    (void)request;
}

void spool_audience_listen(struct spool *spool, struct loop *loop, spool_envelope_fn *on_message, void *owner)
{
    struct spool_durable *durable = spool_durable_of(spool);
    struct spool_audience *audience = &durable->audience;

    assert(!audience->loop);
    audience->loop = loop;
    audience->on_message = on_message;
    audience->owner = owner;
    audience->listen = (struct spool_request){.kind = SPOOL_REQUEST_LISTEN, .answer = on_listen_answer};
    spool_writer_ask(&durable->writer, &audience->listen);
}

static void post(struct spool_audience *audience)
{
    /* False: the loop has ended, and the listener hears the rest after the next start. */
    bool is_posted = mailbox_post(audience->loop, &audience->mail);

    (void)is_posted;
}

enum error spool_audience_begin(struct spool_audience *audience)
{
    enum error error = spool_store_ids(audience->spool->store, &audience->ids, &audience->id_count);

    if (error)
        return error;
    audience->is_present = true;
    audience->is_posted = true;
    post(audience);
    return OK;
}

void spool_audience_add(struct spool_audience *audience, struct spool_request *request)
{
    struct spool_news *news = request->news;

    if (!audience->is_present)
        return;
    request->news = NULL;
    *news = (struct spool_news){.id = request->id, .envelope = request->envelope};
    buffer_init(&request->envelope, 0);
    pthread_mutex_lock(&audience->mutex);
    *audience->last = news;
    audience->last = &news->next;
    pthread_mutex_unlock(&audience->mutex);
}

void spool_audience_tell(struct spool_audience *audience)
{
    bool must_post;

    pthread_mutex_lock(&audience->mutex);
    must_post = audience->first && !audience->is_posted;
    audience->is_posted |= must_post;
    pthread_mutex_unlock(&audience->mutex);
    if (must_post)
        post(audience);
}

static void tell(struct spool_audience *audience, uint64_t id, struct bytes binary)
{
    struct spool_durable *spool = audience->spool;
    struct envelope envelope;
    struct arena arena;

    arena_init(&arena, SPOOL_ENVELOPE_ARENA_MAX);
    if (spool_read_decode(spool, id, binary, &arena, &envelope) == OK)
        audience->on_message(audience->owner, &envelope);
    arena_done(&arena);
}

/* One that was present at the beginning; its file is looked at, since this run did not write it. */
static void tell_present(struct spool_audience *audience, uint64_t id)
{
    struct spool_durable *spool = audience->spool;
    struct buffer binary;
    const char *flaw = NULL;
    enum spool_place place;
    uint64_t file_bytes;
    size_t len;

    buffer_init(&binary, ENVELOPE_BYTES_MAX);
    if (spool_store_read_envelope(spool->store, id, &binary) == OK &&
        spool_store_read_content(spool->store, id, 0, NULL, 0, &len, &place, &file_bytes) == OK) {
        if (place == SPOOL_PLACE_NONE)
            flaw = "there is no content";
        else if (place == SPOOL_PLACE_FILE)
            flaw = spool_files_flaw(&spool->files, id, file_bytes);
        if (flaw)
            spool_writer_quarantine(&spool->writer, id, flaw);
        else
            tell(audience, id, buffer_bytes(&binary));
    }
    buffer_done(&binary);
}

/* Takes the first of the news; when there is none the next one posts again. */
static struct spool_news *take_news(struct spool_audience *audience)
{
    struct spool_news *news;

    pthread_mutex_lock(&audience->mutex);
    news = audience->first;
    if (news) {
        audience->first = news->next;
        if (!audience->first)
            audience->last = &audience->first;
    } else {
        audience->is_posted = false;
    }
    pthread_mutex_unlock(&audience->mutex);
    return news;
}

static void on_turn(struct mail *mail)
{
    struct spool_audience *audience = list_entry(mail, struct spool_audience, mail);

    for (size_t told = 0; told < TURN_MAX; told++) {
        if (audience->id_at < audience->id_count) {
            tell_present(audience, audience->ids[audience->id_at++]);
        } else {
            struct spool_news *news = take_news(audience);
            free(audience->ids);
            audience->ids = NULL;
            if (!news)
                return;
            tell(audience, news->id, buffer_bytes(&news->envelope));
            free_news(news);
        }
    }
    post(audience);
}
