/* The command "queue": list and show walk the spool, the others act on the delivery loop, 64 messages at a
 * time.
 *
 *   {"command":"queue","action":"list|show|retry|hold|release|remove|bounce","ids":["17",…],"filter":"state=retry"}
 *
 * Without "ids" all messages are meant, without "filter" each of them. A member of another type is an error:
 * it must not widen what is acted on. */
#include "admin/queue_filter.h"
#include "admin/queue_json.h"
#include "admin/service.h"
#include "base/exit_code.h"
#include "loop/mailbox.h"

#include <stdlib.h>
#include <string.h>

#define BATCH 64

static const struct {
    const char *name;
    bool is_action;
    enum delivery_action action;
} ACTIONS[] = {
    {"list", false, 0},
    {"show", false, 0},
    {"retry", true, DELIVERY_RETRY},
    {"hold", true, DELIVERY_HOLD},
    {"release", true, DELIVERY_RELEASE},
    {"remove", true, DELIVERY_REMOVE},
    {"bounce", true, DELIVERY_BOUNCE},
};

/* One command under way. It belongs to the main loop, except while a batch is with the delivery loop. */
struct queue_walk {
    struct control_request *request;
    struct admin_service *service;
    struct queue_filter filter;
    const json_t *ids; /* array, or NULL: all */
    bool is_action;
    enum delivery_action action;
    int64_t now_ms;
    uint64_t next_id;  /* all: where the walk goes on */
    size_t next_index; /* ids: the same */
    bool is_stopped;   /* this stretch ended before the end of the walk */
    bool is_high;      /* because the client must read first */
    bool is_finished;  /* the walk is at its end */
    size_t matched;
    size_t failed;
    struct mail mail; /* to the delivery loop and back; to our own for a turn between two batches */
    uint64_t batch[BATCH];
    size_t batch_count;
    size_t batch_left; /* on the delivery loop */
    size_t batch_failed;
};

static void walk_on(struct queue_walk *walk);

static void walk_end(struct queue_walk *walk, int code, const char *message)
{
    struct control_request *request = walk->request;
    free(walk);
    control_end(request, code, message);
}

static void on_turn(struct mail *mail)
{
    walk_on(list_entry(mail, struct queue_walk, mail));
}

static void on_drained(struct control_request *request, void *owner)
{
    (void)request;
    walk_on(owner);
}

/* -- acting -- */

static void on_batch_back(struct mail *mail)
{
    struct queue_walk *walk = list_entry(mail, struct queue_walk, mail);
    walk->matched += walk->batch_count - walk->batch_failed;
    walk->failed += walk->batch_failed;
    walk_on(walk);
}

static void on_acted(void *owner, uint64_t id, enum error error)
{
    struct queue_walk *walk = owner;
    (void)id;
    walk->batch_failed += error != OK;
    if (--walk->batch_left > 0)
        return;
    walk->mail.on_mail = on_batch_back;
    mailbox_post(control_loop(walk->request), &walk->mail);
}

/* On the delivery loop. */
static void on_batch(struct mail *mail)
{
    struct queue_walk *walk = list_entry(mail, struct queue_walk, mail);
    walk->batch_left = walk->batch_count;
    walk->batch_failed = 0;
    /* The last answer hands the walk back to the main loop: it must not be touched after it. */
    for (size_t i = 0, count = walk->batch_count; i < count; i++)
        delivery_act(walk->service->delivery, walk->batch[i], walk->action, on_acted, walk);
}

/* -- walking -- */

/* False ends this stretch of the walk: the batch is full, or the client must read first. */
static bool on_envelope(void *owner, const struct envelope *envelope)
{
    struct queue_walk *walk = owner;
    walk->next_id = envelope->id + 1;
    if (queue_filter_matches(&walk->filter, envelope, walk->now_ms)) {
        walk->batch[walk->batch_count++] = envelope->id;
        if (!walk->is_action) {
            walk->matched++;
            walk->is_high = !control_line(walk->request, queue_json(envelope, walk->now_ms));
        }
    }
    walk->is_stopped = walk->is_high || walk->batch_count == BATCH;
    return !walk->is_stopped;
}

