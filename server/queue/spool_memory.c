/* The spool of explain and of tests: the same promises towards its callers, kept in memory. Envelopes are
 * stored encoded, so that what passes here passes the durable store too. */
#include "queue/spool_private.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define CONTENT_BYTES_MAX (1u << 30)

struct record {
    struct list link; /* by id */
    struct list news; /* until the listener heard of it */
    uint64_t id;
    struct buffer envelope;
    struct buffer content;
};

struct spool_memory {
    struct spool spool;
    pthread_mutex_t mutex;
    struct list records;
    struct list news;
    size_t count;
    uint64_t next_id;
    size_t references; /* the owner and every answer that is on its way */
    enum spool_health health;
    enum error commit_error;
    struct mail news_mail;
    bool is_news_posted;
    struct loop *listener_loop;
    spool_envelope_fn *on_message;
    void *listener;
};

struct memory_message {
    struct spool_message message;
    struct loop *loop;
    struct buffer content;
    struct mail answer;
    bool is_forgotten;
    enum error result;
    void (*on_done)(void *owner, enum error error);
    void *owner;
};

struct memory_update {
    struct mail answer;
    struct spool_memory *memory;
    enum error result;
    void (*on_done)(void *owner, enum error error);
    void *owner;
};

static struct spool_memory *memory_of(const struct spool *spool)
{
    return list_entry(spool, struct spool_memory, spool);
}

static struct memory_message *message_of(const struct spool_message *message)
{
    return list_entry(message, struct memory_message, message);
}

static void free_record(struct record *record)
{
    list_remove(&record->link);
    list_remove(&record->news);
    buffer_done(&record->envelope);
    buffer_done(&record->content);
    free(record);
}

static void hold(struct spool_memory *memory)
{
    pthread_mutex_lock(&memory->mutex);
    memory->references++;
    pthread_mutex_unlock(&memory->mutex);
}

static void release(struct spool_memory *memory)
{
    bool is_last;

    pthread_mutex_lock(&memory->mutex);
    is_last = --memory->references == 0;
    pthread_mutex_unlock(&memory->mutex);
    if (!is_last)
        return;
    while (!list_is_empty(&memory->records))
        free_record(list_entry(list_first(&memory->records), struct record, link));
    pthread_mutex_destroy(&memory->mutex);
    free(memory);
}

/* Under the mutex. */
static struct record *find(struct spool_memory *memory, uint64_t id)
{
    list_each(link, &memory->records)
    {
        struct record *record = list_entry(link, struct record, link);
        if (record->id == id)
            return record;
    }
    return NULL;
}

/* Under the mutex: before the first record with a greater id. */
static void insert(struct spool_memory *memory, struct record *record)
{
    struct list *after = memory->records.previous;

    while (after != &memory->records && list_entry(after, struct record, link)->id > record->id)
        after = after->previous;
    list_append(after->next, &record->link);
    list_append(&memory->news, &record->news);
    memory->count++;
}

/* Takes the first message the listener has not heard of; its envelope is copied so that no lock lives across
 * the callback. */
static bool take_news(struct spool_memory *memory, struct arena *arena, struct envelope *out)
{
    struct list *link;
    bool is_taken = false;

    pthread_mutex_lock(&memory->mutex);
    memory->is_news_posted = false;
    link = list_first(&memory->news);
    if (link) {
        struct record *record = list_entry(link, struct record, news);
        list_remove(link);
        is_taken = envelope_decode(buffer_bytes(&record->envelope), arena, out) == OK;
    }
    pthread_mutex_unlock(&memory->mutex);
    return is_taken;
}

static void on_news(struct mail *mail)
{
    struct spool_memory *memory = list_entry(mail, struct spool_memory, news_mail);
    struct envelope envelope;
    struct arena arena;

    arena_init(&arena, SPOOL_ENVELOPE_ARENA_MAX);
    while (take_news(memory, &arena, &envelope)) {
        memory->on_message(memory->listener, &envelope);
        arena_done(&arena);
    }
    arena_done(&arena);
    release(memory);
}

static void tell_listener(struct spool_memory *memory)
{
    bool must_post;

    pthread_mutex_lock(&memory->mutex);
    must_post = memory->listener_loop && !memory->is_news_posted;
    if (must_post) {
        memory->is_news_posted = true;
        memory->references++;
    }
    pthread_mutex_unlock(&memory->mutex);
    if (must_post && !mailbox_post(memory->listener_loop, &memory->news_mail))
        release(memory);
}

static struct spool_message *memory_begin(struct spool *spool, struct loop *loop)
{
    struct spool_memory *memory = memory_of(spool);
    struct memory_message *message;

