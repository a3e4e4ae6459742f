/* Load generator of whole sessions, a thread for each at a time: connect, greeting, EHLO, STARTTLS and the
 * handshake, EHLO, AUTH PLAIN, QUIT; then one JSON object on stdout.
 *
 *   loginload [-t] [-R] [-a USERS] [-c N] [-d SECONDS] [-s ADDRESS] ADDRESS:PORT
 *   loginload -H N [-t] [-s ADDRESS] ADDRESS:PORT          opens N sessions up to EHLO, says "held N" on
 * stderr and keeps them until SIGTERM -t  STARTTLS    -R  offer the ticket of the thread's last session    -a
 * AUTH PLAIN as userN / passN, N below USERS */

#include "load_options.h"
#include "load_report.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define LINE_BYTES 4096

struct load_options options = {.sessions = 20, .seconds = 5};
static bool with_tls, with_resumption;
static long users, held;
static uint64_t end_us;
static long resumed;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static SSL_CTX *context;

struct session {
    int fd;
    SSL *tls;
    SSL_SESSION *ticket; /* of the session before this one */
    char input[LINE_BYTES];
    size_t length;
    char error[200];
};

static uint64_t now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static bool say(struct session *s, const char *text)
{
    int length = (int)strlen(text);
    return (s->tls ? SSL_write(s->tls, text, length)
                   : (int)send(s->fd, text, (size_t)length, MSG_NOSIGNAL)) == length;
}

/* The code of a whole reply; 0: the connection ended. */
static int hear(struct session *s)
{
    for (;;) {
        char *end;
        while ((end = memchr(s->input, '\n', s->length))) {
            size_t used = (size_t)(end - s->input) + 1;
            bool is_last = used > 4 && s->input[3] == ' ';
            int code = (int)strtol(s->input, NULL, 10);
            if (is_last && code >= 400)
                snprintf(s->error, sizeof s->error, "%.*s", (int)(used < 190 ? used - 2 : 190), s->input);
            memmove(s->input, s->input + used, s->length - used);
            s->length -= used;
            if (is_last)
                return code;
        }
        size_t room = LINE_BYTES - s->length;
        int got = s->tls ? SSL_read(s->tls, s->input + s->length, (int)room)
                         : (int)recv(s->fd, s->input + s->length, room, 0);
        if (got <= 0 || room == 0)
            return 0;
        s->length += (size_t)got;
    }
}

static bool ask(struct session *s, const char *text, int wanted)
{
    return say(s, text) && hear(s) == wanted;
}

static bool secure(struct session *s)
{
    if (!ask(s, "STARTTLS\r\n", 220))
        return false;
    s->tls = SSL_new(context);
    SSL_set_fd(s->tls, s->fd);
    if (with_resumption && s->ticket)
        SSL_set_session(s->tls, s->ticket);
    if (SSL_connect(s->tls) != 1)
        return false;
    if (SSL_session_reused(s->tls)) {
        pthread_mutex_lock(&lock);
        resumed++;
        pthread_mutex_unlock(&lock);
    }
    return ask(s, "EHLO load.bench.test\r\n", 250);
}

static bool login(struct session *s, long number)
{
    char plain[64], line[160] = "AUTH PLAIN ";
    int length = snprintf(plain, sizeof plain, "%cuser%ld%cpass%ld", 0, number, 0, number);
    EVP_EncodeBlock((unsigned char *)line + strlen(line), (unsigned char *)plain, length);
    strncat(line, "\r\n", sizeof line - strlen(line) - 1);
    return ask(s, line, 235);
}

