#include "auth/search_queue.h"

static void fail(struct search_queue *queue, enum error error)
{
    if (queue->error != OK)
        return;
    queue->error = error;
    for (size_t i = 0; i < SEARCH_QUEUE_SLOTS; i++)
        if (queue->slots[i].is_busy)
            queue->directory->ops->search_cancel(&queue->slots[i].search);
}

static void on_entry(struct directory_search *search, struct entry *entry)
{
    struct search_slot *slot = list_entry(search, struct search_slot, search);
    struct search_queue *queue = slot->queue;
    if (queue->error == OK) {
        enum error error = queue->on_entry(queue, &slot->question, entry);
        if (error != OK)
            fail(queue, error);
    }
    entry_free(entry);
}

static void on_done(struct directory_search *search, enum error error);

static void send(struct search_slot *slot)
{
    struct search_queue *queue = slot->queue;
    slot->search = (struct directory_search){
        .base = slot->question.base.ptr ? slot->question.base.ptr : "",
        .scope = slot->question.scope,
        .filter = slot->question.filter.ptr ? slot->question.filter.ptr : "(objectClass=*)",
        .attributes = slot->question.attributes,
        .is_unpaged = !slot->is_paged,
        .on_entry = on_entry,
        .on_done = on_done,
    };
    slot->is_busy = true;
    queue->busy_count++;
    queue->directory->ops->search(queue->directory, &slot->search);
}

/* Texts for the directory end with a zero. */
static enum error terminate(struct buffer *text)
{
    return text->len > 0 ? buffer_append_byte(text, '\0') : OK;
}

static bool fill(struct search_queue *queue, struct search_slot *slot)
{
    struct search_question *question = &slot->question;
    bool is_some = false;
    buffer_done(&question->base);
    buffer_done(&question->filter);
    *question = (struct search_question){.scope = SCOPE_SUBTREE};
    buffer_init(&question->base, SEARCH_BASE_MAX);
    buffer_init(&question->filter, SEARCH_FILTER_MAX);
    enum error error = queue->next(queue, question, &is_some);
    if (error == OK && is_some)
        error = terminate(&question->base);
    if (error == OK && is_some)
        error = terminate(&question->filter);
    if (error != OK)
        fail(queue, error);
    slot->is_paged = false;
    return error == OK && is_some;
}

static void go_on(struct search_queue *queue)
{
    for (size_t i = 0; queue->error == OK && i < SEARCH_QUEUE_SLOTS; i++) {
        if (queue->slots[i].is_busy)
            continue;
        if (!fill(queue, &queue->slots[i]))
            break;
        send(&queue->slots[i]);
    }
    if (queue->busy_count > 0)
        return;
    for (size_t i = 0; i < SEARCH_QUEUE_SLOTS; i++) {
        buffer_done(&queue->slots[i].question.base);
        buffer_done(&queue->slots[i].question.filter);
    }
    queue->on_done(queue, queue->error);
}

static void on_done(struct directory_search *search, enum error error)
{
    struct search_slot *slot = list_entry(search, struct search_slot, search);
    struct search_queue *queue = slot->queue;
    slot->is_busy = false;
    queue->busy_count--;
    if (error == ERROR_LIMIT && !slot->is_paged && queue->error == OK) {
        slot->is_paged = true;
        send(slot);
        return;
    }
    bool is_unreadable = error == ERROR_DENIED_CREDENTIALS || error == ERROR_SYNTAX;
    if ((error == ERROR_NOT_FOUND && slot->question.may_be_absent) ||
        (is_unreadable && slot->question.may_be_unreadable))
        error = OK;
    if (error != OK && queue->error == OK) {
        queue->directory_error = error;
        fail(queue, error == ERROR_TIMEOUT || error == ERROR_CANCELED ? error : ERROR_TEMPORARY);
    }
    go_on(queue);
}

void search_queue_start(struct search_queue *queue)
{
    for (size_t i = 0; i < SEARCH_QUEUE_SLOTS; i++)
        queue->slots[i].queue = queue;
    go_on(queue);
}

void search_queue_cancel(struct search_queue *queue)
{
    fail(queue, ERROR_CANCELED);
}
