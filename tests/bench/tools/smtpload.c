/* Load generator: one thread, one epoll, as many SMTP sessions as wanted, until a number of operations or a
 * time is reached; then one JSON object on stdout.
 *
 *   smtpload [options] ADDRESS:PORT                    load_options.c lists them
 *
 * What one operation is: send: a message from MAIL to the reply after the final dot; rcpt: MAIL, RCPT, RSET,
 * where the RCPT is timed and a refusal is what is wanted; hold: a session opened up to EHLO, and kept. The
 * time of every operation is kept and sorted at the end: the percentiles are exact. */

#include "load_options.h"
#include "load_report.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define EXPECT_MAX   256
#define INPUT_BYTES  4096
#define OUTPUT_BYTES 16384
#define LINE_BYTES   72
#define GRACE_US     2000000
#define SILENCE_US   60000000 /* a session that gets no reply for so long is dropped */

enum reply {
    REPLY_GREETING,
    REPLY_EHLO,
    REPLY_MAIL,
    REPLY_RCPT,
    REPLY_DATA,
    REPLY_BODY,
    REPLY_RSET,
    REPLY_QUIT
};

struct session {
    int fd;
    bool is_open, is_idle, is_pipelining, is_quitting, has_failed;
    uint32_t events;
    unsigned char expected[EXPECT_MAX]; /* a ring: what the next replies answer */
    unsigned first, end;
    char input[INPUT_BYTES];
    size_t input_len;
    char output[OUTPUT_BYTES];
    size_t output_len, output_at;
    size_t body_left;
    long begun, done, number;
    uint64_t begun_at, heard_at;
};

static struct session *sessions;
static int poller;
static char *body;
static size_t body_len;
static uint64_t begin_us, end_us;
static long begun, numbers;
static long open_count, opening_count;
static volatile sig_atomic_t is_stopping;

static void die(const char *what)
{
    fprintf(stderr, "smtpload: %s: %s\n", what, strerror(errno));
    exit(1);
}

/* The wall clock: the sink's times are compared with ours. */
static uint64_t now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static bool may_begin(void)
{
    if (is_stopping)
        return false;
    return options.seconds > 0 ? now_us() < end_us : begun < options.total;
}

static void operation_end(struct session *s, bool is_ok)
{
    report_time(now_us() - s->begun_at);
    s->done++;
    figures.done++;
    if (is_ok)
        figures.ok++;
    else
        figures.failed++;
}

/* --- output --- */

__attribute__((format(printf, 3, 4))) static void say(struct session *s, enum reply expected,
                                                      const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int len = vsnprintf(s->output + s->output_len, OUTPUT_BYTES - s->output_len, format, arguments);
    va_end(arguments);
    if (len < 0 || (size_t)len >= OUTPUT_BYTES - s->output_len)
        die("too much to say");
    s->output_len += (size_t)len;
    s->expected[s->end++ % EXPECT_MAX] = (unsigned char)expected;
}

static void watch(struct session *s, uint32_t events)
{
    if (s->events == events)
        return;
    s->events = events;
    struct epoll_event event = {.events = events, .data.ptr = s};
    epoll_ctl(poller, EPOLL_CTL_MOD, s->fd, &event);
}

/* Writes what is pending: commands, then the content. False: the connection is dead. */
static bool flush(struct session *s)
{
    while (s->output_at < s->output_len || s->body_left) {
        bool is_command = s->output_at < s->output_len;
        const char *from = is_command ? s->output + s->output_at : body + body_len - s->body_left;
        ssize_t sent =
            send(s->fd, from, is_command ? s->output_len - s->output_at : s->body_left, MSG_NOSIGNAL);
        if (sent < 0 && errno == EAGAIN) {
            watch(s, EPOLLIN | EPOLLOUT);
            return true;
        }
        if (sent < 0)
            return false;
        if (is_command)
            s->output_at += (size_t)sent;
        else
            s->body_left -= (size_t)sent;
    }
    s->output_len = s->output_at = 0;
    watch(s, EPOLLIN);
    return true;
}

/* --- connections --- */

