/* Stands in for server/queue/spool_message.c in the programs that the durability tests have to find out: a
 * message is answered when it is whole, and committed LATE_MS later. */
#include "queue/spool_writer.h"

#define LATE_MS 50

static void answer_and_ask_later(struct spool_writer *writer, struct spool_request *request);

#define spool_writer_ask answer_and_ask_later
#include "queue/spool_message.c"
#undef spool_writer_ask

struct late {
    struct spool_request request;
    struct loop_timer timer;
    struct spool_writer *writer;
};

static void free_late(struct spool_request *request)
{
    struct late *late = list_entry(request, struct late, request);

    buffer_done(&request->envelope);
    buffer_done(&request->content);
    free(request->news);
    free(late);
}

static void on_due(struct loop_timer *timer)
{
    struct late *late = list_entry(timer, struct late, timer);

    spool_writer_ask(late->writer, &late->request);
}

static void answer_and_ask_later(struct spool_writer *writer, struct spool_request *request)
{
    struct durable_message *message = list_entry(request, struct durable_message, request);
    struct late *late = calloc(1, sizeof(*late));

    if (!late)
        abort();
    late->writer = writer;
    late->request = *request;
    late->request.answer = free_late;
    loop_timer_init(&late->timer, message->loop, on_due);
    loop_timer_start(&late->timer, LATE_MS);
    buffer_init(&request->envelope, 0);
    buffer_init(&request->content, 0);
    request->news = NULL;
    request->result = OK;
    answer(request);
}
