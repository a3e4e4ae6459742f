/* fakes: directory organization */
/* The commands "queue" and "status" over a real socket, with the real delivery on a spool in memory. There is
 * no organization to deliver by, so that messages stay where they are. */
#include "admin/service.h"
#include "fakes/fake_directory.h"
#include "fakes/fake_organization.h"
#include "unit/admin/control_socket.h"

#include <errno.h>
#include <string.h>

#define NOW INT64_C(1700000000000)

static struct loop *loop;
static struct clock_fake clock;
static struct admin_service service;
static struct control *control;
static struct fake_directory *directory;
static json_t *lines; /* of the last answer, without the end */
static int code;
static char message[256];

static void turn(void)
{
    for (int i = 0; i < 20; i++)
        loop_turn(loop);
}

static void on_committed(void *owner, enum error error)
{
    (void)owner;
    assert_int_equal(error, OK);
}

static uint64_t put(const char *sender, const char *recipient, uint32_t attempts)
{
    struct envelope_recipient to = {.address = bytes_of_text(recipient)};
    struct envelope envelope = {.sender = bytes_of_text(sender),
                                .recipients = &to,
                                .recipient_count = 1,
                                .arrived_ms = NOW - 3600000,
                                .next_attempt_ms = attempts ? NOW + 60000 : 0,
                                .attempts = attempts,
                                .size_bytes = 5,
                                .header_bytes = 2};
    bool must_wait;
    struct spool_message *spooled = service.spool->ops->begin(service.spool, loop);
    uint64_t id = envelope.id = service.spool->ops->message_id(spooled);
    assert_int_equal(service.spool->ops->append(spooled, BYTES_LITERAL("\r\nx\r\n"), &must_wait), OK);
    service.spool->ops->commit(spooled, &envelope, on_committed, NULL);
    turn();
    return id;
}

static void on_publish(void *owner, const struct organization *organization)
{
    (void)owner;
    (void)organization;
}

static void on_failure(void *owner, enum error error, const char *why)
{
    (void)owner;
    (void)error;
    (void)why;
}

static int start(void **state)
{
    (void)state;
    struct note note = {0};
    clock_fake_init(&clock, 1000, NOW);
    loop = loop_new("test", &clock.clock);
    directory = fake_directory_new(loop);
    service = (struct admin_service){.clock = &clock.clock,
                                     .spool = spool_memory_new(&clock.clock),
                                     .delivery_loop = loop,
                                     .directory_loop = loop,
                                     .limits = connection_limits_new(),
                                     .pressure = {{.resource = "disk", .marks = {80, 89, 99}, .value = 20},
                                                  {.resource = "memory"},
                                                  {.resource = "queue", .level = PRESSURE_HIGH}}};
    struct delivery_config config = {
        .loop = loop,
        .spool = service.spool,
        .clock = &clock.clock,
        .schedule = {.delays_ms = {60000}, .delay_count = 1, .expire_ms = 86400000}};
    struct keeper_config keeper = {.directory = fake_directory_face(directory),
                                   .server_name = "MX1",
                                   .host_fqdn = "mx1.contoso.com",
                                   .clock = &clock.clock,
                                   .on_publish = on_publish,
                                   .on_failure = on_failure};
    if (delivery_start(&config, &service.delivery, &note) || keeper_start(&keeper, &service.keeper, &note) ||
        control_start(loop, address.sun_path, ADMIN_COMMANDS, &service, &control, &note))
        return -1;
    turn();
    return 0;
}

static void on_stopped(void *owner)
{
    *(bool *)owner = true;
}

static int stop(void **state)
{
    (void)state;
    bool is_stopped = false;
    control_stop(control);
    keeper_stop(service.keeper);
    delivery_stop(service.delivery, on_stopped, &is_stopped);
    turn();
    delivery_free(service.delivery);
    fake_directory_free(directory);
    turn();
    service.spool->ops->close(service.spool);
    organization_unref(service.organization);
    loop_free(loop);
    connection_limits_free((struct connection_limits *)(uintptr_t)service.limits);
    json_decref(lines);
    lines = NULL;
    return is_stopped ? 0 : -1;
}

