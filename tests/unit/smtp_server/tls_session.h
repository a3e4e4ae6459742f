/* A session and its TLS client, for tests that name the fakes dialogue and tls. */
#ifndef TLS_SESSION_H
#define TLS_SESSION_H

#include "fakes/fake_dialogue.h"
#include "fakes/fake_tls.h"

#include <stdlib.h>

struct pair {
    struct dialogue dialogue;
    struct organization *organization;
    struct fake_tls_client client;
    bool has_client;
};

static inline void feed(struct pair *pair, struct bytes bytes, size_t piece)
{
    while (bytes.len > 0) {
        struct bytes now = bytes_first(bytes, piece);
        dialogue_send(&pair->dialogue, now);
        bytes = bytes_skip(bytes, now.len);
    }
}

/* Records both ways until nothing moves; what the server said inside TLS stands in client.plain. */
static inline bool carry(struct pair *pair, size_t piece)
{
    bool is_done = false;
    for (int round = 0; round < 6; round++) {
        struct buffer out;
        buffer_init(&out, 1 << 20);
        fake_tls_client_take(&pair->client, buffer_bytes(&pair->dialogue.output));
        buffer_clear(&pair->dialogue.output);
        is_done = fake_tls_client_step(&pair->client, &out);
        feed(pair, buffer_bytes(&out), piece);
        buffer_done(&out);
    }
    return is_done;
}

static inline bool shake_hands_as(struct pair *pair, SSL_CTX *client, size_t piece)
{
    fake_tls_client_open(&pair->client, client, NULL, 0);
    pair->has_client = true;
    return carry(pair, piece);
}

/* Sends inside TLS; the reply must match. */
static inline void ask(struct pair *pair, const char *line, const char *pattern)
{
    struct buffer out;
    buffer_init(&out, 1 << 20);
    buffer_clear(&pair->client.plain);
    fake_tls_client_say(&pair->client, bytes_of_text(line), &out);
    fake_tls_client_say(&pair->client, BYTES_LITERAL("\r\n"), &out);
    feed(pair, buffer_bytes(&out), SIZE_MAX);
    buffer_done(&out);
    carry(pair, SIZE_MAX);
    char *text = bytes_copy_text(buffer_bytes(&pair->client.plain));
    if (!dialogue_matches(pattern, text)) {
        fail_msg("%s: \"%s\" is not \"%s\"", line, text, pattern);
    }
    free(text);
}

#endif
