/* fakes: tls */
/* The lists that are kept: how long, what of failures, and who waits for them. A web server on a thread of
 * its own gives lists; time is moved by hand. */
#include "loop/revocation.h"

#include "base/clock.h"
#include "fakes/fake_tls.h"
#include "loop/http_request.h"

#include <netinet/in.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define OUTPUT_MAX (16u << 20)
#define MINUTE_MS  UINT64_C(60000)
#define DAY_MS     (24 * 60 * MINUTE_MS)

/* -- a web server: any path has the same answer, and is counted -- */

static struct {
    int listener;
    unsigned port;
    pthread_t thread;
    atomic_uint asked;
    atomic_bool is_broken; /* answers 500 */
    unsigned char *list;   /* DER */
    size_t list_len;
} web;

static void answer(int peer)
{
    char head[256], request[2048];
    size_t got = 0;
    while (got < sizeof request - 1 && (got == 0 || !strstr(request, "\r\n\r\n"))) {
        ssize_t count = read(peer, request + got, sizeof request - 1 - got);
        if (count <= 0)
            return;
        got += (size_t)count;
        request[got] = '\0';
    }
    atomic_fetch_add(&web.asked, 1);
    bool is_broken = atomic_load(&web.is_broken);
    int len = snprintf(head, sizeof head, "HTTP/1.1 %s\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n",
                       is_broken ? "500 no" : "200 ok", is_broken ? 0 : web.list_len);
    if (write(peer, head, (size_t)len) == len && !is_broken)
        (void)!write(peer, web.list, web.list_len);
}

static void *serve(void *unused)
{
    int peer;
    while ((peer = accept(web.listener, NULL, NULL)) >= 0) {
        answer(peer);
        close(peer);
    }
    return unused;
}

static void open_web(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    web.listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(web.listener, (struct sockaddr *)&address, size), 0);
    assert_int_equal(listen(web.listener, 16), 0);
    assert_int_equal(getsockname(web.listener, (struct sockaddr *)&address, &size), 0);
    web.port = ntohs(address.sin_port);
    assert_int_equal(pthread_create(&web.thread, NULL, serve, NULL), 0);
}

static void close_web(void)
{
    shutdown(web.listener, SHUT_RDWR);
    pthread_join(web.thread, NULL);
    close(web.listener);
}

/* -- certificates -- */

static struct fake_certificate root = {.name = "Contoso Root", .alternatives = "", .is_ca = true};
static struct fake_certificate good = {.name = "mail.contoso.com", .issuer = &root};
static struct fake_certificate revoked = {.name = "mail.contoso.com", .issuer = &root};
static char folder[] = "/tmp/dr-revocation-XXXXXX";
static char ca_file[64], crl_file[64];

/* A place for its list, under the issuer's signature. */
static void add_point(struct fake_certificate *certificate, const char *path)
{
    char text[128];
    X509V3_CTX context;
    (void)snprintf(text, sizeof text, "URI:http://127.0.0.1:%u/%s", web.port, path);
    X509V3_set_ctx(&context, root.x509, certificate->x509, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, NID_crl_distribution_points, text);
    assert_non_null(extension);
    assert_int_equal(X509_add_ext(certificate->x509, extension, -1), 1);
    assert_true(X509_sign(certificate->x509, root.key, EVP_sha256()) > 0);
    X509_EXTENSION_free(extension);
}

static int setup(void **state)
{
    (void)state;
    open_web();
    fake_certificate_make(&root);
    fake_certificate_make(&good);
    fake_certificate_make(&revoked);
    add_point(&good, "ca.crl");
    add_point(&revoked, "ca.crl");
    if (http_request_prepare() != OK || mkdtemp(folder) == NULL)
        return 1;
    (void)snprintf(ca_file, sizeof ca_file, "%s/ca.pem", folder);
    (void)snprintf(crl_file, sizeof crl_file, "%s/crl.pem", folder);
    fake_certificate_append(&root, ca_file);
    fake_crl_append(&root, &revoked, false, crl_file);
    FILE *file = fopen(crl_file, "r");
    X509_CRL *list = PEM_read_X509_CRL(file, NULL, NULL, NULL);
    web.list_len = (size_t)i2d_X509_CRL(list, &web.list);
    X509_CRL_free(list);
    return fclose(file);
}

