/* room: queue */
/* A long queue: makes one, and opens it again as a start does.
 *
 *   bench_queue fill DIRECTORY MESSAGES [MINUTES [BYTES]]   due in so many minutes (60), of so many bytes
 * (1024) bench_queue open DIRECTORY                              until all is told of; then the first page of
 * 64 */
#include "queue/spool.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#define WRITERS   1000
#define SENDERS   997
#define DOMAINS   1009
#define BYTES_MAX (16u << 10)
#define PAGE      64

struct bench {
    struct spool *spool;
    struct loop *loop;
    uint64_t wanted;
    uint64_t begun;
    uint64_t told;
    size_t size_bytes;
    int64_t due_ms;
    unsigned busy;
    char content[BYTES_MAX];
};

static double now_s(void)
{
    return (double)clock_monotonic_ms(&clock_system) / 1000;
}

static void start(struct bench *bench);

static void on_done(void *owner, enum error error)
{
    if (error) {
        fprintf(stderr, "a message was not stored\n");
        exit(1);
    }
    start(owner);
}

static void start(struct bench *bench)
{
    char sender[64], recipient[80], id[64], domain[64];
    struct envelope_recipient to = {.reply = BYTES_LITERAL("421 4.2.1 Unable to connect [192.0.2.1]")};
    int64_t now = clock_wall_ms(&clock_system);
    uint64_t number = bench->begun++;
    bool must_wait;
    if (number >= bench->wanted) {
        if (--bench->busy == 0)
            loop_end(bench->loop);
        return;
    }
    (void)snprintf(sender, sizeof sender, "user%" PRIu64 "@contoso.com", number % SENDERS);
    (void)snprintf(domain, sizeof domain, "d%" PRIu64 ".example.net", number % DOMAINS);
    (void)snprintf(recipient, sizeof recipient, "kate@%s", domain);
    (void)snprintf(id, sizeof id, "<%" PRIu64 "@client.example.org>", number);
    to.address = bytes_of_text(recipient);
    struct envelope envelope = {
        .sender = bytes_of_text(sender),
        .recipients = &to,
        .recipient_count = 1,
        .arrived_ms = now,
        .next_attempt_ms = bench->due_ms ? now + bench->due_ms : 0,
        .attempts = bench->due_ms > 0,
        .header_bytes = 64,
        .message_id = bytes_of_text(id),
        .connector = BYTES_LITERAL("SERVER\\Anonymous Relay"),
        .client = BYTES_LITERAL("192.0.2.17:40000"),
        .hop = bytes_of_text(domain),
    };
    struct spool_message *message = bench->spool->ops->begin(bench->spool, bench->loop);
    if (!message ||
        bench->spool->ops->append(message, (struct bytes){bench->content, bench->size_bytes}, &must_wait)) {
        fprintf(stderr, "the spool takes no more\n");
        exit(1);
    }
    bench->spool->ops->commit(message, &envelope, on_done, bench);
}

static void on_message(void *owner, const struct envelope *envelope)
{
    struct bench *bench = owner;
    (void)envelope;
    if (++bench->told == bench->wanted && bench->busy == 0)
        loop_end(bench->loop);
}

static void fill(struct bench *bench)
{
    double begin = now_s();
    memset(bench->content, 'x', sizeof bench->content);
    for (size_t i = 63; i < sizeof bench->content; i += 64)
        memcpy(bench->content + i - 1, "\r\n", 2);
    memcpy(bench->content, "Subject: Test\r\n", 15);
    memcpy(bench->content + 60, "\r\n\r\n", 4);
    bench->spool->ops->listen(bench->spool, bench->loop, on_message, bench);
    bench->busy = WRITERS;
    for (unsigned i = 0; i < WRITERS; i++)
        start(bench);
    loop_run(bench->loop);
    double took = now_s() - begin;
    printf("%" PRIu64 " messages in %.1f s, %.0f/s\n", bench->wanted, took, (double)bench->wanted / took);
}

static bool on_page(void *owner, const struct envelope *envelope)
{
    (void)envelope;
    return ++*(unsigned *)owner < PAGE;
}

static void print_memory(const char *when)
{
    FILE *file = fopen("/proc/self/status", "re");
    char line[200];
    printf("%s:", when);
    while (file && fgets(line, sizeof line, file)) {
        if (strncmp(line, "VmRSS", 5) == 0 || strncmp(line, "RssAnon", 7) == 0 ||
            strncmp(line, "RssFile", 7) == 0) {
            line[strcspn(line, "\n")] = '\0';
            printf(" %s", line);
        }
    }
    printf("\n");
    if (file)
        fclose(file);
}

static void tell_all(struct bench *bench)
{
    double begin = now_s();
    bench->wanted = bench->spool->ops->count(bench->spool);
    bench->spool->ops->listen(bench->spool, bench->loop, on_message, bench);
    if (bench->wanted)
        loop_run(bench->loop);
    printf("told of %" PRIu64 " in %.2f s\n", bench->told, now_s() - begin);
    print_memory("memory");
    unsigned seen = 0;
    begin = now_s();
    enum error error = bench->spool->ops->each(bench->spool, 0, on_page, &seen);
    printf("first page of %u in %.4f s%s\n", seen, now_s() - begin, error ? ": error" : "");
}

static uint64_t number_of(int argc, char **argv, int at, uint64_t fallback)
{
    uint64_t value = fallback;
    if (at < argc && bytes_to_u64(bytes_of_text(argv[at]), 1u << 30, &value) != OK)
        exit(2);
    return value;
}

int main(int argc, char **argv)
{
    bool is_fill = argc >= 4 && strcmp(argv[1], "fill") == 0;
    if (!is_fill && (argc != 3 || strcmp(argv[1], "open") != 0)) {
        fprintf(stderr, "bench_queue fill DIRECTORY MESSAGES [MINUTES [BYTES]] | open DIRECTORY\n");
        return 2;
    }
    struct bench *bench = calloc(1, sizeof *bench);
    struct spool_config config = {.directory = argv[2], .clock = &clock_system};
    struct note note = {""};
    double begin = now_s();
    if (!bench || spool_open(&config, &bench->spool, &note) != OK) {
        fprintf(stderr, "%s\n", note.text);
        return 1;
    }
    printf("opened in %.2f s\n", now_s() - begin);
    bench->loop = loop_new("bench", &clock_system);
    bench->wanted = number_of(argc, argv, 3, 0);
    bench->due_ms = (int64_t)number_of(argc, argv, 4, 60) * 60000;
    bench->size_bytes = number_of(argc, argv, 5, 1024);
    if (bench->size_bytes > BYTES_MAX || bench->size_bytes < 64)
        return 2;
    if (is_fill)
        fill(bench);
    else
        tell_all(bench);
    bench->spool->ops->close(bench->spool);
    loop_free(bench->loop);
    free(bench);
    return 0;
}
