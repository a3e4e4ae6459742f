#include "security/token.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>

#define TOKEN_SID_MAX  65535
#define TOKEN_SLOT_MIN 4

/* Open addressing with linear probing. index is the SID's place plus one, 0 marks a free slot; the hash
 * beside it saves the comparison of SIDs for nearly every miss. */
struct token_slot {
    uint32_t hash;
    uint32_t index;
};

struct token_member {
    struct sid sid;
    bool is_deny_only;
};

/* One block of memory: members and slots lie behind it. Only the count of references ever changes. */
struct token {
    atomic_size_t references;
    size_t count;
    uint32_t slot_mask;
    struct token_slot *slots;
    struct token_member members[];
};

/* A power of two, at most half full, so that a probe for a stranger ends soon. */
static size_t slots_for(size_t count)
{
    size_t slots = TOKEN_SLOT_MIN;

    while (slots < 2 * count)
        slots *= 2;
    return slots;
}

/* The slot that holds the SID, or the free one where it would go. */
static struct token_slot *find(const struct token *token, const struct sid *sid, uint32_t hash)
{
    for (uint32_t at = hash & token->slot_mask;; at = (at + 1) & token->slot_mask) {
        struct token_slot *slot = &token->slots[at];

        if (slot->index == 0)
            return slot;
        if (slot->hash == hash && sid_equal(&token->members[slot->index - 1].sid, sid))
            return slot;
    }
}

/* Of a SID given twice the narrower meaning is kept. */
static void add(struct token *token, const struct sid *sid, bool is_deny_only)
{
    uint32_t hash = sid_hash(sid);
    struct token_slot *slot = find(token, sid, hash);

    if (slot->index != 0) {
        token->members[slot->index - 1].is_deny_only |= is_deny_only;
        return;
    }
    token->members[token->count++] = (struct token_member){*sid, is_deny_only};
    *slot = (struct token_slot){hash, (uint32_t)token->count};
}

/* Empty, with room for so many. */
static struct token *make(size_t count)
{
    size_t slot_count = slots_for(count);
    struct token *token;

    if (count > TOKEN_SID_MAX)
        return NULL;
    token = calloc(1, sizeof(*token) + count * sizeof(struct token_member) +
                          slot_count * sizeof(struct token_slot));
    if (!token)
        return NULL;
    atomic_init(&token->references, 1);
    token->slot_mask = (uint32_t)slot_count - 1;
    token->slots = (struct token_slot *)(void *)(token->members + count);
    return token;
}

struct token *token_new(const struct sid *sids, const bool *deny_only, size_t count)
{
    assert(count > 0);
    struct token *token = make(count);

    for (size_t i = 0; token && i < count; i++)
        add(token, &sids[i], deny_only && deny_only[i]);
    return token;
}

struct token *token_with(const struct token *token, const struct sid *sid)
{
    struct token *wider = make(token->count + 1);

    if (!wider)
        return NULL;
    for (size_t i = 0; i < token->count; i++)
        add(wider, &token->members[i].sid, token->members[i].is_deny_only);
    add(wider, sid, false);
    return wider;
}

struct token *token_ref(struct token *token)
{
    atomic_fetch_add_explicit(&token->references, 1, memory_order_relaxed);
    return token;
}

void token_unref(struct token *token)
{
    if (token && atomic_fetch_sub_explicit(&token->references, 1, memory_order_acq_rel) == 1)
        free(token);
}

bool token_has(const struct token *token, const struct sid *sid, bool *out_deny_only)
{
    const struct token_slot *slot = find(token, sid, sid_hash(sid));

    if (slot->index == 0)
        return false;
    if (out_deny_only)
        *out_deny_only = token->members[slot->index - 1].is_deny_only;
    return true;
}

size_t token_count(const struct token *token)
{
    return token->count;
}

const struct sid *token_sid(const struct token *token, size_t index)
{
    assert(index < token->count);
    return &token->members[index].sid;
}
