#include "fakes/fake_smart_host.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_MAX (64u << 20)

/* One session. */
struct guest {
    struct list link;
    struct fake_smart_host *host;
    struct stream *stream;
    struct buffer input;
    size_t message_count;
    bool has_mail;
    size_t accepted; /* recipients of the transaction */
    bool is_content;
};

static void require(bool is_right, const char *what)
{
    if (!is_right) {
        fprintf(stderr, "fake_smart_host: %s\n", what);
        abort();
    }
}

static void say(struct guest *guest, const char *line)
{
    stream_write(guest->stream, bytes_of_text(line));
    stream_write(guest->stream, BYTES_LITERAL("\r\n"));
}

static const char *or_else(const char *reply, const char *usual)
{
    return reply ? reply : usual;
}

static void keep(struct buffer *buffer, struct bytes text)
{
    require(buffer_append(buffer, text) == OK, "no memory");
}

/* -- commands -- */

static void hello(struct guest *guest, struct bytes line)
{
    struct fake_smart_host *host = guest->host;
    if (bytes_starts_nocase(line, "EHLO")) {
        stream_write(guest->stream, BYTES_LITERAL("250-fake\r\n"));
        stream_write(guest->stream, bytes_of_text(or_else(host->keywords, "250-PIPELINING\r\n250-SIZE\r\n"
                                                                          "250-8BITMIME\r\n")));
    }
    say(guest, "250 ENHANCEDSTATUSCODES");
}

static void mail(struct guest *guest, struct bytes line)
{
    struct fake_smart_host *host = guest->host;
    host->mail_count++;
    guest->accepted = 0;
    if (host->closes_after && guest->message_count >= host->closes_after) {
        say(guest, "421 4.7.0 That was enough");
        stream_close(guest->stream);
        return;
    }
    keep(&host->envelopes, line);
    keep(&host->envelopes, BYTES_LITERAL("\r\n"));
    const char *reply = or_else(host->mail_reply, "250 2.1.0 ok");
    guest->has_mail = reply[0] == '2';
    say(guest, reply);
}

static void rcpt(struct guest *guest, struct bytes line)
{
    struct fake_smart_host *host = guest->host;
    const char *reply = guest->has_mail ? "250 2.1.5 ok" : "503 5.5.1 MAIL first";
    char wanted[300];
    for (const struct smart_host_rule *rule = guest->has_mail ? host->rules : NULL; rule && rule->recipient;
         rule++) {
        snprintf(wanted, sizeof wanted, "RCPT TO:<%s>", rule->recipient);
        if (bytes_equal_text_nocase(line, wanted))
            reply = rule->reply;
    }
    keep(&host->envelopes, line);
    keep(&host->envelopes, BYTES_LITERAL("\r\n"));
    guest->accepted += reply[0] == '2';
    say(guest, reply);
}

static void data(struct guest *guest, struct bytes line)
{
    (void)line;
    if (!guest->accepted) {
        say(guest, "554 5.5.1 No valid recipients");
        return;
    }
    guest->is_content = true;
    buffer_clear(&guest->host->content);
    say(guest, "354 go on");
}

static void reset(struct guest *guest, struct bytes line)
{
    (void)line;
    say(guest, "250 2.0.0 ok");
}

static void quit(struct guest *guest, struct bytes line)
{
    (void)line;
    guest->host->quit_count++;
    if (guest->host->is_silent_at_quit)
        return;
    say(guest, "221 2.0.0 bye");
    stream_close(guest->stream);
}

static void end_of_content(struct guest *guest)
{
    struct fake_smart_host *host = guest->host;
    guest->is_content = false;
    guest->message_count++;
    host->message_count++;
    if (host->closes_at_end)
        stream_close(guest->stream);
    else if (!host->is_silent_at_end)
        say(guest, or_else(host->end_reply, "250 2.0.0 taken"));
}

