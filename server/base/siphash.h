/* A keyed hash of 128 bits: who does not know the key can neither make two inputs meet nor aim at a place in
 * a table. Not for signatures. Spec: Aumasson and Bernstein, SipHash-1-3 (the variant
 * of hash tables) with 128 bits of output. */
#ifndef BASE_SIPHASH_H
#define BASE_SIPHASH_H

#include "base/bytes.h"

struct siphash_key {
    uint64_t words[2];
};
struct siphash {
    uint64_t words[2];
};

/* Pure; about a nanosecond a byte. */
struct siphash siphash_of(const struct siphash_key *key, struct bytes data);

#endif