/* The ids the user named, read one by one; those that are not there are counted as failed. */
static void walk_named(struct queue_walk *walk)
{
    size_t count = json_array_size(walk->ids);
    while (walk->next_index < count && !walk->is_stopped) {
        const char *name = json_string_value(json_array_get(walk->ids, walk->next_index++));
        uint64_t id;
        struct arena arena;
        struct envelope envelope;
        arena_init(&arena, ENVELOPE_BYTES_MAX);
        if (!name || bytes_to_u64(bytes_of_text(name), UINT64_MAX, &id) ||
            walk->service->spool->ops->read_envelope(walk->service->spool, id, &arena, &envelope))
            walk->failed++;
        else
            on_envelope(walk, &envelope);
        arena_done(&arena);
    }
    walk->is_stopped = walk->next_index < count;
}

/* Hands the walk to a loop, from the main loop. */
static void walk_post(struct queue_walk *walk, struct loop *loop, void (*on_mail)(struct mail *mail))
{
    walk->mail.on_mail = on_mail;
    if (!mailbox_post(loop, &walk->mail))
        walk_end(walk, EXIT_UNREACHABLE, "the server is ending");
}

static void walk_on(struct queue_walk *walk)
{
    struct spool *spool = walk->service->spool;
    enum error error = OK;
    walk->batch_count = 0;
    walk->is_high = walk->is_stopped = false;
    if (walk->is_finished)
        ; /* the last batch has come back */
    else if (walk->ids)
        walk_named(walk);
    else
        error = spool->ops->each(spool, walk->next_id, on_envelope, walk);
    walk->is_finished = walk->is_finished || !walk->is_stopped;

    if (error) {
        walk_end(walk, EXIT_UNREACHABLE, "the spool cannot be read");
    } else if (walk->is_action && walk->batch_count > 0) {
        walk_post(walk, walk->service->delivery_loop, on_batch);
    } else if (walk->is_finished) {
        walk_end(walk, walk->matched ? EXIT_DONE : EXIT_NEGATIVE,
                 walk->failed ? "some messages were not there" : NULL);
    } else if (walk->is_high) {
        control_on_drain(walk->request, on_drained, walk);
    } else {
        walk_post(walk, control_loop(walk->request), on_turn);
    }
}

/* -- beginning -- */

static bool find_action(struct queue_walk *walk, const char *name)
{
    for (size_t i = 0; name && i < sizeof ACTIONS / sizeof ACTIONS[0]; i++) {
        if (strcmp(ACTIONS[i].name, name) == 0) {
            walk->is_action = ACTIONS[i].is_action;
            walk->action = ACTIONS[i].action;
            return true;
        }
    }
    return false;
}

/* What is wrong with the message, or NULL. */
static const char *read_message(struct queue_walk *walk, const json_t *message, struct note *note)
{
    const json_t *filter = json_object_get(message, "filter");
    walk->ids = json_object_get(message, "ids");
    if (!find_action(walk, json_string_value(json_object_get(message, "action"))))
        return "no such queue action";
    if (walk->ids && !json_is_array(walk->ids))
        return "ids is not a list";
    if (filter && json_string_length(filter) == 0)
        return "the filter is empty";
    struct bytes text = {json_string_value(filter), json_string_length(filter)};
    return queue_filter_parse(text, &walk->filter, note) ? note->text : NULL;
}

void queue_control_begin(struct control_request *request, void *service)
{
    struct queue_walk *walk = calloc(1, sizeof *walk);
    if (!walk) {
        control_end(request, EXIT_UNREACHABLE, "no memory");
        return;
    }
    struct note note = {0};
    walk->request = request;
    walk->service = service;
    walk->now_ms = clock_wall_ms(walk->service->clock);
    const char *flaw = read_message(walk, control_message(request), &note);
    if (flaw)
        walk_end(walk, EXIT_USAGE, flaw);
    else
        walk_on(walk);
}