static void on_line(struct guest *guest, struct bytes line)
{
    static const struct {
        const char *verb;
        void (*run)(struct guest *guest, struct bytes line);
    } VERBS[] = {
        {"EHLO", hello}, {"HELO", hello}, {"MAIL", mail}, {"RCPT", rcpt},
        {"DATA", data},  {"RSET", reset}, {"QUIT", quit},
    };
    if (guest->is_content) {
        bool is_dotted = line.len && line.ptr[0] == '.';
        if (is_dotted && line.len == 1) {
            end_of_content(guest);
            return;
        }
        keep(&guest->host->content, bytes_skip(line, is_dotted));
        keep(&guest->host->content, BYTES_LITERAL("\r\n"));
        return;
    }
    for (size_t i = 0; i < sizeof VERBS / sizeof VERBS[0]; i++) {
        if (bytes_starts_nocase(line, VERBS[i].verb)) {
            VERBS[i].run(guest, line);
            return;
        }
    }
    require(false, "an unknown command");
}

/* -- sessions -- */

static void on_read(void *owner, struct bytes bytes)
{
    struct guest *guest = owner;
    keep(&guest->input, bytes);
    for (;;) {
        struct bytes input = buffer_bytes(&guest->input);
        size_t end = bytes_find_text(input, "\r\n");
        if (end == input.len)
            return;
        on_line(guest, bytes_first(input, end));
        buffer_consume(&guest->input, end + 2);
    }
}

static void on_drain(void *owner)
{
    (void)owner;
}

static void on_deadline(void *owner)
{
    (void)owner;
}

static void on_close(void *owner, enum error why)
{
    struct guest *guest = owner;
    (void)why;
    guest->host->session_count--;
    list_remove(&guest->link);
    buffer_done(&guest->input);
    free(guest);
}

static const struct stream_events EVENTS = {
    .on_read = on_read, .on_drain = on_drain, .on_deadline = on_deadline, .on_close = on_close};

static void on_accept(void *owner, struct stream *stream)
{
    struct fake_smart_host *host = owner;
    struct guest *guest = calloc(1, sizeof *guest);
    require(guest != NULL, "no memory");
    guest->host = host;
    guest->stream = stream;
    buffer_init(&guest->input, TEXT_MAX);
    list_append(&host->guests, &guest->link);
    host->connection_count++;
    host->session_count++;
    stream_attach(stream, &EVENTS, guest);
    if (host->sessions_max && host->session_count > host->sessions_max) {
        say(guest, "421 4.7.0 Too many sessions");
        stream_close(stream);
        return;
    }
    say(guest, or_else(host->banner, "220 fake ESMTP"));
}

/* -- life -- */

void fake_smart_host_start(struct fake_smart_host *host)
{
    struct note note = {""};
    require(listener_open(host->loop, &host->endpoint, on_accept, host, &host->listener, &note) == OK,
            note.text);
    host->endpoint.port = listener_local(host->listener)->port;
}

void fake_smart_host_open(struct fake_smart_host *host, struct loop *loop, const char *address, uint16_t port)
{
    *host = (struct fake_smart_host){.loop = loop, .endpoint.port = port};
    list_init(&host->guests);
    buffer_init(&host->envelopes, TEXT_MAX);
    buffer_init(&host->content, TEXT_MAX);
    require(ip_parse_address(bytes_of_text(address), &host->endpoint.address) == OK, address);
    fake_smart_host_start(host);
}

void fake_smart_host_stop(struct fake_smart_host *host)
{
    if (host->listener)
        listener_close(host->listener);
    host->listener = NULL;
}

void fake_smart_host_cut(struct fake_smart_host *host, bool is_reset)
{
    list_each_safe(link, &host->guests)
    {
        struct guest *guest = list_entry(link, struct guest, link);
        if (is_reset)
            stream_abort(guest->stream);
        else
            stream_close(guest->stream);
    }
}

void fake_smart_host_say(struct fake_smart_host *host, const char *line)
{
    list_each(link, &host->guests) say(list_entry(link, struct guest, link), line);
}

void fake_smart_host_close(struct fake_smart_host *host)
{
    if (!host->loop)
        return;
    fake_smart_host_stop(host);
    fake_smart_host_cut(host, true);
    buffer_done(&host->envelopes);
    buffer_done(&host->content);
}
