/* Sink: accepts every message and keeps none. One thread.
 *
 *   smtpsink PORT STATUSFILE
 *
 * The status file is one line of JSON, replaced in place every 50 ms while something changes: how many
 * messages arrived, and when the first and the last did. SIGUSR1 sets the counters to zero. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define LINE_BYTES   1024
#define INPUT_BYTES  262144
#define STATUS_BYTES 256
#define STATUS_NS    50000000

enum { OUTPUT_BYTES = 4096 };

struct session {
    int fd, in_data;
    int matched; /* content: how much of LF . CR LF has been seen */
    size_t line_len, output_len;
    char line[LINE_BYTES];
    char output[OUTPUT_BYTES];
};

struct verb {
    const char *name;
    const char *reply;
};

static const struct verb verbs[] = {
    {"EHLO", "250-sink.bench.test\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 SIZE 0\r\n"},
    {"HELO", "250 sink.bench.test\r\n"},
    {"MAIL", "250 2.1.0 Ok\r\n"},
    {"RCPT", "250 2.1.5 Ok\r\n"},
    {"DATA", "354 End data with <CR><LF>.<CR><LF>\r\n"},
    {"RSET", "250 2.0.0 Ok\r\n"},
    {"NOOP", "250 2.0.0 Ok\r\n"},
    {"QUIT", "221 2.0.0 Bye\r\n"},
};

static struct session listener, ticker, resetter; /* what their events point at */
static int poller, status_file, is_changed = 1;
static long messages, connections, open_count;
static unsigned long long first_us, last_us;
static char input[INPUT_BYTES];

static unsigned long long now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (unsigned long long)now.tv_sec * 1000000 + (unsigned long long)now.tv_nsec / 1000;
}

/* Of one length, so that a reader never sees a torn line. */
static void write_status(void)
{
    char status[STATUS_BYTES];
    if (!is_changed)
        return;
    int len =
        snprintf(status, sizeof status,
                 "{\"messages\":%ld,\"connections\":%ld,\"open\":%ld,\"first_us\":%llu,\"last_us\":%llu}",
                 messages, connections, open_count, first_us, last_us);
    memset(status + len, ' ', sizeof status - (size_t)len);
    status[sizeof status - 1] = '\n';
    if (pwrite(status_file, status, sizeof status, 0) < 0)
        perror("status");
    is_changed = 0;
}

static void reply(struct session *s, const char *text)
{
    size_t len = strlen(text);
    if (s->output_len + len > sizeof s->output)
        return;
    memcpy(s->output + s->output_len, text, len);
    s->output_len += len;
}

/* -1: the session ends. */
static int obey(struct session *s)
{
    for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++) {
        if (strncasecmp(s->line, verbs[i].name, 4) != 0)
            continue;
        reply(s, verbs[i].reply);
        if (verbs[i].name[0] == 'D')
            s->in_data = s->matched = 1;
        return verbs[i].name[0] == 'Q' ? -1 : 0;
    }
    reply(s, "502 5.5.2 Unknown\r\n");
    return 0;
}

static void message_end(struct session *s)
{
    s->in_data = 0;
    messages++;
    last_us = now_us();
    if (!first_us)
        first_us = last_us;
    is_changed = 1;
    reply(s, "250 2.0.0 Ok: dropped\r\n");
}

/* How much of the input is content. */
static size_t skip_content(struct session *s, const char *from, size_t len)
{
    size_t at = 0;
    while (at < len) {
        if (s->matched == 0) {
            const char *feed = memchr(from + at, '\n', len - at);
            if (!feed)
                return len;
            at = (size_t)(feed - from) + 1;
            s->matched = 1;
            continue;
        }
        char c = from[at++];
        if (s->matched == 1 && c == '.') {
            s->matched = 2;
        } else if (s->matched == 2 && c == '\r') {
            s->matched = 3;
        } else if (s->matched >= 2 && c == '\n') {
            message_end(s);
            return at;
        } else {
            s->matched = c == '\n';
        }
    }
    return len;
}

