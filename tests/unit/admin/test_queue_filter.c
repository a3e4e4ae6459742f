/* Filters of the queue commands, and how a message is shown. */
#include "admin/queue_filter.h"
#include "admin/queue_json.h"
#include "admin/safe_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define NOW INT64_C(1700000000000)

static struct envelope_recipient recipients[] = {
    {.address = BYTES_LITERAL("Kate@Fabrikam.com"),
     .state = RECIPIENT_PENDING,
     .reply = BYTES_LITERAL("451 4.4.0 later")},
    {.address = BYTES_LITERAL("\"a@b\"@sub.example.org"),
     .state = RECIPIENT_DELIVERED,
     .reply = BYTES_LITERAL("250 ok")},
    {.address = BYTES_LITERAL("root@[10.0.0.1]"), .state = RECIPIENT_FAILED},
};

static struct envelope make(void)
{
    return (struct envelope){
        .id = 17,
        .sender = BYTES_LITERAL("chris@contoso.com"),
        .recipients = recipients,
        .recipient_count = 3,
        .arrived_ms = NOW - 3600000,
        .next_attempt_ms = NOW + 60000,
        .attempts = 2,
        .size_bytes = 4096,
        .message_id = BYTES_LITERAL("<1@mx1>"),
        .connector = BYTES_LITERAL("MX1\\Relay"),
        .hop = BYTES_LITERAL("[10.9.9.9]:25"),
    };
}

static bool matches(const char *text)
{
    struct queue_filter filter;
    struct note note = {0};
    struct envelope envelope = make();
    if (queue_filter_parse(bytes_of_text(text), &filter, &note))
        fail_msg("%s", note.text);
    return queue_filter_matches(&filter, &envelope, NOW);
}

/* proves: contract-4 */
static void every_field_filters(void **state)
{
    (void)state;
    static const char *const YES[] = {"",
                                      "sender=chris@contoso.com",
                                      "sender=CHRIS@*",
                                      " Sender = *contoso.com ",
                                      "recipient=kate@fabrikam.com",
                                      "recipient=root@[10.0.0.1]",
                                      "domain=fabrikam.com",
                                      "domain=sub.example.org",
                                      "domain=[10.0.0.?]",
                                      "hop=[10.9.9.9]:25",
                                      "hop=[10.*",
                                      "state=retry",
                                      "age=>59m",
                                      "age=>3599",
                                      "age=<2h",
                                      "size=>4095",
                                      "size=<5K",
                                      "sender=*@contoso.com,domain=fabrikam.com,age=>1m,age=<1d,size=>1k"};
    static const char *const NO[] = {"sender=kate@fabrikam.com",
                                     "sender=",
                                     "sender=chris",
                                     "recipient=chris*",
                                     "domain=b",
                                     "domain=example.org",
                                     "domain=10.0.0.1",
                                     "hop=[0-9]*",
                                     "state=held",
                                     "state=ready",
                                     "age=>1h",
                                     "age=<1h",
                                     "age=>1d",
                                     "size=>4096",
                                     "size=<4K",
                                     "sender=*@contoso.com,domain=contoso.com"};
    for (size_t i = 0; i < sizeof YES / sizeof YES[0]; i++) {
        if (!matches(YES[i]))
            fail_msg("%s", YES[i]);
    }
    for (size_t i = 0; i < sizeof NO / sizeof NO[0]; i++) {
        if (matches(NO[i]))
            fail_msg("%s", NO[i]);
    }
}

static void what_is_no_filter_is_named(void **state)
{
    (void)state;
    static const char *const BAD[] = {
        "sender",   "sendr=a", "=a",           ",",        "sender=a,,size=>1",
        "age=1h",   "age=>",   "age=",         "age=>1w",  "age=>-1",
        "size=>1h", "size=>K", "size=1M",      "age>1h",   "size=>99999999999999999",
        "size==1",  "*",       "recipients=a", "age=>> 1h"};
    for (size_t i = 0; i < sizeof BAD / sizeof BAD[0]; i++) {
        struct queue_filter filter;
        struct note note = {0};
        if (queue_filter_parse(bytes_of_text(BAD[i]), &filter, &note) == OK)
            fail_msg("%s", BAD[i]);
        assert_memory_equal(note.text, "filter \"", 8);
    }
    char many[400] = "";
    for (int i = 0; i <= QUEUE_FILTER_TERMS_MAX; i++)
        strncat(many, "sender=*,", sizeof many - strlen(many) - 1);
    struct queue_filter filter;
    struct note note = {0};
    assert_int_equal(queue_filter_parse(bytes_of_text(many), &filter, &note), ERROR_LIMIT);
    assert_string_equal(note.text, "filter: more than 16 terms");
    many[strlen(many) - strlen("sender=*,")] = '\0';
    assert_int_equal(queue_filter_parse(bytes_of_text(many), &filter, &note), OK);
    assert_int_equal(filter.count, QUEUE_FILTER_TERMS_MAX);
}

static bool sender_matches(const char *glob, struct bytes sender)
{
    char text[2048] = "sender=";
    struct queue_filter filter;
    struct note note = {0};
    struct envelope envelope = make();
    envelope.sender = sender;
    strncat(text, glob, sizeof text - strlen(text) - 1);
    assert_int_equal(queue_filter_parse(bytes_of_text(text), &filter, &note), OK);
    return queue_filter_matches(&filter, &envelope, NOW);
}

