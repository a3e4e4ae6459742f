#include "base/event.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <pthread.h>
#include <unistd.h>

/* What the writer wrote to a pipe, read to its end by a thread of its own. */
struct reader_thread {
    int ends[2];
    pthread_t thread;
    char *text;
    size_t len;
};

static void *read_all(void *argument)
{
    struct reader_thread *reader = argument;
    size_t capacity = 0;
    for (;;) {
        if (capacity - reader->len < 65536) {
            capacity = 2 * capacity + 131072;
            reader->text = realloc(reader->text, capacity);
        }
        ssize_t got = read(reader->ends[0], reader->text + reader->len, 65535);
        if (got <= 0) {
            reader->text[reader->len] = '\0';
            return NULL;
        }
        reader->len += (size_t)got;
    }
}

static void pipe_open(struct reader_thread *reader)
{
    *reader = (struct reader_thread){.len = 0};
    assert_int_equal(pipe(reader->ends), 0);
}

static void reader_start(struct reader_thread *reader, enum event_format format, enum event_level level)
{
    pipe_open(reader);
    assert_int_equal(pthread_create(&reader->thread, NULL, read_all, reader), 0);
    assert_int_equal(event_writer_start(reader->ends[1], format, level), OK);
}

static void reader_stop(struct reader_thread *reader)
{
    event_writer_stop(10000);
    close(reader->ends[1]);
    pthread_join(reader->thread, NULL);
    close(reader->ends[0]);
}

static json_t *parse_line(const char *line, size_t len)
{
    json_error_t error;
    json_t *object = json_loadb(line, len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error);
    if (object == NULL) {
        print_error("%.*s: %s\n", (int)len, line, error.text);
    }
    assert_non_null(object);
    return object;
}

static const char *text_of(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

/* proves: contract-6 */
static void test_a_line_of_json(void **state)
{
    (void)state;
    struct reader_thread reader;
    reader_start(&reader, EVENT_JSON, EVENT_INFO);
    struct event event;
    event_begin(&event, EVENT_WARNING, "rcpt.refused");
    event_text(&event, "session", "a1");
    event_text(&event, "user", NULL);
    event_bytes(&event, "connector", BYTES_LITERAL("EX1\\Default \"x\""));
    event_number(&event, "size", -9223372036854775807 - 1);
    event_flag(&event, "tls", false);
    event_texts(&event, "to", (const char *const[]){"a@b", "c\nd"}, 2);
    event_texts(&event, "none", NULL, 0);
    event_end(&event, true);
    reader_stop(&reader);
    const char *fixed =
        "\",\"level\":\"warning\",\"event\":\"rcpt.refused\",\"session\":\"a1\","
        "\"connector\":\"EX1\\\\Default \\\"x\\\"\",\"size\":-9223372036854775808,\"tls\":false,"
        "\"to\":[\"a@b\",\"c\\u000ad\"],\"none\":[]}\n";
    assert_int_equal(strncmp(reader.text, "{\"time\":\"20", 11), 0);
    assert_int_equal(reader.text[strlen("{\"time\":\"2026-11-22T02:45:00.123")], 'Z');
    assert_string_equal(reader.text + strlen("{\"time\":\"2026-11-22T02:45:00.123Z"), fixed);
    free(reader.text);
}

static void test_a_line_of_text(void **state)
{
    (void)state;
    struct reader_thread reader;
    reader_start(&reader, EVENT_TEXT, EVENT_INFO);
    struct event event;
    event_begin(&event, EVENT_INFO, "message.accepted");
    event_text(&event, "from", "a@b");
    event_text(&event, "helo", "two words\x1b[31m");
    event_text(&event, "empty", "");
    event_text(&event, "equals", "a=b\"");
    event_number(&event, "size", 12);
    event_end(&event, false);
    reader_stop(&reader);
    assert_string_equal(reader.text + CLOCK_RFC3339_SIZE - 1,
                        " info message.accepted from=a@b helo=\"two words\\u001b[31m\" empty=\"\" "
                        "equals=\"a=b\\\"\" size=12\n");
    free(reader.text);
}

/* proves: R18 */
static void test_hostile_values_stay_one_line_of_json(void **state)
{
    (void)state;
    static const struct {
        struct bytes value;
        const char *escaped;
    } cases[] = {
        {{"\r\n", 2}, "\"\\u000d\\u000a\""},
        {{"\0", 1}, "\"\\u0000\""},
        {{"\x1b[2J\x7f", 5}, "\"\\u001b[2J\\u007f\""},
        {{"\xe2\x80\xa8\xe2\x80\xa9", 6}, "\"\\u2028\\u2029\""}, /* U+2028, U+2029 */
        {{"\xe2\x80\xae", 3}, "\"\\u202e\""},                    /* turns the direction */
        {{"\xc2\x9b", 2}, "\"\\u009b\""},                        /* CSI as one character */
        {{"\xff\xfe", 2}, "\"\\ufffd\\ufffd\""},
        {{"\xc0\xaf", 2}, "\"\\ufffd\\ufffd\""},
        {{"caf\xc3\xa9 \xf0\x9f\x93\xa7", 10}, "\"caf\xc3\xa9 \xf0\x9f\x93\xa7\""},
        {{"cut\xe2\x82", 5}, "\"cut\\ufffd\\ufffd\""},
    };
    struct reader_thread reader;
    reader_start(&reader, EVENT_JSON, EVENT_INFO);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct event event;
        event_begin(&event, EVENT_INFO, "x");
        event_bytes(&event, "v", cases[i].value);
        event_end(&event, false);
    }
    reader_stop(&reader);
    char *line = reader.text;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *end = strchr(line, '\n');
        assert_non_null(end);
        json_decref(parse_line(line, (size_t)(end - line)));
        *end = '\0';
        char *value = strstr(line, "\"v\":");
        assert_non_null(value);
        assert_int_equal(strncmp(value + 4, cases[i].escaped, strlen(cases[i].escaped)), 0);
        assert_string_equal(value + 4 + strlen(cases[i].escaped), "}");
        line = end + 1;
    }
    assert_int_equal(*line, '\0');
    free(reader.text);
}

