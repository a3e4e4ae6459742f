#include "base/siphash.h"

struct state {
    uint64_t v[4];
};

static uint64_t rotate(uint64_t word, unsigned bits)
{
    return word << bits | word >> (64 - bits);
}

static void mix(struct state *state, int rounds)
{
    uint64_t *v = state->v;
    for (int i = 0; i < rounds; i++) {
        v[0] += v[1];
        v[2] += v[3];
        v[1] = rotate(v[1], 13) ^ v[0];
        v[3] = rotate(v[3], 16) ^ v[2];
        v[0] = rotate(v[0], 32);
        v[2] += v[1];
        v[0] += v[3];
        v[1] = rotate(v[1], 17) ^ v[2];
        v[3] = rotate(v[3], 21) ^ v[0];
        v[2] = rotate(v[2], 32);
    }
}

/* Eight bytes, the first the lowest; a compiler makes one load of it. */
static uint64_t word_at(const char *bytes)
{
    const uint8_t *b = (const uint8_t *)bytes;
    return (uint64_t)b[0] | (uint64_t)b[1] << 8 | (uint64_t)b[2] << 16 | (uint64_t)b[3] << 24 |
           (uint64_t)b[4] << 32 | (uint64_t)b[5] << 40 | (uint64_t)b[6] << 48 | (uint64_t)b[7] << 56;
}

/* Less than eight bytes. */
static uint64_t last_word(struct bytes rest)
{
    uint64_t word = 0;
    for (size_t i = rest.len; i-- > 0;) {
        word = word << 8 | (uint8_t)rest.ptr[i];
    }
    return word;
}

static void absorb(struct state *state, uint64_t word)
{
    state->v[3] ^= word;
    mix(state, 1);
    state->v[0] ^= word;
}

static uint64_t squeeze(struct state *state)
{
    mix(state, 3);
    return state->v[0] ^ state->v[1] ^ state->v[2] ^ state->v[3];
}

struct siphash siphash_of(const struct siphash_key *key, struct bytes data)
{
    struct state state = {{key->words[0] ^ 0x736f6d6570736575, key->words[1] ^ 0x646f72616e646f6d ^ 0xee,
                           key->words[0] ^ 0x6c7967656e657261, key->words[1] ^ 0x7465646279746573}};
    uint64_t length = data.len;
    struct siphash hash;
    for (; data.len >= 8; data = (struct bytes){data.ptr + 8, data.len - 8}) {
        absorb(&state, word_at(data.ptr));
    }
    absorb(&state, last_word(data) | length << 56);
    state.v[2] ^= 0xee;
    hash.words[0] = squeeze(&state);
    state.v[1] ^= 0xdd;
    hash.words[1] = squeeze(&state);
    return hash;
}