static int teardown(void **state)
{
    (void)state;
    close_web();
    OPENSSL_free(web.list);
    fake_certificate_done(&root);
    fake_certificate_done(&good);
    fake_certificate_done(&revoked);
    return unlink(ca_file) != 0 || unlink(crl_file) != 0 || rmdir(folder) != 0;
}

/* -- handshakes, and what is made of them -- */

static struct {
    struct loop *loop;
    struct clock_fake clock;
    struct revocation *revocation;
    struct tls_context *client;
    SSL_CTX *server;
} world;

static int open_world(void **state)
{
    struct note note = {0};
    (void)state;
    clock_fake_init(&world.clock, 1000000, 1000000);
    world.loop = loop_new("test", &world.clock.clock);
    world.revocation = revocation_new(world.loop, &world.clock.clock);
    world.server = SSL_CTX_new(TLS_server_method());
    atomic_store(&web.asked, 0);
    atomic_store(&web.is_broken, false);
    return world.loop == NULL || world.revocation == NULL ||
           tls_context_new_client(&(struct tls_client_config){.ca_file = ca_file}, &world.client, &note) !=
               OK;
}

static int close_world(void **state)
{
    (void)state;
    revocation_stop(world.revocation);
    loop_free(world.loop);
    revocation_free(world.revocation);
    tls_context_free(world.client);
    SSL_CTX_free(world.server);
    return 0;
}

struct session {
    struct stream *stream;
    struct fake_tls_client server;
    struct buffer to_server;
    struct revocation_check check;
    bool is_closed;
    unsigned done_count;
};

static void on_output(void *peer, struct bytes data)
{
    assert_int_equal(buffer_append(&((struct session *)peer)->to_server, data), OK);
}

static void on_read(void *owner, struct bytes data)
{
    (void)owner, (void)data;
}

static void on_close(void *owner, enum error why)
{
    (void)why;
    ((struct session *)owner)->is_closed = true;
}

static void on_done(struct revocation_check *check)
{
    list_entry(check, struct session, check)->done_count++;
}

/* Shakes hands with a server of this certificate. */
static void open_session(struct session *session, const struct fake_certificate *certificate)
{
    static const struct stream_events EVENTS = {.on_read = on_read, .on_close = on_close};
    static const struct ip_endpoint nowhere = {.address = {IP_V4, {10, 0, 0, 1}}, .port = 25};
    *session = (struct session){.check.on_done = on_done};
    buffer_init(&session->to_server, OUTPUT_MAX);
    session->stream = stream_memory_new(world.loop, &nowhere, &nowhere, on_output, session);
    stream_attach(session->stream, &EVENTS, session);
    fake_tls_server_open(&session->server, world.server, certificate);
    assert_int_equal(stream_start_tls_client(session->stream, world.client, &(struct tls_client_request){0}),
                     OK);
    for (int round = 0; round < 4; round++) {
        struct buffer out;
        buffer_init(&out, OUTPUT_MAX);
        fake_tls_client_take(&session->server, buffer_bytes(&session->to_server));
        buffer_clear(&session->to_server);
        fake_tls_client_step(&session->server, &out);
        stream_memory_feed(session->stream, buffer_bytes(&out));
        buffer_done(&out);
    }
}

static void close_session(struct session *session)
{
    revocation_check_cancel(&session->check);
    stream_abort(session->stream);
    while (!session->is_closed)
        loop_turn(world.loop);
    fake_tls_client_done(&session->server);
    buffer_done(&session->to_server);
}