    if (memory->health != SPOOL_READY)
        return NULL;
    message = calloc(1, sizeof(*message));
    if (!message)
        return NULL;
    buffer_init(&message->content, CONTENT_BYTES_MAX);
    message->message.spool = spool;
    message->loop = loop;
    pthread_mutex_lock(&memory->mutex);
    message->message.id = memory->next_id++;
    pthread_mutex_unlock(&memory->mutex);
    return &message->message;
}

static uint64_t memory_message_id(const struct spool_message *message)
{
    return message->id;
}

static enum error memory_append(struct spool_message *message, struct bytes content, bool *out_must_wait)
{
    *out_must_wait = false;
    return buffer_append(&message_of(message)->content, content) == OK ? OK : ERROR_TEMPORARY;
}

static void memory_on_ready(struct spool_message *message, void (*on_ready)(void *owner), void *owner)
{
    (void)message; /* nobody is ever told to wait */
    (void)on_ready;
    (void)owner;
}

static enum error store(struct spool_memory *memory, struct memory_message *message,
                        const struct envelope *envelope)
{
    struct envelope stamped = *envelope;
    struct record *record;

    if (memory->commit_error)
        return memory->commit_error;
    record = calloc(1, sizeof(*record));
    if (!record)
        return ERROR_TEMPORARY;
    list_init(&record->link);
    list_init(&record->news);
    record->id = stamped.id = message->message.id;
    stamped.size_bytes = message->content.len;
    buffer_init(&record->envelope, ENVELOPE_BYTES_MAX);
    if (envelope_encode(&stamped, &record->envelope) != OK) {
        free_record(record);
        return ERROR_TEMPORARY;
    }
    record->content = message->content;
    buffer_init(&message->content, 0);
    pthread_mutex_lock(&memory->mutex);
    insert(memory, record);
    pthread_mutex_unlock(&memory->mutex);
    return OK;
}

static void free_message(struct memory_message *message)
{
    buffer_done(&message->content);
    free(message);
}

static void on_commit_answer(struct mail *mail)
{
    struct memory_message *message = list_entry(mail, struct memory_message, answer);
    struct spool_memory *memory = memory_of(message->message.spool);

    if (!message->is_forgotten)
        message->on_done(message->owner, message->result);
    free_message(message);
    release(memory);
}

static void memory_commit(struct spool_message *base, const struct envelope *envelope,
                          void (*on_done)(void *owner, enum error error), void *owner)
{
    struct memory_message *message = message_of(base);
    struct spool_memory *memory = memory_of(base->spool);

    message->on_done = on_done;
    message->owner = owner;
    message->result = store(memory, message, envelope);
    message->answer.on_mail = on_commit_answer;
    hold(memory);
    if (message->result == OK)
        tell_listener(memory);
    if (!mailbox_post(message->loop, &message->answer)) {
        free_message(message);
        release(memory);
    }
}

static void memory_commit_forget(struct spool_message *message)
{
    message_of(message)->is_forgotten = true;
}

static void memory_abort(struct spool_message *message)
{
    free_message(message_of(message));
}

static void memory_listen(struct spool *spool, struct loop *loop, spool_envelope_fn *on_message, void *owner)
{
    struct spool_memory *memory = memory_of(spool);

    pthread_mutex_lock(&memory->mutex);
    memory->on_message = on_message;
    memory->listener = owner;
    memory->listener_loop = loop;
    memory->news_mail.on_mail = on_news;
    pthread_mutex_unlock(&memory->mutex);
    tell_listener(memory);
}

static enum error change(struct spool_memory *memory, const struct envelope *envelope, bool remove)
{
    struct record *record;
    struct buffer encoded;
    enum error error = OK;

    buffer_init(&encoded, ENVELOPE_BYTES_MAX);
    if (!remove && envelope_encode(envelope, &encoded) != OK)
        return ERROR_TEMPORARY;
    pthread_mutex_lock(&memory->mutex);
    record = find(memory, envelope->id);
    if (!record) {
        error = remove ? OK : ERROR_NOT_FOUND;
    } else if (remove) {
        free_record(record);
        memory->count--;
    } else {
        struct buffer old = record->envelope;
        record->envelope = encoded;
        encoded = old;
    }
    pthread_mutex_unlock(&memory->mutex);
    buffer_done(&encoded);
    return error;
}

static void on_update_answer(struct mail *mail)
{
    struct memory_update *update = list_entry(mail, struct memory_update, answer);
    struct spool_memory *memory = update->memory;

    update->on_done(update->owner, update->result);
    free(update);
    release(memory);
}

