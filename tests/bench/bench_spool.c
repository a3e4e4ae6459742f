/* room: queue */
/* Messages a second through the durable spool, as a relay at work uses it: W writers on one loop, each waits
 * until its message is durable and then begins the next; a message some places back is removed meanwhile.
 *
 *   bench_spool DIRECTORY [WRITERS [BYTES [MESSAGES [PLACES_BACK]]]] */
#include "queue/spool.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#define WRITERS_MAX  1000
#define APPEND_BYTES (64u << 10)

struct bench;

struct writer {
    struct bench *bench;
    struct spool_message *message;
    size_t left_bytes;
};

struct bench {
    struct spool *spool;
    struct loop *loop;
    size_t size_bytes;
    uint64_t wanted;
    uint64_t begun;
    uint64_t stored;
    uint64_t failed;
    uint64_t removed;
    uint64_t told;
    uint64_t places_back;
    uint64_t *ids;
    unsigned busy;
    char content[APPEND_BYTES];
    struct writer writers[WRITERS_MAX];
};

static void start(struct writer *writer);

static void on_removed(void *owner, enum error error)
{
    struct bench *bench = owner;

    bench->removed += error == OK;
}

static void on_message(void *owner, const struct envelope *envelope)
{
    struct bench *bench = owner;

    (void)envelope;
    bench->told++;
}

static void on_done(void *owner, enum error error)
{
    struct writer *writer = owner;
    struct bench *bench = writer->bench;

    if (error)
        bench->failed++;
    else
        bench->stored++;
    start(writer);
}

static void commit(struct writer *writer)
{
    struct envelope_recipient to = {.address = BYTES_LITERAL("recipient@example.com")};
    struct envelope envelope = {
        .sender = BYTES_LITERAL("sender@example.org"),
        .recipients = &to,
        .recipient_count = 1,
        .message_id = BYTES_LITERAL("<0123456789abcdef@client.example.org>"),
        .connector = BYTES_LITERAL("SERVER\\Anonymous Relay"),
        .client = BYTES_LITERAL("192.0.2.17:40000"),
    };

    writer->bench->spool->ops->commit(writer->message, &envelope, on_done, writer);
}

static void feed(void *owner)
{
    struct writer *writer = owner;
    struct bench *bench = writer->bench;

    while (writer->left_bytes > 0) {
        size_t len = writer->left_bytes < APPEND_BYTES ? writer->left_bytes : APPEND_BYTES;
        bool must_wait;
        writer->left_bytes -= len;
        if (bench->spool->ops->append(writer->message, (struct bytes){bench->content, len}, &must_wait) != OK)
            abort();
        if (must_wait && writer->left_bytes > 0)
            return;
        if (must_wait)
            break;
    }
    commit(writer);
}

static void start(struct writer *writer)
{
    struct bench *bench = writer->bench;
    uint64_t place = bench->begun;

    if (place == bench->wanted) {
        if (--bench->busy == 0)
            loop_end(bench->loop);
        return;
    }
    bench->begun++;
    writer->message = bench->spool->ops->begin(bench->spool, bench->loop);
    if (!writer->message) {
        fprintf(stderr, "the spool takes no more\n");
        exit(1);
    }
    bench->ids[place] = bench->spool->ops->message_id(writer->message);
    if (place >= bench->places_back)
        bench->spool->ops->update(bench->spool,
                                  &(struct envelope){.id = bench->ids[place - bench->places_back]}, true,
                                  on_removed, bench);
    writer->left_bytes = bench->size_bytes;
    bench->spool->ops->on_ready(writer->message, feed, writer);
    feed(writer);
}

static double seconds(struct timeval time)
{
    return (double)time.tv_sec + (double)time.tv_usec / 1e6;
}

static double now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void run(struct bench *bench, unsigned writers)
{
    struct rusage usage;
    double began = now();
    double took;
    double cpu;

    bench->busy = writers;
    for (unsigned i = 0; i < writers; i++) {
        bench->writers[i].bench = bench;
        start(&bench->writers[i]);
    }
    loop_run(bench->loop);
    took = now() - began;
    getrusage(RUSAGE_SELF, &usage);
    cpu = seconds(usage.ru_utime) + seconds(usage.ru_stime);
    printf(
        "%u writers, %zu bytes: %.0f messages/s, %.1f MB/s, %.1f us CPU a message (%.1f user, %.1f system), "
        "%" PRIu64 " stored, %" PRIu64 " failed, %" PRIu64 " removed, %" PRIu64 " told, %ld MiB resident\n",
        writers, bench->size_bytes, (double)bench->stored / took,
        (double)bench->stored * (double)bench->size_bytes / took / 1e6, cpu / (double)bench->stored * 1e6,
        seconds(usage.ru_utime) / (double)bench->stored * 1e6,
        seconds(usage.ru_stime) / (double)bench->stored * 1e6, bench->stored, bench->failed, bench->removed,
        bench->told, usage.ru_maxrss / 1024);
}

static uint64_t argument(int argc, char **argv, int place, uint64_t otherwise)
{
    return place < argc ? strtoull(argv[place], NULL, 10) : otherwise;
}

int main(int argc, char **argv)
{
    static struct bench bench;
    struct spool_config config = {.directory = argc > 1 ? argv[1] : "", .clock = &clock_system};
    uint64_t writers = argument(argc, argv, 2, 50);
    struct note note = {0};

    if (argc < 2 || writers == 0 || writers > WRITERS_MAX) {
        fprintf(stderr, "usage: bench_spool DIRECTORY [WRITERS [BYTES [MESSAGES [PLACES_BACK]]]]\n");
        return 2;
    }
    if (spool_open(&config, &bench.spool, &note) != OK) {
        fprintf(stderr, "%s\n", note.text);
        return 1;
    }
    bench.size_bytes = argument(argc, argv, 3, 4200);
    bench.wanted = argument(argc, argv, 4, 200000);
    bench.places_back = argument(argc, argv, 5, 2000);
    bench.ids = calloc(bench.wanted, sizeof(*bench.ids));
    bench.loop = loop_new("bench", NULL);
    memset(bench.content, 'x', sizeof(bench.content));
    bench.spool->ops->listen(bench.spool, bench.loop, on_message, &bench);
    run(&bench, (unsigned)writers);
    bench.spool->ops->close(bench.spool);
    loop_free(bench.loop);
    free(bench.ids);
    return bench.failed != 0;
}