/* One request; its answer in lines, code and message. */
static void ask(const char *request)
{
    static char answer[1 << 20];
    size_t used = 0;
    ssize_t got = -1;
    int descriptor = dial();
    assert_int_equal(send(descriptor, request, strlen(request), 0), strlen(request));
    assert_int_equal(send(descriptor, "\n", 1, 0), 1);
    for (int i = 0; i < 1000000 && got != 0; i++) {
        loop_turn(loop);
        got = recv(descriptor, answer + used, sizeof answer - used, MSG_DONTWAIT);
        assert_true(got >= 0 || errno == EAGAIN);
        used += got > 0 ? (size_t)got : 0;
    }
    assert_int_equal(got, 0);
    close(descriptor);
    turn();

    struct bytes rest = {answer, used}, line;
    json_decref(lines);
    lines = json_array();
    code = -1;
    message[0] = '\0';
    while (bytes_next(&rest, '\n', &line)) {
        json_t *object = json_loadb(line.ptr, line.len, 0, NULL);
        assert_int_equal(code, -1); /* nothing behind the end */
        assert_non_null(object);
        if (json_is_true(json_object_get(object, "end"))) {
            const char *text = json_string_value(json_object_get(object, "message"));
            code = (int)json_integer_value(json_object_get(object, "code"));
            snprintf(message, sizeof message, "%s", text ? text : "");
            json_decref(object);
        } else {
            json_array_append_new(lines, object);
        }
    }
    assert_int_not_equal(code, -1);
}

static const char *text_at(size_t index, const char *key)
{
    return json_string_value(json_object_get(json_array_get(lines, index), key));
}

static void check_ids(const char *request, int expected_code, size_t count)
{
    ask(request);
    assert_int_equal(code, expected_code);
    assert_int_equal(json_array_size(lines), count);
}

/* proves: contract-4 */
static void list_and_show_give_the_messages_asked_for(void **state)
{
    (void)state;
    check_ids("{\"command\":\"queue\",\"action\":\"list\"}", 1, 0);
    put("chris@contoso.com", "kate@fabrikam.com", 0);
    put("bob@contoso.com", "kate@example.org", 1);
    uint64_t last = put("", "chris@contoso.com", 2);
    check_ids("{\"command\":\"queue\",\"action\":\"list\"}", 0, 3);
    assert_string_equal(text_at(0, "sender"), "chris@contoso.com");
    assert_string_equal(text_at(0, "state"), "ready");
    assert_string_equal(text_at(1, "state"), "retry");
    assert_string_equal(text_at(2, "sender"), "");
    check_ids("{\"command\":\"queue\",\"action\":\"list\",\"filter\":\"domain=example.org\"}", 0, 1);
    assert_string_equal(text_at(0, "sender"), "bob@contoso.com");
    check_ids("{\"command\":\"queue\",\"action\":\"list\",\"filter\":\"age=>2h\"}", 1, 0);

    char request[128];
    snprintf(request, sizeof request, "{\"command\":\"queue\",\"action\":\"show\",\"ids\":[\"%llu\"]}",
             (unsigned long long)last);
    check_ids(request, 0, 1);
    assert_string_equal(text_at(0, "sender"), "");
    snprintf(request, sizeof request,
             "{\"command\":\"queue\",\"action\":\"show\",\"ids\":[\"%llu\",\"999999\",\"x\",7]}",
             (unsigned long long)last);
    check_ids(request, 0, 1);
    assert_string_equal(message, "some messages were not there");
    check_ids("{\"command\":\"queue\",\"action\":\"show\",\"ids\":[\"999999\"]}", 1, 0);
    check_ids("{\"command\":\"queue\",\"action\":\"show\",\"ids\":[]}", 1, 0);
}

