#include "fakes/fake_dialogue.h"

#include "base/event.h"
#include "smtp_server/session.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OUTPUT_MAX (16u << 20)
#define TURNS_MAX  8

static void fail(const struct dialogue *dialogue, const char *line, const char *what)
{
    fprintf(stderr, "dialogue: %s\n  script: %s\n  output not yet read: %.*s\n", what, line,
            BYTES_ARG(buffer_bytes(&dialogue->output)));
    abort();
}

static void on_output(void *peer, struct bytes data)
{
    struct dialogue *dialogue = peer;
    if (buffer_append(&dialogue->output, data) != OK) {
        fail(dialogue, "", "too much output");
    }
}

static void stop_log(void)
{
    event_writer_stop(0);
}

/* Log lines would only hide what a test says. One that reads them starts the writer itself, before. */
static void silence_log(void)
{
    static bool is_silent;
    if (!is_silent && event_writer_start(open("/dev/null", O_WRONLY), EVENT_JSON, EVENT_ERROR) == OK) {
        atexit(stop_log);
    }
    is_silent = true;
}

void dialogue_begin(struct dialogue *dialogue, const struct organization *organization)
{
    *dialogue = (struct dialogue){0};
    silence_log();
    clock_fake_init(&dialogue->clock, 1000000, 1795315500123);
    buffer_init(&dialogue->output, OUTPUT_MAX);
    dialogue->loop = loop_new("dialogue", &dialogue->clock.clock);
    dialogue->spool = spool_memory_new(&dialogue->clock.clock);
    if (dialogue->loop == NULL || dialogue->spool == NULL) {
        fail(dialogue, "", "no memory");
    }
    smtp_service_init(&dialogue->service, dialogue->loop, dialogue->spool, NULL);
    dialogue->service.greet_delay_ms = 0;
    smtp_service_set_organization(&dialogue->service, organization);
}

static struct ip_endpoint endpoint_of(const char *text, uint16_t port)
{
    struct ip_endpoint endpoint = {.port = port};
    if (ip_parse_endpoint(bytes_of_text(text), &endpoint) != OK &&
        ip_parse_address(bytes_of_text(text), &endpoint.address) != OK) {
        abort();
    }
    return endpoint;
}

void dialogue_connect(struct dialogue *dialogue, const char *local, const char *client)
{
    struct ip_endpoint local_endpoint = endpoint_of(local, 25), remote = endpoint_of(client, 40000);
    dialogue->stream = stream_memory_new(dialogue->loop, &local_endpoint, &remote, on_output, dialogue);
    smtp_session_start(&dialogue->service, dialogue->stream);
}

void dialogue_open(struct dialogue *dialogue, const struct organization *organization, const char *client)
{
    dialogue_begin(dialogue, organization);
    dialogue_connect(dialogue, "10.0.0.1:25", client);
}

void dialogue_close(struct dialogue *dialogue)
{
    smtp_service_abort_all(&dialogue->service);
    dialogue_settle(dialogue);
    smtp_service_set_organization(&dialogue->service, NULL);
    loop_free(dialogue->loop);
    dialogue->spool->ops->close(dialogue->spool);
    buffer_done(&dialogue->output);
}

void dialogue_settle(struct dialogue *dialogue)
{
    for (int turn = 0; turn < TURNS_MAX; turn++) {
        loop_turn(dialogue->loop);
    }
}

bool dialogue_is_closed(const struct dialogue *dialogue)
{
    return dialogue->service.session_count == 0;
}

void dialogue_send(struct dialogue *dialogue, struct bytes bytes)
{
    if (!dialogue_is_closed(dialogue)) {
        stream_memory_feed(dialogue->stream, bytes);
    }
    dialogue_settle(dialogue);
}

void dialogue_advance(struct dialogue *dialogue, uint64_t ms)
{
    clock_fake_advance(&dialogue->clock, ms);
    dialogue_settle(dialogue);
}

size_t dialogue_message_count(const struct dialogue *dialogue)
{
    return (size_t)dialogue->spool->ops->count(dialogue->spool);
}

struct pick {
    size_t index;
    uint64_t id;
    uint64_t size;
    bool is_found;
};

static bool pick_message(void *owner, const struct envelope *envelope)
{
    struct pick *pick = owner;
    pick->id = envelope->id;
    pick->size = envelope->size_bytes;
    pick->is_found = pick->index-- == 0;
    return !pick->is_found;
}

char *dialogue_message(const struct dialogue *dialogue, size_t index)
{
    struct pick pick = {.index = index};
    size_t length = 0;
    if (dialogue->spool->ops->each(dialogue->spool, 0, pick_message, &pick) != OK || !pick.is_found) {
        return NULL;
    }
    char *text = calloc(1, pick.size + 1);
    if (text == NULL ||
        dialogue->spool->ops->read(dialogue->spool, pick.id, 0, text, pick.size, &length) != OK ||
        length != pick.size) {
        fail(dialogue, "", "the spool does not give its message");
    }
    return text;
}

