/* room: queue */
/* Puts messages into a durable spool and says so line by line, for the durability tests.
 *
 *   spool_writer [--nosync] [--remove] write DIRECTORY WRITERS MESSAGES SIZE[,SIZE...]
 *   spool_writer check DIRECTORY
 *
 * write: each writer waits until its message is durable and begins the next. Lines: "committed ID" and
 * "failed ID" right when the answer comes, "removing ID" and "removed ID" with --remove. Each content begins
 * with "id=ID;", each recipient with "rcpt-ID@", IDs in 16 digits, so that a trace of the system calls shows
 * which write carries which message. --nosync opens the database without syncs: the tests must notice. check:
 * "stored ID" for every message that is there and whole, "broken ID" for any other, then "next ID": what the
 * next message would get. */
#include "queue/spool_durable.h"

#include <fcntl.h>
#include <inttypes.h>
#include <lmdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SIZES_MAX   16
#define CHUNK_BYTES 20000
#define MARK_BYTES  20
#define RETRY_MS    20

struct tool {
    struct spool *spool;
    struct loop *loop;
    size_t sizes[SIZES_MAX];
    size_t size_count;
    uint64_t left; /* messages to begin */
    unsigned busy;
    bool must_remove;
};

struct writer {
    struct tool *tool;
    struct spool_message *message;
    struct loop_timer retry;
    uint64_t id;
    size_t size;
    size_t at;
};

static void start(struct writer *writer);

/* At once, so that the line stands in the trace where the answer came. */
static void say(const char *what, uint64_t id)
{
    char line[64];
    int length = snprintf(line, sizeof(line), "%s %016" PRIu64 "\n", what, id);

    if (write(STDOUT_FILENO, line, (size_t)length) != length)
        exit(1);
}

static char content_byte(uint64_t id, size_t at)
{
    char mark[MARK_BYTES + 1];

    if (at >= MARK_BYTES)
        return (char)('a' + (id * 7 + at + at / 4096) % 26);
    snprintf(mark, sizeof(mark), "id=%016" PRIu64 ";", id);
    return mark[at];
}

static void on_removed(void *owner, enum error error)
{
    struct writer *writer = owner;

    say(error ? "kept" : "removed", writer->id);
    start(writer);
}

static void on_done(void *owner, enum error error)
{
    struct writer *writer = owner;

    say(error ? "failed" : "committed", writer->id);
    if (error || !writer->tool->must_remove) {
        start(writer);
        return;
    }
    say("removing", writer->id);
    writer->tool->spool->ops->update(writer->tool->spool, &(struct envelope){.id = writer->id}, true,
                                     on_removed, writer);
}

static void commit(struct writer *writer)
{
    char address[64];
    struct envelope_recipient to = {.address = {address, 0}};
    struct envelope envelope = {.recipients = &to, .recipient_count = 1};

    to.address.len =
        (size_t)snprintf(address, sizeof(address), "rcpt-%016" PRIu64 "@example.com", writer->id);
    writer->tool->spool->ops->commit(writer->message, &envelope, on_done, writer);
}

static void feed(void *owner)
{
    struct writer *writer = owner;
    char chunk[CHUNK_BYTES];

    while (writer->at < writer->size) {
        size_t len = writer->size - writer->at < sizeof(chunk) ? writer->size - writer->at : sizeof(chunk);
        bool must_wait;
        for (size_t i = 0; i < len; i++)
            chunk[i] = content_byte(writer->id, writer->at + i);
        if (writer->tool->spool->ops->append(writer->message, (struct bytes){chunk, len}, &must_wait) != OK) {
            writer->tool->spool->ops->abort(writer->message);
            say("failed", writer->id);
            start(writer);
            return;
        }
        writer->at += len;
        if (must_wait)
            return;
    }
    commit(writer);
}

static void on_retry(struct loop_timer *timer)
{
    start(list_entry(timer, struct writer, retry));
}

static void start(struct writer *writer)
{
    struct tool *tool = writer->tool;

    if (tool->left == 0) {
        if (--tool->busy == 0)
            loop_end(tool->loop);
        return;
    }
    writer->message = tool->spool->ops->begin(tool->spool, tool->loop);
    if (!writer->message) { /* it is bringing itself back */
        loop_timer_start(&writer->retry, RETRY_MS);
        return;
    }
    tool->left--;
    writer->id = tool->spool->ops->message_id(writer->message);
    writer->size = tool->sizes[tool->left % tool->size_count];
    writer->at = 0;
    tool->spool->ops->on_ready(writer->message, feed, writer);
    feed(writer);
}

