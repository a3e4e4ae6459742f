/* room: admin */
/* fakes: directory organization */
/* What comes over the administrator's socket, with messages in the queue: lines of JSON are answered by lines
 * of JSON of which the last is the end, and the daemon goes on. The first byte cuts, the rest is the request.
 */
#include "admin/service.h"
#include "fakes/fake_directory.h"
#include "fakes/fake_organization.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define NOW      INT64_C(1700000000000)
#define MESSAGES 3

static struct sockaddr_un address = {.sun_family = AF_UNIX};
static struct loop *loop;
static struct clock_fake clock;
static struct admin_service service;

static void turn(void)
{
    for (int i = 0; i < 20; i++)
        loop_turn(loop);
}

static void on_committed(void *owner, enum error error)
{
    (void)owner;
    assert(error == OK);
}

static void put(void)
{
    struct envelope_recipient to = {.address = BYTES_LITERAL("kate@fabrikam.com")};
    struct envelope envelope = {.sender = BYTES_LITERAL("chris@contoso.com"),
                                .recipients = &to,
                                .recipient_count = 1,
                                .arrived_ms = NOW - 3600000,
                                .next_attempt_ms = NOW + 60000,
                                .attempts = 1,
                                .size_bytes = 5,
                                .header_bytes = 2};
    bool must_wait;
    struct spool_message *message = service.spool->ops->begin(service.spool, loop);
    envelope.id = service.spool->ops->message_id(message);
    enum error error = service.spool->ops->append(message, BYTES_LITERAL("\r\nx\r\n"), &must_wait);
    assert(error == OK);
    (void)error;
    service.spool->ops->commit(message, &envelope, on_committed, NULL);
    turn();
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

static void remove_socket(void)
{
    unlink(address.sun_path);
}

static void start(void)
{
    struct note note = {0};
    struct control *control;
    clock_fake_init(&clock, 1000, NOW);
    loop = loop_new("fuzz", &clock.clock);
    service = (struct admin_service){.clock = &clock.clock,
                                     .spool = spool_memory_new(&clock.clock),
                                     .delivery_loop = loop,
                                     .directory_loop = loop,
                                     .limits = connection_limits_new()};
    struct delivery_config config = {
        .loop = loop,
        .spool = service.spool,
        .clock = &clock.clock,
        .schedule = {.delays_ms = {60000}, .delay_count = 1, .expire_ms = 86400000}};
    struct keeper_config keeper = {.directory = fake_directory_face(fake_directory_new(loop)),
                                   .server_name = "MX1",
                                   .host_fqdn = "mx1.contoso.com",
                                   .clock = &clock.clock,
                                   .on_publish = on_publish,
                                   .on_failure = on_failure};
    snprintf(address.sun_path, sizeof address.sun_path, "/tmp/dirrelay-fuzz-%d", (int)getpid());
    atexit(remove_socket);
    if (delivery_start(&config, &service.delivery, &note) || keeper_start(&keeper, &service.keeper, &note) ||
        control_start(loop, address.sun_path, ADMIN_COMMANDS, &service, &control, &note))
        abort();
    turn();
}

static void check_answer(struct bytes answer)
{
    struct bytes line;
    bool is_ended = false;
    while (bytes_next(&answer, '\n', &line)) {
        json_t *object = json_loadb(line.ptr, line.len, 0, NULL);
        assert(json_is_object(object) && !is_ended);
        is_ended = json_is_true(json_object_get(object, "end"));
        json_decref(object);
    }
    assert(is_ended);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char answer[1 << 20];
    size_t used = 0;
    ssize_t got = -1;
    if (!loop)
        start();
    if (size < 1 || size > 60000)
        return 0;
    while (service.spool->ops->count(service.spool) < MESSAGES)
        put();
    struct bytes request = {(const char *)data + 1, size - 1};
    size_t step = data[0] ? data[0] * 4u : size;
    int descriptor = socket(AF_UNIX, SOCK_STREAM, 0);
    if (connect(descriptor, (struct sockaddr *)&address, sizeof address) != 0)
        abort();
    for (; request.len > 0; request = bytes_skip(request, step)) {
        struct bytes piece = bytes_first(request, step);
        if (send(descriptor, piece.ptr, piece.len, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
            break;
        loop_turn(loop);
    }
    (void)send(descriptor, "\n", 1, MSG_NOSIGNAL | MSG_DONTWAIT);
    for (int i = 0; i < 1000 && got != 0; i++) {
        loop_turn(loop);
        got = recv(descriptor, answer + used, sizeof answer - used, MSG_DONTWAIT);
        if (got < 0 && errno == ECONNRESET)
            break;
        used += got > 0 ? (size_t)got : 0;
    }
    close(descriptor);
    turn();
    if (got == 0)
        check_answer((struct bytes){answer, used});
    else
        assert(errno == ECONNRESET); /* it went on talking behind the answer */
    return 0;
}