static void globs_know_stars_and_question_marks(void **state)
{
    (void)state;
    static const char *const YES[][2] = {
        {"*", ""},          {"*", "abc"},     {"**", ""},      {"a*c", "ac"},    {"a*c", "abbc"},
        {"*b*", "abc"},     {"a?c", "aXc"},   {"*a*a*", "aa"}, {"*ab", "aabab"}, {"?", "*"},
        {"[a-z]", "[a-z]"}, {"a\\*", "a\\b"}, {"", ""}};
    static const char *const NO[][2] = {{"", "a"},      {"a", ""},      {"?", ""},
                                        {"a?c", "ac"},  {"*ab", "abc"}, {"ab*", "cab"},
                                        {"[a-z]", "b"}, {"*a*a*", "a"}, {"a\\*", "a*b"}};
    for (size_t i = 0; i < sizeof YES / sizeof YES[0]; i++)
        assert_true(sender_matches(YES[i][0], bytes_of_text(YES[i][1])));
    for (size_t i = 0; i < sizeof NO / sizeof NO[0]; i++)
        assert_false(sender_matches(NO[i][0], bytes_of_text(NO[i][1])));
    assert_true(sender_matches("*@b", BYTES_LITERAL("a\0a@b")));
    static char slow[1000]; /* many stars over a long text end soon */
    memset(slow, 'a', sizeof slow);
    assert_false(sender_matches("*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*b", (struct bytes){slow, sizeof slow}));
}

static void states_follow_attempts_and_holds(void **state)
{
    (void)state;
    struct envelope envelope = make();
    assert_string_equal(queue_state(&envelope, NOW), "retry");
    envelope.is_held = true;
    assert_string_equal(queue_state(&envelope, NOW), "held");
    envelope.is_held = false;
    envelope.next_attempt_ms = NOW;
    assert_string_equal(queue_state(&envelope, NOW), "ready");
    envelope = make();
    envelope.attempts = 0;
    envelope.next_attempt_ms = 0;
    assert_string_equal(queue_state(&envelope, NOW), "ready");
    envelope.arrived_ms = NOW + 5000; /* the clock went back */
    struct queue_filter filter;
    assert_int_equal(queue_filter_parse(BYTES_LITERAL("age=<1s"), &filter, NULL), OK);
    assert_true(queue_filter_matches(&filter, &envelope, NOW));
}

static void check_json(json_t *value, const char *expected)
{
    char *text = json_dumps(value, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY);
    assert_string_equal(text, expected);
    free(text);
    json_decref(value);
}

/* proves: contract-4 */
static void a_message_has_the_contracts_shape(void **state)
{
    (void)state;
    struct envelope envelope = make();
    check_json(queue_json(&envelope, NOW),
               "{\"arrived\":\"2023-11-14T21:13:20.000Z\",\"attempts\":2,\"connector\":\"MX1\\\\Relay\","
               "\"hop\":\"[10.9.9.9]:25\",\"id\":\"17\",\"message_id\":\"<1@mx1>\","
               "\"next\":\"2023-11-14T22:14:20.000Z\",\"recipients\":["
               "{\"address\":\"Kate@Fabrikam.com\",\"reply\":\"451 4.4.0 later\",\"state\":\"pending\"},"
               "{\"address\":\"\\\"a@b\\\"@sub.example.org\",\"reply\":\"250 ok\",\"state\":\"delivered\"},"
               "{\"address\":\"root@[10.0.0.1]\",\"reply\":\"\",\"state\":\"failed\"}],"
               "\"sender\":\"chris@contoso.com\",\"size\":4096,\"state\":\"retry\"}");
    envelope = (struct envelope){.id = UINT64_MAX, .arrived_ms = NOW};
    check_json(queue_json(&envelope, NOW),
               "{\"arrived\":\"2023-11-14T22:13:20.000Z\",\"attempts\":0,\"connector\":\"\",\"hop\":\"\","
               "\"id\":\"18446744073709551615\",\"message_id\":\"\",\"next\":\"2023-11-14T22:13:20.000Z\","
               "\"recipients\":[],\"sender\":\"\",\"size\":0,\"state\":\"ready\"}");
}

/* proves: R18 */
static void bytes_that_are_no_utf8_are_still_shown(void **state)
{
    (void)state;
    static char large[5000];
    struct envelope envelope = make();
    envelope.sender = BYTES_LITERAL("a\xff\r\n@b");
    json_t *object = queue_json(&envelope, NOW);
    assert_string_equal(json_string_value(json_object_get(object, "sender")), "a???@b");
    json_decref(object);
    check_json(safe_text_json(BYTES_LITERAL("gr\xc3\xbc\x01[1m\r\n")), "\"gr\xc3\xbc\\u0001[1m\\r\\n\"");
    check_json(safe_text_json(BYTES_LITERAL("a\0b")), "\"a\\u0000b\"");
    check_json(safe_text_json((struct bytes){0}), "\"\"");
    memset(large, 'x', sizeof large);
    large[4999] = '\xff';
    json_t *cut = safe_text_json((struct bytes){large, sizeof large});
    assert_int_equal(json_string_length(cut), 1024);
    json_decref(cut);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_field_filters),
        cmocka_unit_test(what_is_no_filter_is_named),
        cmocka_unit_test(globs_know_stars_and_question_marks),
        cmocka_unit_test(states_follow_attempts_and_holds),
        cmocka_unit_test(a_message_has_the_contracts_shape),
        cmocka_unit_test(bytes_that_are_no_utf8_are_still_shown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
