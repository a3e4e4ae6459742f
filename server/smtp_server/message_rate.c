#include "smtp_server/message_rate.h"

#include "base/sliding_window.h"
#include "smtp_server/rate.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define WHICH_BYTES_MAX 16 /* an address, an account's id */

struct message_rate {
    struct siphash_key secret; /* so that nobody can choose sources that share a place */
    struct sliding_window *window;
};

struct message_rate *message_rate_new(void)
{
    struct message_rate *rate = calloc(1, sizeof *rate);
    if (rate != NULL) {
        rate->window = sliding_window_new();
    }
    if (rate != NULL &&
        (rate->window == NULL || getrandom(&rate->secret, sizeof rate->secret, 0) != sizeof rate->secret)) {
        message_rate_free(rate);
        return NULL;
    }
    return rate;
}

void message_rate_free(struct message_rate *rate)
{
    if (rate != NULL) {
        sliding_window_free(rate->window);
        free(rate);
    }
}

/* The connector, what is counted, and which one of it. */
static struct siphash key_of(const struct message_rate *rate, const struct guid *connector,
                             enum message_rate_source source, struct bytes which)
{
    char text[sizeof connector->octets + 1 + WHICH_BYTES_MAX];
    size_t length = sizeof connector->octets;
    assert(which.len <= WHICH_BYTES_MAX);
    memcpy(text, connector->octets, length);
    text[length++] = (char)source;
    memcpy(text + length, which.ptr, which.len);
    return siphash_of(&rate->secret, (struct bytes){text, length + which.len});
}

bool message_rate_take(struct message_rate *rate, const struct receive_connector *connector,
                       const struct ip_address *client, struct bytes user, uint64_t now_ms)
{
    const uint32_t source = connector->message_rate_source;
    struct siphash keys[SLIDING_WINDOW_KEYS_MAX];
    size_t count = 0;
    if (connector->message_rate_limit == UNLIMITED) {
        return true;
    }
    if (source == MESSAGE_RATE_ADDRESS || source == MESSAGE_RATE_ALL) {
        struct ip_address counted = rate_source(client);
        keys[count++] =
            key_of(rate, &connector->id, MESSAGE_RATE_ADDRESS,
                   (struct bytes){(const char *)counted.octets, counted.family == IP_V4 ? 4 : 16});
    }
    if ((source == MESSAGE_RATE_USER || source == MESSAGE_RATE_ALL) && user.len > 0) {
        keys[count++] = key_of(rate, &connector->id, MESSAGE_RATE_USER, user);
    }
    return count == 0 ||
           sliding_window_take(rate->window, keys, count, connector->message_rate_limit, now_ms);
}