/* proves: R18 */
static void test_long_values_are_cut_with_a_mark(void **state)
{
    (void)state;
    struct reader_thread reader;
    reader_start(&reader, EVENT_JSON, EVENT_INFO);
    char *mebibyte = malloc((1u << 20) + 1);
    struct event event;
    static const char fills[] = {'x', '\x01', '"', '\xff'};
    for (size_t i = 0; i < sizeof fills; i++) {
        memset(mebibyte, fills[i], 1u << 20);
        mebibyte[1u << 20] = '\0';
        event_begin(&event, EVENT_INFO, "x");
        for (unsigned k = 0; k < 20; k++) {
            char key[8];
            snprintf(key, sizeof key, "k%u", k);
            event_text(&event, key, mebibyte);
            event_texts(&event, k % 2 ? "list" : "tsil", (const char *const[]){mebibyte, mebibyte, mebibyte},
                        3);
            event_number(&event, "number", 12345678901234);
            event_flag(&event, "flag", true);
        }
        assert_true(event.len < sizeof event.line);
        event_end(&event, false);
    }
    /* One value of exactly the limit is not cut, one more is. */
    for (size_t len = 1024; len <= 1025; len++) {
        memset(mebibyte, 'y', len);
        event_begin(&event, EVENT_INFO, "x");
        event_bytes(&event, "v", (struct bytes){mebibyte, len});
        event_end(&event, false);
    }
    free(mebibyte);
    reader_stop(&reader);
    unsigned line_count = 0;
    for (char *line = reader.text, *end; (end = strchr(line, '\n')) != NULL; line = end + 1) {
        json_error_t error;
        json_t *object = json_loadb(line, (size_t)(end - line), 0, &error); /* keys repeat here */
        assert_non_null(object);
        bool is_whole = line_count == 4;
        assert_int_equal(json_is_true(json_object_get(object, "cut")), !is_whole);
        if (line_count == 5) {
            const char *value = text_of(object, "v");
            assert_int_equal(strlen(value), 1024 + strlen("...[cut]"));
            assert_string_equal(value + 1024, "...[cut]");
        }
        json_decref(object);
        line_count++;
    }
    assert_int_equal(line_count, 6);
    free(reader.text);
}

