#include "auth/account.h"

#include <stdlib.h>

const struct account *account_ref(const struct account *account)
{
    struct account *counted = (struct account *)(uintptr_t)account;
    atomic_fetch_add_explicit(&counted->references, 1, memory_order_relaxed);
    return account;
}

void account_unref(const struct account *account)
{
    struct account *counted = (struct account *)(uintptr_t)account;
    if (counted == NULL || atomic_fetch_sub_explicit(&counted->references, 1, memory_order_acq_rel) != 1) {
        return;
    }
    token_unref(counted->token);
    arena_done(&counted->arena);
    free(counted);
}

bool account_owns(const struct account *account, struct bytes address)
{
    for (size_t i = 0; i < account->address_count; i++)
        if (bytes_equal_text_nocase(address, account->addresses[i]))
            return true;
    return false;
}
