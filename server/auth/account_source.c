#include "auth/account_source.h"

static void ask(struct account_source *source, struct account_request *request)
{
    accounts_ask(source->accounts, request);
}

static void ask_and_wait(struct account_source *source, struct account_request *request)
{
    accounts_ask_and_wait(source->accounts, request);
}

static bool is_current(const struct account_source *source, const struct account *account)
{
    return accounts_is_current(source->accounts, account);
}

struct account_source account_source_of(struct accounts *accounts)
{
    static const struct account_source_ops ops = {ask, ask_and_wait, is_current};
    return (struct account_source){&ops, accounts};
}