static void memory_update(struct spool *spool, const struct envelope *envelope, bool remove,
                          void (*on_done)(void *owner, enum error error), void *owner)
{
    struct spool_memory *memory = memory_of(spool);
    struct memory_update *update = calloc(1, sizeof(*update));

    assert(update && memory->listener_loop);
    update->memory = memory;
    update->answer.on_mail = on_update_answer;
    update->on_done = on_done;
    update->owner = owner;
    update->result = change(memory, envelope, remove);
    hold(memory);
    if (!mailbox_post(memory->listener_loop, &update->answer)) {
        free(update);
        release(memory);
    }
}

static enum error memory_read_envelope(struct spool *spool, uint64_t id, struct arena *arena,
                                       struct envelope *out)
{
    struct spool_memory *memory = memory_of(spool);
    struct record *record;
    enum error error = ERROR_NOT_FOUND;

    pthread_mutex_lock(&memory->mutex);
    record = find(memory, id);
    if (record)
        error = envelope_decode(buffer_bytes(&record->envelope), arena, out);
    pthread_mutex_unlock(&memory->mutex);
    return error;
}

static enum error memory_read(struct spool *spool, uint64_t id, uint64_t offset, char *out, size_t size,
                              size_t *out_len)
{
    struct spool_memory *memory = memory_of(spool);
    struct record *record;

    pthread_mutex_lock(&memory->mutex);
    record = find(memory, id);
    if (record) {
        struct bytes rest = bytes_first(bytes_skip(buffer_bytes(&record->content), (size_t)offset), size);
        *out_len = rest.len;
        if (rest.len)
            memcpy(out, rest.ptr, rest.len);
    }
    pthread_mutex_unlock(&memory->mutex);
    return record ? OK : ERROR_NOT_FOUND;
}

/* The first envelope from the id on. */
static enum error next_envelope(struct spool_memory *memory, uint64_t first, struct arena *arena,
                                struct envelope *out)
{
    enum error error = ERROR_NOT_FOUND;

    pthread_mutex_lock(&memory->mutex);
    list_each(link, &memory->records)
    {
        struct record *record = list_entry(link, struct record, link);
        if (record->id >= first) {
            error = envelope_decode(buffer_bytes(&record->envelope), arena, out);
            break;
        }
    }
    pthread_mutex_unlock(&memory->mutex);
    return error;
}

static enum error memory_each(struct spool *spool, uint64_t first,
                              bool (*each)(void *owner, const struct envelope *envelope), void *owner)
{
    struct spool_memory *memory = memory_of(spool);
    struct envelope envelope;
    struct arena arena;
    enum error error;
    bool goes_on = true;

    arena_init(&arena, SPOOL_ENVELOPE_ARENA_MAX);
    while (goes_on && (error = next_envelope(memory, first, &arena, &envelope)) == OK) {
        goes_on = each(owner, &envelope) && envelope.id < UINT64_MAX;
        first = envelope.id + 1;
        arena_done(&arena);
    }
    arena_done(&arena);
    return goes_on && error != ERROR_NOT_FOUND ? error : OK;
}

static enum spool_health memory_health(const struct spool *spool)
{
    return memory_of(spool)->health;
}

static uint64_t memory_count(const struct spool *spool)
{
    struct spool_memory *memory = memory_of(spool);
    uint64_t count;

    pthread_mutex_lock(&memory->mutex);
    count = memory->count;
    pthread_mutex_unlock(&memory->mutex);
    return count;
}

static void memory_close(struct spool *spool)
{
    release(memory_of(spool));
}

static const struct spool_ops memory_ops = {
    .begin = memory_begin,
    .message_id = memory_message_id,
    .append = memory_append,
    .on_ready = memory_on_ready,
    .commit = memory_commit,
    .commit_forget = memory_commit_forget,
    .abort = memory_abort,
    .listen = memory_listen,
    .update = memory_update,
    .read_envelope = memory_read_envelope,
    .read = memory_read,
    .each = memory_each,
    .health = memory_health,
    .count = memory_count,
    .close = memory_close,
};

struct spool *spool_memory_new(const struct clock *clock)
{
    struct spool_memory *memory = calloc(1, sizeof(*memory));

    (void)clock; /* nothing here takes time */
    if (!memory)
        return NULL;
    memory->spool.ops = &memory_ops;
    memory->references = 1;
    memory->next_id = 1;
    memory->health = SPOOL_READY;
    list_init(&memory->records);
    list_init(&memory->news);
    pthread_mutex_init(&memory->mutex, NULL);
    return &memory->spool;
}

void spool_memory_set_health(struct spool *spool, enum spool_health health)
{
    memory_of(spool)->health = health;
}

void spool_memory_fail_commits(struct spool *spool, enum error error)
{
    memory_of(spool)->commit_error = error;
}