static void ignore(void *owner, const struct envelope *envelope)
{
    (void)owner;
    (void)envelope;
}

static void run(struct tool *tool, unsigned count)
{
    struct writer *writers = calloc(count, sizeof(*writers));

    if (!writers)
        exit(1);
    tool->busy = count;
    tool->spool->ops->listen(tool->spool, tool->loop, ignore, NULL);
    for (unsigned i = 0; i < count; i++) {
        writers[i].tool = tool;
        loop_timer_init(&writers[i].retry, tool->loop, on_retry);
        start(&writers[i]);
    }
    loop_run(tool->loop);
    tool->spool->ops->close(tool->spool);
    free(writers);
}

static bool is_whole(struct spool *spool, const struct envelope *envelope)
{
    char chunk[CHUNK_BYTES];
    size_t at = 0;
    size_t len;

    while (spool->ops->read(spool, envelope->id, at, chunk, sizeof(chunk), &len) == OK) {
        if (len == 0)
            return at == envelope->size_bytes;
        for (size_t i = 0; i < len; i++, at++) {
            if (chunk[i] != content_byte(envelope->id, at))
                return false;
        }
    }
    return false;
}

static bool check_one(void *owner, const struct envelope *envelope)
{
    say(is_whole(owner, envelope) ? "stored" : "broken", envelope->id);
    return true;
}

static enum error check(struct spool *spool)
{
    enum error error = spool->ops->each(spool, 0, check_one, spool);
    struct spool_message *message = spool->ops->begin(spool, NULL);

    if (message) {
        say("next", spool->ops->message_id(message));
        spool->ops->abort(message);
    }
    spool->ops->close(spool);
    return error;
}

static bool read_sizes(struct tool *tool, const char *text)
{
    struct bytes rest = bytes_of_text(text);
    struct bytes part;
    uint64_t size;

    while (tool->size_count < SIZES_MAX && bytes_next(&rest, ',', &part)) {
        if (bytes_to_u64(part, 1u << 30, &size) != OK)
            return false;
        tool->sizes[tool->size_count++] = size < MARK_BYTES ? MARK_BYTES : size;
    }
    return tool->size_count > 0 && rest.len == 0;
}

static int usage(void)
{
    fprintf(stderr,
            "usage: spool_writer [--nosync] [--remove] write DIRECTORY WRITERS MESSAGES SIZE[,SIZE...]\n"
            "       spool_writer check DIRECTORY\n");
    return 2;
}

int main(int argc, char **argv)
{
    struct tool tool = {0};
    struct spool_system system = spool_system_real;
    struct spool_config config = {.clock = &clock_system, .map_bytes = 4ull << 30};
    struct note note = {0};
    uint64_t writers = 0;
    int at = 1;
    bool is_check;

    for (; at < argc && argv[at][0] == '-'; at++) {
        if (strcmp(argv[at], "--nosync") == 0)
            system.store_flags = MDB_NOSYNC;
        else if (strcmp(argv[at], "--remove") == 0)
            tool.must_remove = true;
        else
            return usage();
    }
    is_check = argc - at == 2 && strcmp(argv[at], "check") == 0;
    if (!is_check && (argc - at != 5 || strcmp(argv[at], "write") != 0 ||
                      bytes_to_u64(bytes_of_text(argv[at + 2]), 10000, &writers) != OK || writers == 0 ||
                      bytes_to_u64(bytes_of_text(argv[at + 3]), UINT32_MAX, &tool.left) != OK ||
                      !read_sizes(&tool, argv[at + 4])))
        return usage();
    config.directory = argv[at + 1];
    if (spool_open_over(&config, &system, &tool.spool, &note) != OK) {
        fprintf(stderr, "%s\n", note.text);
        return 1;
    }
    if (is_check)
        return check(tool.spool) == OK ? 0 : 1;
    tool.loop = loop_new("writer", NULL);
    if (!tool.loop)
        return 1;
    run(&tool, (unsigned)writers);
    loop_free(tool.loop);
    return 0;
}