static void test_levels_below_the_one_in_force_cost_nothing(void **state)
{
    (void)state;
    struct reader_thread reader;
    reader_start(&reader, EVENT_JSON, EVENT_WARNING);
    event_say(EVENT_INFO, "quiet", "%s", "not seen");
    event_say(EVENT_ERROR, "loud", "seen %d", 1);
    struct event event;
    event_begin(&event, EVENT_DEBUG, "quiet");
    assert_false(event.is_wanted);
    event_text(&event, "a", "b");
    event_texts(&event, "c", (const char *const[]){"d"}, 1);
    event_number(&event, "n", 1);
    event_flag(&event, "f", true);
    event_end(&event, true);
    reader_stop(&reader);
    assert_null(strstr(reader.text, "quiet"));
    assert_non_null(strstr(reader.text, "\"event\":\"loud\",\"message\":\"seen 1\"}\n"));
    free(reader.text);
}

enum { THREAD_COUNT = 8, LINE_COUNT = 3000 };

static void *say_much(void *argument)
{
    int64_t thread = (int64_t)(intptr_t)argument;
    for (int64_t i = 0; i < LINE_COUNT; i++) {
        struct event event;
        event_begin(&event, EVENT_INFO, "message.accepted");
        event_number(&event, "thread", thread);
        event_number(&event, "number", i);
        event_text(&event, "padding",
                   "a good hundred characters, so that the rings wrap around several times here");
        event_end(&event, true);
    }
    return NULL;
}

static void test_many_threads_lose_and_mix_nothing(void **state)
{
    (void)state;
    uint64_t dropped_before = event_dropped();
    struct reader_thread reader;
    reader_start(&reader, EVENT_JSON, EVENT_INFO);
    pthread_t threads[THREAD_COUNT];
    for (intptr_t i = 0; i < THREAD_COUNT; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, say_much, (void *)i), 0);
    }
    for (size_t i = 0; i < THREAD_COUNT; i++) {
        pthread_join(threads[i], NULL);
    }
    reader_stop(&reader);
    int64_t next[THREAD_COUNT] = {0};
    for (char *line = reader.text, *end; (end = strchr(line, '\n')) != NULL; line = end + 1) {
        json_t *object = parse_line(line, (size_t)(end - line));
        int64_t thread = json_integer_value(json_object_get(object, "thread"));
        assert_int_equal(json_integer_value(json_object_get(object, "number")), next[thread]);
        next[thread]++;
        json_decref(object);
    }
    for (size_t i = 0; i < THREAD_COUNT; i++) {
        assert_int_equal(next[i], LINE_COUNT);
    }
    assert_int_equal(event_dropped(), dropped_before);
    free(reader.text);
}

static uint64_t now_ms(void)
{
    return clock_monotonic_ms(&clock_system);
}

/* Nobody reads: refusals are dropped at once, an accept waits once and then goes on, and stopping ends. */
static void test_a_stalled_reader_stops_nobody(void **state)
{
    (void)state;
    struct reader_thread reader;
    pipe_open(&reader);
    uint64_t dropped_before = event_dropped();
    assert_int_equal(event_writer_start(reader.ends[1], EVENT_JSON, EVENT_INFO), OK);
    char padding[1000];
    memset(padding, 'p', sizeof padding - 1);
    padding[sizeof padding - 1] = '\0';
    uint64_t start_ms = now_ms();
    for (unsigned i = 0; i < 2000; i++) {
        event_say(EVENT_INFO, "rcpt.refused", "%s", padding);
    }
    assert_true(now_ms() - start_ms < 1000);
    uint64_t dropped_refusals = event_dropped() - dropped_before;
    assert_true(dropped_refusals > 1000);
    struct event event;
    unsigned kept = 0;
    for (; event_dropped() == dropped_before + dropped_refusals; kept++) {
        event_begin(&event, EVENT_INFO, "message.accepted");
        event_text(&event, "padding", padding);
        event_end(&event, true);
    }
    assert_true(kept > 10); /* an eighth of the ring is theirs */
    uint64_t waited_ms = now_ms() - start_ms;
    assert_true(waited_ms >= 900);
    for (unsigned i = 0; i < 100; i++) {
        event_begin(&event, EVENT_INFO, "message.accepted");
        event_text(&event, "padding", padding);
        event_end(&event, true);
    }
    assert_true(now_ms() - start_ms - waited_ms < 800); /* one wait a stall */
    start_ms = now_ms();
    event_writer_stop(20);
    assert_true(now_ms() - start_ms < 5000);
    assert_true(event_dropped() > dropped_before + 2000); /* what waited in the ring counts as dropped too */
    close(reader.ends[0]);
    close(reader.ends[1]);
}

