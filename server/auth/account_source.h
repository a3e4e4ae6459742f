/* Who answers for accounts, as a function table: the directory's (account_source_of) or a fake of the tests.
 */
#ifndef AUTH_ACCOUNT_SOURCE_H
#define AUTH_ACCOUNT_SOURCE_H

#include "auth/accounts.h"

struct account_source;

/* As accounts_ask, accounts_ask_and_wait and accounts_is_current. */
struct account_source_ops {
    void (*ask)(struct account_source *source, struct account_request *request);
    void (*ask_and_wait)(struct account_source *source, struct account_request *request);
    bool (*is_current)(const struct account_source *source, const struct account *account);
};

struct account_source {
    const struct account_source_ops *ops;
    struct accounts *accounts; /* of account_source_of */
};

/* Borrows. */
struct account_source account_source_of(struct accounts *accounts);

#endif