/* Up to the EHLO behind which logins and messages begin. */
static bool greet(struct session *s)
{
    int on = 1;
    s->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    setsockopt(s->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt(s->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
    struct timeval limit = {.tv_sec = 10};
    setsockopt(s->fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    if (options.from.sin_family && bind(s->fd, (struct sockaddr *)&options.from, sizeof options.from))
        return false;
    if (connect(s->fd, (struct sockaddr *)&options.to, sizeof options.to))
        return false;
    return hear(s) == 220 && ask(s, "EHLO load.bench.test\r\n", 250) && (!with_tls || secure(s));
}

static bool converse(struct session *s, long number)
{
    return greet(s) && (!users || login(s, number)) && ask(s, "QUIT\r\n", 221);
}

static void end(struct session *s)
{
    if (s->tls) {
        SSL_SESSION *ticket = SSL_get1_session(s->tls);
        SSL_SESSION_free(s->ticket);
        s->ticket = ticket;
        SSL_set_shutdown(s->tls, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
        SSL_free(s->tls);
        s->tls = NULL;
    }
    close(s->fd);
    s->length = 0;
}

static void *run(void *argument)
{
    struct session session = {0};
    unsigned seed = (unsigned)(uintptr_t)argument;
    while (now_us() < end_us) {
        uint64_t begun_us = now_us();
        bool is_ok = converse(&session, users ? (long)(rand_r(&seed) % users) + 1 : 0);
        uint64_t took_us = now_us() - begun_us;
        end(&session);
        pthread_mutex_lock(&lock);
        report_time(took_us);
        figures.done++, figures.opened++;
        is_ok ? figures.ok++ : figures.failed++;
        if (!is_ok)
            snprintf(figures.last_error, sizeof figures.last_error, "%s", session.error);
        pthread_mutex_unlock(&lock);
    }
    SSL_SESSION_free(session.ticket);
    return NULL;
}

static volatile sig_atomic_t is_stopping;

static void stop(int signal)
{
    (void)signal;
    is_stopping = 1;
}

static void hold(void)
{
    struct rlimit files = {0};
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    signal(SIGTERM, stop);
    uint64_t begin_us = now_us();
    for (long i = 0; i < held && !is_stopping; i++) {
        struct session *s = calloc(1, sizeof *s);
        figures.opened++;
        greet(s) ? figures.idle++ : figures.failed++;
        s->ticket = NULL;
    }
    uint64_t finished_us = now_us();
    fprintf(stderr, "held %ld\n", figures.idle);
    while (!is_stopping)
        pause();
    report_print(begin_us, finished_us);
}

static struct sockaddr_in parse_address(char *text)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    char *colon = strchr(text, ':');
    if (colon) {
        *colon = 0;
        address.sin_port = htons((uint16_t)strtoul(colon + 1, NULL, 10));
    }
    inet_pton(AF_INET, text, &address.sin_addr);
    return address;
}

int main(int count, char **arguments)
{
    int option;
    while ((option = getopt(count, arguments, "tRa:c:d:s:H:")) != -1) {
        switch (option) {
        case 't':
            with_tls = true;
            break;
        case 'R':
            with_resumption = true;
            break;
        case 'a':
            users = strtol(optarg, NULL, 10);
            break;
        case 'c':
            options.sessions = strtol(optarg, NULL, 10);
            break;
        case 'd':
            options.seconds = strtod(optarg, NULL);
            break;
        case 'H':
            held = strtol(optarg, NULL, 10);
            break;
        case 's':
            options.from = parse_address(optarg);
            break;
        default:
            return 2;
        }
    }
    if (optind != count - 1)
        return 2;
    options.to = parse_address(arguments[optind]);
    context = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_verify(context, SSL_VERIFY_NONE, NULL);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
    if (held) {
        hold();
        return 0;
    }
    uint64_t begin_us = now_us();
    end_us = begin_us + (uint64_t)(options.seconds * 1e6);
    pthread_t *threads = calloc((size_t)options.sessions, sizeof *threads);
    for (long i = 0; i < options.sessions; i++)
        pthread_create(&threads[i], NULL, run, (void *)(uintptr_t)(i + 1));
    for (long i = 0; i < options.sessions; i++)
        pthread_join(threads[i], NULL);
    figures.idle = resumed; /* "held": sessions that were resumed */
    report_print(begin_us, now_us());
    return 0;
}