/* What cannot be understood acts on nothing. */
static void a_member_of_another_type_widens_nothing(void **state)
{
    (void)state;
    static const char *const WRONG[] = {
        "{\"command\":\"queue\"}",
        "{\"command\":\"queue\",\"action\":\"bounce\"}",
        "{\"command\":\"queue\",\"action\":5}",
        "{\"command\":\"queue\",\"action\":\"remove\",\"ids\":\"1\"}",
        "{\"command\":\"queue\",\"action\":\"remove\",\"ids\":null}",
        "{\"command\":\"queue\",\"action\":\"remove\",\"ids\":{\"1\":2}}",
        "{\"command\":\"queue\",\"action\":\"remove\",\"filter\":5}",
        "{\"command\":\"queue\",\"action\":\"remove\",\"filter\":\"\"}",
        "{\"command\":\"queue\",\"action\":\"remove\",\"filter\":null}",
        "{\"command\":\"queue\",\"action\":\"remove\",\"filter\":[\"age=>1h\"]}",
        "{\"command\":\"queue\",\"action\":\"remove\",\"filter\":\"colour=red\"}",
        "{\"command\":\"queue\",\"action\":\"remove\",\"filter\":\"sender=*\\u0000,size=>1\"}"};
    put("chris@contoso.com", "kate@fabrikam.com", 0);
    for (size_t i = 0; i < sizeof WRONG / sizeof WRONG[0]; i++) {
        ask(WRONG[i]);
        if (code == 0)
            fail_msg("%s", WRONG[i]);
    }
    assert_int_equal(service.spool->ops->count(service.spool), 1);
}

/* proves: contract-4 */
static void a_long_list_comes_in_batches(void **state)
{
    (void)state;
    for (int i = 0; i < 200; i++)
        put(i % 2 ? "odd@contoso.com" : "even@contoso.com", "kate@fabrikam.com", 1);
    check_ids("{\"command\":\"queue\",\"action\":\"list\"}", 0, 200);
    for (size_t i = 1; i < 200; i++)
        assert_true(strtoull(text_at(i, "id"), NULL, 10) > strtoull(text_at(i - 1, "id"), NULL, 10));
    check_ids("{\"command\":\"queue\",\"action\":\"list\",\"filter\":\"sender=odd*\"}", 0, 100);
}

/* proves: contract-4 */
static void actions_change_what_they_name(void **state)
{
    (void)state;
    for (int i = 0; i < 150; i++)
        put(i % 2 ? "odd@contoso.com" : "even@contoso.com", "kate@fabrikam.com", 1);
    check_ids("{\"command\":\"queue\",\"action\":\"hold\",\"filter\":\"sender=odd*\"}", 0, 0);
    check_ids("{\"command\":\"queue\",\"action\":\"list\",\"filter\":\"state=held\"}", 0, 75);
    check_ids("{\"command\":\"queue\",\"action\":\"release\",\"filter\":\"state=held\"}", 0, 0);
    check_ids("{\"command\":\"queue\",\"action\":\"list\",\"filter\":\"state=held\"}", 1, 0);
    check_ids("{\"command\":\"queue\",\"action\":\"retry\",\"filter\":\"sender=even*\"}", 0, 0);
    check_ids("{\"command\":\"queue\",\"action\":\"remove\",\"filter\":\"sender=odd*\"}", 0, 0);
    check_ids("{\"command\":\"queue\",\"action\":\"list\"}", 0, 75);
    assert_int_equal(service.spool->ops->count(service.spool), 75);

    char request[128];
    snprintf(request, sizeof request, "{\"command\":\"queue\",\"action\":\"remove\",\"ids\":[\"%s\"]}",
             text_at(3, "id"));
    check_ids(request, 0, 0);
    check_ids(request, 1, 0);
    assert_string_equal(message, "some messages were not there");
    check_ids("{\"command\":\"queue\",\"action\":\"remove\"}", 0, 0);
    assert_int_equal(service.spool->ops->count(service.spool), 0);
    check_ids("{\"command\":\"queue\",\"action\":\"remove\"}", 1, 0);
}

