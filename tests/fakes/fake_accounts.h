/* People without a directory: an account source and a password prover over one table; for tests of AUTH. */
#ifndef FAKE_ACCOUNTS_H
#define FAKE_ACCOUNTS_H

#include "auth/account_source.h"
#include "auth/password.h"

#define FAKE_PEOPLE_MAX 8

/* By the number of the person: DN "uid=<name>,ou=people,dc=example,dc=test", id all bytes number + 1, SID
 * S-1-5-21-1-2-3-<1000 + number>. */
struct fake_person {
    const char *name;      /* any kind of name but an id */
    const char *also;      /* another name of the same, or NULL */
    const char *password;  /* or NULL: no password is right */
    enum error full_error; /* what asking for the token answers: of disabled accounts and the like */
};

struct fake_accounts {
    struct account_source source;
    struct password_prover prover;
    struct fake_person people[FAKE_PEOPLE_MAX];
    enum error source_error;                  /* of every asking, or OK */
    enum error prover_error;                  /* of every proof, or OK */
    void (*on_prove)(struct fake_accounts *); /* on the prover's thread, before it answers; or NULL */
    bool is_current;
    atomic_uint ask_count;
    atomic_uint wait_count;
    atomic_uint prove_count;
};

/* Sets the tables of functions; the rest is the test's. */
void fake_accounts_init(struct fake_accounts *fake);

#endif