/* A reader that reads again gets everything that was kept. */
static void test_a_reader_comes_back(void **state)
{
    (void)state;
    struct reader_thread reader;
    pipe_open(&reader);
    uint64_t dropped_before = event_dropped();
    assert_int_equal(event_writer_start(reader.ends[1], EVENT_JSON, EVENT_INFO), OK);
    for (unsigned i = 0; i < 1000; i++) {
        event_say(EVENT_INFO, "x", "%090u", i); /* more than a pipe holds, less than a ring */
    }
    assert_int_equal(pthread_create(&reader.thread, NULL, read_all, &reader), 0);
    reader_stop(&reader);
    unsigned count = 0;
    for (const char *at = reader.text; (at = strchr(at, '\n')) != NULL; at++) {
        count++;
    }
    assert_int_equal(count, 1000);
    assert_int_equal(event_dropped(), dropped_before);
    free(reader.text);
}

static void test_a_closed_reader_counts_as_dropped(void **state)
{
    (void)state;
    struct reader_thread reader;
    pipe_open(&reader);
    close(reader.ends[0]);
    uint64_t dropped_before = event_dropped();
    assert_int_equal(event_writer_start(reader.ends[1], EVENT_JSON, EVENT_INFO), OK);
    for (unsigned i = 0; i < 10; i++) {
        event_say(EVENT_INFO, "x", "nobody hears");
    }
    event_writer_stop(10000);
    assert_int_equal(event_dropped(), dropped_before + 10);
    close(reader.ends[1]);
}

static void test_a_full_disk_counts_as_dropped(void **state)
{
    (void)state;
    int full = open("/dev/full", O_WRONLY);
    assert_true(full >= 0);
    uint64_t dropped_before = event_dropped();
    assert_int_equal(event_writer_start(full, EVENT_TEXT, EVENT_INFO), OK);
    event_say(EVENT_INFO, "x", "no room");
    event_writer_stop(10000);
    event_writer_stop(10000); /* once is enough */
    assert_int_equal(event_dropped(), dropped_before + 1);
    close(full);
}

static void test_a_descriptor_that_does_not_block(void **state)
{
    (void)state;
    struct reader_thread reader;
    pipe_open(&reader);
    assert_int_equal(fcntl(reader.ends[1], F_SETFL, O_NONBLOCK), 0);
    assert_int_equal(event_writer_start(reader.ends[1], EVENT_JSON, EVENT_INFO), OK);
    for (unsigned i = 0; i < 1000; i++) {
        event_say(EVENT_INFO, "x", "%090u", i);
    }
    assert_int_equal(pthread_create(&reader.thread, NULL, read_all, &reader), 0);
    reader_stop(&reader);
    unsigned count = 0;
    for (const char *at = reader.text; (at = strchr(at, '\n')) != NULL; at++) {
        count++;
    }
    assert_int_equal(count, 1000);
    free(reader.text);
}

int main(void)
{
    alarm(120); /* the watchdog */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_line_of_json),
        cmocka_unit_test(test_a_line_of_text),
        cmocka_unit_test(test_hostile_values_stay_one_line_of_json),
        cmocka_unit_test(test_long_values_are_cut_with_a_mark),
        cmocka_unit_test(test_levels_below_the_one_in_force_cost_nothing),
        cmocka_unit_test(test_many_threads_lose_and_mix_nothing),
        cmocka_unit_test(test_a_stalled_reader_stops_nobody),
        cmocka_unit_test(test_a_reader_comes_back),
        cmocka_unit_test(test_a_closed_reader_counts_as_dropped),
        cmocka_unit_test(test_a_full_disk_counts_as_dropped),
        cmocka_unit_test(test_a_descriptor_that_does_not_block),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