static int feed(struct session *s, const char *from, size_t len)
{
    while (len) {
        size_t used;
        if (s->in_data) {
            used = skip_content(s, from, len);
        } else {
            const char *end = memchr(from, '\n', len);
            used = end ? (size_t)(end - from) + 1 : len;
            size_t room = LINE_BYTES - 1 - s->line_len;
            size_t kept = used < room ? used : room;
            memcpy(s->line + s->line_len, from, kept);
            s->line_len += kept;
            s->line[s->line_len] = 0;
            if (end) {
                s->line_len = 0;
                if (obey(s) < 0)
                    return -1;
            }
        }
        from += used;
        len -= used;
    }
    return 0;
}

static void session_ready(struct session *s)
{
    ssize_t got = recv(s->fd, input, sizeof input, 0);
    if (got < 0 && errno == EAGAIN)
        return;
    int end = got <= 0 || feed(s, input, (size_t)got) < 0;
    if (s->output_len && send(s->fd, s->output, s->output_len, MSG_NOSIGNAL) < 0)
        end = 1;
    s->output_len = 0;
    if (!end)
        return;
    close(s->fd);
    free(s);
    open_count--;
    is_changed = 1;
}

static void watch(int fd, struct session *s)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = s};
    s->fd = fd;
    if (epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event))
        perror("epoll_ctl");
}

static void accept_all(void)
{
    static const char greeting[] = "220 sink.bench.test ESMTP\r\n";
    int on = 1, fd;
    while ((fd = accept4(listener.fd, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
        struct session *s = calloc(1, sizeof *s);
        if (!s) {
            close(fd);
            return;
        }
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        watch(fd, s);
        connections++;
        open_count++;
        is_changed = 1;
        if (send(fd, greeting, sizeof greeting - 1, MSG_NOSIGNAL) < 0)
            continue; /* seen when it is read */
    }
}

static void reset(void)
{
    struct signalfd_siginfo info;
    while (read(resetter.fd, &info, sizeof info) > 0)
        continue;
    messages = connections = 0;
    first_us = last_us = 0;
    is_changed = 1;
    write_status();
}

static void tick(void)
{
    uint64_t ticks;
    if (read(ticker.fd, &ticks, sizeof ticks) > 0)
        write_status();
}

static int open_listener(uint16_t port)
{
    int on = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    struct sockaddr_in at = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(fd, (struct sockaddr *)&at, sizeof at) || listen(fd, 4096)) {
        perror("listen");
        exit(1);
    }
    return fd;
}

static int open_signal(int number)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, number);
    sigprocmask(SIG_BLOCK, &set, NULL);
    return signalfd(-1, &set, SFD_NONBLOCK);
}

int main(int count, char **arguments)
{
    if (count != 3) {
        fputs("smtpsink PORT STATUSFILE\n", stderr);
        return 2;
    }
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    status_file = open(arguments[2], O_WRONLY | O_CREAT | O_TRUNC, 0644);
    poller = epoll_create1(0);
    watch(open_listener((uint16_t)strtoul(arguments[1], NULL, 10)), &listener);
    watch(timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK), &ticker);
    watch(open_signal(SIGUSR1), &resetter);
    struct itimerspec every = {{0, STATUS_NS}, {0, STATUS_NS}};
    timerfd_settime(ticker.fd, 0, &every, NULL);
    write_status();
    for (;;) {
        struct epoll_event events[256];
        int ready = epoll_wait(poller, events, 256, -1);
        for (int i = 0; i < ready; i++) {
            struct session *s = events[i].data.ptr;
            if (s == &listener)
                accept_all();
            else if (s == &ticker)
                tick();
            else if (s == &resetter)
                reset();
            else
                session_ready(s);
        }
    }
}