static void session_open(struct session *s)
{
    int on = 1;
    memset(s, 0, offsetof(struct session, expected));
    s->first = s->end = 0;
    s->input_len = s->output_len = s->output_at = s->body_left = 0;
    s->begun = s->done = 0;
    s->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (s->fd < 0)
        die("socket");
    setsockopt(s->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt(s->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
    if (options.from.sin_family && bind(s->fd, (struct sockaddr *)&options.from, sizeof options.from))
        die("bind");
    if (connect(s->fd, (struct sockaddr *)&options.to, sizeof options.to) && errno != EINPROGRESS) {
        figures.connect_failed++;
        close(s->fd);
        return;
    }
    s->events = EPOLLIN;
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = s};
    if (epoll_ctl(poller, EPOLL_CTL_ADD, s->fd, &event))
        die("epoll_ctl");
    s->is_open = true;
    s->begun_at = s->heard_at = now_us();
    s->expected[s->end++] = REPLY_GREETING;
    open_count++, figures.opened++, opening_count++;
    if (options.mode == MODE_HOLD)
        begun++, s->begun++;
}

/* Operations that were begun and not answered are given back: they will be begun again. */
static void session_close(struct session *s)
{
    if (!s->is_quitting)
        figures.dropped++;
    begun -= s->begun - s->done;
    if (s->is_idle)
        figures.idle--;
    if (s->first == 0)
        opening_count--;
    close(s->fd);
    s->is_open = false;
    open_count--;
}

/* --- the dialogue --- */

static void operation_begin(struct session *s)
{
    if (options.mode == MODE_HOLD) {
        s->is_idle = true;
        figures.idle++;
        operation_end(s, true);
        return;
    }
    long depth = options.mode == MODE_RCPT && s->is_pipelining && options.pipeline > 1 ? options.pipeline : 1;
    s->begun_at = now_us();
    for (long i = 0; i < depth; i++) {
        if (!may_begin() || (options.per_session && s->begun == options.per_session)) {
            if (i == 0) {
                say(s, REPLY_QUIT, "QUIT\r\n");
                s->is_quitting = true;
            }
            return;
        }
        begun++, s->begun++;
        s->number = ++numbers;
        say(s, REPLY_MAIL, "MAIL FROM:<sender@bench.test>\r\n");
        if (!s->is_pipelining)
            return;
        say(s, REPLY_RCPT, "RCPT TO:<rcpt%ld@example.org>\r\n", s->number);
        if (options.mode == MODE_RCPT)
            say(s, REPLY_RSET, "RSET\r\n");
        else
            say(s, REPLY_DATA, "DATA\r\n");
    }
}

static void recipient_answered(struct session *s, int code)
{
    if (options.mode == MODE_RCPT) {
        operation_end(s, code >= 500);
        if (!s->is_pipelining)
            say(s, REPLY_RSET, "RSET\r\n");
        return;
    }
    s->has_failed = s->has_failed || code >= 400;
    if (s->is_pipelining)
        return;
    if (!s->has_failed) {
        say(s, REPLY_DATA, "DATA\r\n");
        return;
    }
    operation_end(s, false);
    s->has_failed = false;
    say(s, REPLY_RSET, "RSET\r\n");
}

/* One whole reply. False: the session ends. */
static bool answered(struct session *s, enum reply reply, int code)
{
    bool is_good = code >= 200 && code < 400;
    switch (reply) {
    case REPLY_GREETING:
        opening_count--;
        if (is_good)
            say(s, REPLY_EHLO, "EHLO load.bench.test\r\n");
        return is_good;
    case REPLY_EHLO:
        if (is_good)
            operation_begin(s);
        return is_good;
    case REPLY_MAIL:
        s->has_failed = !is_good;
        if (!s->is_pipelining)
            say(s, REPLY_RCPT, "RCPT TO:<rcpt%ld@example.org>\r\n", s->number);
        return true;
    case REPLY_RCPT:
        recipient_answered(s, code);
        return true;
    case REPLY_DATA:
        if (code == 354) {
            s->body_left = body_len;
            s->expected[s->end++ % EXPECT_MAX] = REPLY_BODY;
        } else {
            operation_end(s, false);
            say(s, REPLY_RSET, "RSET\r\n");
        }
        return true;
    case REPLY_BODY:
        operation_end(s, is_good && !s->has_failed);
        operation_begin(s);
        return true;
    case REPLY_RSET:
        if (s->first == s->end)
            operation_begin(s);
        return true;
    case REPLY_QUIT:
        return false;
    }
    return false;
}

/* line is without its end. False: the session ends. */
static bool line_arrived(struct session *s, const char *line, size_t len)
{
    if (len < 3 || s->first == s->end)
        return false;
    enum reply reply = s->expected[s->first % EXPECT_MAX];
    if (reply == REPLY_EHLO && len >= 14 && strncasecmp(line + 4, "PIPELINING", 10) == 0)
        s->is_pipelining = options.pipeline > 0;
    if (len > 3 && line[3] == '-')
        return true;
    s->first++;
    int code = (int)strtol(line, NULL, 10);
    if (code >= 0 && code < 600)
        figures.codes[code]++;
    if (code >= 400 && !(reply == REPLY_RCPT && options.mode == MODE_RCPT && code >= 500))
        snprintf(figures.last_error, sizeof figures.last_error, "%s", line);
    return code != 421 && answered(s, reply, code);
}

static bool parse(struct session *s)
{
    size_t at = 0;
    char *end;
    while ((end = memchr(s->input + at, '\n', s->input_len - at))) {
        size_t len = (size_t)(end - s->input) - at;
        if (len && end[-1] == '\r')
            len--;
        s->input[at + len] = 0;
        if (!line_arrived(s, s->input + at, len))
            return false;
        at = (size_t)(end - s->input) + 1;
    }
    memmove(s->input, s->input + at, s->input_len - at);
    s->input_len -= at;
    return s->input_len < INPUT_BYTES;
}

/* False: the connection ended. */
static bool session_ready(struct session *s, uint32_t events)
{
    s->heard_at = now_us();
    if ((events & EPOLLOUT) && !flush(s))
        return false;
    if (!(events & (EPOLLIN | EPOLLHUP | EPOLLERR)))
        return true;
    ssize_t got = recv(s->fd, s->input + s->input_len, INPUT_BYTES - s->input_len, 0);
    if (got <= 0)
        return got < 0 && errno == EAGAIN;
    s->input_len += (size_t)got;
    return parse(s) && flush(s);
}

/* --- start and end --- */

/* A header block, then lines of 72 bytes. */
static void make_body(void)
{
    static const char head[] = "From: <sender@bench.test>\r\nTo: <rcpt@example.org>\r\n"
                               "Subject: benchmark message\r\nMessage-ID: <1@load.bench.test>\r\n"
                               "Date: Thu, 01 Jan 2026 00:00:00 +0000\r\n\r\n";
    size_t at = sizeof head - 1, size = (size_t)options.size;
    body = malloc(size + sizeof head + LINE_BYTES + 8);
    if (!body)
        die("malloc");
    memcpy(body, head, at);
    while (at < size) {
        size_t len = size - at < LINE_BYTES ? size - at : LINE_BYTES;
        if (len < 3)
            len = 3;
        memset(body + at, 'a' + (int)(at % 26), len - 2);
        memcpy(body + at + len - 2, "\r\n", 2);
        at += len;
    }
    memcpy(body + at, ".\r\n", 3);
    body_len = at + 3;
}

static void open_sessions(void)
{
    static long next; /* holding: a session that was dropped is not opened again */
    if (options.mode == MODE_HOLD) {
        while (next < options.sessions && opening_count < options.ramp && !is_stopping)
            session_open(&sessions[next++]);
        return;
    }
    for (long i = 0; i < options.sessions && may_begin(); i++)
        if (!sessions[i].is_open)
            session_open(&sessions[i]);
}

static bool is_finished(void)
{
    if (options.mode == MODE_HOLD)
        return figures.opened + figures.connect_failed == options.sessions && figures.idle == open_count;
    return options.seconds > 0 ? now_us() >= end_us : figures.done >= options.total;
}

static void drop_silent(uint64_t now)
{
    static uint64_t looked_at;
    if (options.mode == MODE_HOLD || now < looked_at + 1000000)
        return;
    looked_at = now;
    for (long i = 0; i < options.sessions; i++)
        if (sessions[i].is_open && now > sessions[i].heard_at + SILENCE_US) {
            snprintf(figures.last_error, sizeof figures.last_error, "no reply in time");
            session_close(&sessions[i]);
        }
}

static void poll_once(void)
{
    struct epoll_event events[512];
    int count = epoll_wait(poller, events, 512, 100);
    for (int i = 0; i < count; i++) {
        struct session *s = events[i].data.ptr;
        if (s->is_open && !session_ready(s, events[i].events))
            session_close(s);
    }
}

/* The moment the work was done; QUITs under way get a short grace. Holding lasts until SIGTERM. */
static uint64_t run(void)
{
    uint64_t finished_us = 0;
    for (;;) {
        open_sessions();
        poll_once();
        uint64_t now = now_us();
        drop_silent(now);
        if (!finished_us && (is_stopping || is_finished())) {
            finished_us = now;
            if (options.mode == MODE_HOLD)
                fprintf(stderr, "held %ld\n", figures.idle);
        }
        if (finished_us && options.mode == MODE_HOLD
                ? is_stopping
                : finished_us && (!open_count || now > finished_us + GRACE_US))
            return finished_us;
        if (figures.dropped + figures.connect_failed > 1000 + figures.done)
            return now;
    }
}

static void stop(int signal)
{
    (void)signal;
    is_stopping = 1;
}

int main(int count, char **arguments)
{
    options_parse(count, arguments);
    signal(SIGTERM, stop);
    signal(SIGINT, stop);
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);

    make_body();
    poller = epoll_create1(EPOLL_CLOEXEC);
    sessions = calloc((size_t)options.sessions, sizeof *sessions);
    if (poller < 0 || !sessions)
        die("start");
    begin_us = now_us();
    end_us = begin_us + (uint64_t)(options.seconds * 1e6);
    report_print(begin_us, run());
    return 0;
}
