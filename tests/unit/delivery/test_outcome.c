/* What the log and the metrics say about an attempt (contract 6). */
/* fakes: delivery name_server smart_host organization */
#include "fakes/fake_delivery.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/event.h"
#include "base/metric.h"

#include <cmocka.h>

static void read_page(char *page, size_t size)
{
    struct buffer body;
    buffer_init(&body, size);
    assert_int_equal(metric_write(&body), OK);
    snprintf(page, size, "%.*s", BYTES_ARG(buffer_bytes(&body)));
    buffer_done(&body);
}

/* proves: contract-6 */
static void test_metrics(void **state)
{
    (void)state;
    static char page[1 << 20];
    struct fake_delivery world;
    fake_delivery_open(&world);
    read_page(page, sizeof page);
    assert_non_null(strstr(page, "\ndirrelay_messages_delivered_total 0\n"));
    assert_non_null(strstr(page, "\ndirrelay_messages_deferred_total 0\n"));
    assert_non_null(strstr(page, "\ndirrelay_queue_messages 0\n"));
    assert_non_null(strstr(page, "\ndirrelay_queue_oldest_seconds 0\n"));
    assert_non_null(strstr(page, "\ndirrelay_delivery_seconds_count 0\n"));
    world.host.rules = (struct smart_host_rule[]){{"later@d.example", "450 4.2.0 busy"}, {0}};
    uint64_t id = fake_delivery_put_small(&world, "a@b.example", "now@d.example later@d.example");
    fake_delivery_wait_attempts(&world, id, 1);
    fake_delivery_pass(&world, 30000);
    read_page(page, sizeof page);
    assert_non_null(strstr(page, "\ndirrelay_messages_delivered_total 1\n"));
    assert_non_null(strstr(page, "\ndirrelay_messages_deferred_total 1\n"));
    assert_non_null(strstr(page, "\ndirrelay_queue_messages 1\n"));
    assert_non_null(strstr(page, "\ndirrelay_queue_oldest_seconds 30\n"));
    assert_non_null(strstr(page, "\ndirrelay_delivery_seconds_count 1\n"));
    fake_delivery_close(&world);
}

static const char *find_line(const char *log, const char *event, const char *part)
{
    static char line[8192];
    struct bytes one, rest = bytes_of_text(log);
    while (bytes_next(&rest, '\n', &one)) {
        snprintf(line, sizeof line, "%.*s", BYTES_ARG(one));
        if (strstr(line, event) && strstr(line, part))
            return line;
    }
    fail_msg("no line with %s and %s", event, part);
    return NULL;
}

static void check_fields(const char *line, const char *const *fields)
{
    assert_non_null(line);
    for (; *fields; fields++) {
        if (!strstr(line, *fields))
            fail_msg("%s is not in %s", *fields, line);
    }
}

/* proves: contract-6 */
static void test_events(void **state)
{
    (void)state;
    static char log[1 << 16];
    struct fake_delivery world;
    FILE *file = tmpfile();
    assert_non_null(file);
    assert_int_equal(event_writer_start(fileno(file), EVENT_JSON, EVENT_INFO), OK);
    fake_delivery_open(&world);
    world.host.rules = (struct smart_host_rule[]){
        {"later@d.example", "450 4.2.0 busy"}, {"never@d.example", "550 5.1.1 No such user"}, {0}};
    uint64_t id =
        fake_delivery_put_small(&world, "a@b.example", "now@d.example later@d.example never@d.example");
    fake_delivery_wait_attempts(&world, id, 1);
    fake_delivery_close(&world);
    event_writer_stop(5000);
    event_set_level(EVENT_ERROR);
    rewind(file);
    log[fread(log, 1, sizeof log - 1, file)] = 0;
    fclose(file);

    static const char *const COMMON[] = {"\"time\":\"",
                                         "\"connector\":\"MX1\\\\Relay\"",
                                         "\"client\":\"10.1.0.1:4711\"",
                                         "\"id\":1",
                                         "\"message_id\":\"<1@client.example>\"",
                                         "\"sender\":\"a@b.example\"",
                                         "\"hop\":\"Internet\"",
                                         "\"attempts\":1",
                                         NULL};
    const char *line = find_line(log, "\"event\":\"message.delivered\"", "now@d.example");
    check_fields(line, COMMON);
    check_fields(line, (const char *const[]){"\"level\":\"info\"", "\"reply\":\"250 2.0.0 taken\"", NULL});
    line = find_line(log, "\"event\":\"message.deferred\"", "later@d.example");
    check_fields(line, COMMON);
    check_fields(line, (const char *const[]){"\"reply\":\"450 4.2.0 busy\"", "\"next\":\"20", NULL});
    line = find_line(log, "\"event\":\"message.bounced\"", "never@d.example");
    check_fields(line, COMMON);
    check_fields(line, (const char *const[]){"\"level\":\"warning\"", "550 5.1.1 No such user", NULL});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_metrics),
        cmocka_unit_test(test_events),
    };
    event_set_level(EVENT_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