static void wait_for(const struct session *session)
{
    while (session->done_count == 0)
        loop_turn(world.loop);
}

/* A session's whole check; true: the answer was there at once. */
static bool check_now(const struct fake_certificate *certificate, const char *distrust)
{
    struct session session;
    open_session(&session, certificate);
    bool is_known = revocation_check_start(world.revocation, session.stream, &session.check);
    if (!is_known)
        wait_for(&session);
    if (strncmp(session.check.distrust, distrust, strlen(distrust)) != 0 ||
        (distrust[0] == '\0' && session.check.distrust[0] != '\0'))
        fail_msg("\"%s\", not \"%s\"", session.check.distrust, distrust);
    close_session(&session);
    return is_known;
}

#define NO_LIST "unable to get certificate CRL (http://127.0.0.1:"

/* proves: T7 */
static void a_list_is_kept_until_the_next_one_is_due(void **state)
{
    (void)state;
    assert_false(check_now(&good, ""));
    assert_true(check_now(&good, ""));
    assert_true(check_now(&revoked, "certificate revoked"));
    clock_fake_advance(&world.clock, DAY_MS - 10 * MINUTE_MS); /* a day is what it said */
    assert_true(check_now(&good, ""));
    assert_int_equal(atomic_load(&web.asked), 1);
    clock_fake_advance(&world.clock, 10 * MINUTE_MS);
    assert_false(check_now(&good, ""));
    assert_int_equal(atomic_load(&web.asked), 2);
}

/* proves: T7 C179 */
static void a_failure_is_remembered_for_a_minute(void **state)
{
    (void)state;
    atomic_store(&web.is_broken, true);
    assert_false(check_now(&good, NO_LIST));
    assert_true(check_now(&good, NO_LIST));
    atomic_store(&web.is_broken, false);
    clock_fake_advance(&world.clock, MINUTE_MS - 1);
    assert_true(check_now(&good, NO_LIST));
    assert_int_equal(atomic_load(&web.asked), 1);
    clock_fake_advance(&world.clock, 1);
    assert_false(check_now(&good, ""));
    assert_int_equal(atomic_load(&web.asked), 2);
}

/* A list that is due and cannot be had does not count any longer. */
/* proves: T7 */
static void what_was_good_is_not_good_for_ever(void **state)
{
    (void)state;
    assert_false(check_now(&good, ""));
    atomic_store(&web.is_broken, true);
    clock_fake_advance(&world.clock, DAY_MS);
    assert_false(check_now(&good, NO_LIST));
}

/* proves: T7 */
static void many_wait_for_one_list(void **state)
{
    struct session sessions[5];
    (void)state;
    for (size_t i = 0; i < 5; i++) {
        open_session(&sessions[i], i == 4 ? &revoked : &good);
        assert_false(revocation_check_start(world.revocation, sessions[i].stream, &sessions[i].check));
    }
    close_session(&sessions[1]); /* one of them ends meanwhile */
    wait_for(&sessions[4]);
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(sessions[i].done_count, i == 1 ? 0 : 1);
        if (i != 1) {
            assert_string_equal(sessions[i].check.distrust, i == 4 ? "certificate revoked" : "");
            close_session(&sessions[i]);
        }
    }
    assert_int_equal(atomic_load(&web.asked), 1);
}

/* proves: T7 */
static void stopping_asks_for_nothing(void **state)
{
    (void)state;
    revocation_stop(world.revocation);
    assert_true(check_now(&good, NO_LIST));
    assert_int_equal(atomic_load(&web.asked), 0);
    revocation_free(NULL);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, open_world, close_world)

int main(void)
{
    alarm(120); /* the watchdog */
    const struct CMUnitTest tests[] = {
        TEST(a_list_is_kept_until_the_next_one_is_due),
        TEST(a_failure_is_remembered_for_a_minute),
        TEST(what_was_good_is_not_good_for_ever),
        TEST(many_wait_for_one_list),
        TEST(stopping_asks_for_nothing),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