/* proves: contract-4 */
static void status_has_the_contracts_shape(void **state)
{
    (void)state;
    const char *version, *why, *oldest;
    json_int_t generation, messages;
    ask("{\"command\":\"status\"}");
    assert_int_equal(code, 0);
    assert_int_equal(json_array_size(lines), 1);
    json_t *status = json_array_get(lines, 0);
    assert_true(json_is_null(json_object_get(json_object_get(status, "queue"), "oldest")));
    assert_int_equal(json_array_size(json_object_get(status, "connectors")), 0);

    put("chris@contoso.com", "kate@fabrikam.com", 0);
    service.organization = fake_organization_new(&(struct fake_organization){
        .receive =
            (struct fake_receive[]){{"Relay", .ranges = "10.1.0.0/16", .groups = GROUP_ANONYMOUS_USERS},
                                    {"Off", .ranges = "10.2.0.0/16", .is_disabled = true},
                                    {"Bad", .ranges = "10.3.0.0/16", .refused = "bad value \xff"},
                                    {0}}});
    ask("{\"command\":\"status\"}");
    status = json_array_get(lines, 0);
    assert_int_equal(json_unpack(status, "{s:s,s:{s:s,s:I},s:{s:I,s:o},s:{s:I,s:s}}", "version", &version,
                                 "directory", "state", &why, "age", &generation, "organization", "generation",
                                 &generation, "refused", &(json_t *){NULL}, "queue", "messages", &messages,
                                 "oldest", &oldest),
                     0);
    assert_string_equal(version, DIRRELAY_VERSION);
    assert_int_equal(messages, 1);
    assert_string_equal(oldest, "2023-11-14T21:13:20.000Z");
    json_t *pressure = json_object_get(status, "pressure");
    assert_int_equal(json_array_size(pressure), PRESSURE_GAUGES);
    assert_string_equal(json_string_value(json_object_get(json_array_get(pressure, 2), "level")), "high");
    assert_int_equal(json_integer_value(json_object_get(json_array_get(pressure, 0), "value")), 20);
    json_t *connectors = json_object_get(status, "connectors");
    assert_int_equal(json_array_size(connectors), 3);
    static const char *const EXPECTED[][3] = {{"MX1\\Relay", "serving", NULL},
                                              {"MX1\\Off", "disabled", NULL},
                                              {"MX1\\Bad", "refused", "bad value ?"}};
    for (size_t i = 0; i < 3; i++) {
        json_t *connector = json_array_get(connectors, i);
        const char *name = json_string_value(json_object_get(connector, "name"));
        size_t row = 0;
        while (row < 3 && strcmp(EXPECTED[row][0], name) != 0)
            row++;
        assert_true(row < 3);
        assert_string_equal(json_string_value(json_object_get(connector, "state")), EXPECTED[row][1]);
        assert_int_equal(json_integer_value(json_object_get(connector, "sessions")), 0);
        if (EXPECTED[row][2])
            assert_string_equal(json_string_value(json_object_get(connector, "why")), EXPECTED[row][2]);
    }
}

/* Parts that have ended already are told of, not waited for. */
static void an_ending_server_says_so(void **state)
{
    (void)state;
    struct loop *ended = loop_new("ended", NULL);
    loop_end(ended);
    loop_run(ended);
    put("chris@contoso.com", "kate@fabrikam.com", 1);
    service.delivery_loop = ended;
    check_ids("{\"command\":\"queue\",\"action\":\"hold\"}", 3, 0);
    assert_string_equal(message, "the server is ending");
    check_ids("{\"command\":\"queue\",\"action\":\"list\"}", 0, 1);
    check_ids("{\"command\":\"status\"}", 0, 1);
    service.directory_loop = ended;
    check_ids("{\"command\":\"status\"}", 3, 0);
    assert_string_equal(message, "the server is ending");
    loop_free(ended);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(list_and_show_give_the_messages_asked_for),
        TEST(a_member_of_another_type_widens_nothing),
        TEST(a_long_list_comes_in_batches),
        TEST(actions_change_what_they_name),
        TEST(status_has_the_contracts_shape),
        TEST(an_ending_server_says_so),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