bool dialogue_matches(const char *pattern, const char *text)
{
    if (*pattern == '*') {
        return dialogue_matches(pattern + 1, text) || (*text != '\0' && dialogue_matches(pattern, text + 1));
    }
    return *pattern == *text && (*pattern == '\0' || dialogue_matches(pattern + 1, text + 1));
}

/* Drops the lines of a reply that are not its last. */
static void skip_to_last_line(struct dialogue *dialogue)
{
    while (dialogue->output.len > 3 && dialogue->output.ptr[3] == '-') {
        buffer_consume(&dialogue->output, bytes_find(buffer_bytes(&dialogue->output), '\n') + 1);
    }
}

static void expect(struct dialogue *dialogue, const char *script_line)
{
    const char *pattern = script_line + 3;
    if (script_line[1] == '+') {
        skip_to_last_line(dialogue);
    }
    if (strcmp(pattern, "<closed>") == 0) {
        if (!dialogue_is_closed(dialogue) || dialogue->output.len > 0) {
            fail(dialogue, script_line, "not closed, or something was said before");
        }
        return;
    }
    if (strcmp(pattern, "<nothing>") == 0) {
        if (dialogue->output.len > 0) {
            fail(dialogue, script_line, "unexpected output");
        }
        return;
    }
    size_t end = bytes_find_text(buffer_bytes(&dialogue->output), "\r\n");
    char *line = bytes_copy_text(bytes_first(buffer_bytes(&dialogue->output), end));
    if (end == dialogue->output.len || !dialogue_matches(pattern, line)) {
        fail(dialogue, script_line, "another line was expected");
    }
    free(line);
    buffer_consume(&dialogue->output, end + 2);
}

/* Lines sent and not yet fed. */
struct batch {
    struct buffer text;
    const char *const *first_expected; /* script lines that were passed by meanwhile */
};

static bool waits_for_reply(const char *line)
{
    static const char *const verbs[] = {"EHLO", "HELO", "DATA", "QUIT", "STARTTLS", "AUTH", "XEXCH50"};
    for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++) {
        if (bytes_starts_nocase(bytes_of_text(line), verbs[i])) {
            return true;
        }
    }
    return false;
}

static void flush(struct dialogue *dialogue, struct batch *batch, const char *const *until)
{
    if (batch->text.len > 0) {
        dialogue_send(dialogue, buffer_bytes(&batch->text));
        buffer_clear(&batch->text);
    }
    for (; batch->first_expected < until; batch->first_expected++) {
        if ((*batch->first_expected)[0] == 'S') {
            expect(dialogue, *batch->first_expected);
        }
    }
}

static void send_line(struct dialogue *dialogue, enum dialogue_mode mode, struct batch *batch,
                      const char *line)
{
    struct buffer text;
    buffer_init(&text, OUTPUT_MAX);
    if (buffer_append_text(&text, line + 3) != OK ||
        (line[1] == ':' && buffer_append_text(&text, "\r\n") != OK)) {
        fail(dialogue, line, "no memory");
    }
    if (mode == DIALOGUE_PIPELINED) {
        if (buffer_append(&batch->text, buffer_bytes(&text)) != OK) {
            fail(dialogue, line, "no memory");
        }
    } else if (mode == DIALOGUE_BYTES) {
        for (size_t i = 0; i < text.len; i++) {
            dialogue_send(dialogue, (struct bytes){text.ptr + i, 1});
        }
    } else {
        dialogue_send(dialogue, buffer_bytes(&text));
    }
    buffer_done(&text);
}

void dialogue_run(struct dialogue *dialogue, enum dialogue_mode mode, const char *const *script)
{
    struct batch batch = {.first_expected = script};
    bool must_flush = false;
    buffer_init(&batch.text, OUTPUT_MAX);
    for (; *script != NULL; script++) {
        if ((*script)[0] == 'S') {
            continue;
        }
        if (mode != DIALOGUE_PIPELINED || must_flush || (*script)[0] == 'T' || batch.text.len == 0) {
            flush(dialogue, &batch, script);
        }
        if ((*script)[0] == 'T') {
            dialogue_advance(dialogue, strtoull(*script + 3, NULL, 10));
            continue;
        }
        send_line(dialogue, mode, &batch, *script);
        must_flush = waits_for_reply(*script + 3);
    }
    flush(dialogue, &batch, script);
    if (dialogue->output.len > 0) {
        fail(dialogue, "(end)", "more was said than expected");
    }
    buffer_done(&batch.text);
}

void dialogue_run_all(const struct organization *organization, const char *client, const char *const *script)
{
    for (int mode = DIALOGUE_STEPS; mode <= DIALOGUE_PIPELINED; mode++) {
        struct dialogue dialogue;
        dialogue_open(&dialogue, organization, client);
        dialogue_run(&dialogue, (enum dialogue_mode)mode, script);
        dialogue_close(&dialogue);
    }
}
