/* Whom a name means: what is to be asked of the directory for it, and what may be an answer. Pure. Internal
 * to the room. */
#ifndef AUTH_PRINCIPAL_H
#define AUTH_PRINCIPAL_H

#include "auth/accounts.h"
#include "auth/search_queue.h"

struct principal_context {
    enum directory_flavor flavor;
    const char *base; /* of the accounts */
    const char *configuration_context;
    const char *const *login_attributes;
    size_t login_attribute_count; /* 0: by flavor */
};

struct principal_name {
    enum account_name_kind kind;
    struct bytes name;
};

/* Fills in base, scope and filter. ERROR_SYNTAX: nobody can be called that; ERROR_NOT_FOUND: it is of
 * another realm or domain. Else the filter's ceiling. */
MUST_USE enum error principal_ask(const struct principal_context *context, const struct principal_name *name,
                                  struct search_question *out, struct note *note);
/* Whether the domain of an NTLM name is the directory's own is only known to the directory: fills in the
 * search that finds one entry if it is. False: nothing is to be asked. */
MUST_USE enum error principal_ask_domain(const struct principal_context *context,
                                         const struct principal_name *name, struct search_question *out,
                                         bool *out_is_some);
/* What one types into a client: "DOMAIN\alice" where the directory has domains. */
struct principal_name principal_read_login(const struct principal_context *context,
                                           const struct principal_name *name);
/* It may be somebody's: neither a group nor an entry that only holds a Kerberos key. */
bool principal_may_log_in(const struct entry *entry);
/* A person's, a computer's: its SID is nobody else's. */
bool principal_is_account(const struct entry *entry);
/* The part of a DN that is made of domain components, in normal form: "dc=contoso,dc=com"; and as a name of
 * DNS: "contoso.com". Both may be empty. */
MUST_USE enum error principal_domain(struct bytes dn, struct buffer *out_dn, struct buffer *out_name);

#endif
