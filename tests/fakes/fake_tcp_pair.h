/* A listener and one client stream over real TCP on one loop, for tests of streams. What a side does when
 * something happens stands in the pair's callbacks, of which each may be NULL:
 *
 *     struct pair pair = {.on_accepted = greet, .on_client_read = client_says_quit};
 *     pair_open(&pair);
 *     pair_run(&pair);
 *     pair_check_text(&pair.client.received, "220 hello\r\n");
 *     pair_done(&pair);
 */
#ifndef FAKE_TCP_PAIR_H
#define FAKE_TCP_PAIR_H

#include "base/buffer.h"
#include "loop/listener.h"

struct end {
    struct pair *pair;
    struct stream *stream;
    struct buffer received;
    enum error why;
    unsigned drain_count;
    unsigned deadline_count;
    bool is_connected;
    bool is_closed;
    char system_error[64];
};

struct pair {
    struct loop *loop;
    struct listener *listener;
    struct end server;
    struct end client;
    void (*on_connected)(struct pair *pair); /* client side */
    void (*on_accepted)(struct pair *pair);  /* before reading starts */
    void (*on_server_read)(struct pair *pair);
    void (*on_client_read)(struct pair *pair);
    void (*on_server_drain)(struct pair *pair);
    void (*on_server_deadline)(struct pair *pair);
    void (*on_end)(struct pair *pair);
    struct loop_end_hook hook;
};

/* Keeps what came and why it ended; the owner is a struct end. */
extern const struct stream_events pair_end_events;

/* Opens the loop and the listener and begins to connect. */
void pair_open(struct pair *pair);
/* The same from this address; NULL: from any. */
void pair_open_from(struct pair *pair, const struct ip_address *source);
/* Runs until both sides are closed, then frees the loop. */
void pair_run(struct pair *pair);
/* Frees what was received. */
void pair_done(struct pair *pair);

/* Closes the listener and calls the pair's own on_end: the hook of a test that opens the listener itself. */
void pair_on_end(struct loop_end_hook *hook);
struct ip_endpoint pair_loopback(uint16_t port);
void pair_write_text(struct stream *stream, const char *text);
void pair_check_text(const struct buffer *received, const char *text);

#endif
